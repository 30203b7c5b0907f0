//! The server: that it is a real one, that it stops and comes back, and that nothing of it survives.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use qalipsis_testkit::{Process, REDIS_ADDRESS, RedisServer};

const WITHIN: Duration = Duration::from_secs(30);

/// Sends a command and gives the first line of the answer to it, or for a string the string.
fn ask(server: &RedisServer, command: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    write!(stream, "{command}\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    if line.starts_with('$') {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    line.trim_end().to_owned()
}

#[test]
fn a_stopped_server_comes_back_with_its_data() {
    let server = RedisServer::start_own().unwrap();
    for number in 0..100 {
        assert_eq!(ask(&server, &format!("SET kept {number}")), "+OK");
    }
    let url = server.url();
    server.stop().unwrap();
    assert_eq!(server.pid(), None);
    assert!(TcpStream::connect(server.address()).is_err());
    server.stop().unwrap();
    server.restart().unwrap();
    assert_eq!(server.url(), url);
    assert_eq!(ask(&server, "GET kept"), "99");
}

#[test]
fn a_password_is_asked_for() {
    let server = RedisServer::start_with_password("s3cret").unwrap();
    assert!(server.url().starts_with("redis://:s3cret@127.0.0.1:"), "{}", server.url());
    assert!(ask(&server, "PING").starts_with("-NOAUTH"));
    server.restart().unwrap();
}

#[test]
fn the_shared_server_is_one() {
    let (first, second) = (RedisServer::shared().unwrap(), RedisServer::shared().unwrap());
    assert_eq!(first.address(), second.address());
    assert_eq!(ask(first, "PING"), "+PONG");
}

/// Set in the process that a test starts from its own executable, in order to see it end.
const VICTIM: &str = "TESTKIT_REDIS_VICTIM";

fn victim(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(VICTIM, "1").env_remove(REDIS_ADDRESS);
    command
}

fn remains(pid: u32, directory: &Path) -> bool {
    // Empty for a process that is only waiting to be reaped.
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command.contains("redis-server") || directory.exists()
}

fn directory(pid: u32) -> PathBuf {
    let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert!(directory.file_name().unwrap().to_string_lossy().starts_with("qalipsis-redis-"));
    directory
}

#[test]
fn a_dropped_server_leaves_nothing_behind() {
    let server = RedisServer::start_own().unwrap();
    let pid = server.pid().unwrap();
    let directory = directory(pid);
    assert!(remains(pid, &directory));
    drop(server);
    assert!(!remains(pid, &directory));
}

#[test]
fn a_killed_test_process_leaves_no_server_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let server = RedisServer::start().unwrap();
        println!("\nserver {}", server.pid().unwrap());
        loop {
            std::thread::park();
        }
    }
    let victim = Process::spawn(&mut victim("a_killed_test_process_leaves_no_server_behind")).unwrap();
    let line = victim.wait_for_line(|line| line.starts_with("server "), WITHIN).unwrap();
    let pid = line.trim_start_matches("server ").parse().unwrap();
    let directory = directory(pid);
    victim.kill().unwrap();
    let deadline = Instant::now() + WITHIN;
    while remains(pid, &directory) {
        assert!(Instant::now() < deadline, "{pid} or {} is still there", directory.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_given_address_is_used_and_must_answer() {
    const TEST: &str = "a_given_address_is_used_and_must_answer";
    if std::env::var_os(VICTIM).is_some() {
        match RedisServer::start() {
            Ok(server) => println!("\nused {} {}", server.url(), server.stop().unwrap_err()),
            Err(error) => println!("\nrefused {error:#}"),
        }
        return;
    }
    let run = |address: &str| {
        let mut command = victim(TEST);
        command.env(REDIS_ADDRESS, address);
        Process::spawn(&mut command).unwrap().wait(WITHIN).unwrap().stdout
    };
    let server = RedisServer::start_own().unwrap();
    let answer = run(server.address());
    let used = format!("used redis://{0}/0 the Redis at {0} is not the test's own", server.address());
    assert!(answer.contains(&used), "{answer}");
    let closed = format!("127.0.0.1:{}", qalipsis_testkit::free_port().unwrap());
    let answer = run(&closed);
    assert!(answer.contains(&format!("refused no Redis at {closed}, which {REDIS_ADDRESS}")), "{answer}");
}

#[test]
fn a_missing_server_names_the_package() {
    const TEST: &str = "a_missing_server_names_the_package";
    if std::env::var_os(VICTIM).is_some() {
        println!("\n{:#}", RedisServer::start().unwrap_err());
        return;
    }
    let mut command = victim(TEST);
    command.env("PATH", "/no/such/folder");
    let finished = Process::spawn(&mut command).unwrap().wait(WITHIN).unwrap();
    assert!(finished.stdout.contains("--no-install-recommends redis-server"), "{finished}");
}
