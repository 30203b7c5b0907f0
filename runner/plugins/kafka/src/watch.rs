//! What a librdkafka client reports beside its records: errors, statistics, assignments.

use crate::position::{Partition, Start, Starts};
use crate::properties::Properties;
use crate::text::{cause, reason};
use crate::trouble::{self, Trouble};
use parking_lot::Mutex;
use qalipsis_core::fault::Fault;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Instant;

/// Listens to one client. Nothing of it reaches stderr; the last error ends up in error messages.
#[derive(Clone)]
pub(crate) struct Watch(Arc<State>);

struct State {
    properties: Properties,
    last_error: Mutex<Option<String>>,
    /// An error that waiting does not cure: wrong password, untrusted certificate.
    rejected: AtomicBool,
    unreachable_since: Mutex<Option<Instant>>,
    /// Records that the broker has and the source has not read; negative when there is no news.
    lag: AtomicI64,
    /// Where partitions are read from.
    starts: Mutex<Starts>,
    assignment: Mutex<Assignment>,
    /// What went wrong and was not taken yet.
    troubles: Mutex<Vec<Trouble>>,
    has_troubles: AtomicBool,
    /// When a connection failed that was not looked into yet, and why.
    broken: Mutex<Option<(tokio::time::Instant, String)>>,
    /// Up to when nothing is known to be lost.
    complete: Mutex<tokio::time::Instant>,
    away: Mutex<Away>,
}

/// Partitions that the group took from this member.
#[derive(Default)]
struct Away {
    since: BTreeMap<Partition, tokio::time::Instant>,
    /// From when to when some were away that are back.
    back: Option<(tokio::time::Instant, tokio::time::Instant)>,
}

/// What a consumer group gave this client.
enum Assignment {
    /// There is no group.
    ByHand,
    Awaited(Start),
    Given,
    Failed(Fault),
}

impl Watch {
    pub(crate) fn new(properties: &Properties) -> Self {
        Self(Arc::new(State {
            properties: properties.clone(),
            last_error: Mutex::new(None),
            rejected: AtomicBool::new(false),
            unreachable_since: Mutex::new(None),
            lag: AtomicI64::new(-1),
            starts: Mutex::new(Starts::new()),
            assignment: Mutex::new(Assignment::ByHand),
            troubles: Mutex::new(Vec::new()),
            has_troubles: AtomicBool::new(false),
            broken: Mutex::new(None),
            complete: Mutex::new(tokio::time::Instant::now()),
            away: Mutex::default(),
        }))
    }

    /// Leaves something for the thread that reads.
    pub(crate) fn push(&self, trouble: Trouble) {
        self.0.troubles.lock().push(trouble);
        self.0.has_troubles.store(true, Relaxed);
    }

    /// What went wrong since the last call.
    pub(crate) fn take_troubles(&self) -> Vec<Trouble> {
        // The load alone is what nearly every call comes to.
        match self.0.has_troubles.load(Relaxed) && self.0.has_troubles.swap(false, Relaxed) {
            true => std::mem::take(&mut *self.0.troubles.lock()),
            false => Vec::new(),
        }
    }

    /// Whether something went wrong that was not taken yet.
    pub(crate) fn has_troubles(&self) -> bool {
        self.0.has_troubles.load(Relaxed)
    }

    /// Up to when nothing is known to be lost.
    pub(crate) fn complete(&self) -> tokio::time::Instant {
        *self.0.complete.lock()
    }

    /// Nothing is known to be lost up to `at`.
    pub(crate) fn complete_at(&self, at: tokio::time::Instant) {
        let mut complete = self.0.complete.lock();
        *complete = at.max(*complete);
    }

    /// Since when other members of the group have partitions that were this one's, and which.
    pub(crate) fn away(&self) -> Option<(tokio::time::Instant, String)> {
        let away = self.0.away.lock();
        let since = *away.since.values().min()?;
        let names: Vec<String> =
            away.since.keys().map(|(topic, partition)| format!("{topic}/{partition}")).collect();
        Some((since, format!("the group took partitions from this member: {}", names.join(", "))))
    }

    /// From when to when partitions were away that have come back since the last call.
    pub(crate) fn take_back(&self) -> Option<(tokio::time::Instant, tokio::time::Instant)> {
        self.0.away.lock().back.take()
    }

    /// Notes what the group gave to this member, or took from it.
    fn rebalanced(&self, partitions: &TopicPartitionList, given: bool) {
        let (mut away, now) = (self.0.away.lock(), tokio::time::Instant::now());
        for partition in partitions.elements() {
            let place = (partition.topic().to_owned(), partition.partition());
            if !given {
                away.since.entry(place).or_insert(now);
            } else if let Some(since) = away.since.remove(&place) {
                let from = away.back.map_or(since, |(from, _)| from.min(since));
                away.back = Some((from, now));
            }
        }
    }

    /// When a connection failed since the last call, and why.
    pub(crate) fn take_broken(&self) -> Option<(tokio::time::Instant, String)> {
        self.0.broken.lock().take()
    }

    /// Whether a connection failed that was not looked into yet.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.broken.lock().is_some()
    }

    /// Where reading starts, by partition.
    pub(crate) fn starts(&self) -> Starts {
        self.0.starts.lock().clone()
    }

    /// What went wrong last, or `otherwise`.
    pub(crate) fn last_error(&self, otherwise: &str) -> String {
        self.0.last_error.lock().clone().unwrap_or_else(|| otherwise.to_owned())
    }

    /// All is well: what went wrong before explains nothing that comes now.
    pub(crate) fn recovered(&self) {
        *self.0.last_error.lock() = None;
    }

    /// Whether the connection is to be more than plain.
    pub(crate) fn secured(&self) -> bool {
        self.0.properties.secured()
    }

    /// Whether the broker, or this client, refused the other for good.
    pub(crate) fn rejected(&self) -> bool {
        self.0.rejected.load(Relaxed)
    }

    /// Since when no broker has been reachable.
    pub(crate) fn unreachable_since(&self) -> Option<Instant> {
        *self.0.unreachable_since.lock()
    }

    /// The consumer lag, if it has changed.
    pub(crate) fn take_lag(&self) -> Option<u64> {
        // The load alone is what nearly every call comes to.
        if self.0.lag.load(Relaxed) < 0 {
            return None;
        }
        u64::try_from(self.0.lag.swap(-1, Relaxed)).ok()
    }

    pub(crate) fn started_at(&self, starts: Starts) {
        *self.0.starts.lock() = starts;
    }

    /// From now on a group assigns partitions.
    pub(crate) fn await_assignment(&self, start: Start) {
        *self.0.assignment.lock() = Assignment::Awaited(start);
    }

    /// Whether the group has assigned partitions, and they are positioned.
    pub(crate) fn assigned(&self) -> Result<bool, Fault> {
        match &*self.0.assignment.lock() {
            Assignment::Awaited(_) => Ok(false),
            Assignment::ByHand | Assignment::Given => Ok(true),
            Assignment::Failed(fault) => Err(fault.clone()),
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, given: &mut TopicPartitionList) -> Result<(), Fault> {
        let mut assignment = self.0.assignment.lock();
        if let Assignment::Awaited(start) = &*assignment {
            // All partitions, not only those given now: whichever comes later goes on from here.
            *self.0.starts.lock() = start.offsets(consumer)?;
            *assignment = Assignment::Given;
        }
        drop(assignment);
        let starts = self.0.starts.lock();
        let refused =
            |error: KafkaError| Fault::error(format!("the assignment was refused: {}", cause(&error)));
        for mut partition in given.elements() {
            let start = starts.get(&(partition.topic().to_owned(), partition.partition()));
            // A partition that did not exist at the start has nothing older than the start.
            partition
                .set_offset(start.map_or(Offset::Beginning, |at| Offset::Offset(*at)))
                .map_err(refused)?;
        }
        drop(starts);
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(given),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(given),
        }
        .map_err(refused)
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, taken: &TopicPartitionList) {
        // Where reading goes on if the partition comes back.
        if let Ok(positions) = consumer.position() {
            let mut starts = self.0.starts.lock();
            for partition in positions.elements() {
                if let Offset::Offset(next) = partition.offset() {
                    starts.insert((partition.topic().to_owned(), partition.partition()), next);
                }
            }
        }
        let unassigned = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(taken),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        };
        if let Err(error) = unassigned {
            *self.0.last_error.lock() = Some(cause(&error));
        }
    }
}

impl ClientContext for Watch {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(trouble) = trouble::of_log(facility, message) {
            self.push(trouble);
        }
        let grave = (level as i32) <= (RDKafkaLogLevel::Error as i32);
        let mut last = self.0.last_error.lock();
        // `error` reports the same with less noise.
        if grave && last.is_none() {
            *last = Some(self.0.properties.redact(&reason(message)));
        }
    }

    fn error(&self, error: KafkaError, text: &str) {
        let text = self.0.properties.redact(&reason(text));
        #[cfg(feature = "ssl")]
        let text = crate::certificate::explain(&text, &self.0.properties).unwrap_or(text);
        match error.rdkafka_error_code().and_then(|code| trouble::of_error(code, &text)) {
            Some(Trouble::Broken(cause)) => {
                self.0.broken.lock().get_or_insert_with(|| (tokio::time::Instant::now(), cause));
            }
            Some(trouble) => self.push(trouble),
            None => {}
        }
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.0.unreachable_since.lock().get_or_insert_with(Instant::now);
                return;
            }
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) => {
                self.0.rejected.store(true, Relaxed);
            }
            _ => {}
        }
        *self.0.last_error.lock() = Some(text);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let Ok(statistics) = serde_json::from_slice::<Statistics>(statistics) else { return };
        let up = statistics.brokers.values().any(|broker| broker.state == "UP");
        let mut unreachable = self.0.unreachable_since.lock();
        if up {
            *unreachable = None;
        } else {
            unreachable.get_or_insert_with(Instant::now);
        }
        drop(unreachable);
        let starts = self.0.starts.lock();
        let mut lag = 0;
        for (topic, figures) in &statistics.topics {
            for (partition, figures) in &figures.partitions {
                let Ok(partition) = partition.parse() else { continue };
                let Some(start) = starts.get(&(topic.clone(), partition)) else { continue };
                // What lies in an open transaction can't be read yet.
                let end = if figures.ls_offset >= 0 { figures.ls_offset } else { figures.hi_offset };
                lag += (end - figures.app_offset.max(*start)).max(0);
            }
        }
        drop(starts);
        if !statistics.topics.is_empty() {
            self.0.lag.store(lag, Relaxed);
        }
    }
}

impl ConsumerContext for Watch {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let awaited = matches!(&*self.0.assignment.lock(), Assignment::Awaited(_));
        if !awaited && partitions.count() > 0 {
            let given = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
            let what = if given { "gave this member" } else { "took from this member" };
            let count = partitions.count();
            self.push(Trouble::Notice("rebalance", format!("the group {what} {count} partitions")));
            self.rebalanced(partitions, given);
        }
        if event != RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.revoke(consumer, partitions);
        } else if let Err(fault) = self.assign(consumer, partitions) {
            *self.0.assignment.lock() = Assignment::Failed(fault);
        }
    }
}

/// The part of librdkafka's statistics that is of use here.
#[derive(Deserialize)]
struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, BrokerFigures>,
    #[serde(default)]
    topics: HashMap<String, TopicFigures>,
}

#[derive(Deserialize)]
struct BrokerFigures {
    state: String,
}

#[derive(Deserialize)]
struct TopicFigures {
    partitions: HashMap<String, PartitionFigures>,
}

#[derive(Deserialize)]
struct PartitionFigures {
    /// After the last record handed to the application; negative before the first.
    app_offset: i64,
    /// End of what committed transactions have written; negative when unknown.
    ls_offset: i64,
    hi_offset: i64,
}
