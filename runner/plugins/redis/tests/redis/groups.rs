//! Streams read as a member of a consumer group.

use crate::opened::open;
use crate::{connect, run, unique};
use qalipsis_redis::Position;
use redis::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn what_is_added_once_ready_is_read_and_nothing_before() {
    let (redis, stream) = (connect().await, unique("stream"));
    for round in 0..50 {
        redis.add_to_stream(&stream, [("n", "before")]).await.unwrap();
        let source = redis.consume_stream(&stream).group("tests").text_field("n");
        let mut reader = open(source).await.ready().await;
        redis.add_to_stream(&stream, [("n", round.to_string())]).await.unwrap();
        assert_eq!(reader.next().await.value, round.to_string(), "round {round}");
        reader.end().await;
        // Whatever was handed over is acknowledged, and the consumer has left.
        assert_eq!(pending(&stream), 0, "round {round}");
        assert!(run::<Vec<Value>>(&["XINFO", "CONSUMERS", &stream, "tests"]).is_empty());
    }
}

fn pending(stream: &str) -> u64 {
    let (count, ..): (u64, Value, Value, Value) = run(&["XPENDING", stream, "tests"]);
    count
}

#[tokio::test]
async fn the_group_of_a_stream_that_does_not_exist_is_created() {
    let (redis, stream) = (connect().await, unique("stream"));
    let reader = open(redis.consume_stream(&stream).group("tests")).await;
    assert_eq!(reader.name, format!("redis stream {stream} (group tests) at {}", redis.target()));
    let mut reader = reader.ready().await;
    redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    assert_eq!(reader.next().await.value["n"], "1");
    reader.end().await;
}

#[tokio::test]
async fn earliest_reads_what_the_group_has_not() {
    let (redis, stream) = (connect().await, unique("stream"));
    for number in 0..3 {
        redis.add_to_stream(&stream, [("n", number.to_string())]).await.unwrap();
    }
    run::<()>(&["XGROUP", "CREATE", &stream, "tests", "0"]);
    run::<Value>(&["XREADGROUP", "GROUP", "tests", "other", "COUNT", "1", "STREAMS", &stream, ">"]);
    let source = redis.consume_stream(&stream).group("tests").from(Position::Earliest).text_field("n");
    let mut reader = open(source).await.ready().await;
    let read: Vec<String> = reader.take(2).await.into_iter().map(|record| record.value).collect();
    assert_eq!(read, ["1", "2"]);
    reader.end().await;
    // The other consumer still holds its own.
    assert_eq!(pending(&stream), 1);
}

#[tokio::test]
async fn members_share_the_entries() {
    let (redis, stream) = (connect().await, unique("stream"));
    let source = || redis.consume_stream(&stream).group("tests").text_field("n");
    let first = open(source()).await.ready().await;
    let second = open(source()).await.ready().await;
    for number in 0..400 {
        redis.add_to_stream(&stream, [("n", number.to_string())]).await.unwrap();
    }
    // They end only after what they were sent.
    let mut read = Vec::new();
    let deadline = tokio::time::Instant::now() + crate::WAIT_LIMIT;
    while {
        let (last, lag) = progress(&stream);
        last.is_some() && lag != Some(0)
    } {
        assert!(tokio::time::Instant::now() < deadline, "the group did not read all");
        tokio::task::yield_now().await;
    }
    for reader in [first, second] {
        let (records, ended) = reader.stop().await;
        ended.unwrap();
        assert!(!records.is_empty(), "each gets some");
        read.extend(records.into_iter().map(|record| record.value));
    }
    assert_eq!(read.len(), 400);
    assert_eq!(read.into_iter().collect::<BTreeSet<_>>().len(), 400);
    assert_eq!(pending(&stream), 0);
}

/// The last entry that the group was sent, and how many it was not.
fn progress(stream: &str) -> (Option<String>, Option<u64>) {
    let groups: Vec<std::collections::HashMap<String, Value>> = run(&["XINFO", "GROUPS", stream]);
    let last = redis::from_redis_value(groups[0]["last-delivered-id"].clone()).ok();
    (last, redis::from_redis_value(groups[0]["lag"].clone()).ok())
}

#[tokio::test]
async fn a_group_that_is_destroyed_ends_the_source() {
    let (redis, stream) = (connect().await, unique("stream"));
    let reader = open(redis.consume_stream(&stream).group("tests")).await.ready().await;
    run::<()>(&["XGROUP", "DESTROY", &stream, "tests"]);
    let fault = reader.failure().await;
    assert_eq!(fault.code, "nogroup");
    assert!(fault.message.contains("XREADGROUP"), "{fault}");
}
