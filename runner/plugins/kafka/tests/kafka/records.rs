//! What a record brings along, what can't be decoded, and the figures of a source.

use crate::opened::open;
use crate::{WAIT_LIMIT, broker, topic};
use bytes::Bytes;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_kafka::{Kafka, TimeKind};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    id: u32,
}

#[tokio::test]
async fn a_record_brings_key_headers_coordinates_and_times() {
    let topic = topic(2);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut reader = open(kafka.consume(&topic).json::<Event>()).await.ready().await;
    let began = Timestamp::from_system(SystemTime::now()).0 / 1_000_000;
    let message = producer.send(&topic).key("k1").header("a", "1").header("a", "2").header("raw", [0xff]);
    let delivery = message.json(&Event { id: 7 }).partition(1).await.unwrap();
    let acknowledged = Instant::now();
    let record = reader.next().await;
    let (partition, offset) = (delivery.partition, delivery.offset);
    assert_eq!((record.topic.as_str(), record.partition, record.offset), (topic.as_str(), partition, offset));
    assert_eq!((partition, offset), (1, 0));
    assert_eq!(record.value, Event { id: 7 });
    assert_eq!(record.key_text(), Some("k1"));
    assert_eq!(record.header_text("a"), Some("2"));
    assert_eq!(record.header_text("raw"), None);
    assert_eq!(record.headers[2], ("raw".to_owned(), Some(Bytes::from_static(&[0xff]))));
    assert!(!record.tombstone);
    let time = record.timestamp.expect("the producer gave one");
    assert_eq!(time.kind, TimeKind::Created);
    assert!((began..began + 60_000).contains(&(time.at.0 / 1_000_000)), "{time:?}");
    let apart = record.received.saturating_duration_since(acknowledged);
    assert!(apart < Duration::from_secs(5), "received {apart:?} after the acknowledgement");
    // Key, headers with their names, and the value.
    assert_eq!(reader.end().await.bytes, 2 + 2 + 2 + 4 + 8);
}

#[tokio::test]
async fn garbage_is_counted_with_its_coordinates_and_reading_goes_on() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut reader = open(kafka.consume(&topic).json::<Event>()).await.ready().await;
    for text in ["{\"id\":1}", "<html>\n</html>", "{\"id\":2}"] {
        producer.send(&topic).text(text).await.unwrap();
    }
    let ids: Vec<u32> = reader.take(2).await.iter().map(|record| record.value.id).collect();
    assert_eq!(ids, [1, 2]);
    let evidence = reader.evidence().await;
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    assert_eq!(
        evidence.message,
        format!(
            "kafka topic {topic} partition 0 offset 1: expected value at line 1 column 1, value <html>\\n</html>"
        )
    );
    let figures = reader.end().await;
    assert_eq!((figures.records, figures.undecodable), (3, 1));
}

#[tokio::test]
async fn a_tombstone_is_null() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut optional = open(kafka.consume(&topic).json::<Option<Event>>()).await.ready().await;
    let mut strict = open(kafka.consume(&topic).json::<Event>()).await.ready().await;
    let mut bytes = open(kafka.consume(&topic).bytes()).await.ready().await;
    producer.send(&topic).key("gone").await.unwrap();
    let record = optional.next().await;
    assert!(record.tombstone);
    assert_eq!((record.value, record.key.as_deref()), (None, Some(&b"gone"[..])));
    let record = bytes.next().await;
    assert!(record.tombstone && record.value.is_empty());
    let message = strict.evidence().await.message;
    assert!(message.contains("partition 0 offset 0: ") && message.ends_with(", value null"), "{message}");
    optional.end().await;
    strict.end().await;
    bytes.end().await;
}

#[tokio::test]
async fn any_function_can_decode() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let lengths = kafka.consume(&topic).decode(|record| match record.value() {
        Some(value) => Ok((value.len(), record.header("kind").map(<[u8]>::to_vec))),
        None => Err("no value to measure"),
    });
    let mut reader = open(lengths).await.ready().await;
    producer.send(&topic).await.unwrap();
    producer.send(&topic).bytes(vec![0xff; 5]).header("kind", "raw").await.unwrap();
    assert_eq!(reader.next().await.value, (5, Some(b"raw".to_vec())));
    assert!(reader.evidence().await.message.contains("no value to measure, value null"));
    reader.end().await;
}

#[tokio::test]
async fn a_panic_of_the_decoder_ends_the_source_with_its_place() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let reader = open(kafka.consume(&topic).decode::<(), String>(|_| panic!("no idea"))).await.ready().await;
    kafka.producer().unwrap().send(&topic).text("x").await.unwrap();
    let fault = reader.failure().await;
    assert!(fault.message.contains("records.rs:") && fault.message.ends_with(": no idea"), "{fault}");
}

#[tokio::test]
async fn a_reader_that_falls_behind_reports_its_lag() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let slow = kafka.consume(&topic).decode(|_| {
        // On the thread that reads: a decoder this slow is what the figure has to show.
        std::thread::sleep(Duration::from_millis(10));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    let sending = (0..300).map(|_| producer.send(&topic).text("x").into_future());
    for sent in futures::future::join_all(sending).await {
        sent.unwrap();
    }
    let began = Instant::now();
    let mut largest = None;
    while largest < Some(50) {
        assert!(began.elapsed() < WAIT_LIMIT, "the largest reported lag was {largest:?}");
        sleep(Duration::from_millis(20)).await;
        largest = largest.max(reader.figures().consumer_lag_max);
    }
    reader.take(300).await;
    while reader.figures().consumer_lag != Some(0) {
        assert!(began.elapsed() < WAIT_LIMIT, "the lag never was 0 again");
        sleep(Duration::from_millis(20)).await;
    }
    reader.end().await;
}
