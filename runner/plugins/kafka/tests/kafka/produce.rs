//! Producing: acknowledgement, failures, the trace.

use crate::opened::{in_step, open};
use crate::{broker, topic};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_kafka::{Delivery, Kafka};
use qalipsis_testkit::free_port;
use std::collections::HashMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_delivery_has_its_partition_and_offset() {
    let topic = topic(2);
    let producer = Kafka::new(broker().bootstrap()).producer().unwrap();
    let first = producer.send(&topic).partition(1).text("a").await.unwrap();
    let second = producer.clone().send(&topic).partition(1).text("b").await.unwrap();
    assert_eq!(first, Delivery { partition: 1, offset: 0 });
    assert_eq!(second, Delivery { partition: 1, offset: 1 });
    let by_key = producer.send(&topic).key("k").text("c").await.unwrap().partition;
    assert_eq!(producer.send(&topic).key("k").text("d").await.unwrap().partition, by_key);
}

#[tokio::test]
async fn an_acknowledgement_does_not_wait_for_a_batch() {
    let topic = topic(1);
    let producer = Kafka::new(broker().bootstrap()).producer().unwrap();
    producer.send(&topic).text("warm").await.unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..50 {
        let began = Instant::now();
        producer.send(&topic).text("x").await.unwrap();
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(5), "the fastest of 50 took {fastest:?}");
}

#[tokio::test]
async fn a_step_sends_its_trace_unless_there_is_one() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    assert!(in_step(producer.send(&topic).text("traced")).await.is_none());
    assert!(in_step(producer.send(&topic).header("Traceparent", "mine").text("own")).await.is_none());
    producer.send(&topic).text("outside of a step").await.unwrap();
    let records = reader.take(3).await;
    let trace = records[0].header_text("traceparent").expect("a trace");
    assert!(trace.len() == 55 && trace.starts_with("00-") && trace.ends_with("-01"), "{trace}");
    assert_eq!((records[1].header_text("Traceparent"), records[1].headers.len()), (Some("mine"), 1));
    assert!(records[2].headers.is_empty());
    reader.end().await;
}

#[tokio::test]
async fn a_dead_broker_fails_the_step_with_topic_brokers_and_reason() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let producer = Kafka::new(&address).property("message.timeout.ms", "1500").producer().unwrap();
    let began = Instant::now();
    let message = producer.send("orders").key("k1").header("api-token", "hunter2").text("payload");
    let evidence = in_step(message).await.expect("it fails");
    assert!(began.elapsed() < Duration::from_secs(4), "after {:?}", began.elapsed());
    assert_eq!((evidence.kind, evidence.code.as_str()), (FailureKind::Error, "unreachable"));
    let expected = format!("kafka topic orders at {address}: no broker was reachable within 1.5 s: ");
    assert!(evidence.message.starts_with(&expected), "{}", evidence.message);
    assert!(evidence.message.ends_with("Connection refused"), "{}", evidence.message);
    let input = evidence.exchanged().expect("what was sent");
    assert!(input.contains("key: k1") && input.contains("payload"), "{input}");
    assert!(!input.contains("hunter2"), "{input}");
}

#[tokio::test]
async fn what_the_broker_or_the_client_refuses_fails_with_a_code() {
    let topic = topic(1);
    let producer = Kafka::new(broker().bootstrap()).producer().unwrap();
    let fault = producer.send(&topic).bytes(vec![0; 2_000_000]).await.unwrap_err();
    assert_eq!(fault.code, "message-size-too-large");
    let place = format!("kafka topic {topic} at {}: ", broker().bootstrap());
    assert!(fault.message.starts_with(&place), "{fault}");
    let fault = producer.send(&topic).partition(9).text("x").await.unwrap_err();
    assert_eq!(fault.code, "unknown-partition");
    let fault = producer.send("no spaces allowed").text("x").await.unwrap_err();
    assert!(fault.message.starts_with("kafka topic no spaces allowed at "), "{fault}");
    let fault = producer.send(&topic).json(&HashMap::from([((1, 2), 3)])).await.unwrap_err();
    assert_eq!(fault.code, "json");
}

#[tokio::test]
async fn dropping_a_producer_or_a_message_blocks_nobody() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let producer = Kafka::new(&address).producer().unwrap();
    let sending = producer.send("orders").text("x").into_future();
    assert!(tokio::time::timeout(Duration::from_millis(100), sending).await.is_err());
    let began = Instant::now();
    drop(producer);
    assert!(began.elapsed() < Duration::from_millis(100), "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn wrong_properties_are_refused_when_it_is_made() {
    let fault = Kafka::new("127.0.0.1:1").property("acks", "some").producer().unwrap_err();
    assert!(fault.message.starts_with("kafka property 'acks': "), "{fault}");
    let both = Kafka::new("127.0.0.1:1").property("acks", "1").property("enable.idempotence", "true");
    let fault = both.producer().unwrap_err();
    assert!(fault.message.starts_with("kafka properties were refused: "), "{fault}");
    Kafka::new("127.0.0.1:1").property("acks", "1").producer().expect("acks alone is fine");
}
