//! The lag of another group, in seconds.

use crate::lag::{commit, parts, patient};
use crate::{WAIT_LIMIT, broker, mock, topic, unique};
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::probe::Probe;
use qalipsis_kafka::Kafka;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::time::{Instant, SystemTime};

fn producer(brokers: &str, transaction: Option<&str>) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    if let Some(id) = transaction {
        config.set("transactional.id", id);
    }
    config.create().unwrap()
}

/// Produces one record that was created so many seconds ago.
fn produce_old(producer: &BaseProducer, topic: &str, partition: i32, age: i64, size: usize) {
    let value = vec![b'x'; size];
    let now = i64::try_from(Timestamp::from_system(SystemTime::now()).0 / 1_000_000).unwrap();
    let record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(&value);
    producer.send(record.timestamp(now - age * 1000)).map_err(|(error, _)| error).unwrap();
    producer.flush(WAIT_LIMIT).unwrap();
}

async fn age_follows(brokers: &str, topic: &str, size: usize) {
    let kafka = Kafka::new(brokers);
    let (producer, group) = (producer(brokers, None), unique("group"));
    let mut age = patient(kafka.lag_of(&group).topics(topic).in_time());
    let names = [0, 1, 2].map(|partition| format!("{topic}/{partition}"));
    let began = Instant::now();
    let mut expect = async |expected: [f64; 3]| {
        let reading = age.read().await.expect("it is read");
        for ((name, age), (expected, wanted)) in parts(&reading).into_iter().zip(expected.iter().zip(&names))
        {
            assert_eq!(name, wanted);
            // A second for the rounding of timestamps and for what went by before `began`.
            let most = if *expected == 0.0 { 0.0 } else { expected + 1.0 + began.elapsed().as_secs_f64() };
            assert!(*expected <= age && age <= most, "{name}: {age} s, not {expected} s to {most} s");
        }
        let oldest = reading.parts.iter().map(|(_, age)| *age).fold(0.0, f64::max);
        assert_eq!((reading.parts.len(), reading.total), (3, oldest));
        reading.total
    };
    expect([0.0, 0.0, 0.0]).await;
    for (partition, seconds) in [(0, 600), (0, 300), (1, 400)] {
        produce_old(&producer, topic, partition, seconds, size);
    }
    expect([600.0, 400.0, 0.0]).await;
    commit(brokers, &group, topic, 0, 1);
    let oldest = expect([300.0, 400.0, 0.0]).await;
    // While the group stands still, its lag grows as time goes by.
    let then = Instant::now();
    produce_old(&producer, topic, 2, 10, size);
    produce_old(&producer, topic, 1, 10, size);
    let went_by = then.elapsed().as_secs_f64();
    let older = expect([300.0, 400.0, 10.0]).await;
    assert!(older >= oldest + went_by, "{oldest} s, and {went_by} s later {older} s");
    commit(brokers, &group, topic, 0, 2);
    commit(brokers, &group, topic, 1, 1);
    expect([0.0, 10.0, 10.0]).await;
    commit(brokers, &group, topic, 1, 2);
    commit(brokers, &group, topic, 2, 1);
    expect([0.0, 0.0, 0.0]).await;
    // Set back, the same offset is looked up again.
    commit(brokers, &group, topic, 0, 0);
    expect([600.0, 0.0, 0.0]).await;
}

#[tokio::test]
async fn it_is_the_age_of_the_oldest_record_that_is_not_consumed_on_a_real_broker() {
    age_follows(broker().bootstrap(), &topic(3), 10).await;
}

#[tokio::test]
async fn it_is_the_age_of_the_oldest_record_that_is_not_consumed_on_the_mock() {
    let cluster = mock("orders", 3);
    age_follows(&cluster.bootstrap_servers(), "orders", 10).await;
}

/// Each larger than what is fetched of a partition at once.
#[tokio::test]
async fn large_records_have_an_age_as_well() {
    age_follows(broker().bootstrap(), &topic(3), 500_000).await;
}

#[tokio::test]
async fn several_topics_are_looked_at() {
    let (first, second) = (topic(1), topic(1));
    let (brokers, group) = (broker().bootstrap(), unique("group"));
    let producer = producer(brokers, None);
    produce_old(&producer, &first, 0, 100, 10);
    produce_old(&producer, &second, 0, 200, 10);
    let mut age = patient(Kafka::new(brokers).lag_of(&group).topics([&first, &second]).in_time());
    let reading = age.read().await.unwrap();
    assert_eq!(reading.parts.iter().map(|(_, age)| age.round() as i64 / 100).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(reading.total, reading.parts[1].1);
}

/// The marker at the end of a transaction counts as an offset, but is no record.
#[tokio::test]
async fn the_marker_of_a_transaction_has_no_age() {
    let topic = topic(1);
    let (brokers, group) = (broker().bootstrap(), unique("group"));
    let producer = producer(brokers, Some(&group));
    producer.init_transactions(WAIT_LIMIT).unwrap();
    producer.begin_transaction().unwrap();
    produce_old(&producer, &topic, 0, 100, 10);
    producer.commit_transaction(WAIT_LIMIT).unwrap();
    let kafka = Kafka::new(brokers);
    let mut lag = patient(kafka.lag_of(&group).topics(&topic));
    let mut age = patient(kafka.lag_of(&group).topics(&topic).in_time());
    assert_eq!(lag.read().await.unwrap().total, 2.0);
    assert!(age.read().await.unwrap().total >= 100.0);
    commit(brokers, &group, &topic, 0, 1);
    assert_eq!(lag.read().await.unwrap().total, 1.0);
    assert_eq!(age.read().await.unwrap().total, 0.0);
}
