//! A real nginx.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::port::free_port;
use crate::process::Process;

const INSTALL: &str = "install it with `apt-get install --no-install-recommends nginx-light`";

/// Debian has it where only root looks for programs.
const PROGRAM: &str = "/usr/sbin/nginx";

/// Far longer than a server needs (0.05 s), for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(30);

/// nginx on a free port of 127.0.0.1, with its files in a temporary directory. It ends with its handle.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    // Declared before the directory, so that the process ends before its files are removed.
    process: Process,
    directory: TempDir,
}

impl Nginx {
    /// Starts it with one `server`: `listen` stands behind the address in its directive of that name (`http2`,
    /// `ssl`), `directives` are the others (`location / { return 200 ok; }`).
    ///
    /// # Errors
    ///
    /// When nginx is missing (with the package to install), refuses the directives, or does not start.
    pub fn start(listen: &str, directives: &str) -> anyhow::Result<Self> {
        if !Path::new(PROGRAM).is_file() {
            bail!("there is no {PROGRAM}; {INSTALL}");
        }
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-nginx-")
            .tempdir()
            .context("failed to create a directory for nginx")?;
        let port = free_port()?;
        let files = directory.path().display();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {files}/pid;\nerror_log stderr notice;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n\
             access_log off;\n\
             client_body_temp_path {files}/body;\nproxy_temp_path {files}/proxy;\n\
             fastcgi_temp_path {files}/fastcgi;\nuwsgi_temp_path {files}/uwsgi;\nscgi_temp_path {files}/scgi;\n\
             server {{\nlisten 127.0.0.1:{port} {listen};\n{directives}\n}}\n}}\n"
        );
        let path = directory.path().join("nginx.conf");
        fs::write(&path, configuration).context("failed to write nginx's configuration")?;
        let mut command = Command::new(PROGRAM);
        command.arg("-e").arg("stderr").arg("-p").arg(directory.path()).arg("-c").arg(&path);
        let process = Process::spawn_with_directory(&mut command, Some(directory.path()))?;
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = process.status() {
                bail!("nginx ended instead of listening: {status}\n{}", process.stderr());
            }
            if Instant::now() > deadline {
                bail!("nginx does not listen on port {port} after {START_WITHIN:?}");
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(Self { port, process, directory })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Process id of the server.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
