//! A way to a server on which tests can watch and stop what flows.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

const TICK: Duration = Duration::from_millis(2);

/// Forwards TCP connections to a server; ends with its handle.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    paused: AtomicBool,
    refusing: AtomicBool,
    /// How long each piece of what flows is kept, in milliseconds.
    delay_ms: AtomicU64,
    /// Whether one byte of the next piece that the server sends is changed.
    corrupting: AtomicBool,
    ended: AtomicBool,
    /// Both ends of each connection.
    streams: Mutex<Vec<TcpStream>>,
    open: AtomicUsize,
    received: AtomicU64,
}

impl Proxy {
    /// A proxy of the server at this `host:port`, on a free port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub fn to(server: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared::default());
        let (server, accepting) = (server.to_owned(), Arc::clone(&shared));
        thread::spawn(move || {
            while !accepting.ended.load(SeqCst) {
                match listener.accept() {
                    Ok((client, _)) => forward(client, &server, &accepting),
                    Err(_) => thread::sleep(TICK),
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// Where clients connect to, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Holds back everything from now on: the server looks as if it had gone silent.
    pub fn pause(&self) {
        self.shared.paused.store(true, SeqCst);
    }

    /// Lets everything through again, also what waited.
    pub fn resume(&self) {
        self.shared.paused.store(false, SeqCst);
    }

    /// Closes all connections. New ones are let through.
    pub fn cut(&self) {
        for stream in self.shared.streams.lock().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether new connections are closed at once, as those of a server that has gone. Those that are open
    /// stay: see [`cut`](Self::cut).
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, SeqCst);
    }

    /// Keeps each piece of what flows for so long, in both directions.
    pub fn delay(&self, by: Duration) {
        self.shared.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), SeqCst);
    }

    /// Changes one byte of what the server sends next.
    pub fn corrupt(&self) {
        self.shared.corrupting.store(true, SeqCst);
    }

    /// Connections that neither side has closed.
    pub fn connections(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    /// Bytes that clients took from the server.
    pub fn received(&self) -> u64 {
        self.shared.received.load(SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
    }
}

fn forward(client: TcpStream, server: &str, shared: &Arc<Shared>) {
    // A server that is away closes the connection of its client.
    if shared.refusing.load(SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(server) else { return };
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
    if client.set_nonblocking(false).is_err() {
        return;
    }
    shared.open.fetch_add(1, SeqCst);
    shared.streams.lock().extend([client.try_clone(), server.try_clone()].into_iter().flatten());
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    thread::spawn(move || pump(client_too, server_too, &up, false));
    thread::spawn(move || {
        pump(server, client, &down, true);
        down.open.fetch_sub(1, SeqCst);
    });
}

/// Copies until a side closes; then both are closed. `answers` is whether it is the server's side.
fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, answers: bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        thread::sleep(Duration::from_millis(shared.delay_ms.load(SeqCst)));
        if answers && shared.corrupting.swap(false, SeqCst) {
            buffer[read / 2] ^= 0x5a;
        }
        while shared.paused.load(SeqCst) && !shared.ended.load(SeqCst) {
            thread::sleep(TICK);
        }
        if shared.ended.load(SeqCst) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        if answers {
            shared.received.fetch_add(read as u64, SeqCst);
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
