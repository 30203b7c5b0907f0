//! TLS.

use crate::opened::open;
use crate::server;
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use std::path::Path;

/// A server with a certificate of its own, and that certificate.
fn secured(directory: &Path) -> (RedisServer, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (RedisServer::start_with_tls(&certificate, &key).unwrap(), made.cert.pem())
}

#[tokio::test]
async fn everything_works_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (own, certificate) = secured(directory.path());
    let redis = Redis::at(own.url()).root_certificate(certificate).connect().await.unwrap();
    redis.save("k", "v").await.unwrap();
    assert_eq!(redis.get("k").await.unwrap().as_deref(), Some("v"));
    let mut stream = open(redis.consume_stream("s").text_field("n")).await.ready().await;
    let mut channel = open(redis.subscribe("c")).await.ready().await;
    redis.add_to_stream("s", [("n", "1")]).await.unwrap();
    redis.publish("c", "2").await.unwrap();
    assert_eq!((stream.next().await.value, channel.next().await.value), ("1".to_owned(), "2".to_owned()));
    stream.end().await;
    channel.end().await;
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (own, _) = secured(directory.path());
    let fault = Redis::connect(own.url()).await.unwrap_err();
    let expected = format!("redis at {}: tls was refused: invalid peer certificate: ", own.address());
    assert!(fault.message.starts_with(&expected), "{fault}");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let fault = Redis::at(own.url()).root_certificate(other.cert.pem()).connect().await.unwrap_err();
    assert!(fault.message.starts_with(&expected), "{fault}");
    assert_eq!(fault.code, "unreachable");
}

#[tokio::test]
async fn a_side_that_speaks_no_tls_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let (own, _) = secured(directory.path());
    let fault = Redis::connect(own.url().replace("rediss:", "redis:")).await.unwrap_err();
    let place = format!("redis at {}: ", own.address());
    assert!(fault.message.starts_with(&place), "{fault}");
    assert!(fault.message.ends_with(", perhaps the server wants TLS (rediss://)"), "{fault}");
    let fault = Redis::connect(server().url().replace("redis:", "rediss:")).await.unwrap_err();
    let expected = format!(
        "redis at {}: no connection within 10 s, perhaps the server does not speak TLS there",
        server().address()
    );
    assert_eq!(fault.message, expected);
    let fault = Redis::at(own.url()).root_certificate("no certificate").connect().await.unwrap_err();
    assert!(fault.message.starts_with(&place), "{fault}");
}
