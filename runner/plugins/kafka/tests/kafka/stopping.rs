//! A source ends within 1 s of being stopped, whatever it is doing.

use crate::opened::open;
use crate::{broker, mock, topic, unique};
use qalipsis_kafka::{Kafka, Position};
use qalipsis_testkit::free_port;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn while_it_asks_a_dead_broker() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let reader = open(Kafka::new(address).consume("orders")).await;
    sleep(Duration::from_millis(300)).await;
    reader.stop().await.1.expect("it was not ready, so it failed nobody");
}

#[tokio::test]
async fn while_it_awaits_its_group() {
    let cluster = mock("orders", 1);
    let reader = open(Kafka::new(cluster.bootstrap_servers()).consume("orders").group("g")).await;
    // The mock assigns after 3 s.
    sleep(Duration::from_millis(500)).await;
    reader.stop().await.1.expect("it was not ready, so it failed nobody");
}

#[tokio::test]
async fn while_it_is_in_a_group_whose_broker_is_gone() {
    let cluster = mock("orders", 1);
    let reader =
        open(Kafka::new(cluster.bootstrap_servers()).consume("orders").group("g")).await.ready().await;
    cluster.broker_down(1).unwrap();
    sleep(Duration::from_millis(300)).await;
    let _ = reader.stop().await;
}

#[tokio::test]
async fn while_records_flow_without_end() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    for _ in 0..20 {
        let sending = (0..2000).map(|_| producer.send(&topic).text("x").into_future());
        for sent in futures::future::join_all(sending).await {
            sent.unwrap();
        }
    }
    let slow = kafka.consume(&topic).from(Position::Earliest).decode(|_| {
        std::thread::sleep(Duration::from_micros(500));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    reader.next().await;
    let (left, ended) = reader.stop().await;
    ended.unwrap();
    assert!(left.len() < 39_999, "it read on to the end");
}

#[tokio::test]
async fn when_it_is_dropped() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let reader = open(kafka.consume(&topic)).await.ready().await;
    assert_eq!(reader.abort().await, 0);
    let reader = open(kafka.consume(&topic).group(unique("group"))).await;
    assert_eq!(reader.abort().await, 0);
}
