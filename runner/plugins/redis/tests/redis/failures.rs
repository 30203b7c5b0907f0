//! What is reported when something is wrong with server, login or URL.

use crate::opened::open;
use crate::{server, unique};
use qalipsis_redis::Redis;
use qalipsis_testkit::{RedisServer, free_port};
use std::time::{Duration, Instant};

const SECRET: &str = "hunter2-secret";

#[tokio::test]
async fn a_dead_port_is_named_with_the_reason() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let began = Instant::now();
    let fault = Redis::connect(format!("redis://:{SECRET}@{address}/0")).await.unwrap_err();
    assert_eq!(fault.message, format!("redis at {address}: connection refused"));
    assert_eq!(fault.code, "unreachable");
    assert!(began.elapsed() < Duration::from_secs(2), "reported after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let fault = Redis::connect("redis://qalipsis.invalid").await.unwrap_err();
    assert!(fault.message.starts_with("redis at qalipsis.invalid:6379: failed to lookup address"), "{fault}");
}

/// A port that accepts and says nothing.
#[tokio::test]
async fn a_silent_server_is_reported_after_ten_seconds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let began = Instant::now();
    let fault = Redis::connect(format!("redis://{address}")).await.unwrap_err();
    assert_eq!(fault.message, format!("redis at {address}: no connection within 10 s"));
    assert!(began.elapsed() < Duration::from_secs(12), "reported after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_refused_login_is_reported_without_the_password() {
    let secured = RedisServer::start_with_password("right").unwrap();
    let address = secured.address().to_owned();
    let wrong = Redis::connect(format!("redis://:{SECRET}@{address}")).await.unwrap_err();
    assert_eq!(
        wrong.message,
        format!(
            "redis at {address}: the login was refused: WRONGPASS invalid username-password pair or user is disabled."
        )
    );
    assert_eq!(wrong.code, "login");
    let none = Redis::connect(format!("redis://{address}")).await.unwrap_err();
    assert!(
        none.message.starts_with(&format!("redis at {address}: the login was refused: NOAUTH ")),
        "{none}"
    );
    let user = Redis::connect(format!("redis://alice:{SECRET}@{address}")).await.unwrap_err();
    assert_eq!(user.code, "login");
    assert!(!format!("{wrong:?}{none:?}{user:?}").contains(SECRET));

    let redis = Redis::connect(secured.url()).await.unwrap();
    redis.save("k", "v").await.unwrap();
    let source = redis.consume_stream("s");
    let shown = format!("{redis:?} {source:?} {:?} {:?}", redis.get("k"), Redis::at(secured.url()));
    assert!(!shown.contains("right"), "{shown}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_reported() {
    let url = format!("redis://{}/99", server().address());
    let fault = Redis::connect(url).await.unwrap_err();
    let expected = format!("redis at {}/99: ", server().address());
    assert!(fault.message.starts_with(&expected), "{fault}");
    assert!(fault.message.contains("DB index is out of range"), "{fault}");
}

#[tokio::test]
async fn databases_are_apart() {
    let first = Redis::connect(format!("redis://{}/1", server().address())).await.unwrap();
    let key = unique("apart");
    first.save(&key, "1").await.unwrap();
    assert_eq!(crate::connect().await.get(&key).await.unwrap(), None);
    assert_eq!(first.get(&key).await.unwrap().as_deref(), Some("1"));
    assert!(first.target().ends_with("/1"));
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_being_shown() {
    for url in ["", "http://:hunter2-secret@h", "redis://:hunter2-secret@h/one", "redis://:hunter2-secret@:x"]
    {
        let fault = Redis::connect(url).await.unwrap_err();
        assert!(fault.message.starts_with("not a redis url: "), "{url}: {fault}");
        assert!(
            fault.message.ends_with("expected redis://[user][:password@]host[:port][/database]"),
            "{fault}"
        );
        assert!(!format!("{fault:?}").contains(SECRET), "{fault:?}");
    }
    #[cfg(not(feature = "tls"))]
    {
        let fault = Redis::connect("rediss://127.0.0.1").await.unwrap_err();
        assert!(fault.message.contains("TLS needs the feature `tls` of qalipsis-redis"), "{fault}");
    }
}

#[tokio::test]
async fn actions_fail_during_an_outage_and_work_after_it() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    redis.save("kept", "1").await.unwrap();
    own.stop().unwrap();
    let fault = loop {
        let fault = redis.save("kept", "2").await.expect_err("nobody is there");
        // What was under way when the connection broke, and from then on:
        assert!(["connection-lost", "unreachable"].contains(&&*fault.code), "{fault}");
        if fault.code == "unreachable" {
            break fault;
        }
    };
    assert_eq!(fault.message, format!("redis at {}: connection refused", own.address()));
    assert_eq!(fault.input.as_deref(), Some("SET kept 2"));
    own.restart().unwrap();
    assert_eq!(redis.get("kept").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_source_of_the_wrong_type_is_refused() {
    let key = unique("list");
    crate::run::<()>(&["RPUSH", &key, "0"]);
    let redis = crate::connect().await;
    let (fault, _) = open(redis.consume_stream(&key)).await.refusal().await;
    let expected = format!(
        "redis at {}: XINFO STREAM {key}: WRONGTYPE Operation against a key holding the wrong kind of value, \
         the key holds a list",
        redis.target()
    );
    assert_eq!(fault.message, expected);
}

#[tokio::test]
async fn a_server_that_is_away_at_the_end_fails_its_sources() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let stream = open(redis.consume_stream("orders")).await.ready().await;
    let channel = open(redis.subscribe("orders")).await.ready().await;
    own.stop().unwrap();
    // Until the outage counts.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for ended in [stream.stop().await.1, channel.stop().await.1] {
        let fault = ended.expect_err("the server was away at the end");
        let expected = format!("redis at {}: not reachable for the last ", own.address());
        assert!(fault.message.starts_with(&expected), "{fault}");
        assert!(fault.message.ends_with("of the campaign: connection refused"), "{fault}");
        assert_eq!(fault.code, "unreachable");
    }
}

#[tokio::test]
async fn a_source_whose_server_is_gone_before_it_is_ready_is_refused() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    own.stop().unwrap();
    let expected = format!("redis at {}: connection refused", own.address());
    assert_eq!(open(redis.consume_stream("orders")).await.refusal().await.0.message, expected);
    assert_eq!(open(redis.subscribe("orders")).await.refusal().await.0.message, expected);
}
