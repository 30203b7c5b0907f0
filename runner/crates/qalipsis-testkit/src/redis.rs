//! A real Redis server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::certificates::IdentityFiles;
use crate::port::free_port;
use crate::process::Process;

/// Environment variable with the address (`host:port`) of a running Redis to use instead of starting one.
/// It must let anybody in without a password.
pub const REDIS_ADDRESS: &str = "QALIPSIS_TEST_REDIS";

/// Far longer than a server needs (0.04 s), for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(30);

/// How long a server may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const INSTALL: &str = "install it with `apt-get install --no-install-recommends redis-server`";

/// Every write is in the system's file cache before it is acknowledged, so that a server that is killed
/// comes back with all of it; nothing waits for the disk.
const OPTIONS: &[&str] = &["--save", "", "--appendonly", "yes", "--appendfsync", "no"];

/// Redis on a free port of 127.0.0.1, with its data in a temporary directory. It ends with its handle.
#[derive(Debug)]
pub struct RedisServer {
    address: String,
    scheme: &'static str,
    password: Option<String>,
    /// `None` for a server that somebody else runs.
    node: Option<Node>,
}

/// A server that was started here.
#[derive(Debug)]
struct Node {
    port: u16,
    options: Vec<String>,
    // Declared before the directory, so that the process ends before its files are removed.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

impl RedisServer {
    /// A server of this test's own, or the one that [`REDIS_ADDRESS`] names.
    ///
    /// # Errors
    ///
    /// When redis-server is missing (with the package to install), or does not start or answer.
    pub fn start() -> anyhow::Result<Self> {
        match std::env::var(REDIS_ADDRESS) {
            Ok(address) if !address.is_empty() => Self::running_at(&address),
            _ => Self::start_own(),
        }
    }

    /// A server of this test's own in any case, for tests that [`stop`](Self::stop) it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_own() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// A server of this test's own that lets in only who knows this password.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_password(password: &str) -> anyhow::Result<Self> {
        Self::launch(&["--requirepass", password], Some(password.to_owned()), false)
    }

    /// A server of this test's own with further options of redis-server: `["--cluster-enabled", "yes"]`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(options: &[&str]) -> anyhow::Result<Self> {
        Self::launch(options, None, false)
    }

    /// A server of this test's own that speaks TLS only, with the certificate and key in these PEM files.
    /// It asks no client for a certificate.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_tls(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let path = |path: &Path| path.to_str().map(str::to_owned).context("a path that is not UTF-8");
        let (certificate, key) = (path(certificate)?, path(key)?);
        let options = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
        Self::launch(&options, None, true)
    }

    /// The same, asking every client for a certificate of the authority in `files`.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_client_certificates(files: &IdentityFiles) -> anyhow::Result<Self> {
        let path = |path: &Path| path.to_str().map(str::to_owned).context("a path that is not UTF-8");
        let (ca, certificate, key) = (path(&files.ca)?, path(&files.certificate)?, path(&files.key)?);
        let options = [
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            "yes",
        ];
        Self::launch(&options, None, true)
    }

    fn launch(options: &[&str], password: Option<String>, tls: bool) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-redis-")
            .tempdir()
            .context("failed to create a directory for Redis")?;
        let port = free_port()?;
        let ports = match tls {
            true => ["--port".to_owned(), "0".to_owned(), "--tls-port".to_owned(), port.to_string()].to_vec(),
            false => ["--port".to_owned(), port.to_string()].to_vec(),
        };
        let options = OPTIONS.iter().chain(options).map(|option| (*option).to_owned()).chain(ports).collect();
        let node = Node { port, options, process: Mutex::new(None), directory };
        let scheme = if tls { "rediss" } else { "redis" };
        let server = Self { address: format!("127.0.0.1:{port}"), scheme, password, node: Some(node) };
        server.restart()?;
        Ok(server)
    }

    /// One server for all tests of a test binary, started by the first that asks. It ends with the test
    /// binary. Tests that share it need keys of their own, and must not stop it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), the same for every caller.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<RedisServer>> = LazyLock::new(RedisServer::start);
        SHARED.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn running_at(address: &str) -> anyhow::Result<Self> {
        let server = Self { address: address.to_owned(), scheme: "redis", password: None, node: None };
        server.answer().with_context(|| {
            format!("no Redis at {address}, which {REDIS_ADDRESS} names; unset it to have one started")
        })?;
        Ok(server)
    }

    /// The URL to connect to, with the password if there is one: `redis://127.0.0.1:20123/0`.
    pub fn url(&self) -> String {
        let login = self.password.as_ref().map_or(String::new(), |password| format!(":{password}@"));
        format!("{}://{login}{}/0", self.scheme, self.address)
    }

    /// The address, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Process id of the server; `None` while it is stopped, or if somebody else runs it.
    pub fn pid(&self) -> Option<u32> {
        self.node.as_ref()?.process.lock().as_ref().map(Process::pid)
    }

    /// Kills the server. Its port stays closed and its data stay, for [`restart`](Self::restart).
    ///
    /// # Errors
    ///
    /// When somebody else runs the server.
    pub fn stop(&self) -> anyhow::Result<()> {
        // Dropping the process waits for its end.
        drop(self.node()?.process.lock().take());
        Ok(())
    }

    /// Starts the server again on the same port with the same data, after killing it if it runs.
    ///
    /// # Errors
    ///
    /// When somebody else runs the server, or it does not start or answer.
    pub fn restart(&self) -> anyhow::Result<()> {
        let node = self.node()?;
        let mut process = node.process.lock();
        drop(process.take());
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--dir"]).arg(node.directory.path()).args(&node.options);
        command.current_dir(node.directory.path());
        let started = Process::spawn_with_directory(&mut command, Some(node.directory.path()))
            .with_context(|| format!("no redis-server on this machine; {INSTALL}"))?;
        started
            .wait_for_line(|line| line.contains("Ready to accept connections"), START_WITHIN)
            .with_context(|| format!("Redis did not start on port {}", node.port))?;
        *process = Some(started);
        // A server with TLS is not asked: that would need a TLS client, and the line above is as good.
        if self.scheme == "redis" { self.answer() } else { Ok(()) }
    }

    fn node(&self) -> anyhow::Result<&Node> {
        self.node.as_ref().with_context(|| {
            format!(
                "the Redis at {} is not the test's own ({REDIS_ADDRESS} is set): use start_own()",
                self.address
            )
        })
    }

    /// Has the server answer a request.
    fn answer(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(&self.address)
            .with_context(|| format!("Redis at {} can't be connected to", self.address))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let request = match &self.password {
            Some(password) => format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\nPING\r\n", password.len()),
            None => "PING\r\n".to_owned(),
        };
        stream.write_all(request.as_bytes())?;
        let deadline = Instant::now() + ANSWER_WITHIN;
        let (mut answer, mut buffer) = (String::new(), [0; 256]);
        while !answer.contains("+PONG\r\n") {
            let read = stream
                .read(&mut buffer)
                .with_context(|| format!("Redis at {} does not answer", self.address))?;
            answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
            if read == 0 || answer.starts_with('-') || Instant::now() > deadline {
                bail!("Redis at {} answers a PING with {:?}", self.address, answer.trim_end());
            }
        }
        Ok(())
    }
}
