//! A cluster, of one node.

use crate::opened::open;
use crate::run_at;
use qalipsis_core::probe::Probe as _;
use qalipsis_redis::{Position, Redis};
use qalipsis_testkit::{RedisServer, free_port};
use std::time::{Duration, Instant};

fn cluster() -> RedisServer {
    // By default it is the server's port + 10000, which somebody else may have.
    let bus = free_port().unwrap().to_string();
    let own = RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus]).unwrap();
    run_at::<()>(&own, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let began = Instant::now();
    while !run_at::<String>(&own, &["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        assert!(began.elapsed() < crate::WAIT_LIMIT, "the cluster does not form");
        std::thread::sleep(Duration::from_millis(10));
    }
    own
}

#[tokio::test]
async fn everything_works_in_a_cluster() {
    let own = cluster();
    let redis = Redis::at_cluster([own.url()]).connect().await.unwrap();
    assert_eq!(redis.target(), format!("cluster {}", own.address()));
    redis.save_hash("h", [("a", "1")]).expire(Duration::from_secs(60)).await.unwrap();
    assert_eq!(redis.hash("h").await.unwrap()["a"], "1");
    redis.add_to_stream("s", [("n", "0")]).await.unwrap();
    let source = || redis.consume_stream("s").from(Position::Earliest).text_field("n");
    let mut stream = open(source()).await.ready().await;
    let mut group = open(source().group("g")).await.ready().await;
    let mut channel = open(redis.subscribe("c")).await.ready().await;
    redis.add_to_stream("s", [("n", "1")]).await.unwrap();
    redis.publish("c", "2").await.unwrap();
    for reader in [&mut stream, &mut group] {
        let read: Vec<String> = reader.take(2).await.into_iter().map(|record| record.value).collect();
        assert_eq!(read, ["0", "1"]);
    }
    assert_eq!(channel.next().await.value, "2");
    assert_eq!(redis.length_of_stream("s").read().await.unwrap().total, 2.0);
    stream.end().await;
    group.end().await;
    channel.end().await;
    assert_eq!(redis.lag_of_group("s", "g").read().await.unwrap().total, 0.0);
}

#[tokio::test]
async fn a_stream_is_read_on_after_a_restart() {
    let own = cluster();
    let redis = Redis::at_cluster([own.url()]).connect().await.unwrap();
    let mut reader = open(redis.consume_stream("s").text_field("n")).await.ready().await;
    redis.add_to_stream("s", [("n", "before")]).await.unwrap();
    assert_eq!(reader.next().await.value, "before");
    own.stop().unwrap();
    own.restart().unwrap();
    let began = Instant::now();
    while redis.add_to_stream("s", [("n", "after")]).await.is_err() {
        assert!(began.elapsed() < crate::WAIT_LIMIT, "it does not come back");
    }
    assert_eq!(reader.next().await.value, "after");
    reader.end().await;
}

#[tokio::test]
async fn a_dead_cluster_is_named() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let connector = Redis::at_cluster([format!("redis://:hunter2@{address}")]);
    let fault = connector.connect().await.unwrap_err();
    assert!(fault.message.starts_with(&format!("redis at cluster {address}: ")), "{fault}");
    assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
    assert_eq!(fault.code, "unreachable");
}
