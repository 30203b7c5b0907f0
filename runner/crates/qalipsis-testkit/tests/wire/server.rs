//! A server of lines: `ping` is answered, `read` gives all records from then on, `count` how many there were.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, SystemTime};

use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_testkit::plugin::wire::VALUE_BYTES;

/// It lives as long as the test process.
pub(crate) struct Server {
    pub(crate) address: String,
    filled: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let filled = Arc::new(AtomicUsize::new(0));
        let records = Arc::clone(&filled);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let records = Arc::clone(&records);
                // An error is a client that is gone.
                thread::spawn(move || serve(stream.unwrap(), &records));
            }
        });
        Self { address, filled }
    }

    pub(crate) fn fill(&self, count: usize) {
        self.filled.fetch_add(count, SeqCst);
    }
}

fn serve(stream: TcpStream, filled: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        let out = stream.get_mut();
        match line.trim() {
            "ping" => out.write_all(b"pong\n")?,
            "count" => writeln!(out, "{}", filled.load(SeqCst))?,
            _ => {
                let mut sent = filled.load(SeqCst);
                writeln!(out, "{sent}")?;
                loop {
                    while sent < filled.load(SeqCst) {
                        let now = Timestamp::from_system(SystemTime::now()).0;
                        writeln!(out, "{now} {}", "x".repeat(VALUE_BYTES))?;
                        sent += 1;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        line.clear();
    }
    Ok(())
}
