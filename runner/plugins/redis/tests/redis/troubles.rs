//! What a source says of what it could not read.

use crate::opened::open;
use crate::{connect, run, run_at, server, unique};
use qalipsis_core::model::join::JoinFigures;
use qalipsis_core::source::Source;
use qalipsis_redis::{ConsumeStream, Fields, Redis};
use qalipsis_testkit::{Proxy, RedisServer};
use redis::Value;
use std::time::Duration;

async fn proxied() -> (Proxy, Redis) {
    let proxy = Proxy::to(server().address()).unwrap();
    let redis = Redis::connect(format!("redis://{}", proxy.address())).await.unwrap();
    (proxy, redis)
}

fn add(stream: &str, value: &str) -> String {
    run(&["XADD", stream, "*", "n", value])
}

fn is_open(figures: &JoinFigures) -> bool {
    figures.gaps.iter().any(|gap| gap.to.is_none())
}

fn has_ended(figures: &JoinFigures) -> bool {
    figures.gaps.iter().any(|gap| gap.to.is_some())
}

#[tokio::test]
async fn a2_the_time_without_a_connection_is_an_interval() {
    let (proxy, redis) = proxied().await;
    let (stream, channel) = (unique("stream"), unique("channel"));
    let mut reader = open(redis.consume_stream(&stream).text_field("n")).await.ready().await;
    let mut listener = open(redis.subscribe(&channel)).await.ready().await;
    proxy.refuse(true);
    proxy.cut();
    reader.until("an open gap", is_open).await;
    listener.until("an open gap", is_open).await;
    add(&stream, "kept");
    let _: i64 = run(&["PUBLISH", &channel, "lost"]);
    proxy.refuse(false);
    let kept = reader.until("its end", has_ended).await;
    assert!(kept.gaps.iter().all(|gap| gap.to.is_none() || !gap.lossy), "{kept:?}");
    let lost = listener.until("its end", has_ended).await;
    assert!(lost.gaps.iter().any(|gap| gap.to.is_some() && gap.lossy), "{lost:?}");
    assert_eq!(reader.next().await.value, "kept");
    let _: i64 = run(&["PUBLISH", &channel, "after"]);
    assert_eq!(listener.next().await.value, "after");
    reader.end().await;
    listener.end().await;
}

#[tokio::test]
async fn a2_a_client_that_is_killed_says_so() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let listener = open(redis.subscribe("c")).await.ready().await;
    let _: i64 = run_at(&own, &["CLIENT", "KILL", "TYPE", "pubsub"]);
    let figures = listener.until("its end", has_ended).await;
    assert!(
        figures.gaps.iter().any(|gap| gap.lossy && gap.cause == "the connection was closed"),
        "{figures:?}"
    );
    listener.end().await;
}

/// The server closes the connection of who reads too slowly.
#[tokio::test]
async fn a2_a_subscriber_that_is_too_slow_says_so() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let _: String = run_at(&own, &["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1"]);
    let slow = redis.subscribe("c").decode(|_, payload| {
        std::thread::sleep(Duration::from_millis(100));
        Ok::<_, String>(payload.len())
    });
    let listener = open(slow).await.ready().await;
    let megabyte = "x".repeat(1 << 20);
    for _ in 0..40 {
        let _: i64 = run_at(&own, &["PUBLISH", "c", &megabyte]);
    }
    listener.until("an open gap", |figures| figures.gaps.iter().any(|gap| gap.lossy)).await;
    listener.stop().await.1.unwrap();
}

#[tokio::test]
async fn a2_a_stream_that_is_deleted_and_made_again_may_have_lost_entries() {
    let redis = connect().await;
    let stream = unique("stream");
    let mut reader = open(redis.consume_stream(&stream).text_field("n")).await.ready().await;
    for number in 0..3 {
        add(&stream, &number.to_string());
        assert_eq!(reader.next().await.value, number.to_string());
    }
    reader.until("its lag", |figures| figures.consumer_lag == Some(0)).await;
    // Made again at once, with ids that are greater.
    let _: i64 = run(&["DEL", &stream]);
    add(&stream, "again");
    assert_eq!(reader.next().await.value, "again");
    let figures = reader.until("a gap", has_ended).await;
    let gap = &figures.gaps[0];
    assert!(gap.lossy && gap.cause.contains("was made again, or its server lost data"), "{figures:?}");
    // With ids that are smaller.
    let _: i64 = run(&["DEL", &stream]);
    let _: String = run(&["XADD", &stream, "1-1", "n", "small"]);
    assert_eq!(reader.next().await.value, "small");
    reader.until("a gap", |figures| figures.gaps.iter().any(|gap| gap.lossy)).await;
    // And not made again.
    let _: i64 = run(&["DEL", &stream]);
    let figures = reader.until("an open gap", is_open).await;
    assert!(
        figures.gaps.iter().any(|gap| gap.cause == format!("the stream {stream} was deleted")),
        "{figures:?}"
    );
    add(&stream, "late");
    assert_eq!(reader.next().await.value, "late");
    reader.until("its end", has_ended).await;
    reader.end().await;
}

#[tokio::test]
async fn a2_entries_that_are_trimmed_before_they_are_read_are_counted() {
    let (proxy, redis) = proxied().await;
    let stream = unique("stream");
    let mut reader = open(redis.consume_stream(&stream).text_field("n")).await.ready().await;
    add(&stream, "first");
    assert_eq!(reader.next().await.value, "first");
    // Nothing is read for a moment.
    proxy.pause();
    for number in 0..10 {
        add(&stream, &number.to_string());
    }
    let _: i64 = run(&["XTRIM", &stream, "MAXLEN", "0"]);
    add(&stream, "last");
    proxy.resume();
    while reader.next().await.value != "last" {}
    let figures = reader.until("a gap", |figures| figures.gaps.iter().any(|gap| gap.lossy)).await;
    let gap = figures.gaps.iter().find(|gap| gap.lossy).unwrap();
    assert!(
        gap.cause.ends_with(&format!("entries of the stream {stream} were deleted before they were read")),
        "{gap:?}"
    );
    reader.end().await;
}

#[tokio::test]
async fn a2_a_group_that_is_destroyed_fails_the_source_by_name() {
    let redis = connect().await;
    let stream = unique("stream");
    add(&stream, "x");
    let reader = open(redis.consume_stream(&stream).group("g")).await.ready().await;
    let _: i64 = run(&["XGROUP", "DESTROY", &stream, "g"]);
    let fault = reader.failure().await;
    assert!(fault.message.starts_with(&format!("redis at {}", server().address())), "{fault}");
    assert!(fault.message.contains(&stream) && fault.message.contains("NOGROUP"), "{fault}");
}

/// Nothing of it is on disk.
#[tokio::test]
async fn a2_a_server_that_lost_its_data_says_so() {
    let own = RedisServer::start_with(&["--appendonly", "no"]).unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let mut reader = open(redis.consume_stream("s").text_field("n")).await.ready().await;
    let _: String = run_at(&own, &["XADD", "s", "*", "n", "1"]);
    assert_eq!(reader.next().await.value, "1");
    reader.until("its lag", |figures| figures.consumer_lag == Some(0)).await;
    let own = tokio::task::spawn_blocking(move || {
        own.stop().unwrap();
        own.restart().unwrap();
        own
    });
    let own = own.await.unwrap();
    let figures = reader.until("two gaps", |figures| figures.gaps.len() >= 2).await;
    assert!(figures.gaps.iter().any(|gap| gap.cause == "the stream s was deleted"), "{figures:?}");
    let _: String = run_at(&own, &["XADD", "s", "*", "n", "2"]);
    assert_eq!(reader.next().await.value, "2");
    reader.end().await;
}

/// A lost connection did not deliver it, and the new one asks for it again.
#[tokio::test]
async fn law1_an_entry_that_is_deleted_while_it_is_pending_is_lost() {
    let (proxy, redis) = proxied().await;
    let stream = unique("stream");
    let mut reader = open(redis.consume_stream(&stream).group("g").text_field("n")).await.ready().await;
    // Until the server sends one that does not arrive.
    let lost = loop {
        proxy.pause();
        let id = add(&stream, "lost");
        let pending: Vec<Value> = run(&["XPENDING", &stream, "g", &id, &id, "1"]);
        if !pending.is_empty() {
            break id;
        }
        proxy.resume();
        reader.next().await;
    };
    let _: i64 = run(&["XDEL", &stream, &lost]);
    proxy.cut();
    proxy.resume();
    add(&stream, "after");
    assert_eq!(reader.next().await.value, "after");
    let expected = format!("entry {lost} of the stream {stream} was deleted while it was pending");
    let named = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.lossy && gap.cause == expected);
    reader.until("a gap", named).await;
    reader.end().await;
}

#[tokio::test]
async fn law1_entries_that_are_gone_before_a_group_reads_them_are_counted() {
    for delete in [false, true] {
        let (proxy, redis) = proxied().await;
        let stream = unique("stream");
        let mut reader = open(redis.consume_stream(&stream).group("g").text_field("n")).await.ready().await;
        add(&stream, "first");
        assert_eq!(reader.next().await.value, "first");
        reader.until("its lag", |figures| figures.consumer_lag == Some(0)).await;
        proxy.pause();
        let ids: Vec<String> = (0..10).map(|number| add(&stream, &number.to_string())).collect();
        let cause = match delete {
            true => {
                let _: i64 = run(&["XDEL", &stream, &ids[9]]);
                format!("entry {} of the stream {stream} was deleted before the group g read it", ids[9])
            }
            false => {
                let _: i64 = run(&["XTRIM", &stream, "MAXLEN", "0"]);
                format!("entries of the stream {stream} were deleted before the group g read them")
            }
        };
        proxy.resume();
        let named =
            |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.lossy && gap.cause.ends_with(&cause));
        reader.until("a gap", named).await;
        add(&stream, "last");
        while reader.next().await.value != "last" {}
        reader.figures();
        // Said once.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let figures = reader.end().await;
        assert!(!figures.gaps.iter().any(|gap| gap.lossy), "{figures:?}");
    }
}

#[tokio::test]
async fn law1_a_server_that_answers_late_is_an_interval() {
    let (proxy, redis) = proxied().await;
    let stream = || redis.consume_stream(unique("stream"));
    let reader = open(stream()).await.ready().await;
    let member = open(stream().group("g")).await.ready().await;
    let listener = open(redis.subscribe(unique("channel"))).await.ready().await;
    proxy.pause();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    proxy.resume();
    let late = |figures: &JoinFigures| {
        figures
            .gaps
            .iter()
            .any(|gap| !gap.lossy && gap.to.is_some() && gap.cause.starts_with("the server took "))
    };
    reader.until("a gap", late).await;
    member.until("a gap", late).await;
    listener.until("a gap", late).await;
    reader.end().await;
    member.end().await;
    listener.end().await;
}

#[tokio::test]
async fn law1_fields_that_hold_secrets_are_hidden_in_all_evidence() {
    let redis = connect().await;
    let (key, stream) = (unique("key"), unique("stream"));
    redis.save(&key, "x").await.unwrap();
    let fault = redis.save_hash(&key, [("n", "1"), ("token", "hunter2")]).await.unwrap_err();
    let shown = format!("{fault:?}");
    assert!(shown.contains("n=1 token=***") && !shown.contains("hunter2"), "{shown}");
    let mut reader = open(redis.consume_stream(&stream).json_field::<u32>("n")).await.ready().await;
    let _: String = run(&["XADD", &stream, "*", "n", "x", "password", "hunter2"]);
    let shown = format!("{:?}", reader.evidence().await);
    assert!(shown.contains("password: ***") && !shown.contains("hunter2"), "{shown}");
    reader.end().await;
    let hash = unique("hash");
    redis.save_hash(&hash, [("secret", "hunter2")]).await.unwrap();
    let read = redis.hash(&hash).await.unwrap();
    assert_eq!(read["secret"], "hunter2", "scenarios see it");
}

#[tokio::test]
async fn b1_an_entry_shows_its_coordinates_and_fields() {
    let redis = connect().await;
    let stream = unique("stream");
    let mut reader = open(redis.consume_stream(&stream).named("orders")).await.ready().await;
    assert_eq!(reader.name, format!("orders at {}", server().address()));
    let id: String = run(&["XADD", &stream, "*", "n", "1", "token", "hunter2"]);
    let record = reader.next().await;
    let shown = ConsumeStream::<Fields>::evidence(&record).expect("evidence");
    assert_eq!(shown.summary(), format!("redis stream {stream} entry {id}"));
    assert_eq!(shown.details(), format!("{}\n\nn: 1\ntoken: ***", shown.summary()));
    reader.end().await;
}

#[tokio::test]
async fn d8_no_expiry_is_the_longest_duration() {
    let redis = connect().await;
    let key = unique("key");
    redis.save(&key, "v").expire(Duration::MAX).await.unwrap();
    assert_eq!(redis.get(&key).await.unwrap().as_deref(), Some("v"));
}
