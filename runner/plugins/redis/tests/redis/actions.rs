//! Reads and writes as steps.

use crate::opened::in_step;
use crate::{connect, run, unique};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_redis::Expiry;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u32,
}

#[tokio::test]
async fn values_are_saved_and_got() {
    let (redis, key) = (connect().await, unique("order"));
    assert_eq!(redis.get(&key).await.unwrap(), None);
    assert_eq!(redis.get(&key).json::<Order>().await.unwrap(), None);
    assert!(!redis.exists(&key).await.unwrap());
    assert_eq!(redis.ttl(&key).await.unwrap(), Expiry::Missing);

    redis.save(&key, "plain").await.unwrap();
    assert_eq!(redis.get(&key).await.unwrap().as_deref(), Some("plain"));
    assert!(redis.exists(&key).await.unwrap());
    assert_eq!(redis.ttl(&key).await.unwrap(), Expiry::Never);

    redis.save_json(&key, &Order { id: 7 }).expire(Duration::from_secs(60)).await.unwrap();
    assert_eq!(redis.get(&key).json().await.unwrap(), Some(Order { id: 7 }));
    assert_eq!(run::<String>(&["GET", &key]), "{\"id\":7}");
    match redis.ttl(&key).await.unwrap() {
        Expiry::After(left) => assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(60)),
        other => panic!("{other:?}"),
    }
    redis.save(&key, [0xff, 0x00]).await.unwrap();
    assert_eq!(&redis.get(&key).bytes().await.unwrap().unwrap()[..], [0xff, 0x00]);
    assert!(redis.get(&key).await.unwrap_err().message.contains("invalid utf-8"));
}

#[tokio::test]
async fn hashes_sets_and_lists_are_read() {
    let redis = connect().await;
    let hash = unique("hash");
    assert!(redis.hash(&hash).await.unwrap().is_empty());
    redis.save_hash(&hash, [("state", "paid"), ("total", "12")]).await.unwrap();
    redis.save_hash(&hash, [("state", "sent")]).expire(Duration::from_secs(60)).await.unwrap();
    let fields = redis.hash(&hash).await.unwrap();
    assert_eq!(fields, [("state".into(), "sent".into()), ("total".into(), "12".into())].into());
    assert_eq!(redis.hash_field(&hash, "total").await.unwrap().as_deref(), Some("12"));
    assert_eq!(redis.hash_field(&hash, "none").await.unwrap(), None);
    assert!(matches!(redis.ttl(&hash).await.unwrap(), Expiry::After(_)));

    let set = unique("set");
    run::<()>(&["SADD", &set, "b", "a"]);
    assert_eq!(redis.set_members(&set).await.unwrap(), ["a".into(), "b".into()].into());

    let list = unique("list");
    run::<()>(&["RPUSH", &list, "0", "1", "2", "3"]);
    assert_eq!(redis.list(&list, 0..2).await.unwrap(), ["0", "1"]);
    assert_eq!(redis.list(&list, ..).await.unwrap(), ["0", "1", "2", "3"]);
    assert_eq!(redis.list(&list, -2..).await.unwrap(), ["2", "3"]);
    assert!(redis.list(&list, 0..0).await.unwrap().is_empty());
}

#[tokio::test]
async fn streams_are_added_to_and_read() {
    let (redis, stream) = (connect().await, unique("stream"));
    assert!(redis.stream_range(&stream, "-", "+").await.unwrap().is_empty());
    let first = redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    let second = redis.add_to_stream(&stream, [("n", "2")]).await.unwrap();
    assert!(second > first);
    let entries = redis.stream_range(&stream, "-", "+").await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(entries[1].field_text("n"), Some("2"));
    assert_eq!(redis.stream_range(&stream, "-", "+").count(1).await.unwrap().len(), 1);
    assert_eq!(redis.stream_range(&stream, second.to_string(), "+").await.unwrap().len(), 1);
    for _ in 0..500 {
        redis.add_to_stream(&stream, [("n", "x")]).max_length(100).await.unwrap();
    }
    assert!(run::<u32>(&["XLEN", &stream]) < 300);
}

#[tokio::test]
async fn a_step_sends_its_trace_in_a_field_unless_there_is_one() {
    let (redis, stream) = (connect().await, unique("stream"));
    assert!(in_step(redis.add_to_stream(&stream, [("n", "1")])).await.is_none());
    assert!(in_step(redis.add_to_stream(&stream, [("traceparent", "mine")])).await.is_none());
    redis.add_to_stream(&stream, [("n", "outside of a step")]).await.unwrap();
    let entries = redis.stream_range(&stream, "-", "+").await.unwrap();
    let trace = entries[0].field_text("traceparent").expect("a trace");
    assert!(trace.len() == 55 && trace.starts_with("00-") && trace.ends_with("-01"), "{trace}");
    assert_eq!((entries[1].field_text("traceparent"), entries[1].fields.len()), (Some("mine"), 1));
    assert_eq!(entries[2].fields.len(), 1);
}

#[tokio::test]
async fn a_wrong_type_is_reported_with_what_the_key_holds() {
    let (redis, key) = (connect().await, unique("list"));
    run::<()>(&["RPUSH", &key, "0"]);
    let evidence = in_step(redis.get(&key)).await.expect("it fails");
    assert_eq!((evidence.kind, evidence.code.as_str()), (FailureKind::Error, "wrongtype"));
    let expected = format!(
        "redis at {}: GET {key}: WRONGTYPE Operation against a key holding the wrong kind of value, \
         the key holds a list",
        redis.target()
    );
    assert_eq!(evidence.message, expected);
    let fault = redis.add_to_stream(&key, [("a", "b")]).await.unwrap_err();
    assert!(
        fault.message.starts_with(&format!("redis at {}: XADD {key}: WRONGTYPE", redis.target())),
        "{fault}"
    );
    assert_eq!(fault.input.as_deref(), Some(format!("XADD {key} a=b").as_str()));
}

#[tokio::test]
async fn what_can_not_be_decoded_or_encoded_fails_with_the_value() {
    let (redis, key) = (connect().await, unique("order"));
    redis.save(&key, "<html>").await.unwrap();
    let evidence = in_step(redis.get(&key).json::<Order>()).await.expect("it fails");
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    let expected = format!(
        "redis at {}: GET {key}: expected value at line 1 column 1, the answer was <html>",
        redis.target()
    );
    assert_eq!(evidence.message, expected);
    let fault = redis.save_json(&key, &HashMap::from([((1, 2), 3)])).await.unwrap_err();
    assert_eq!(fault.code, "json");
}

#[tokio::test]
async fn publishing_returns_how_many_subscribers_got_it() {
    let (redis, channel) = (connect().await, unique("channel"));
    assert_eq!(redis.publish(&channel, "nobody listens").await.unwrap(), 0);
}
