//! A way to a server on which tests can watch and stop what flows.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

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
    ended: AtomicBool,
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

    /// Lets everything through again, also what was held back.
    pub fn resume(&self) {
        self.shared.paused.store(false, SeqCst);
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
    let Ok(server) = TcpStream::connect(server) else { return };
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
    if client.set_nonblocking(false).is_err() {
        return;
    }
    shared.open.fetch_add(1, SeqCst);
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    thread::spawn(move || pump(client_too, server_too, &up, |_| {}));
    thread::spawn(move || {
        pump(server, client, &down, |bytes| _ = down.received.fetch_add(bytes, SeqCst));
        down.open.fetch_sub(1, SeqCst);
    });
}

/// Copies until a side closes; then both are closed.
fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, count: impl Fn(u64)) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        while shared.paused.load(SeqCst) && !shared.ended.load(SeqCst) {
            thread::sleep(TICK);
        }
        if shared.ended.load(SeqCst) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        count(read as u64);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
