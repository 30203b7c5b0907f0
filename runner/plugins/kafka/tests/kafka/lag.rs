//! The lag of another group, in records.

use crate::{WAIT_LIMIT, broker, mock, topic, unique};
use qalipsis_core::probe::{Probe, Reading};
use qalipsis_kafka::{Kafka, LagOf, Producer};
use qalipsis_testkit::{KafkaBroker, free_port};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Commits this offset as the group would, without joining it.
pub(crate) fn commit(brokers: &str, group: &str, topic: &str, partition: i32, offset: i64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", group);
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    consumer.commit(&list, CommitMode::Sync).expect("it is committed");
}

pub(crate) fn parts(reading: &Reading) -> Vec<(&str, f64)> {
    reading.parts.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

/// The longest limit of a reading: a broker's first group takes seconds.
pub(crate) fn patient(probe: LagOf) -> LagOf {
    probe.every(WAIT_LIMIT)
}

async fn produce(producer: &Producer, topic: &str, partition: i32, count: u32) {
    for _ in 0..count {
        producer.send(topic).partition(partition).text("x").await.expect("it is acknowledged");
    }
}

async fn lag_follows(brokers: &str, topic: &str) {
    let kafka = Kafka::new(brokers);
    let (producer, group) = (kafka.producer().unwrap(), unique("group"));
    let mut lag = patient(kafka.lag_of(&group).topics(topic));
    let names = [0, 1, 2].map(|partition| format!("{topic}/{partition}"));
    let mut expect = async |expected: [f64; 3]| {
        let reading = lag.read().await.expect("it is read");
        let expected: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(expected).collect();
        assert_eq!(parts(&reading), expected);
        assert_eq!(reading.total, expected.iter().map(|(_, lag)| lag).sum::<f64>());
    };
    expect([0.0, 0.0, 0.0]).await;
    produce(&producer, topic, 0, 3).await;
    produce(&producer, topic, 2, 2).await;
    // Nothing is committed yet: from the earliest.
    expect([3.0, 0.0, 2.0]).await;
    commit(brokers, &group, topic, 0, 1);
    expect([2.0, 0.0, 2.0]).await;
    produce(&producer, topic, 0, 7).await;
    produce(&producer, topic, 1, 1).await;
    expect([9.0, 1.0, 2.0]).await;
    for (partition, offset) in [(0, 10), (1, 1), (2, 2)] {
        commit(brokers, &group, topic, partition, offset);
    }
    expect([0.0, 0.0, 0.0]).await;
    produce(&producer, topic, 1, 1).await;
    expect([0.0, 1.0, 0.0]).await;
    // A position that is set back is backlog again.
    commit(brokers, &group, topic, 0, 4);
    expect([6.0, 1.0, 0.0]).await;
}

#[tokio::test]
async fn it_rises_by_what_is_produced_and_falls_by_what_is_committed_on_a_real_broker() {
    lag_follows(broker().bootstrap(), &topic(3)).await;
}

#[tokio::test]
async fn it_rises_by_what_is_produced_and_falls_by_what_is_committed_on_the_mock() {
    let cluster = mock("orders", 3);
    lag_follows(&cluster.bootstrap_servers(), "orders").await;
}

#[tokio::test]
async fn without_topics_it_is_that_of_all_topics_of_the_group() {
    let (first, second, foreign) = (topic(1), topic(2), topic(1));
    let (brokers, group, other) = (broker().bootstrap(), unique("group"), unique("group"));
    let kafka = Kafka::new(brokers);
    let producer = kafka.producer().unwrap();
    for name in [&first, &second, &foreign] {
        produce(&producer, name, 0, 5).await;
    }
    commit(brokers, &group, &first, 0, 1);
    commit(brokers, &group, &second, 1, 0);
    commit(brokers, &other, &foreign, 0, 1);
    let mut lag = patient(kafka.lag_of(&group));
    let reading = lag.read().await.unwrap();
    let expected = [(format!("{first}/0"), 4.0), (format!("{second}/0"), 5.0), (format!("{second}/1"), 0.0)];
    assert_eq!(reading, Reading { total: 9.0, parts: expected.to_vec() });
    let mut restricted = patient(kafka.lag_of(&group).topics([&second]));
    assert_eq!(restricted.read().await.unwrap().total, 5.0);
    // A topic that the group begins to consume is noticed.
    commit(brokers, &group, &foreign, 0, 3);
    assert_eq!(lag.read().await.unwrap().total, 11.0);
}

#[tokio::test]
async fn a_group_without_commits_needs_topics() {
    let kafka = Kafka::new(broker().bootstrap());
    let fault = patient(kafka.lag_of("nobody")).read().await.unwrap_err();
    assert_eq!(
        fault.message,
        format!(
            "lag of group nobody: kafka at {}: group 'nobody' has committed no offsets, name the topics it is \
             to consume with .topics([\"…\"])",
            broker().bootstrap()
        )
    );
    assert_eq!(fault.code, "unknown-group");
}

/// The broker of the tests creates topics when they are first used.
#[tokio::test]
async fn a_topic_that_does_not_exist_is_named_and_not_created() {
    let topic = topic(1);
    let wrong = format!("{topic}x");
    let mut lag = patient(Kafka::new(broker().bootstrap()).lag_of("g").topics([&topic, &wrong]));
    for _ in 0..3 {
        let fault = lag.read().await.unwrap_err();
        let expected = format!(
            "lag of group g in kafka topics {topic},{wrong}: no topic '{wrong}' at {}, did you mean '{topic}'?",
            broker().bootstrap()
        );
        assert_eq!(fault.message, expected);
        assert_eq!(fault.code, "unknown-topic");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    let kafka = Kafka::new(broker().bootstrap());
    let fault = kafka.lag_of("").read().await.unwrap_err();
    assert!(fault.message.ends_with(": no group was named"), "{fault}");
    let fault = patient(kafka.lag_of("g").topics([""; 0])).read().await.unwrap_err();
    assert!(fault.message.ends_with(": no topic was named"), "{fault}");
    let fault = kafka.property("fetch.wait.max", "1").lag_of("g").read().await.unwrap_err();
    assert!(fault.message.ends_with("did you mean 'fetch.wait.max.ms'?"), "{fault}");
}

#[test]
fn a_lag_has_a_name_a_unit_and_a_period() {
    let kafka = Kafka::new("127.0.0.1:9092").property("sasl.password", "hunter2");
    let lag = kafka.lag_of("fulfilment");
    assert_eq!((lag.name().as_str(), lag.unit()), ("lag of group fulfilment", "records"));
    assert_eq!(lag.period(), Duration::from_secs(1));
    let lag = lag.in_time().topics("orders.placed").every(Duration::from_millis(250));
    assert_eq!(lag.name(), "lag in time of group fulfilment in kafka topic orders.placed");
    assert_eq!((lag.unit(), lag.period()), ("s", Duration::from_millis(250)));
    assert_eq!(kafka.lag_of("g").every(Duration::ZERO).period(), Duration::from_millis(100));
    let shown = format!("{:?}", kafka.lag_of("g"));
    assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_dead_broker_is_named_within_the_period() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let period = Duration::from_secs(2);
    let mut lag = Kafka::new(&address).lag_of("g").topics("orders").every(period);
    for _ in 0..2 {
        let began = Instant::now();
        let fault = lag.read().await.unwrap_err();
        let after = began.elapsed();
        assert!(after < period * 3 / 2, "reported after {after:?}");
        let expected = format!(
            "lag of group g in kafka topic orders: kafka at {address}: no broker answered within 1.8 s: "
        );
        assert!(fault.message.starts_with(&expected), "{fault}");
        assert!(fault.message.ends_with("Connection refused"), "{fault}");
        assert_eq!(fault.code, "unreachable");
    }
}

#[tokio::test]
async fn a_broker_that_takes_too_long_is_reported_within_the_period_and_read_again_later() {
    let cluster = mock("orders", 1);
    let period = Duration::from_millis(500);
    let kafka = Kafka::new(cluster.bootstrap_servers());
    let mut lag = kafka.lag_of("g").topics("orders").every(period);
    produce(&kafka.producer().unwrap(), "orders", 0, 2).await;
    assert_eq!(recovered(&mut lag).await, 2.0);
    cluster.broker_round_trip_time(1, Duration::from_secs(3)).unwrap();
    let began = Instant::now();
    let fault = lag.read().await.unwrap_err();
    assert!(began.elapsed() < period * 2, "reported after {:?}", began.elapsed());
    assert!(fault.message.contains(&cluster.bootstrap_servers()), "{fault}");
    cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    assert_eq!(recovered(&mut lag).await, 2.0);
}

#[tokio::test]
async fn it_is_read_again_after_a_broker_was_killed_and_started_again() {
    let own = KafkaBroker::start_own().unwrap();
    own.create_topic("orders", 1).unwrap();
    let kafka = Kafka::new(own.bootstrap());
    produce(&kafka.producer().unwrap(), "orders", 0, 2).await;
    let mut lag = kafka.lag_of("g").topics("orders");
    assert_eq!(recovered(&mut lag).await, 2.0);
    own.stop().unwrap();
    let fault = lag.read().await.unwrap_err();
    assert!(fault.message.contains(own.bootstrap()), "{fault}");
    own.restart().unwrap();
    assert_eq!(recovered(&mut lag).await, 2.0);
}

/// Reads until that succeeds.
async fn recovered(lag: &mut LagOf) -> f64 {
    let began = Instant::now();
    loop {
        match lag.read().await {
            Ok(reading) => return reading.total,
            Err(fault) => assert!(began.elapsed() < WAIT_LIMIT, "still {fault}"),
        }
    }
}

/// Counts the rebalances of a group that one of its members takes part in.
#[derive(Clone, Default)]
struct Rebalances(Arc<AtomicU32>);

impl ClientContext for Rebalances {}

impl ConsumerContext for Rebalances {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Whoever has no members lets anybody commit; properties here would have a consumer do so with what it
/// reads.
#[tokio::test]
async fn nothing_is_committed_in_the_name_of_a_group() {
    let topic = topic(2);
    let (brokers, group) = (broker().bootstrap(), unique("group"));
    let kafka = Kafka::new(brokers);
    produce(&kafka.producer().unwrap(), &topic, 0, 5).await;
    produce(&kafka.producer().unwrap(), &topic, 1, 5).await;
    commit(brokers, &group, &topic, 0, 2);
    let eager = kafka.clone().property("enable.auto.commit", "true").property("auto.commit.interval.ms", "1");
    let mut lag = patient(kafka.lag_of(&group).topics(&topic));
    let mut age = patient(eager.lag_of(&group).topics(&topic).in_time());
    for _ in 0..20 {
        assert!(age.read().await.unwrap().total > 0.0);
        assert_eq!(lag.read().await.unwrap().total, 8.0);
    }
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", &group);
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&topic, 0, 1);
    let committed = consumer.committed_offsets(list, WAIT_LIMIT).unwrap();
    let offsets: Vec<Offset> = committed.elements().iter().map(|partition| partition.offset()).collect();
    assert_eq!(offsets, [Offset::Offset(2), Offset::Invalid]);
}

/// A member of the group consumes all along, and must not notice that its lag is read.
async fn group_is_left_alone(protocol: &str) {
    let topic = topic(2);
    let (brokers, group, rebalances) = (broker().bootstrap(), unique("group"), Rebalances::default());
    let kafka = Kafka::new(brokers);
    produce(&kafka.producer().unwrap(), &topic, 0, 5).await;
    produce(&kafka.producer().unwrap(), &topic, 1, 5).await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", &group).set("group.protocol", protocol);
    config.set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    let member: BaseConsumer<Rebalances> = config.create_with_context(rebalances.clone()).unwrap();
    member.subscribe(&[topic.as_str()]).unwrap();
    let began = Instant::now();
    let mut consumed = 0;
    while consumed < 10 {
        assert!(began.elapsed() < WAIT_LIMIT, "only {consumed} records came");
        consumed += u32::from(matches!(member.poll(Duration::from_millis(50)), Some(Ok(_))));
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(2)).unwrap();
    member.commit(&list, CommitMode::Sync).unwrap();
    let before = rebalances.0.load(SeqCst);

    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let consuming = tokio::task::spawn_blocking(move || {
        while !stopped.load(SeqCst) {
            member.poll(Duration::from_millis(20));
        }
        member
    });
    let kafka = kafka.property("group.protocol", protocol);
    let mut lag = patient(kafka.lag_of(&group));
    let mut age = patient(kafka.lag_of(&group).topics(&topic).in_time());
    // Longer than the heartbeats by which a member learns of another are apart: 3 s, or 5 s.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(7) {
        let reading = lag.read().await.unwrap();
        let (first, second) = (format!("{topic}/0"), format!("{topic}/1"));
        assert_eq!(parts(&reading), [(first.as_str(), 3.0), (second.as_str(), 5.0)]);
        assert!(age.read().await.unwrap().total > 0.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.store(true, SeqCst);
    let member = consuming.await.unwrap();
    assert_eq!(rebalances.0.load(SeqCst), before, "the group was rebalanced");
    assert_eq!(member.assignment().unwrap().count(), 2);
    let committed = member.committed(WAIT_LIMIT).unwrap();
    assert_eq!(committed.find_partition(&topic, 0).unwrap().offset(), Offset::Offset(2));
    assert_eq!(committed.find_partition(&topic, 1).unwrap().offset(), Offset::Invalid);
    if protocol == "classic" {
        let groups = member.fetch_group_list(Some(&group), WAIT_LIMIT).unwrap();
        assert_eq!((groups.groups()[0].state(), groups.groups()[0].members().len()), ("Stable", 1));
    }
}

#[tokio::test]
async fn a_group_of_the_classic_protocol_is_left_alone() {
    group_is_left_alone("classic").await;
}

#[tokio::test]
async fn a_group_of_the_consumer_protocol_is_left_alone() {
    group_is_left_alone("consumer").await;
}
