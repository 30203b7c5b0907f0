//! Starts a built shop and ends it; only the standard library, so that a scenario can link it cheaply.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How long the shop may take until it is ready; a real broker may take 30 s to assign partitions.
const READY_WITHIN: Duration = Duration::from_secs(45);
/// How long the shop may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(1);
/// How often to look whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Bytes of the shop's log that are kept for error messages; the rest is read and thrown away.
const LOG_BYTES_MAX: usize = 64 * 1024;

/// Starts the shop's executable and waits until it is ready.
///
/// ```no_run
/// let shop = shop::Launcher::new("target/release/shop").arg("--embedded-kafka").arg("--drop").arg("1").start()?;
/// println!("orders go to {}/orders, events come from {}", shop.http(), shop.kafka());
/// # anyhow::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// A shop that is ready. Dropping it closes its stdin, waits one second, and then kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    http: String,
    far: Option<String>,
    kafka: String,
    log: Log,
}

impl Launcher {
    /// A launcher of the executable at `program`, without flags.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), arguments: Vec::new() }
    }

    /// Adds one argument: a flag or a flag's value.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Starts the shop with `--exit-with-stdin`, so that it ends when this process does, however that ends.
    ///
    /// # Errors
    /// If the executable cannot be started, ends before it is ready (the error carries what it logged), or
    /// is not ready within 45 s.
    pub fn start(self) -> anyhow::Result<Running> {
        let program = self.program.display();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the shop {program}; is it built?"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the shop has no stdout")?;
        let log = Log::of(child.stderr.take().context("the shop has no stderr")?);
        // From here on dropping it ends the child, also when the rest fails.
        let mut running = Running { child, stdin, http: String::new(), far: None, kafka: String::new(), log };

        let (sender, ready) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            // Nobody listens any more when the time is over.
            let _ = sender.send(read.map(|_| line));
        });
        let line = match ready.recv_timeout(READY_WITHIN) {
            Ok(line) => line.context("cannot read the shop's ready line")?,
            Err(_) => {
                bail!("the shop {program} is not ready after {} s: {}", READY_WITHIN.as_secs(), running.log())
            }
        };
        if line.is_empty() {
            let status = running.stop().context("cannot wait for the shop")?;
            running.log.wait();
            bail!("the shop {program} did not start ({status}): {}", running.log().trim_end());
        }
        let unexpected = || format!("unexpected ready line of the shop {program}: {line:?}");
        running.http = format!("http://{}", field(&line, "http").with_context(unexpected)?);
        running.far = field(&line, "far").map(|far| format!("http://{far}"));
        running.kafka = field(&line, "kafka").with_context(unexpected)?.to_owned();
        Ok(running)
    }
}

impl Running {
    /// Base address of the front, such as `http://127.0.0.1:40123`.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// Base address of the slow front, with `--far-delay`.
    pub fn far(&self) -> Option<&str> {
        self.far.as_deref()
    }

    /// Bootstrap servers of the Kafka that the shop uses, such as `127.0.0.1:40124`.
    pub fn kafka(&self) -> &str {
        &self.kafka
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first 64 KB that the shop logged.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Ends the shop as dropping does, and gives how it ended: code 0 if by itself, a signal if killed.
    ///
    /// # Errors
    /// If the operating system does not let this process wait for the shop.
    pub fn end(mut self) -> anyhow::Result<ExitStatus> {
        self.stop().context("cannot wait for the shop")
    }

    fn stop(&mut self) -> std::io::Result<ExitStatus> {
        self.stdin = None;
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK_EVERY);
        }
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended or cannot be ended; there is nothing left to do about either.
        let _ = self.stop();
    }
}

/// Collects what the shop writes to stderr, so that the pipe never fills.
#[derive(Debug)]
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    fn of(mut stderr: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LOG_BYTES_MAX - kept.len();
                kept.extend_from_slice(&buffer[..length.min(room)]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    /// Waits until the shop has closed stderr.
    fn wait(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked leaves what it had read.
            let _ = reader.join();
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// The value of a text field in the ready line, whose values never need escapes.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}
