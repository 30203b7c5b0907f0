//! The server: that it is a real one, that it stops and comes back, and that nothing of it survives.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use qalipsis_testkit::{Process, RABBITMQ_ADDRESS, RabbitMq};

const WITHIN: Duration = Duration::from_secs(60);

/// What it says of itself in the first frame.
fn greeting(server: &RabbitMq) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    stream.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    let mut head = [0; 7];
    stream.read_exact(&mut head).unwrap();
    let mut frame = vec![0; u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize];
    stream.read_exact(&mut frame).unwrap();
    String::from_utf8_lossy(&frame).into_owned()
}

/// The processes and the directory of a server.
struct Remains {
    directory: PathBuf,
}

impl Remains {
    fn of(pid: u32) -> Self {
        let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
        assert!(directory.join("rabbitmq.conf").is_file());
        Self { directory }
    }

    /// All processes that belong to the server: its directory is in their environment or arguments. The epmd is one
    /// of them, and so are the helpers that Erlang puts into sessions of their own.
    fn processes(&self) -> Vec<String> {
        let directory = self.directory.to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let process = entry.ok()?.path();
            process.file_name()?.to_str()?.parse::<u32>().ok()?;
            let environment = std::fs::read(process.join("environ")).unwrap_or_default();
            let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let own = String::from_utf8_lossy(&environment).contains(&directory);
            // The watchdog has the directory in its arguments as well, and ends a moment later.
            (own || command.contains(&directory)).then_some(command)
        });
        processes.filter(|command| !command.is_empty() && !command.contains("testkit-watchdog")).collect()
    }

    fn wait_until_gone(&self) {
        let deadline = Instant::now() + WITHIN;
        while self.directory.exists() || !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "still there: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn it_is_rabbitmq_and_comes_back_with_its_data_and_leaves_nothing_behind() {
    let server = RabbitMq::start_own().unwrap();
    assert!(greeting(&server).contains("RabbitMQ"));
    let remains = Remains::of(server.pid().unwrap());
    let processes = remains.processes();
    assert!(processes.iter().any(|command| command.starts_with("epmd")), "{processes:?}");
    assert!(processes.iter().any(|command| command.contains("beam")), "{processes:?}");
    let identity = || std::fs::read(remains.directory.join(".erlang.cookie")).unwrap();
    let before = identity();

    server.stop().unwrap();
    assert_eq!(server.pid(), None);
    assert!(TcpStream::connect(server.address()).is_err());
    server.stop().unwrap();
    server.restart().unwrap();
    assert!(greeting(&server).contains("RabbitMQ"));
    assert_eq!(identity(), before);

    let url = server.url();
    assert_eq!(url, format!("amqp://guest:guest@{}/%2f", server.address()));
    drop(server);
    remains.wait_until_gone();
}

/// Set in the process that a test starts from its own executable, in order to see it end.
const VICTIM: &str = "TESTKIT_RABBITMQ_VICTIM";

fn victim(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(VICTIM, "1").env_remove(RABBITMQ_ADDRESS);
    command
}

#[test]
fn a_killed_test_process_leaves_no_server_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let server = RabbitMq::shared().unwrap();
        println!("\nserver {}", server.pid().unwrap());
        loop {
            std::thread::park();
        }
    }
    let victim = Process::spawn(&mut victim("a_killed_test_process_leaves_no_server_behind")).unwrap();
    let line = victim.wait_for_line(|line| line.starts_with("server "), WITHIN * 2).unwrap();
    let remains = Remains::of(line.trim_start_matches("server ").parse().unwrap());
    victim.kill().unwrap();
    remains.wait_until_gone();
}

#[test]
fn a_given_address_must_answer() {
    if std::env::var_os(VICTIM).is_some() {
        println!("\nrefused {:#}", RabbitMq::start().unwrap_err());
        return;
    }
    let closed = format!("127.0.0.1:{}", qalipsis_testkit::free_port().unwrap());
    let mut victim = victim("a_given_address_must_answer");
    let answer = Process::spawn(victim.env(RABBITMQ_ADDRESS, &closed)).unwrap().wait(WITHIN).unwrap().stdout;
    let refused = format!("refused no RabbitMQ server at {closed}, which QALIPSIS_TEST_RABBITMQ names");
    assert!(answer.contains(&refused), "{answer}");
}
