//! How the shop starts and ends.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer, RabbitMq, RedisServer};
use serde_json::Value;

use crate::outside::{Customer, embedded, launcher};

fn shop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.stdin(Stdio::null());
    command
}

/// Asserts that the shop ended with a code and one line on stderr, nothing on stdout; returns the line.
fn one_line(output: Output, code: i32) -> String {
    let line = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    assert_eq!(output.stdout, b"");
    line.trim_end().to_owned()
}

#[test]
fn refuses_wrong_flags() {
    for (flags, expected) in [
        (
            &["--dorp", "1"][..],
            "shop: unexpected argument '--dorp' found tip: a similar argument exists: '--drop'",
        ),
        (
            &[],
            "shop: the following required arguments were not provided: <--kafka <HOST:PORT>|--embedded-kafka>",
        ),
        (
            &["--embedded-kafka", "--kafka", "127.0.0.1:1"],
            "shop: the argument '--embedded-kafka' cannot be used with '--kafka <HOST:PORT>'",
        ),
        (
            &["--embedded-kafka", "--drop", "101"],
            "shop: invalid value '101' for '--drop <PERCENT>': expected a percentage from 0 to 100, such as 0.1",
        ),
        (
            &["--embedded-kafka", "--drop", "-1"],
            "shop: invalid value '-1' for '--drop <PERCENT>': expected a percentage from 0 to 100, such as 0.1",
        ),
        (
            &["--embedded-kafka", "--late", "5"],
            "shop: the following required arguments were not provided: --late-by <MS>",
        ),
        (
            &["--kafka", "127.0.0.1:1", "--dead-broker-after", "5"],
            "shop: the argument '--kafka <HOST:PORT>' cannot be used with '--dead-broker-after <MS>'",
        ),
        (
            &["--embedded-kafka", "--drop-row", "1"],
            "shop: the following required arguments were not provided: --postgres <URL>",
        ),
        (
            &["--embedded-kafka", "--late-by", "5", "--postgres", "postgres://x"],
            "shop: the following required arguments were not provided: <--late <PERCENT>|--late-row <PERCENT>>",
        ),
    ] {
        let output = shop().args(flags).output().expect("the shop runs");
        assert_eq!(one_line(output, 2), expected, "{flags:?}");
    }
}

#[test]
fn names_a_kafka_that_cannot_be_reached() {
    // Port 1 of this machine is closed.
    let output = shop().args(["--kafka", "127.0.0.1:1"]).output().expect("the shop runs");
    let line = one_line(output, 1);
    assert!(line.starts_with("shop: cannot reach kafka at 127.0.0.1:1 within 5 s; check --kafka"), "{line}");
}

#[test]
fn names_a_server_that_it_cannot_use_but_no_password() {
    let postgres = PostgresServer::shared().expect("a server");
    let redis = RedisServer::start_with_password("right").expect("a server");
    let rabbitmq = RabbitMq::shared().expect("a server");
    let database = format!("{}nowhere", postgres.url());
    for (flag, url, address) in [
        // Port 1 of this machine is closed.
        ("--postgres", "postgres://ada:wrong-secret@127.0.0.1:1/shop", "127.0.0.1:1/shop"),
        ("--redis", "redis://:wrong-secret@127.0.0.1:1/0", "127.0.0.1:1"),
        ("--rabbitmq", "amqp://ada:wrong-secret@127.0.0.1:1/%2f", "127.0.0.1:1"),
        (
            "--postgres",
            &format!("postgres://postgres:wrong-secret@{}/postgres", postgres.address()),
            postgres.address(),
        ),
        ("--postgres", &database, postgres.address()),
        ("--redis", &format!("redis://:wrong-secret@{}/0", redis.address()), redis.address()),
        ("--rabbitmq", &format!("amqp://guest:wrong-secret@{}/%2f", rabbitmq.address()), rabbitmq.address()),
    ] {
        let output = shop().args(["--embedded-kafka", flag, url]).output().expect("the shop runs");
        let line = one_line(output, 1);
        let name = flag.trim_start_matches('-');
        assert!(line.starts_with(&format!("shop: cannot use {name} at {address}")), "{line}");
        assert!(line.contains(&format!(" within 5 s; check {flag}: ")), "{line}");
        assert!(!line.contains("wrong-secret") && !line.contains(POSTGRES_PASSWORD), "{line}");
    }
    for (flag, url) in [
        ("--postgres", "postgres://ada:wrong-secret@127.0.0.1:port/shop"),
        ("--redis", "http://:wrong-secret@127.0.0.1:1/0"),
        ("--rabbitmq", "amqp://ada:wrong-secret@127.0.0.1:port/%2f"),
    ] {
        let output = shop().args(["--embedded-kafka", flag, url]).output().expect("the shop runs");
        let line = one_line(output, 1);
        assert!(line.starts_with(&format!("shop: cannot use {flag}: ")), "{line}");
        assert!(!line.contains("wrong-secret"), "{line}");
    }
}

#[test]
fn names_an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = shop().args(["--embedded-kafka", "--listen", &address]).output().expect("the shop runs");
    let line = one_line(output, 1);
    assert!(
        line.starts_with(&format!("shop: cannot listen on {address}; choose another --listen")),
        "{line}"
    );
}

#[tokio::test]
async fn says_when_it_is_ready_and_ends_when_stdin_closes() {
    let postgres = PostgresServer::shared().expect("a server");
    let redis = RedisServer::shared().expect("a server");
    let mut child = shop()
        .args(["--embedded-kafka", "--exit-with-stdin"])
        .args(["--postgres", postgres.url(), "--redis", &redis.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the shop starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let ready: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(ready["pid"], child.id());
    for address in ["http", "kafka"] {
        let address: std::net::SocketAddr =
            ready[address].as_str().expect("text").parse().expect("an address");
        std::net::TcpStream::connect(address).expect("someone listens");
    }
    assert_eq!(ready["postgres"], format!("{}/postgres", postgres.address()));
    assert_eq!(ready["redis"], redis.address());
    assert_eq!(ready.get("rabbitmq"), None);
    let asked = Instant::now();
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert!(lines.next().is_none(), "more than one line on stdout");
}

#[test]
fn ends_on_signals() {
    for name in ["-TERM", "-INT"] {
        let mut child =
            shop().arg("--embedded-kafka").stdout(Stdio::piped()).spawn().expect("the shop starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a ready line");
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{name}");
    }
}

#[tokio::test]
async fn ends_with_its_launcher() {
    let shop = embedded(&[]);
    let address = shop.http().trim_start_matches("http://").to_owned();
    assert_eq!(Customer::of(&shop).get("/health").await.status, 200);
    drop(shop);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn launcher_reports_why_the_shop_did_not_start() {
    let error = launcher(&["--dorp"]).start().expect_err("it does not start");
    let error = format!("{error:#}");
    assert!(error.contains("did not start (exit status: 2): shop: unexpected argument '--dorp'"), "{error}");

    let error = shop::Launcher::new("/nowhere/shop").start().expect_err("it does not start");
    let error = format!("{error:#}");
    assert!(error.starts_with("cannot start the shop /nowhere/shop; is it built?: "), "{error}");
}
