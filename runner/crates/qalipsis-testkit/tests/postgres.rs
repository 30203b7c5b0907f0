//! The PostgreSQL server: that it is a real one, that it stops and comes back, and that nothing survives.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer};

#[test]
fn it_executes_statements_in_databases_of_their_own() {
    let server = PostgresServer::shared().unwrap();
    server.execute("create table of_this_test (id int)").unwrap();
    let refused = server.execute("select * from no_such_table").unwrap_err();
    assert!(format!("{refused:#}").contains("relation \"no_such_table\" does not exist"), "{refused:#}");
    let (one, two) = (server.create_database().unwrap(), server.create_database().unwrap());
    assert_ne!(one, two);
    assert!(one.starts_with(server.url().rsplit_once('/').unwrap().0), "{one}");
}

#[test]
fn it_stops_and_comes_back_with_its_data_and_leaves_nothing() {
    let server = PostgresServer::start_own().unwrap();
    assert!(server.url().contains(POSTGRES_PASSWORD));
    assert!(server.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    server.execute("create table kept (id int)").unwrap();
    let first = server.pid().unwrap();
    server.stop().unwrap();
    assert_eq!(server.pid(), None);
    assert!(TcpStream::connect(server.address()).is_err());
    server.restart().unwrap();
    assert_ne!(server.pid().unwrap(), first);
    server.execute("insert into kept values (1)").unwrap();
    let pid = server.pid().unwrap();
    drop(server);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

/// Set where the test below starts this file again.
const VICTIM: &str = "QALIPSIS_TEST_VICTIM";

/// Started again by the test below, as a process that can be killed.
#[test]
fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let server = PostgresServer::start_own().unwrap();
    println!("server {} at {}.", server.pid().unwrap(), server.address());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn it_ends_when_the_test_process_is_killed() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "victim", "--nocapture"]).env(VICTIM, "1");
    let victim = qalipsis_testkit::Process::spawn(&mut command).unwrap();
    let line = victim.wait_for_line(|line| line.contains("server "), Duration::from_secs(60)).unwrap();
    let mut words = line.split("server ").nth(1).unwrap().trim_end_matches('.').split(' ');
    let (pid, address) = (words.next().unwrap().to_owned(), words.nth(1).unwrap().to_owned());
    let segments_of = || std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let holds_memory = || segments_of().lines().any(|line| line.split_whitespace().nth(4) == Some(&pid));
    assert!(holds_memory(), "{}", segments_of());
    assert!(TcpStream::connect(&address).is_ok());
    victim.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(&address).is_ok() || holds_memory() {
        assert!(Instant::now() < deadline, "the server still runs, or its shared memory is left");
        std::thread::sleep(Duration::from_millis(50));
    }
}
