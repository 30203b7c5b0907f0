//! A real RabbitMQ server.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::certificates::{Authority, Identity};
use crate::port::free_port;
use crate::process::Process;

/// Environment variable with the address (`host:port`) of a running server to use instead of starting one.
/// It must let `guest` in with the password `guest`.
pub const RABBITMQ_ADDRESS: &str = "QALIPSIS_TEST_RABBITMQ";

/// Where the package puts what it starts.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

const INSTALL: &str = "install it with `apt-get install --no-install-recommends rabbitmq-server`";

const START_SCRIPT: &str = include_str!("../rabbitmq/start.sh");

/// Far longer than a server needs (9 s), for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(120);

/// How long a server may take to answer a connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How long a killed server may take to be gone.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Erlang's schedulers would otherwise spin for a while whenever they have nothing to do.
const ERLANG_OPTIONS: &str = "+sbwt none +sbwtdcpu none +sbwtdio none";

/// RabbitMQ as a single node, on free ports of 127.0.0.1, with its data in a temporary directory and an epmd
/// of its own. It ends with its handle.
#[derive(Debug)]
pub struct RabbitMq {
    address: String,
    /// `None` for a server that somebody else runs.
    node: Option<Node>,
}

/// A server that was started here.
#[derive(Debug)]
struct Node {
    port: u16,
    distribution_port: u16,
    epmd_port: u16,
    tls: RabbitMqTls,
    // Declared before the directory, so that the process ends before its files are removed.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

/// How to reach a server by TLS.
#[derive(Debug, Clone)]
pub struct RabbitMqTls {
    /// The address, as `amqps://guest:guest@127.0.0.1:port/%2f`.
    pub url: String,
    /// The certificate authority of the server, which is also the one that the server asks clients for. A
    /// client may come without a certificate, but not with one of another authority.
    pub ca_pem: String,
    /// Certificate and private key that the server accepts of a client.
    pub identity_pem: String,
}

impl RabbitMq {
    /// A server of this test's own, or the one that [`RABBITMQ_ADDRESS`] names. Takes about 9 s: share one
    /// with [`shared`](Self::shared) where possible.
    ///
    /// # Errors
    ///
    /// When RabbitMQ is missing (with the package to install), or does not start or answer.
    pub fn start() -> anyhow::Result<Self> {
        match std::env::var(RABBITMQ_ADDRESS) {
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
        let authority = Authority::new()?;
        let identity = authority.identity(&["localhost", "127.0.0.1"])?;
        Self::start_as(&authority, &identity, false)
    }

    /// A server of this test's own with this identity. With `mutual`, a client has to have a certificate of the
    /// authority; otherwise it may come without one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_as(authority: &Authority, identity: &Identity, mutual: bool) -> anyhow::Result<Self> {
        if !Path::new(PROGRAMS).join("rabbitmq-server").is_file() {
            bail!("there is no {PROGRAMS}/rabbitmq-server; {INSTALL}");
        }
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-rabbitmq-")
            .tempdir()
            .context("failed to create a directory for the RabbitMQ server")?;
        let (port, tls_port) = (free_port()?, free_port()?);
        let paths = identity.write(authority, directory.path())?;
        let (ca, certificate, key) = (paths.ca.display(), paths.certificate.display(), paths.key.display());
        let tls = RabbitMqTls {
            url: format!("amqps://guest:guest@127.0.0.1:{tls_port}/%2f"),
            ca_pem: authority.pem(),
            identity_pem: authority.identity(&["client"])?.pem(),
        };
        let configuration = format!(
            "listeners.ssl.1 = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {ca}\n\
             ssl_options.certfile = {certificate}\n\
             ssl_options.keyfile = {key}\n\
             ssl_options.verify = verify_peer\n\
             ssl_options.fail_if_no_peer_cert = {mutual}\n\
             log.console.level = info\n\
             vm_memory_high_watermark.relative = 0.8\n\
             disk_free_limit.absolute = 1MB\n"
        );
        write(directory.path(), "rabbitmq.conf", &configuration)?;
        write(directory.path(), "enabled_plugins", "[].\n")?;
        let node = Node {
            port,
            distribution_port: free_port()?,
            epmd_port: free_port()?,
            tls,
            process: Mutex::new(None),
            directory,
        };
        let server = Self { address: format!("127.0.0.1:{port}"), node: Some(node) };
        server.restart()?;
        Ok(server)
    }

    /// One server for all tests of a test binary, started by the first that asks. It ends with the test
    /// binary. Tests that share it need queues and exchanges of their own, and must not stop it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), the same for every caller.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<RabbitMq>> = LazyLock::new(RabbitMq::start);
        SHARED.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn running_at(address: &str) -> anyhow::Result<Self> {
        let server = Self { address: address.to_owned(), node: None };
        server.answer().with_context(|| {
            format!(
                "no RabbitMQ server at {address}, which {RABBITMQ_ADDRESS} names; unset it to have one started"
            )
        })?;
        Ok(server)
    }

    /// The address to connect to, as `amqp://guest:guest@127.0.0.1:port/%2f`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address)
    }

    /// The address as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How to reach it by TLS.
    ///
    /// # Errors
    ///
    /// When somebody else runs the server.
    pub fn tls(&self) -> anyhow::Result<&RabbitMqTls> {
        Ok(&self.node()?.tls)
    }

    /// Process id of the server; `None` while it is stopped, or if somebody else runs it.
    pub fn pid(&self) -> Option<u32> {
        self.node.as_ref()?.process.lock().as_ref().map(Process::pid)
    }

    /// Kills the server. Its ports stay closed and its data stay, for [`restart`](Self::restart): durable
    /// queues with their persistent messages, as far as those were confirmed.
    ///
    /// # Errors
    ///
    /// When somebody else runs the server.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.node()?.end()
    }

    /// Starts the server again on the same ports with the same data, after killing it if it runs.
    ///
    /// # Errors
    ///
    /// When somebody else runs the server, or it does not start or answer.
    pub fn restart(&self) -> anyhow::Result<()> {
        let node = self.node()?;
        node.end()?;
        let started = node.run()?;
        started
            .wait_for_line(|line| line.contains("Server startup complete"), START_WITHIN)
            .context("the RabbitMQ server did not start")?;
        *node.process.lock() = Some(started);
        self.answer()
    }

    fn node(&self) -> anyhow::Result<&Node> {
        self.node.as_ref().with_context(|| {
            format!(
                "the RabbitMQ server at {} is not the test's own ({RABBITMQ_ADDRESS} is set): use start_own()",
                self.address
            )
        })
    }

    /// Has the server begin the protocol.
    fn answer(&self) -> anyhow::Result<()> {
        let silent = || format!("the RabbitMQ server at {} does not answer", self.address);
        let addresses: Vec<SocketAddr> = self.address.to_socket_addrs().with_context(silent)?.collect();
        let address = addresses.first().with_context(silent)?;
        let mut stream = TcpStream::connect_timeout(address, ANSWER_WITHIN).with_context(silent)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01").with_context(silent)?;
        // A frame of the type "method" on channel 0.
        let mut frame = [0; 3];
        stream.read_exact(&mut frame).with_context(silent)?;
        if frame != [1, 0, 0] {
            bail!("what listens at {} does not speak AMQP 0-9-1", self.address);
        }
        Ok(())
    }
}

impl Node {
    fn run(&self) -> anyhow::Result<Process> {
        let directory = self.directory.path();
        let mut command = Command::new("sh");
        command
            .args(["-c", START_SCRIPT, "rabbitmq"])
            .current_dir(directory)
            .env("HOME", directory)
            .env("RABBITMQ_NODENAME", format!("r{}@localhost", self.port))
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_MNESIA_BASE", directory.join("data"))
            .env("RABBITMQ_LOG_BASE", directory.join("log"))
            // To standard output.
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", directory.join("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", directory.join("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", directory.join("rabbitmq.conf"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG_OPTIONS);
        Process::spawn_with_directory(&mut command, Some(directory))
    }

    /// Kills the server, and returns when nothing of it listens any more. The process that was started is the
    /// shell of RabbitMQ's own script; its children are killed with it, and end a moment later.
    fn end(&self) -> anyhow::Result<()> {
        let Some(process) = self.process.lock().take() else { return Ok(()) };
        drop(process);
        let deadline = Instant::now() + END_WITHIN;
        for port in [self.port, self.epmd_port] {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                if Instant::now() > deadline {
                    bail!("port {port} of the killed RabbitMQ server is still open after {END_WITHIN:?}");
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path: PathBuf = directory.join(name);
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
}
