//! What a group has not consumed yet.

use crate::age::Ages;
use crate::client::{DEFAULTS, Kafka};
use crate::position::{Deadline, EVENTS, Partition, Starts, ask, metadata, partitions_of};
use crate::text::{cause, code};
use crate::topics::Topics;
use crate::watch::Watch;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::probe::Reading;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeSet;

const BACKLOG_DEFAULTS: [(&str, &str); 8] = [
    // As Kafka's own tools count, and without waiting for commits that are part of a transaction.
    ("isolation.level", "read_uncommitted"),
    // One record per partition is all that is ever looked at.
    ("queued.min.messages", "1"),
    ("max.partition.fetch.bytes", "65536"),
    // Where the record at the committed offset has been deleted: the one that is the oldest now.
    ("auto.offset.reset", "earliest"),
    ("fetch.wait.max.ms", "10"),
    ("fetch.error.backoff.ms", "20"),
    ("fetch.queue.backoff.ms", "20"),
    ("log.connection.close", "false"),
];

/// How many events are taken after a reading; each broker that is gone has some.
const MOST_EVENTS: usize = 100;

/// Settings that no property changes, because the group is to be left alone.
const UNDISTURBED: [(&str, &str); 5] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("allow.auto.create.topics", "false"),
    ("enable.partition.eof", "true"),
    // Nobody listens to them.
    ("statistics.interval.ms", "0"),
];

/// Reads the backlog of one group, with a client that has its name but never joins it.
pub(crate) struct Backlog {
    kafka: Kafka,
    group: String,
    /// None: those of which the group has committed offsets.
    topics: Option<Topics>,
    /// None: in records.
    ages: Option<Ages>,
    client: Option<BaseConsumer<Watch>>,
}

impl Backlog {
    pub(crate) fn new(kafka: Kafka, group: String, topics: Option<Topics>, in_time: bool) -> Self {
        Self { kafka, group, topics, ages: in_time.then(Ages::default), client: None }
    }

    pub(crate) fn read(&mut self, deadline: Deadline) -> Result<Reading, Fault> {
        let client = match self.client.take() {
            Some(client) => client,
            None => self.connect()?,
        };
        let reading = self.measure(&client, deadline);
        listen(&client);
        if reading.is_ok() {
            client.context().recovered();
        }
        self.client = Some(client);
        reading
    }

    fn connect(&self) -> Result<BaseConsumer<Watch>, Fault> {
        if self.group.is_empty() {
            return Err(Fault::error("no group was named").code("configuration"));
        }
        let properties = &self.kafka.properties;
        let mut config =
            properties.config(&self.kafka.brokers, &[&DEFAULTS[..], &BACKLOG_DEFAULTS].concat())?;
        config.set("group.id", &self.group);
        for (key, value) in UNDISTURBED {
            config.set(key, value);
        }
        config.create_with_context(Watch::new(properties)).map_err(|error| properties.refused(&error))
    }

    fn measure(&mut self, client: &BaseConsumer<Watch>, deadline: Deadline) -> Result<Reading, Fault> {
        let brokers = self.kafka.brokers.as_str();
        let metadata = metadata(client, brokers, deadline)?;
        let partitions_of = |topics: &Topics| {
            let secured = self.kafka.properties.secured();
            partitions_of(topics, &metadata, brokers, secured).map_err(|missing| missing.fault())
        };
        // The ends are asked for last, so that no lag comes out negative.
        let (mut partitions, mut starts) = match &self.topics {
            Some(topics) => {
                let partitions = partitions_of(topics)?;
                let committed = self.committed(client, &partitions, deadline)?;
                (partitions, committed)
            }
            None => {
                let committed = self.committed(client, &all(&metadata), deadline)?;
                let topics: BTreeSet<&String> = committed.keys().map(|(topic, _)| topic).collect();
                if topics.is_empty() {
                    return Err(Fault::error(format!(
                        "kafka at {brokers}: group '{}' has committed no offsets, name the topics it is to \
                         consume with .topics([\"…\"])",
                        self.group
                    ))
                    .code("unknown-group"));
                }
                (partitions_of(&topics.into_iter().collect::<Vec<_>>().into())?, committed)
            }
        };
        partitions.sort_unstable();
        let offsets = |partitions: &[Partition], what, name: &str| {
            ask(client, partitions, what, deadline.left())
                .map_err(|error| failed(client, brokers, name, &error, deadline))
        };
        let uncommitted: Vec<Partition> =
            partitions.iter().filter(|partition| !starts.contains_key(partition)).cloned().collect();
        if !uncommitted.is_empty() {
            starts.extend(offsets(&uncommitted, Offset::Beginning, "earliest offsets")?);
        }
        let ends = offsets(&partitions, Offset::End, "latest offsets")?;

        let mut lags = Vec::with_capacity(partitions.len());
        for partition in partitions {
            match (starts.get(&partition), ends.get(&partition)) {
                // A topic that was deleted and created again may end before what was committed.
                (Some(start), Some(end)) => lags.push((partition, *start, (end - start).max(0))),
                _ => {
                    let (topic, number) = partition;
                    let problem = format!("partition {number} of topic '{topic}' has no offset");
                    return Err(Fault::error(format!("kafka at {brokers}: {problem}")).code("offsets"));
                }
            }
        }
        let Some(ages) = &mut self.ages else {
            let parts: Vec<(String, f64)> =
                lags.iter().map(|(partition, _, lag)| (name(partition), *lag as f64)).collect();
            return Ok(Reading { total: parts.iter().map(|(_, lag)| lag).sum(), parts });
        };
        let behind = lags.iter().filter(|(_, _, lag)| *lag > 0);
        let behind = behind.map(|(partition, start, _)| (partition.clone(), *start)).collect();
        ages.look(client, brokers, behind, deadline)?;
        let parts: Vec<(String, f64)> =
            lags.iter().map(|(partition, _, _)| (name(partition), ages.seconds(partition))).collect();
        Ok(Reading { total: parts.iter().map(|(_, age)| *age).fold(0.0, f64::max), parts })
    }

    /// What the group has committed of these partitions.
    fn committed(
        &self,
        client: &BaseConsumer<Watch>,
        partitions: &[Partition],
        deadline: Deadline,
    ) -> Result<Starts, Fault> {
        let mut committed = Starts::new();
        if partitions.is_empty() {
            return Ok(committed);
        }
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition);
        }
        let answer = client.committed_offsets(list, deadline.left()).and_then(|answer| {
            for partition in answer.elements() {
                partition.error()?;
                if let Offset::Offset(offset) = partition.offset() {
                    committed.insert((partition.topic().to_owned(), partition.partition()), offset);
                }
            }
            Ok(())
        });
        match answer {
            Ok(()) => Ok(committed),
            Err(error) => {
                let what = format!("offsets committed by group '{}'", self.group);
                Err(failed(client, &self.kafka.brokers, &what, &error, deadline))
            }
        }
    }
}

/// All partitions of all topics that are not Kafka's own.
fn all(metadata: &Metadata) -> Vec<Partition> {
    let topics = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__"));
    topics
        .flat_map(|topic| {
            topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id()))
        })
        .collect()
}

fn name((topic, partition): &Partition) -> String {
    format!("{topic}/{partition}")
}

/// Makes the client report its errors, which are events that only a poll delivers.
fn listen(client: &BaseConsumer<Watch>) {
    // Limited, because there may be records as well.
    let _ = (0..MOST_EVENTS).find(|_| client.poll(EVENTS).is_none());
}

/// Why brokers that answered before did not answer this.
pub(crate) fn failed(
    client: &BaseConsumer<Watch>,
    brokers: &str,
    what: &str,
    error: &KafkaError,
    deadline: Deadline,
) -> Fault {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::WaitingForCoordinator) | None => {
            listen(client);
            let reason = client.context().last_error(&cause(error));
            let limit = human(deadline.limit);
            Fault::timeout(format!("kafka at {brokers}: no {what} within {limit}: {reason}"))
                .code("timed-out")
        }
        Some(error_code) => {
            Fault::error(format!("kafka at {brokers}: no {what}: {}", cause(error))).code(code(error_code))
        }
    }
}
