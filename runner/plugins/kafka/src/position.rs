//! Finding the topics, and the offsets at which reading starts.

use crate::client::LIMIT;
use crate::consume::Position;
use crate::text::cause;
use crate::topics::{Selection, Topics, Unselected};
use crate::watch::Watch;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::model::suggest;
use qalipsis_core::model::timestamp::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

/// A partition of a topic.
pub(crate) type Partition = (String, i32);

/// Where each partition is read from.
pub(crate) type Starts = HashMap<Partition, i64>;

/// How long a topic that is missing may still appear: its creation takes a moment to get around.
const APPEARANCE: Duration = Duration::from_secs(2);

/// Pause between two looks at the metadata.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long to wait for events that are there already. Not zero, which would take only the first.
pub(crate) const EVENTS: Duration = Duration::from_millis(10);

/// How long one request for metadata may take. They grow, so that a wrong password is reported early
/// and a slow broker still has its time.
const ANSWER_TIMEOUTS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), LIMIT];

/// Until when brokers have to have answered, and how long that was in all, which is what errors state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    pub(crate) limit: Duration,
}

impl Deadline {
    /// That long from now.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    pub(crate) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

/// Asks any broker for the metadata of all topics. `deadline` also limits what comes after.
pub(crate) fn metadata(
    consumer: &BaseConsumer<Watch>,
    brokers: &str,
    deadline: Deadline,
) -> Result<Metadata, Fault> {
    let watch = consumer.context();
    let mut last = None;
    for answer_timeout in ANSWER_TIMEOUTS {
        let left = deadline.left();
        if left.is_zero() {
            break;
        }
        match consumer.fetch_metadata(None, answer_timeout.min(left)) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => last = Some(error),
        }
        // Errors are events, which only a poll delivers; there are no records yet.
        while consumer.poll(EVENTS).is_some() {}
        if watch.rejected() {
            return Err(Fault::error(format!("kafka at {brokers}: {}", watch.last_error("rejected")))
                .code("rejected"));
        }
    }
    let mut otherwise = last.as_ref().map_or_else(|| "timed out".to_owned(), cause);
    // A broker that wants TLS closes the connection, and that is all that is known.
    let is_cut = last.as_ref().and_then(KafkaError::rdkafka_error_code)
        == Some(RDKafkaErrorCode::BrokerTransportFailure);
    if is_cut && !watch.secured() {
        otherwise += "; does that port want TLS (security.protocol=ssl or sasl_ssl)?";
    }
    let mut last_error = watch.last_error(&otherwise).to_string();
    // What librdkafka asks itself after most such ends, but not when the broker was quicker.
    if watch.secured() && last_error.ends_with("SSL connection closed by peer") {
        last_error += ": connecting to a PLAINTEXT broker listener?";
    }
    Err(Fault::error(format!(
        "kafka at {brokers}: no broker answered within {}: {last_error}",
        human(deadline.limit),
    ))
    .code("unreachable"))
}

/// What is read, and from where.
pub(crate) struct Start {
    pub(crate) brokers: String,
    /// Whether brokers may hide topics from this client.
    pub(crate) secured: bool,
    pub(crate) position: Position,
    pub(crate) campaign: Timestamp,
    /// All partitions of all topics.
    pub(crate) partitions: Vec<Partition>,
}

impl Start {
    /// Waits until the topics are there and their partitions have leaders.
    pub(crate) fn find(&mut self, consumer: &BaseConsumer<Watch>, topics: &Topics) -> Result<(), Fault> {
        let started = Instant::now();
        let deadline = Deadline::after(LIMIT);
        loop {
            let metadata = metadata(consumer, &self.brokers, deadline)?;
            let limit = match partitions_of(topics, &metadata, &self.brokers, self.secured) {
                Ok(partitions) => {
                    self.partitions = partitions;
                    return Ok(());
                }
                Err(Missing::ForGood(fault)) => return Err(fault),
                Err(Missing::Topic(fault)) => (started + APPEARANCE, fault),
                Err(Missing::Leader(fault)) => (deadline.at, fault),
            };
            if Instant::now() + LOOK_AGAIN > limit.0 {
                return Err(limit.1);
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// The topics, each once.
    pub(crate) fn topics(&self) -> Vec<&str> {
        let mut topics: Vec<&str> = self.partitions.iter().map(|(topic, _)| topic.as_str()).collect();
        topics.dedup();
        topics
    }

    /// The offset of each partition at which reading starts.
    ///
    /// They are numbers, never "the end": librdkafka would look that up later, and what is produced
    /// until then would be missed.
    pub(crate) fn offsets(&self, consumer: &BaseConsumer<Watch>) -> Result<Starts, Fault> {
        let ask = |what| ask(consumer, &self.partitions, what, LIMIT);
        let asked = match self.position {
            Position::Earliest => ask(Offset::Beginning),
            Position::Latest => ask(Offset::End),
            Position::CampaignStart => ask(Offset::End).and_then(|ends| {
                let millis = i64::try_from(self.campaign.0 / 1_000_000).unwrap_or(i64::MAX);
                let mut starts = ask(Offset::Offset(millis))?;
                // A partition without a record since then has no offset yet: the end of before asking is it.
                for (partition, end) in ends {
                    starts.entry(partition).or_insert(end);
                }
                Ok(starts)
            }),
        };
        let starts = asked.map_err(|error| self.unpositioned(&cause(&error)))?;
        match self.partitions.iter().find(|partition| !starts.contains_key(partition)) {
            Some((topic, partition)) => {
                Err(self.unpositioned(&format!("partition {partition} of topic '{topic}' has no offset")))
            }
            None => Ok(starts),
        }
    }

    fn unpositioned(&self, problem: &str) -> Fault {
        Fault::error(format!("the offsets to start from could not be had from {}: {problem}", self.brokers))
            .code("offsets")
    }
}

/// All partitions of the topics. `secured` is whether brokers may hide topics from this client.
pub(crate) fn partitions_of(
    topics: &Topics,
    metadata: &Metadata,
    brokers: &str,
    secured: bool,
) -> Result<Vec<Partition>, Missing> {
    let existing: Vec<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
    let selected = topics.select(&existing).map_err(|unselected| match unselected {
        Unselected::Invalid(problem) => Missing::ForGood(Fault::error(problem).code("configuration")),
        Unselected::Absent(wanted) => {
            let own = |name: &&&str| !name.starts_with("__");
            let hint = suggest::hint(&wanted, existing.iter().filter(own).copied());
            let what = match &topics.0 {
                Selection::Named(_) => format!("no topic '{wanted}'"),
                Selection::Matching(_) => format!("no topic matches '{wanted}'"),
            };
            let hidden = if secured { " that this user may see" } else { "" };
            Missing::Topic(Fault::error(format!("{what}{hidden} at {brokers}, {hint}")).code("unknown-topic"))
        }
    })?;
    let mut partitions = Vec::new();
    for topic in metadata.topics().iter().filter(|topic| selected.iter().any(|name| name == topic.name())) {
        let leaderless = |what: String| {
            Missing::Leader(
                Fault::error(format!("topic '{}' at {brokers} has {what}", topic.name())).code("no-leader"),
            )
        };
        if topic.partitions().is_empty() {
            return Err(leaderless("no partitions yet".to_owned()));
        }
        for partition in topic.partitions() {
            if partition.leader() < 0 {
                return Err(leaderless(format!("no leader for partition {}", partition.id())));
            }
            partitions.push((topic.name().to_owned(), partition.id()));
        }
    }
    Ok(partitions)
}

/// The offsets of partitions, with one request to each leader for all its partitions.
pub(crate) fn ask(
    consumer: &BaseConsumer<Watch>,
    partitions: &[Partition],
    what: Offset,
    limit: Duration,
) -> Result<Starts, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition_offset(topic, *partition, what)?;
    }
    let answer = consumer.offsets_for_times(list, limit)?;
    let mut starts = Starts::with_capacity(partitions.len());
    for partition in answer.elements() {
        partition.error()?;
        if let Offset::Offset(offset) = partition.offset() {
            starts.insert((partition.topic().to_owned(), partition.partition()), offset);
        }
    }
    Ok(starts)
}

/// What is not there, and whether waiting may help.
pub(crate) enum Missing {
    ForGood(Fault),
    Topic(Fault),
    Leader(Fault),
}

impl Missing {
    /// For those who don't wait.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::ForGood(fault) | Self::Topic(fault) | Self::Leader(fault) => fault,
        }
    }
}
