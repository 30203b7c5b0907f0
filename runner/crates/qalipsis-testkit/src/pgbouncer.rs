//! A real pgbouncer in front of a PostgreSQL server.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::port::free_port;
use crate::postgres::{POSTGRES_PASSWORD, PostgresServer};
use crate::process::Process;

const PROGRAM: &str = "/usr/sbin/pgbouncer";

const INSTALL: &str = "install it with `apt-get install --no-install-recommends pgbouncer`";

/// Far longer than it needs, for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(20);

/// A pooler that gives each transaction whichever of its connections is free (`pool_mode = transaction`), on a
/// free port of 127.0.0.1. It ends with its handle.
#[derive(Debug)]
pub struct PgBouncer {
    url: String,
    // Declared before the directory, so that the process ends before its files are removed.
    _process: Process,
    _directory: TempDir,
}

impl PgBouncer {
    /// A pooler with so many connections to the server for each database.
    ///
    /// # Errors
    ///
    /// When pgbouncer is missing (with the package to install), or does not start.
    pub fn start(server: &PostgresServer, connections: u32) -> anyhow::Result<Self> {
        if !Path::new(PROGRAM).exists() {
            bail!("{PROGRAM} is missing; {INSTALL}");
        }
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-pgbouncer-")
            .tempdir()
            .context("failed to create a directory for pgbouncer")?;
        let (host, server_port) = server.address().split_once(':').context("the server has no port")?;
        let port = free_port()?;
        let (users, settings) = (directory.path().join("users.txt"), directory.path().join("pgbouncer.ini"));
        fs::write(&users, format!("\"postgres\" \"{POSTGRES_PASSWORD}\"\n"))?;
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = trust\nauth_file = {}\npool_mode = transaction\n\
                 default_pool_size = {connections}\n",
                users.display()
            ),
        )?;
        // It gives up root's rights before it reads them.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let mut command = Command::new(PROGRAM);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "postgres"]);
        }
        command.arg(&settings);
        let process = Process::spawn_with_directory(&mut command, Some(directory.path()))?;
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if process.status().is_some() || Instant::now() > deadline {
                bail!("pgbouncer did not start: {}", process.stderr());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let url = format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/postgres");
        Ok(Self { url, _process: process, _directory: directory })
    }

    /// The URL to connect to as superuser.
    pub fn url(&self) -> &str {
        &self.url
    }
}
