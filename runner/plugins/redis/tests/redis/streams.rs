//! Streams as sources: positions, decoding, outages, lag.

use crate::opened::open;
use crate::{WAIT_LIMIT, connect, run, run_at, unique};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_redis::{Position, Redis, StreamRecord};
use qalipsis_testkit::RedisServer;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Event {
    id: u32,
}

fn texts(records: &[StreamRecord<String>]) -> Vec<&str> {
    records.iter().map(|record| record.value.as_str()).collect()
}

#[tokio::test]
async fn what_is_added_once_ready_is_read_and_nothing_before() {
    let (redis, stream) = (connect().await, unique("stream"));
    for round in 0..50 {
        // In the first round there is no such stream yet.
        if round > 0 {
            redis.add_to_stream(&stream, [("n", format!("before {round}"))]).await.unwrap();
        }
        let mut reader = open(redis.consume_stream(&stream).text_field("n")).await.ready().await;
        let id = redis.add_to_stream(&stream, [("n", round.to_string())]).await.unwrap();
        let record = reader.next().await;
        assert_eq!((record.value, record.id), (round.to_string(), id), "round {round}");
        reader.end().await;
    }
}

#[tokio::test]
async fn earliest_reads_everything() {
    let (redis, stream) = (connect().await, unique("stream"));
    for number in 0..1200 {
        redis.add_to_stream(&stream, [("n", number.to_string())]).await.unwrap();
    }
    let source = redis.consume_stream(&stream).from(Position::Earliest).text_field("n");
    let mut reader = open(source).await.ready().await;
    redis.add_to_stream(&stream, [("n", "1200")]).await.unwrap();
    let numbers: Vec<String> = reader.take(1201).await.into_iter().map(|record| record.value).collect();
    assert_eq!(numbers, (0..=1200).map(|number| number.to_string()).collect::<Vec<_>>());
    reader.end().await;
}

#[tokio::test]
async fn a_record_brings_id_fields_and_time() {
    let (redis, stream) = (connect().await, unique("stream"));
    let reader = open(redis.consume_stream(&stream).json_field::<Event>("payload")).await;
    assert_eq!(reader.name, format!("redis stream {stream} at {}", redis.target()));
    let mut reader = reader.ready().await;
    let mut all = open(redis.consume_stream(&stream)).await.ready().await;
    let fields = [("payload", "{\"id\":7}"), ("traceparent", "00-trace"), ("raw", "x")];
    let id = redis.add_to_stream(&stream, fields).await.unwrap();
    let added = Instant::now();
    let record = reader.next().await;
    assert_eq!((record.stream.as_str(), record.id, record.value.clone()), (&*stream, id, Event { id: 7 }));
    assert_eq!((record.traceparent(), record.field_text("raw")), (Some("00-trace"), Some("x")));
    let apart = record.received.max(added) - record.received.min(added);
    assert!(apart < Duration::from_secs(1), "received {apart:?} from when it was added");
    let expected = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(all.next().await.value, expected);
    assert_eq!(reader.end().await.bytes, 7 + 8 + 11 + 8 + 3 + 1);
    all.end().await;
}

#[tokio::test]
async fn garbage_is_counted_with_its_coordinates_and_reading_goes_on() {
    let (redis, stream) = (connect().await, unique("stream"));
    let mut reader = open(redis.consume_stream(&stream).json_field::<Event>("payload")).await.ready().await;
    redis.add_to_stream(&stream, [("payload", "{\"id\":1}")]).await.unwrap();
    let garbage = redis.add_to_stream(&stream, [("payload", "<html>\n")]).await.unwrap();
    let without = redis.add_to_stream(&stream, [("other", "1")]).await.unwrap();
    redis.add_to_stream(&stream, [("payload", "{\"id\":2}")]).await.unwrap();
    let ids: Vec<u32> = reader.take(2).await.iter().map(|record| record.value.id).collect();
    assert_eq!(ids, [1, 2]);
    let evidence = reader.evidence().await;
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    assert_eq!(
        evidence.message,
        format!(
            "redis stream {stream} entry {garbage}: field payload: expected value at line 1 column 1, \
             fields payload: <html>\\n"
        )
    );
    let evidence = reader.evidence().await;
    let expected = format!("redis stream {stream} entry {without}: no field payload, fields other: 1");
    assert_eq!(evidence.message, expected);
    let figures = reader.end().await;
    assert_eq!((figures.records, figures.undecodable), (4, 2));
}

#[tokio::test]
async fn a_panic_of_the_decoder_ends_the_source_with_its_place() {
    let (redis, stream) = (connect().await, unique("stream"));
    let source = redis.consume_stream(&stream).decode::<(), String>(|_| panic!("no idea"));
    let reader = open(source).await.ready().await;
    redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    let fault = reader.failure().await;
    assert!(fault.message.contains("streams.rs:") && fault.message.ends_with(": no idea"), "{fault}");
}

/// Adds numbered entries until then, and goes on after failures; returns those that were acknowledged.
async fn add_through_outages(redis: Redis, stream: &str, until: Instant) -> Vec<String> {
    let mut added = Vec::new();
    let mut number = 0;
    while Instant::now() < until {
        // An attempt that fails may have had its effect; a number is never used twice.
        if redis.add_to_stream(stream, [("n", number.to_string())]).await.is_ok() {
            added.push(number.to_string());
        }
        number += 1;
        tokio::task::yield_now().await;
    }
    added
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_and_repeats_nothing() {
    for group in [None, Some("tests")] {
        let own = RedisServer::start_own().unwrap();
        let redis = Redis::connect(own.url()).await.unwrap();
        let mut source = redis.consume_stream("orders").text_field("n");
        if let Some(group) = group {
            source = source.group(group);
        }
        let mut reader = open(source).await.ready().await;
        let (adding, until) = (redis.clone(), Instant::now() + Duration::from_secs(3));
        let adder = tokio::spawn(async move { add_through_outages(adding, "orders", until).await });
        for _ in 0..3 {
            sleep(Duration::from_millis(400)).await;
            own.stop().unwrap();
            sleep(Duration::from_millis(100)).await;
            own.restart().unwrap();
        }
        let added = adder.await.unwrap();
        let stored: u64 = run_at(&own, &["XLEN", "orders"]);
        assert!(stored >= added.len() as u64 && added.len() > 100, "{stored} of {}", added.len());
        let records = reader.take(stored as usize).await;
        let read = texts(&records);
        let entries = redis.stream_range("orders", "-", "+").await.unwrap();
        let expected: Vec<&str> = entries.iter().map(|entry| entry.field_text("n").unwrap()).collect();
        assert_eq!(read, expected, "{group:?}");
        // Nothing is left.
        reader.end().await;
    }
}

#[tokio::test]
async fn a_reader_that_falls_behind_reports_its_lag() {
    let (redis, stream) = (connect().await, unique("stream"));
    // What was there before does not count.
    run::<()>(&["XADD", &stream, "*", "n", "before"]);
    let slow = redis.consume_stream(&stream).decode(|_| {
        // On the thread that reads: a decoder this slow is what the figure has to show.
        std::thread::sleep(Duration::from_millis(10));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    let adding = (0..300).map(|_| redis.add_to_stream(&stream, [("n", "x")]).into_future());
    for added in futures::future::join_all(adding).await {
        added.unwrap();
    }
    let began = Instant::now();
    let mut largest = None;
    while largest < Some(50) {
        assert!(began.elapsed() < WAIT_LIMIT, "the largest reported lag was {largest:?}");
        sleep(Duration::from_millis(20)).await;
        largest = largest.max(reader.figures().consumer_lag_max);
    }
    assert!(largest <= Some(300), "{largest:?}");
    reader.take(300).await;
    while reader.figures().consumer_lag != Some(0) {
        assert!(began.elapsed() < WAIT_LIMIT, "the lag never was 0 again");
        sleep(Duration::from_millis(20)).await;
    }
    reader.end().await;
}

#[tokio::test]
async fn a_key_that_becomes_something_else_ends_the_source() {
    let (redis, stream) = (connect().await, unique("stream"));
    let mut reader = open(redis.consume_stream(&stream)).await.ready().await;
    redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    reader.next().await;
    run::<()>(&["SET", &stream, "a string"]);
    let fault = reader.failure().await;
    assert_eq!(fault.code, "wrongtype");
    assert!(fault.message.starts_with(&format!("redis at {}: XREAD {stream}: ", redis.target())), "{fault}");
}
