//! The plugin against Apache Kafka and, for what a real broker does not do on demand, librdkafka's mock.

mod compliance;
mod failures;
mod lag;
mod lag_time;
mod positions;
mod produce;
mod records;
mod stopping;
mod troubles;

use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_testkit::KafkaBroker;
use qalipsis_testkit::plugin as opened;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// The broker that all tests share.
fn broker() -> &'static KafkaBroker {
    KafkaBroker::shared().expect("a Kafka broker")
}

/// A new topic of this test's own.
fn topic(partitions: u32) -> String {
    let name = unique("topic");
    broker().create_topic(&name, partitions).expect("a topic");
    name
}

/// A name that no other test has, also on a broker that outlives the tests.
fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = Timestamp::from_system(SystemTime::now()).0;
    format!("{what}-{now}-{}", COUNT.fetch_add(1, Relaxed))
}

/// One mock broker with one topic.
fn mock(topic: &str, partitions: i32) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).expect("a mock cluster");
    cluster.create_topic(topic, partitions, 1).expect("a mock topic");
    cluster
}

/// Far longer than anything here should take.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
