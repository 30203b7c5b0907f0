//! What can't work is reported in one clear line, in time, and without secrets.

use crate::opened::open;
use crate::{connect, server, silent_server, unique};
use qalipsis_core::fault::Fault;
use qalipsis_core::probe::Probe;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::free_port;
use std::time::{Duration, Instant};

/// How connecting fails, which must take at most 10 s and keep the secret.
async fn refused(url: &str) -> Fault {
    let began = Instant::now();
    let fault = RabbitMq::connect(url).await.expect_err("it is refused");
    assert!(began.elapsed() < Duration::from_secs(11), "reported after {:?}", began.elapsed());
    assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
    assert!(!fault.message.contains('\n'), "{fault}");
    fault
}

#[tokio::test]
async fn nobody_listens() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let fault = refused(&format!("amqp://alice:hunter2@{address}")).await;
    assert_eq!(fault.message, format!("rabbitmq at {address}: connection refused"));
    assert_eq!(fault.code, "connect");
}

#[tokio::test]
async fn the_name_is_unknown() {
    let fault = refused("amqp://alice:hunter2@broker.invalid").await;
    assert!(fault.message.starts_with("rabbitmq at broker.invalid:5672: failed to lookup"), "{fault}");
}

#[tokio::test]
async fn the_password_is_wrong() {
    let address = server().address();
    let fault = refused(&format!("amqp://guest:hunter2@{address}")).await;
    let expected = format!("rabbitmq at {address}: login of user 'guest' was refused: ");
    assert!(fault.message.starts_with(&expected), "{fault}");
    assert_eq!(fault.code, "login");
}

#[tokio::test]
async fn the_virtual_host_is_unknown() {
    let address = server().address();
    let fault = refused(&format!("amqp://guest:guest@{address}/shop")).await;
    assert_eq!(fault.message, format!("rabbitmq at {address}: virtual host 'shop': vhost shop not found"));
    assert_eq!(fault.code, "vhost");
}

#[tokio::test]
async fn the_server_says_nothing() {
    let (_listener, url) = silent_server();
    let began = Instant::now();
    let fault = RabbitMq::builder(url).timeout(Duration::from_millis(500)).connect().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(fault.message.contains(": no answer within 5"), "{fault}");
    assert!(!format!("{fault:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_server_hangs_up() {
    let (listener, url) = silent_server();
    let hanging_up = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let fault = refused(&url).await;
    hanging_up.join().unwrap();
    assert!(fault.message.contains("closed the connection before the login was done"), "{fault}");
}

#[tokio::test]
async fn the_url_is_wrong() {
    let fault = refused("http://alice:hunter2@localhost").await;
    assert!(fault.message.starts_with("rabbitmq url: unknown scheme 'http', expected amqp://"), "{fault}");
}

#[tokio::test]
async fn a_missing_queue_is_named_at_once() {
    let (rabbit, missing) = (connect().await, unique("missing"));
    let (fault, after) = open(rabbit.consume(&missing)).await.refusal().await;
    assert!(after < Duration::from_secs(10), "reported after {after:?}");
    let (address, code) = (server().address(), "not-found");
    let expected = format!("rabbitmq queue {missing} at {address}: no queue '{missing}' in vhost '/'");
    assert_eq!((fault.message.as_str(), fault.code.as_ref()), (expected.as_str(), code));
}

#[tokio::test]
async fn a_missing_exchange_is_named_at_once() {
    let (rabbit, missing) = (connect().await, unique("missing"));
    let (fault, after) = open(rabbit.consume_exchange(&missing, "a.*")).await.refusal().await;
    assert!(after < Duration::from_secs(10), "reported after {after:?}");
    assert!(
        fault.message.starts_with(&format!("rabbitmq exchange {missing} routing key 'a.*' at ")),
        "{fault}"
    );
    assert!(fault.message.ends_with(&format!(": no exchange '{missing}' in vhost '/'")), "{fault}");
}

#[tokio::test]
async fn names_that_amqp_cannot_hold_are_refused() {
    let rabbit = connect().await;
    let (fault, _) = open(rabbit.consume("q".repeat(256))).await.refusal().await;
    assert!(fault.message.ends_with("the name of the queue has 256 bytes, AMQP allows 255"), "{fault}");
    let fault = rabbit.queue("q".repeat(256)).depth().read().await.unwrap_err();
    assert_eq!(fault.code, "too-long");
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let (_listener, url) = silent_server();
    let builder = RabbitMq::builder(&url).timeout(Duration::from_millis(200)).identity_pem("hunter2");
    let shown = format!("{builder:?}");
    let rabbit = connect().await;
    let probe = rabbit.queue("q").depth();
    let all = format!(
        "{shown} {rabbit:?} {:?} {:?} {:?} {probe:?} {}",
        rabbit.consume("q"),
        rabbit.publish("", "q"),
        rabbit.queue("q"),
        probe.name()
    );
    assert!(!all.contains("hunter2") && !all.contains("guest:guest"), "{all}");
    assert!(all.contains("password: \"***\""), "{all}");
}
