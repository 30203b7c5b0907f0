//! The page on scenarios in a repository of one's own, followed in a folder outside of this workspace.

use qalipsis_testkit::{Finished, Process, binary};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../runner/docs/own-repository.md");

/// How long a call may take, the first build of a scenario on a busy machine included.
const LIMIT: Duration = Duration::from_secs(1_200);

/// Failed verification, join, step or criterion.
const FAILED: i32 = 3;

/// A target that cannot be reached.
const NOT_STARTED: i32 = 5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The first fenced block of this language that follows a text of the page.
fn block(after: &str, language: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(after).unwrap_or_else(|| panic!("the page has no `{after}`"));
    let (_, rest) = rest.split_once(&format!("```{language}\n")).expect("a block follows");
    rest.split_once("```").expect("the block ends").0
}

/// Answers every request: whether it is up can be changed.
struct Service {
    address: SocketAddr,
    up: Arc<AtomicBool>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let up = Arc::new(AtomicBool::new(true));
        let shown = Arc::clone(&up);
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let up = Arc::clone(&shown);
                std::thread::spawn(move || answer(&connection, &up));
            }
        });
        Self { address, up }
    }
}

/// Answers the requests of one connection until the client closes it.
fn answer(connection: &TcpStream, up: &AtomicBool) -> Option<()> {
    let mut lines = BufReader::new(connection).lines();
    loop {
        // The head of a request ends with an empty line.
        while !lines.next()?.ok()?.is_empty() {}
        let body = if up.load(Relaxed) { "up" } else { "closed" };
        let length = body.len();
        let mut connection = connection;
        write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").ok()?;
    }
}

/// The crate of the page, with the paths of this machine.
struct Crate {
    folder: TempDir,
}

impl Crate {
    fn as_the_page_says(service: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let manifest = block("Write `Cargo.toml`", "toml");
        let here = manifest.replace("\"../qalipsis/", &format!("\"{}/", root().display()));
        assert_ne!(here, manifest, "the page depends on a checkout beside the crate");
        write("Cargo.toml", &here);
        write("src/main.rs", block("Write `src/main.rs`", "rust,no_run"));
        let configuration = block("Write `qalipsis.yml`", "yaml");
        let own = configuration.replace("127.0.0.1:8080", &service.to_string());
        assert_ne!(own, configuration, "the page names the address of the service");
        write("qalipsis.yml", &own);
        // The versions that this workspace was built with, so that nothing is downloaded.
        fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        Self { folder }
    }

    /// A line of the page, run in the folder of the crate.
    fn run(&self, line: &str) -> Finished {
        assert!(PAGE.contains(&format!("{line}\n")), "`{line}` is a line of the page");
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("qalipsis"));
        let mut command = Command::new(binary("qalipsis-runner", "qalipsis").unwrap());
        command.args(words).current_dir(self.folder.path()).env("CARGO_NET_OFFLINE", "true");
        // What this workspace has built of the same crates is used again.
        command
            .env("CARGO_TARGET_DIR", root().join("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let of_the_test =
                name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
            if of_the_test || name.starts_with("QALIPSIS_") || name.starts_with("GITHUB_") {
                command.env_remove(name);
            }
        }
        Process::spawn(&mut command).unwrap().wait(LIMIT).unwrap()
    }
}

#[test]
fn e1_a_crate_outside_of_this_repository_runs_green_and_red() {
    let service = Service::start();
    let load = Crate::as_the_page_says(service.address);

    let valid = load.run("qalipsis validate --build-profile dev");
    assert_eq!(valid.code(), Some(0), "{valid}");

    let campaign = "qalipsis --autostart --build-profile dev";
    let green = load.run(campaign);
    assert_eq!(green.code(), Some(0), "{green}");
    assert!(green.stdout.contains("✓ SUCCESSFUL  front: 100 minions"), "{green}");

    service.up.store(false, Relaxed);
    let red = load.run(campaign);
    assert_eq!(red.code(), Some(FAILED), "{red}");
    assert!(red.stdout.contains("✗ front › up"), "{red}");
    assert!(red.stdout.contains("at src/main.rs:"), "{red}");

    let unreachable =
        load.run("qalipsis --autostart --build-profile dev -c properties.service=http://127.0.0.1:1");
    assert_eq!(unreachable.code(), Some(NOT_STARTED), "{unreachable}");
    assert!(unreachable.stdout.contains("127.0.0.1:1"), "{unreachable}");
    assert!(unreachable.stdout.contains("connection refused"), "{unreachable}");
}
