//! A real PostgreSQL server.

use std::fs::{self, Permissions};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::certificates::{Authority, Identity};
use crate::port::free_port;
use crate::process::Process;

/// Environment variable with the URL of a running server to use instead of starting one
/// (`postgres://user:password@host:port/database`). The user must be allowed to create databases and roles.
pub const POSTGRES_URL: &str = "QALIPSIS_TEST_POSTGRES";

/// The password of the superuser `postgres` of a server that was started here, for tests that look for it
/// where it must not show.
pub const POSTGRES_PASSWORD: &str = "open-sesame-1357";

const INSTALL: &str = "install it with `apt-get install --no-install-recommends postgresql`";

/// Where Debian has its versions of PostgreSQL, which are not on PATH.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The account that Debian's package brings. PostgreSQL refuses to run as root.
const ACCOUNT: &str = "postgres";

/// Far longer than a server needs (2 s), for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How long a server may take to end.
const END_WITHIN: Duration = Duration::from_secs(20);

/// How long a server that somebody else runs may take to answer: it should be there already.
const GIVEN_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// PostgreSQL on a free port of 127.0.0.1, with its data in a temporary directory. It offers TLS, demands
/// a password of everybody, and ends with its handle.
#[derive(Debug)]
pub struct PostgresServer {
    url: String,
    /// `None` for a server that somebody else runs.
    node: Option<Node>,
}

/// A server that was started here.
#[derive(Debug)]
struct Node {
    programs: PathBuf,
    port: u16,
    ca_pem: String,
    /// The account to run as, when this is root.
    account: Option<Account>,
    // Declared before the directory, so that the process ends before its files are removed.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl PostgresServer {
    /// A server of this test's own, or the one that [`POSTGRES_URL`] names. Takes 2 s.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is missing (with the package to install), or the server does not start or answer.
    pub fn start() -> anyhow::Result<Self> {
        match std::env::var(POSTGRES_URL) {
            Ok(url) if !url.is_empty() => Self::running_at(url),
            _ => Self::start_own(),
        }
    }

    /// A server of this test's own in any case, for tests that [`stop`](Self::stop) it or need its TLS.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_own() -> anyhow::Result<Self> {
        let authority = Authority::new()?;
        let identity = authority.identity(&["127.0.0.1", "localhost"])?;
        Self::start_as(&authority, &identity, false)
    }

    /// A server of this test's own with this identity. With `mutual`, it lets in only who has a certificate of
    /// the authority, beside the password.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_as(authority: &Authority, identity: &Identity, mutual: bool) -> anyhow::Result<Self> {
        let programs = programs()?;
        let account = account()?;
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-postgres-")
            .tempdir()
            .context("failed to create a directory for the PostgreSQL server")?;
        let port = free_port()?;
        let process = Mutex::new(None);
        let node = Node { programs, port, ca_pem: authority.pem(), account, process, directory };
        node.initialise(identity, mutual)?;
        let url = format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/postgres");
        let server = Self { url, node: Some(node) };
        server.restart()?;
        Ok(server)
    }

    /// One server for all tests of a test binary, started by the first that asks. It ends with the test
    /// binary. Tests that share it need tables or [databases](Self::create_database) of their own, and must
    /// not stop it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), the same for every caller.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<PostgresServer>> = LazyLock::new(PostgresServer::start);
        SHARED.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn running_at(url: String) -> anyhow::Result<Self> {
        let server = Self { url, node: None };
        let address = server.address().to_owned();
        let resolved = address.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let reached = resolved
            .context("the address can't be resolved")
            .and_then(|address| Ok(TcpStream::connect_timeout(&address, GIVEN_ANSWERS_WITHIN)?));
        reached.with_context(|| {
            format!(
                "no PostgreSQL server at {address}, which {POSTGRES_URL} names; unset it to have one started"
            )
        })?;
        Ok(server)
    }

    /// The URL to connect to as superuser: `postgres://postgres:password@127.0.0.1:port/postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address, as `host:port`.
    pub fn address(&self) -> &str {
        let after_scheme = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = after_scheme.split(['/', '?']).next().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, address)| address)
    }

    /// The certificate (PEM) of the authority that certified the server, for clients that use TLS; `None` if
    /// somebody else runs it.
    pub fn ca_pem(&self) -> Option<&str> {
        self.node.as_ref().map(|node| node.ca_pem.as_str())
    }

    /// Process id of the server; `None` while it is stopped, or if somebody else runs it.
    pub fn pid(&self) -> Option<u32> {
        self.node.as_ref()?.process.lock().as_ref().map(Process::pid)
    }

    /// Creates an empty database that no other test has, and gives its URL.
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer.
    pub fn create_database(&self) -> anyhow::Result<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let name = format!("test_{}_{}", since_epoch.as_nanos(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("create database {name}"))?;
        let (base, query) = match self.url.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (self.url.as_str(), String::new()),
        };
        // Everything up to the path, whose slashes come after those of `://`.
        let authority_end = base.match_indices('/').nth(2).map_or(base.len(), |(at, _)| at);
        Ok(format!("{}/{name}{query}", &base[..authority_end]))
    }

    /// Has the server execute a statement as superuser, in the database of [`url`](Self::url).
    ///
    /// # Errors
    ///
    /// When the server refuses or does not answer; the message contains its own.
    pub fn execute(&self, statement: &str) -> anyhow::Result<()> {
        let psql = programs()?.join("psql");
        let mut command = Command::new(&psql);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.url]);
        let finished = Process::spawn(&mut command)?.wait(END_WITHIN)?;
        if !finished.status.success() {
            bail!("`{statement}` failed at {}: {finished}", self.address());
        }
        Ok(())
    }

    /// Ends the server, which cuts all connections. Its port stays closed and its data stay, for
    /// [`restart`](Self::restart).
    ///
    /// # Errors
    ///
    /// When somebody else runs the server, or it does not end.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.node()?.stop()
    }

    /// Starts the server again on the same port with the same data, after ending it if it runs.
    ///
    /// # Errors
    ///
    /// When somebody else runs the server, or it does not end, start or answer.
    pub fn restart(&self) -> anyhow::Result<()> {
        let node = self.node()?;
        node.stop()?;
        let mut process = node.process.lock();
        let mut command = node.command("postgres");
        command.arg("-D").arg(node.data());
        let started = Process::spawn_ended_by(&mut command, Some(node.directory.path()), "QUIT")?;
        started
            .wait_for_line(
                |line| line.contains("database system is ready to accept connections"),
                START_WITHIN,
            )
            .context("the PostgreSQL server did not start")?;
        *process = Some(started);
        Ok(())
    }

    fn node(&self) -> anyhow::Result<&Node> {
        self.node.as_ref().with_context(|| {
            format!(
                "the PostgreSQL server at {} is not the test's own ({POSTGRES_URL} is set): use start_own()",
                self.address()
            )
        })
    }
}

impl Node {
    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Creates the files of an empty server.
    fn initialise(&self, identity: &Identity, mutual: bool) -> anyhow::Result<()> {
        let directory = self.directory.path();
        self.give(directory)?;
        let password = directory.join("password");
        fs::write(&password, POSTGRES_PASSWORD).context("failed to write the password of PostgreSQL")?;
        self.give(&password)?;
        let mut command = self.command("initdb");
        command.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]);
        command.arg("--pwfile").arg(&password).arg("-D").arg(self.data());
        let finished = Process::spawn_with_directory(&mut command, Some(directory))?.wait(START_WITHIN)?;
        if !finished.status.success() {
            bail!("failed to create the PostgreSQL server's files: {finished}");
        }
        let files = [
            ("server.crt", &identity.certificate),
            ("server.key", &identity.key),
            ("clients.crt", &self.ca_pem),
        ];
        for (name, text) in files {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
            // PostgreSQL refuses a key that others can read.
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            self.give(&path)?;
        }
        // In the file and not on the command line, so that `alter system` can change it.
        let place = directory.display();
        let settings = format!(
            "port = {port}\n\
             listen_addresses = '127.0.0.1'\n\
             unix_socket_directories = '{place}'\n\
             fsync = off\n\
             dynamic_shared_memory_type = mmap\n\
             ssl = on\n\
             ssl_cert_file = '{place}/server.crt'\n\
             ssl_key_file = '{place}/server.key'\n\
             ssl_ca_file = '{place}/clients.crt'\n",
            port = self.port,
        );
        if mutual {
            let rule = "hostssl all all all scram-sha-256 clientcert=verify-ca\n";
            fs::write(self.data().join("pg_hba.conf"), rule).context("failed to write who may come in")?;
        }
        let path = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&path).context("failed to read the settings of PostgreSQL")?;
        fs::write(&path, format!("{defaults}\n{settings}")).context("failed to write the settings")?;
        Ok(())
    }

    /// Makes a file the server's.
    fn give(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(account) = self.account {
            chown(path, Some(account.user), Some(account.group))
                .with_context(|| format!("failed to give {} to {ACCOUNT}", path.display()))?;
        }
        Ok(())
    }

    /// A program of PostgreSQL, which runs as somebody who may run it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.directory.path()).env("LC_ALL", "C");
        // Settings meant for other servers must not change this one.
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGOPTIONS"] {
            command.env_remove(name);
        }
        if let Some(account) = self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    fn stop(&self) -> anyhow::Result<()> {
        let Some(process) = self.process.lock().take() else { return Ok(()) };
        // Killing it would leave its shared memory behind, and its children for a while: each has a process
        // group of its own.
        process.interrupt()?;
        process.wait(END_WITHIN).context("the PostgreSQL server does not end")?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // If it does not end by itself, dropping the process ends it.
        let _ = self.stop();
    }
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder): &(u32, PathBuf)| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    if let Some((_, folder)) = versions.pop() {
        return Ok(folder);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file()).with_context(|| {
        format!("no PostgreSQL server is installed: there is no `initdb` in {VERSIONS} or on PATH; {INSTALL}")
    })
}

/// The account to run the server as: `None` for this process' own, unless that is root.
fn account() -> anyhow::Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("failed to read /etc/passwd")?;
    let found = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (name == ACCOUNT).then_some(Account { user, group })
    });
    found.map(Some).with_context(|| {
        format!("PostgreSQL does not run as root, and there is no user {ACCOUNT}; {INSTALL}")
    })
}
