//! How old the records are that a group is to consume next.

use crate::backlog::failed;
use crate::position::{Deadline, Partition};
use crate::watch::Watch;
use qalipsis_core::fault::Fault;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long to wait for a record before looking at the clock.
const POLL: Duration = Duration::from_millis(50);

/// Timestamps by partition, kept so that a group that stands still costs no fetch at each reading.
#[derive(Default)]
pub(crate) struct Ages(HashMap<Partition, Seen>);

struct Seen {
    /// The committed offset that it was looked up for.
    start: i64,
    /// Milliseconds since 1970.
    timestamp: i64,
}

impl Ages {
    /// Learns the timestamp of the first record from each of these offsets on, and forgets all others.
    ///
    /// A partition that has none, because a transaction's marker is all that is left, has no age.
    pub(crate) fn look(
        &mut self,
        client: &BaseConsumer<Watch>,
        brokers: &str,
        behind: HashMap<Partition, i64>,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        self.0.retain(|partition, seen| behind.get(partition) == Some(&seen.start));
        let mut unseen = BTreeMap::<String, HashMap<i32, i64>>::new();
        for ((topic, partition), start) in behind {
            if !self.0.contains_key(&(topic.clone(), partition)) {
                unseen.entry(topic).or_default().insert(partition, start);
            }
        }
        // One topic at a time, because the end of a partition is reported without its topic.
        for (topic, starts) in unseen {
            let fetched = self.fetch(client, brokers, &topic, starts, deadline);
            // What is assigned would be fetched on and on.
            let unassigned = client.unassign();
            fetched?;
            unassigned.map_err(|error| failed(client, brokers, &records(&topic), &error, deadline))?;
        }
        Ok(())
    }

    fn fetch(
        &mut self,
        client: &BaseConsumer<Watch>,
        brokers: &str,
        topic: &str,
        mut starts: HashMap<i32, i64>,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let failed = |error: &KafkaError| failed(client, brokers, &records(topic), error, deadline);
        let mut list = TopicPartitionList::with_capacity(starts.len());
        starts
            .iter()
            .try_for_each(|(partition, start)| {
                list.add_partition_offset(topic, *partition, Offset::Offset(*start))
            })
            .and_then(|()| client.assign(&list))
            .map_err(|error| failed(&error))?;
        let mut last = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
        while !starts.is_empty() {
            let left = deadline.left();
            if left.is_zero() {
                return Err(failed(&last));
            }
            match client.poll(POLL.min(left)) {
                Some(Ok(record)) => {
                    let partition = record.partition();
                    let Some(start) = starts.remove(&partition) else { continue };
                    let Some(timestamp) = record.timestamp().to_millis() else {
                        let offset = record.offset();
                        let place = format!("kafka topic {topic} partition {partition} offset {offset}");
                        return Err(Fault::error(format!("{place} at {brokers} has no timestamp"))
                            .code("no-timestamp"));
                    };
                    self.0.insert((topic.to_owned(), partition), Seen { start, timestamp });
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    starts.remove(&partition);
                }
                Some(Err(
                    error @ (KafkaError::MessageConsumptionFatal(_)
                    | KafkaError::MessageConsumption(RDKafkaErrorCode::TopicAuthorizationFailed)),
                )) => return Err(failed(&error)),
                // librdkafka tries again by itself.
                Some(Err(error)) => last = error,
                None => {}
            }
        }
        Ok(())
    }

    /// The age in seconds; 0 where the group is not behind.
    pub(crate) fn seconds(&self, partition: &Partition) -> f64 {
        let Some(seen) = self.0.get(partition) else { return 0.0 };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = Duration::from_millis(seen.timestamp.try_into().unwrap_or(0));
        // A producer's clock may be ahead of this one.
        now.saturating_sub(timestamp).as_secs_f64()
    }
}

fn records(topic: &str) -> String {
    format!("records of topic '{topic}'")
}
