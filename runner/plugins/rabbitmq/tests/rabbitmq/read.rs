//! What is read, how it is acknowledged, and that nothing is missed.

use crate::opened::open;
use crate::{Admin, WAIT_LIMIT, connect, server, unique};
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    order: u64,
}

#[tokio::test]
async fn a_message_comes_with_all_that_its_publisher_set() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let mut reader = open(rabbit.consume(&queue).json::<Event>()).await.ready().await;
    assert_eq!(reader.name, format!("rabbitmq queue {queue} at {}", server().address()));

    let mut headers = FieldTable::default();
    headers.insert("attempt".into(), AMQPValue::LongInt(3));
    headers.insert("traceparent".into(), AMQPValue::LongString("00-a-b-01".into()));
    let mut nested = FieldTable::default();
    nested.insert("urgent".into(), AMQPValue::Boolean(true));
    headers.insert("flags".into(), AMQPValue::FieldTable(nested));
    let properties = BasicProperties::default()
        .with_headers(headers)
        .with_message_id("m-1".into())
        .with_correlation_id("c-1".into())
        .with_content_type("application/json".into())
        .with_timestamp(1_700_000_000)
        .with_priority(4);
    let before = Instant::now();
    let publish = BasicPublishOptions::default();
    let sent =
        admin.channel.basic_publish("".into(), queue.as_str().into(), publish, b"{\"order\":7}", properties);
    sent.await.unwrap().await.unwrap();

    let message = reader.next().await;
    assert_eq!(message.value, Event { order: 7 });
    assert_eq!((message.exchange.as_str(), message.routing_key.as_str()), ("", queue.as_str()));
    assert_eq!((&*message.queue, message.redelivered), (queue.as_str(), false));
    assert_eq!(message.properties.message_id.as_deref(), Some("m-1"));
    assert_eq!(message.properties.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(message.properties.timestamp, Some(Timestamp(1_700_000_000_000_000_000)));
    assert_eq!(message.properties.priority, Some(4));
    assert!(!message.properties.persistent);
    assert_eq!(message.traceparent(), Some("00-a-b-01"));
    let header =
        |name: &str| message.headers.iter().find(|(header, _)| header == name).map(|(_, v)| v.clone());
    assert_eq!(header("attempt"), Some(json!(3)));
    assert_eq!(header("flags"), Some(json!({ "urgent": true })));
    assert!(message.received >= before && message.received <= Instant::now());
    let figures = reader.end().await;
    assert_eq!((figures.orphans, figures.bytes), (1, 11));
    assert_eq!(admin.figures(&queue).await, (0, 0));
}

#[tokio::test]
async fn every_source_of_an_exchange_has_a_queue_of_its_own_that_goes_with_it() {
    let admin = Admin::new(server()).await;
    let (rabbit, exchange) = (connect().await, admin.exchange().await);
    let source = || rabbit.consume_exchange(&exchange, "orders.*").string();
    let (mut one, mut other) = (open(source()).await.ready().await, open(source()).await.ready().await);
    assert_eq!(
        one.name,
        format!("rabbitmq exchange {exchange} routing key 'orders.*' at {}", server().address())
    );
    for (key, text) in [("orders.placed", "a"), ("refunds.placed", "b"), ("orders.shipped", "c")] {
        rabbit.publish(&exchange, key).text(text).await.unwrap();
    }
    for reader in [&mut one, &mut other] {
        let messages = reader.take(2).await;
        assert_eq!(messages.iter().map(|m| m.value.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(messages[1].routing_key, "orders.shipped");
        assert_eq!(messages[1].exchange, exchange);
    }
    rabbit.publish(&exchange, "orders.last").text("d").await.unwrap();
    let (queue, others) = (one.next().await.queue, other.next().await.queue);
    assert!(queue.starts_with("qalipsis-c1-f1-reading-"), "{queue}");
    assert_ne!(queue, others);
    assert!(admin.exists(&queue).await);
    one.end().await;
    assert!(!admin.exists(&queue).await, "it is gone with its source");
    assert!(admin.exists(&others).await);
    other.end().await;
}

/// Whatever is published once the source is ready is read.
#[tokio::test]
async fn nothing_that_is_published_after_readiness_is_missed() {
    let admin = Admin::new(server()).await;
    let (rabbit, exchange) = (connect().await, admin.exchange().await);
    for round in 0..50 {
        let source = rabbit.consume_exchange(&exchange, "round").string();
        let mut reader = open(source).await.ready().await;
        rabbit.publish(&exchange, "round").mandatory().text(round.to_string()).await.unwrap();
        assert_eq!(reader.next().await.value, round.to_string());
        reader.end().await;
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_is_reported_with_its_coordinates_and_acknowledged() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let mut reader = open(rabbit.consume(&queue).json::<Event>()).await.ready().await;
    rabbit.publish("", &queue).text("no json").await.unwrap();
    rabbit.publish("", &queue).json(&Event { order: 1 }).await.unwrap();
    assert_eq!(reader.next().await.value.order, 1);
    let evidence = reader.evidence().await;
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    let place = format!("rabbitmq queue {queue} exchange (default) routing key '{queue}' delivery tag 1: ");
    assert!(evidence.message.starts_with(&place), "{}", evidence.message);
    assert!(evidence.message.ends_with("body no json"), "{}", evidence.message);
    let figures = reader.end().await;
    assert_eq!((figures.undecodable, figures.orphans), (1, 1));
    assert_eq!(admin.figures(&queue).await.0, 0);
}

#[tokio::test]
async fn many_messages_come_in_order_once_and_acknowledged() {
    const COUNT: u64 = 10_000;
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let publish = BasicPublishOptions::default();
    for order in 0..COUNT {
        let body = serde_json::to_vec(&Event { order }).unwrap();
        let properties = BasicProperties::default();
        admin
            .channel
            .basic_publish("".into(), queue.as_str().into(), publish, &body, properties)
            .await
            .unwrap();
    }
    let mut reader = open(rabbit.consume(&queue).json::<Event>()).await.ready().await;
    let messages = reader.take(COUNT as usize).await;
    assert!(messages.iter().enumerate().all(|(index, m)| m.value.order == index as u64 && !m.redelivered));
    assert_eq!(reader.end().await.orphan_records(), COUNT);
    assert_eq!(admin.figures(&queue).await, (0, 0));
}

#[tokio::test]
async fn the_prefetch_limits_what_is_on_its_way() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    for _ in 0..200 {
        rabbit.publish("", &queue).text("x").await.unwrap();
    }
    let gate = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&gate);
    let slow = rabbit.consume(&queue).prefetch(10).decode(move |message| {
        while !opened.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok::<_, String>(message.body().len())
    });
    let mut reader = open(slow).await.ready().await;
    // The decoder holds the first message, and nothing is acknowledged.
    admin.until_depth(&queue, 190).await;
    for _ in 0..20 {
        assert_eq!(admin.figures(&queue).await.0, 190);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gate.store(true, Relaxed);
    assert_eq!(reader.take(200).await.len(), 200);
    reader.end().await;
    assert_eq!(admin.figures(&queue).await.0, 0);
}

#[tokio::test]
async fn a_slow_source_reports_its_lag() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    for _ in 0..400 {
        rabbit.publish("", &queue).text("x").await.unwrap();
    }
    let slow = rabbit.consume(&queue).prefetch(10).decode(|_| {
        std::thread::sleep(Duration::from_millis(10));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    let began = Instant::now();
    let lag = loop {
        reader.next().await;
        if let Some(lag) = reader.figures().consumer_lag {
            break lag;
        }
        assert!(began.elapsed() < WAIT_LIMIT, "no lag was reported");
    };
    assert!((100..400).contains(&lag), "{lag}");
    let (_, ended) = reader.stop().await;
    ended.unwrap();
    // What was not handed over is there for others.
    assert!(admin.figures(&queue).await.0 > 50);
}

#[tokio::test]
async fn bytes_text_and_own_decoders() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let own = rabbit.consume(&queue).decode(|message| {
        let kind = message.header("kind").and_then(|kind| kind.as_str().map(str::to_owned));
        kind.ok_or("no header 'kind'")
    });
    let mut reader = open(own).await.ready().await;
    rabbit.publish("", &queue).header("kind", "refund").bytes(vec![0xff]).await.unwrap();
    rabbit.publish("", &queue).await.unwrap();
    assert_eq!(reader.next().await.value, "refund");
    assert!(reader.evidence().await.message.contains("no header 'kind', body "));
    reader.end().await;

    let mut reader = open(rabbit.consume(&queue).bytes()).await.ready().await;
    rabbit.publish("", &queue).bytes(vec![0xff, 0]).message_id(unique("m")).await.unwrap();
    assert_eq!(&reader.next().await.value[..], [0xff, 0]);
    reader.end().await;
}

#[tokio::test]
async fn a_deleted_queue_is_waited_for() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    let delete = lapin::options::QueueDeleteOptions::default();
    admin.channel.queue_delete(queue.as_str().into(), delete).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    admin.declare(&queue, lapin::options::QueueDeclareOptions::default(), FieldTable::default()).await;
    rabbit.publish("", &queue).mandatory().text("again").await.unwrap();
    assert_eq!(reader.next().await.value, "again");
    admin.channel.queue_delete(queue.as_str().into(), delete).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let fault = reader.stop().await.1.expect_err("its queue was away at the end");
    assert!(fault.message.starts_with("nothing was read for the last "), "{fault}");
    assert!(fault.message.contains(&format!("no queue '{queue}' in vhost '/'")), "{fault}");
}
