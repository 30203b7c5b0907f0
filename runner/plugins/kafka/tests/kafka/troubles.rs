//! What a source says of what it could not read.

use crate::opened::{Opened, open};
use crate::{WAIT_LIMIT, broker, mock, topic, unique};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_core::model::join::JoinFigures;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_kafka::{Kafka, Position, Record};
use qalipsis_testkit::{KafkaBroker, Proxy};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", broker().bootstrap()).create().unwrap()
}

async fn delete(topic: &str) {
    for deleted in admin().delete_topics(&[topic], &AdminOptions::new()).await.unwrap() {
        deleted.unwrap();
    }
}

/// A broker behind a proxy that all its clients go by.
fn proxied() -> (KafkaBroker, Proxy) {
    let mut proxy = None;
    let broker = KafkaBroker::start_behind(|address| {
        let way = proxy.insert(Proxy::to(address)?);
        Ok(way.address().to_owned())
    });
    (broker.unwrap(), proxy.unwrap())
}

#[tokio::test]
async fn a2_each_compression_is_read() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer = kafka.clone().property("compression.type", compression).producer().unwrap();
        let value = compression.repeat(1000);
        producer.send(&topic).text(value.as_str()).await.unwrap();
        assert_eq!(reader.next().await.value, value, "{compression}");
    }
    reader.end().await;
}

/// The broker compresses by itself what producers send otherwise.
#[tokio::test]
async fn a2_a_topic_that_is_compressed_by_the_broker_is_read() {
    let name = unique("topic");
    let new = NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set("compression.type", "zstd");
    admin().create_topics([&new], &AdminOptions::new()).await.unwrap();
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&name).string()).await.ready().await;
    let value = "zstd ".repeat(1000);
    kafka.producer().unwrap().send(&name).text(value.as_str()).await.unwrap();
    assert_eq!(reader.next().await.value, value);
    reader.end().await;
}

#[tokio::test]
async fn a2_a_topic_that_is_deleted_fails_the_source_by_name() {
    for group in [None, Some(unique("group"))] {
        let topic = topic(1);
        let kafka = Kafka::new(broker().bootstrap());
        let source = kafka.consume(&topic).string();
        let source = match &group {
            Some(group) => source.group(group),
            None => source,
        };
        let mut reader = open(source).await.ready().await;
        kafka.producer().unwrap().send(&topic).text("x").await.unwrap();
        reader.next().await;
        delete(&topic).await;
        let fault = reader.failure().await;
        let place = format!("kafka topic {topic} at {}: ", broker().bootstrap());
        assert!(fault.message.starts_with(&place), "{fault}");
        assert!(fault.message.contains("was deleted") || fault.message.contains("unknown topic"), "{fault}");
    }
}

/// Read up to an offset that the new topic reaches as well: nothing is out of range then.
#[tokio::test]
async fn a2_a_topic_that_is_made_again_is_read_from_its_beginning_and_the_gap_is_named() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    for number in 0..3 {
        producer.send(&topic).text(number.to_string()).await.unwrap();
        assert_eq!(reader.next().await.value, number.to_string());
    }
    delete(&topic).await;
    broker().create_topic(&topic, 1).unwrap();
    // A client of its own, which has not heard of the old topic.
    let producer = kafka.producer().unwrap();
    for number in 0..8 {
        producer.send(&topic).text(format!("new {number}")).await.unwrap();
    }
    for number in 0..8 {
        assert_eq!(reader.next().await.value, format!("new {number}"));
    }
    let figures = reader.until("a gap", |figures| !figures.gaps.is_empty()).await;
    let gap = figures.gaps.iter().find(|gap| gap.lossy).expect("a gap in which records may be lost");
    assert!(gap.cause.contains(&topic) && gap.cause.contains("deleted and made again"), "{}", gap.cause);
    reader.end().await;
}

/// What came long before is not excused by it.
#[tokio::test]
async fn law1_a_topic_that_is_made_again_loses_nothing_that_was_read_before() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    kafka.producer().unwrap().send(&topic).text("early").await.unwrap();
    reader.next().await;
    let early = Timestamp::from_system(SystemTime::now());
    // The brokers are asked in between.
    tokio::time::sleep(Duration::from_secs(3)).await;
    delete(&topic).await;
    broker().create_topic(&topic, 1).unwrap();
    kafka.producer().unwrap().send(&topic).text("late").await.unwrap();
    assert_eq!(reader.next().await.value, "late");
    let figures = reader.until("a gap", |figures| figures.gaps.iter().any(|gap| gap.lossy)).await;
    let gap = figures.gaps.iter().find(|gap| gap.lossy && gap.to.is_some()).expect("a gap that is over");
    assert!(gap.from > early, "{gap:?} excuses what came at {early:?}");
    reader.end().await;
}

#[tokio::test]
async fn a2_what_was_deleted_before_it_was_read_is_named_by_its_offsets() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let producer = kafka.producer().unwrap();
    for _ in 0..10 {
        producer.send(&topic).text("old").await.unwrap();
    }
    // It waits with the first one until the others are deleted, of which few are fetched by then.
    let deleted = Arc::new(AtomicBool::new(false));
    let waiting = Arc::clone(&deleted);
    let slow = kafka
        .consume(&topic)
        .from(Position::Earliest)
        .property("queued.min.messages", "1")
        .property("fetch.message.max.bytes", "100")
        .property("max.partition.fetch.bytes", "100")
        .decode(move |record| {
            while !waiting.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok::<_, String>(record.offset())
        });
    let mut reader = open(slow).await.ready().await;
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&topic, 0, Offset::Offset(8)).unwrap();
    admin().delete_records(&before, &AdminOptions::new()).await.unwrap();
    deleted.store(true, SeqCst);
    let mut seen = vec![reader.next().await.value];
    while *seen.last().unwrap() < 9 {
        seen.push(reader.next().await.value);
    }
    let figures = reader.until("a gap", |figures| figures.gaps.iter().any(|gap| gap.lossy)).await;
    let gap = figures.gaps.iter().find(|gap| gap.lossy).unwrap();
    assert!(gap.cause.contains("to 7 of"), "{} after {seen:?}", gap.cause);
    reader.end().await;
}

#[tokio::test]
async fn a2_new_partitions_are_read_from_their_beginning() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    admin().create_partitions(&[NewPartitions::new(&topic, 3)], &AdminOptions::new()).await.unwrap();
    let producer = kafka.producer().unwrap();
    for partition in [2, 1, 0] {
        producer.send(&topic).partition(partition).text(partition.to_string()).await.unwrap();
    }
    let mut read: Vec<String> = reader.take(3).await.into_iter().map(|record| record.value).collect();
    read.sort();
    assert_eq!(read, ["0", "1", "2"]);
    let figures = reader.until("a notice", |figures| figures.notices.contains_key("new-partitions")).await;
    let notice = &figures.notices["new-partitions"];
    assert!(notice.message.contains(&format!("{topic}/1")), "{}", notice.message);
    reader.end().await;
}

#[tokio::test]
async fn a2_a_closed_connection_and_a_silent_broker_are_intervals() {
    let (own, proxy) = proxied();
    own.create_topic("orders", 1).unwrap();
    let kafka = Kafka::new(proxy.address());
    let producer = kafka.clone().property("message.timeout.ms", "60000").producer().unwrap();
    let mut reader = open(kafka.consume("orders").string()).await.ready().await;
    producer.send("orders").text("before").await.unwrap();
    reader.next().await;
    // Refused for a while.
    proxy.refuse(true);
    proxy.cut();
    let figures = reader.until("an open gap", |figures| !figures.gaps.is_empty()).await;
    assert_eq!(figures.gaps[0].to, None);
    proxy.refuse(false);
    producer.send("orders").text("after").await.unwrap();
    assert_eq!(reader.next().await.value, "after");
    let figures = reader.until("its end", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    assert!(!figures.gaps.iter().any(|gap| gap.lossy && gap.to.is_some()), "{figures:?}");
    // Silent for a while.
    proxy.pause();
    reader.until("an open gap", |figures| figures.gaps.iter().any(|gap| gap.to.is_none())).await;
    proxy.resume();
    producer.send("orders").text("at last").await.unwrap();
    assert_eq!(reader.next().await.value, "at last");
    reader.until("its end", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    assert!(reader.end().await.gaps.is_empty());
}

#[tokio::test]
async fn a2_transactions_are_no_trouble() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&topic).string()).await.ready().await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker().bootstrap()).set("transactional.id", unique("transaction"));
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(WAIT_LIMIT).unwrap();
    for (value, commits) in [("a", true), ("b", false), ("c", true)] {
        producer.begin_transaction().unwrap();
        producer.send(BaseRecord::<(), str>::to(&topic).payload(value)).map_err(|(error, _)| error).unwrap();
        producer.flush(WAIT_LIMIT).unwrap();
        match commits {
            true => producer.commit_transaction(WAIT_LIMIT).unwrap(),
            false => producer.abort_transaction(WAIT_LIMIT).unwrap(),
        }
    }
    let read: Vec<String> = reader.take(2).await.into_iter().map(|record| record.value).collect();
    assert_eq!(read, ["a", "c"]);
    let figures = reader.end().await;
    assert!(figures.gaps.is_empty() && figures.notices.is_empty(), "{figures:?}");
}

#[tokio::test]
async fn a2_members_that_come_are_a_notice() {
    let topic = topic(2);
    let group = unique("group");
    let kafka = Kafka::new(broker().bootstrap());
    let member = || kafka.consume(&topic).group(&group).string();
    let first: Opened<Record<String>> = open(member()).await.ready().await;
    let second: Opened<Record<String>> = open(member()).await.ready().await;
    let figures = first.until("a notice", |figures| figures.notices.contains_key("rebalance")).await;
    assert!(figures.notices["rebalance"].message.contains("the group"), "{figures:?}");
    second.stop().await.1.unwrap();
    first.stop().await.1.unwrap();
}

/// Others read the partition meanwhile, however well the brokers answer.
#[tokio::test]
async fn law1_partitions_that_other_members_have_are_an_interval() {
    let topic = topic(2);
    let group = unique("group");
    let kafka = Kafka::new(broker().bootstrap());
    let member = || kafka.consume(&topic).group(&group).string();
    let first: Opened<Record<String>> = open(member()).await.ready().await;
    let second: Opened<Record<String>> = open(member()).await.ready().await;
    let is_open = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.to.is_none());
    let figures = first.until("an open gap", is_open).await;
    assert!(figures.gaps.iter().any(|gap| gap.cause.contains(&format!("{topic}/"))), "{figures:?}");
    // The brokers are asked in between.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let figures = first.figures();
    assert!(figures.gaps.iter().all(|gap| gap.to.is_none()), "{figures:?}");
    assert!(is_open(&first.figures()), "it is away still");
    second.stop().await.1.unwrap();
    let figures = first.until("its end", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    assert!(figures.gaps.iter().all(|gap| gap.to.is_none() || !gap.lossy), "{figures:?}");
    first.stop().await.1.unwrap();
}

#[tokio::test]
async fn b1_a_record_shows_key_coordinates_value_and_headers() {
    use qalipsis_core::source::Source;
    use qalipsis_kafka::Consume;
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let mut reader = open(kafka.consume(&topic).named("orders").json::<u64>()).await.ready().await;
    assert_eq!(reader.name, "orders");
    let message = kafka.producer().unwrap().send(&topic).key("k1").json(&7);
    message.header("kind", "new").header("x-api-key", "hunter2").await.unwrap();
    let record = reader.next().await;
    let shown = Consume::<u64>::evidence(&record).expect("evidence");
    assert_eq!(shown.summary(), format!("kafka {topic}[0]@0, key k1"));
    let details = shown.details();
    let expected = format!("kafka topic {topic} partition 0 offset 0\nkey: k1\ncreated: ");
    assert!(details.starts_with(&expected), "{details}");
    assert!(details.ends_with("\n\n7\n\nkind: new\nx-api-key: ***"), "{details}");
    kafka.producer().unwrap().send(&topic).text("x").await.unwrap();
    assert_eq!(reader.evidence().await.kind, FailureKind::Undecodable);
    reader.end().await;
}

#[tokio::test]
async fn a2_a_right_that_is_revoked_fails_the_source_by_topic_and_address() {
    let cluster = mock("orders", 1);
    let address = cluster.bootstrap_servers();
    for (error, text) in [
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "Topic authorization failed"),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, "Unsupported compression type"),
    ] {
        let reader = open(Kafka::new(&address).consume("orders").string()).await.ready().await;
        cluster.request_errors(RDKafkaApiKey::Fetch, &[error; 3]);
        let fault = reader.failure().await;
        assert!(fault.message.starts_with(&format!("kafka topic orders at {address}: ")), "{fault}");
        assert!(fault.message.contains(text), "{fault}");
        cluster.clear_request_errors(RDKafkaApiKey::Fetch);
    }
}
