//! What is read: positions, patterns, groups, and nothing missed after readiness.

use crate::opened::{Opened, open};
use crate::{broker, mock, topic, unique};
use qalipsis_kafka::{Consume, Kafka, Position, Producer, Record};
use std::collections::BTreeSet;
use std::time::Duration;

async fn produce(producer: &Producer, topic: &str, partition: i32, text: impl Into<String>) {
    producer.send(topic).partition(partition).text(text).await.expect("it is acknowledged");
}

fn values(records: &[Record<String>]) -> BTreeSet<&str> {
    records.iter().map(|record| record.value.as_str()).collect()
}

/// Opens a new reader `rounds` times, and produces to each partition as soon as it is ready.
async fn nothing_is_missed(kafka: &Kafka, topic: &str, partitions: i32, rounds: u32) {
    let producer = kafka.producer().unwrap();
    for round in 0..rounds {
        produce(&producer, topic, 0, format!("before {round}")).await;
        let mut reader = open(kafka.consume(topic).string()).await.ready().await;
        for partition in 0..partitions {
            produce(&producer, topic, partition, format!("{round} {partition}")).await;
        }
        let records = reader.take(partitions as usize).await;
        let expected: Vec<String> = (0..partitions).map(|partition| format!("{round} {partition}")).collect();
        assert_eq!(values(&records), expected.iter().map(String::as_str).collect(), "round {round}");
        reader.end().await;
    }
}

#[tokio::test]
async fn what_is_produced_once_ready_is_read_and_nothing_before_on_a_real_broker() {
    let topic = topic(3);
    nothing_is_missed(&Kafka::new(broker().bootstrap()), &topic, 3, 50).await;
}

#[tokio::test]
async fn what_is_produced_once_ready_is_read_and_nothing_before_on_the_mock() {
    let cluster = mock("orders", 3);
    nothing_is_missed(&Kafka::new(cluster.bootstrap_servers()), "orders", 3, 50).await;
}

#[tokio::test]
async fn earliest_reads_everything() {
    let topic = topic(2);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    produce(&producer, &topic, 0, "old").await;
    let mut reader = open(kafka.consume(&topic).from(Position::Earliest).string()).await.ready().await;
    produce(&producer, &topic, 1, "new").await;
    assert_eq!(values(&reader.take(2).await), ["old", "new"].into());
    reader.end().await;
}

#[tokio::test]
async fn the_start_of_the_campaign_is_found_by_time() {
    let topic = topic(2);
    let producer = Kafka::new(broker().bootstrap()).producer().unwrap();
    produce(&producer, &topic, 0, "before").await;
    produce(&producer, &topic, 1, "before, in a partition without a record since").await;
    // Timestamps have milliseconds: the next one has to differ.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let kafka = Kafka::new(broker().bootstrap());
    tokio::time::sleep(Duration::from_millis(20)).await;
    produce(&producer, &topic, 0, "after").await;
    let mut reader = open(kafka.consume(&topic).from(Position::CampaignStart).string()).await.ready().await;
    assert_eq!(reader.next().await.value, "after");
    produce(&producer, &topic, 1, "once ready").await;
    assert_eq!(reader.next().await.value, "once ready");
    reader.end().await;
}

#[tokio::test]
async fn several_topics_and_patterns_are_read() {
    let family = unique("family");
    let names = [format!("{family}.a"), format!("{family}.b"), format!("other-{family}")];
    for name in &names {
        broker().create_topic(name, 1).unwrap();
    }
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut pattern = open(kafka.consume_matching(format!("^{family}\\..*")).string()).await.ready().await;
    let mut named = open(kafka.consume([&names[0], &names[2]]).string()).await.ready().await;
    assert_eq!(pattern.name, format!("kafka topics matching ^{family}\\..*"));
    assert_eq!(named.name, format!("kafka topics {},{}", names[0], names[2]));
    for name in &names {
        produce(&producer, name, 0, name.as_str()).await;
    }
    assert_eq!(values(&pattern.take(2).await), [names[0].as_str(), &names[1]].into());
    assert_eq!(values(&named.take(2).await), [names[0].as_str(), &names[2]].into());
    pattern.end().await;
    named.end().await;
}

fn member(kafka: &Kafka, topic: &str, group: &str) -> Consume<String> {
    kafka.consume(topic).group(group).string()
}

async fn a_group_misses_nothing(kafka: &Kafka, topic: &str, rounds: u32) {
    let producer = kafka.producer().unwrap();
    let group = unique("group");
    for round in 0..rounds {
        produce(&producer, topic, 0, "before").await;
        let mut reader = open(member(kafka, topic, &group)).await.ready().await;
        assert_eq!(reader.name, format!("kafka topic {topic} (group {group})"));
        for partition in 0..2 {
            produce(&producer, topic, partition, format!("{round} {partition}")).await;
        }
        let expected = [format!("{round} 0"), format!("{round} 1")];
        assert_eq!(values(&reader.take(2).await), expected.iter().map(String::as_str).collect());
        reader.end().await;
    }
}

#[tokio::test]
async fn a_group_reads_what_is_produced_once_ready_on_a_real_broker() {
    let topic = topic(2);
    a_group_misses_nothing(&Kafka::new(broker().bootstrap()), &topic, 10).await;
}

#[tokio::test]
async fn a_group_reads_what_is_produced_once_ready_on_the_mock() {
    let cluster = mock("orders", 2);
    a_group_misses_nothing(&Kafka::new(cluster.bootstrap_servers()), "orders", 2).await;
}

#[tokio::test]
async fn members_that_come_and_go_lose_nothing() {
    let topic = topic(4);
    let group = unique("group");
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut first = open(member(&kafka, &topic, &group)).await.ready().await;
    produce(&producer, &topic, 3, "alone").await;
    assert_eq!(first.next().await.value, "alone");
    let second: Opened<Record<String>> = open(member(&kafka, &topic, &group)).await.ready().await;
    for number in 0..40 {
        produce(&producer, &topic, number % 4, format!("shared {number}")).await;
    }
    let (theirs, ended) = second.stop().await;
    ended.unwrap();
    let mut read: BTreeSet<String> = theirs.into_iter().map(|record| record.value).collect();
    assert!(!read.is_empty(), "the second member got partitions");
    // Partitions that come back go on where this reader started, so it may repeat what the other read.
    while read.len() < 40 {
        read.insert(first.next().await.value);
    }
    assert!((0..40).all(|number| read.contains(&format!("shared {number}"))), "{read:?}");
    first.stop().await.1.unwrap();
}
