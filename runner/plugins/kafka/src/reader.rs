//! The thread that reads.
//!
//! One thread per source rather than a task on the runtime of all sources: the arrival of a record is
//! then noted when it arrives, not when other sources leave room, librdkafka's blocking calls block
//! nobody, and an endless flow of records cannot keep the runtime from stopping.

use crate::again::{Again, Begun};
use crate::client::{DEFAULTS, LIMIT};
use crate::consume::Consume;
use crate::evidence::Read;
use crate::position::{Partition, Start, ask};
use crate::record::{BorrowedRecord, Record};
use crate::sentinel::Sentinel;
use crate::text::{cause, quote};
use crate::trouble::Trouble;
use crate::watch::Watch;
use qalipsis_core::execution::Exchanged as _;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::source::{Feed, Recovery};
use qalipsis_plugin::reader::{self, Ending};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a quiet source looks whether it has to end.
const POLL: Duration = Duration::from_millis(50);

/// How long a group may take to assign partitions: the broker's initial delay (3 s) and the session
/// of a reader that died ([`CONSUMER_DEFAULTS`]) have to fit.
const ASSIGNMENT_LIMIT: Duration = Duration::from_secs(25);

/// How long brokers must have been away at the end for the source to have failed.
const OUTAGE: Duration = Duration::from_secs(1);

const CONSUMER_DEFAULTS: [(&str, &str); 9] = [
    ("enable.auto.commit", "false"),
    // A record that was damaged on its way must not be taken for what somebody sent.
    ("check.crcs", "true"),
    // Shows which topic was deleted and made again, which nothing else does.
    ("debug", "metadata"),
    ("fetch.wait.max.ms", "10"),
    ("fetch.error.backoff.ms", "20"),
    // Once its queue was full, librdkafka would pause for a second.
    ("fetch.queue.backoff.ms", "20"),
    ("queued.max.messages.kbytes", "32768"),
    // So that a reader that was killed does not keep its group waiting for 45 s.
    ("session.timeout.ms", "10000"),
    ("log.connection.close", "true"),
];

/// Where the brokers do not have what was to be read next, reading stops and [`Reading::go_on`] says what is lost.
/// In a group, whose members cannot assign by hand, librdkafka goes on by itself, and says so.
const OUT_OF_RANGE: [(&str, &str); 2] = [("auto.offset.reset", "error"), ("auto.offset.reset", "earliest")];

/// How long the brokers may take to say where a partition begins and ends.
const RANGE_LIMIT: Duration = Duration::from_secs(2);

pub(crate) async fn run<T: Send + 'static>(source: Consume<T>, feed: Feed<Record<T>>) -> Result<(), Fault> {
    reader::run("kafka-reader", feed, |feed, ending| {
        let mut consumer = None;
        let read = Reading { source, feed, ending, begun: Begun::default() }.run(&mut consumer);
        // Dropped last: it leaves its group, which may take a round trip.
        (read, consumer)
    })
    .await
}

struct Reading<'a, T: Send + 'static> {
    source: Consume<T>,
    feed: &'a Arc<Feed<Record<T>>>,
    ending: &'a Ending,
    begun: Begun,
}

impl<T: Send + 'static> Reading<'_, T> {
    /// Reads until it has to end. The consumer is left to be closed.
    fn run(mut self, consumer: &mut Option<Arc<BaseConsumer<Watch>>>) -> Result<(), Fault> {
        let kafka = self.source.kafka.clone();
        let watch = Watch::new(&kafka.properties);
        let out_of_range = OUT_OF_RANGE[usize::from(self.source.group.is_some())];
        let defaults = [&DEFAULTS[..], &CONSUMER_DEFAULTS, &[out_of_range]].concat();
        let mut config = kafka.properties.config(&kafka.brokers, &defaults)?;
        let group = self.source.group.clone().unwrap_or_else(|| self.feed.context().unique_name());
        config.set("group.id", &group);
        let created = config.create_with_context::<_, BaseConsumer<Watch>>(watch.clone());
        let consumer =
            &*consumer.insert(Arc::new(created.map_err(|error| kafka.properties.refused(&error))?));

        let mut start = Start {
            brokers: kafka.brokers.clone(),
            secured: kafka.properties.secured(),
            position: self.source.position,
            campaign: kafka.created,
            partitions: Vec::new(),
        };
        start.find(consumer, &self.source.topics)?;
        if self.ending.is_set() {
            return Ok(());
        }
        let topics = start.topics().into_iter().map(str::to_owned).collect();
        if self.source.group.is_some() {
            self.join_group(consumer, &watch, start)?;
        } else {
            assign(consumer, &watch, &start)?;
        }
        if self.ending.is_set() {
            return Ok(());
        }
        let sentinel = Sentinel {
            consumer: Arc::clone(consumer),
            feed: Arc::clone(self.feed),
            topics,
            by_hand: self.source.group.is_none(),
            ending: self.ending.clone(),
        };
        sentinel.start().map_err(|error| Fault::error(format!("no thread to look after it: {error}")))?;
        // What happened until now has been waited for.
        drop((watch.take_troubles(), watch.take_broken()));
        watch.complete_at(tokio::time::Instant::now());
        self.feed.ready();
        self.read(consumer, &watch)
    }

    /// Returns when the group has assigned partitions, or this source has to end.
    fn join_group(&self, consumer: &BaseConsumer<Watch>, watch: &Watch, start: Start) -> Result<(), Fault> {
        let brokers = start.brokers.clone();
        let group = self.source.group.as_deref().unwrap_or_default();
        let failed = |problem: &str| {
            Fault::error(format!("group '{group}' at {brokers} assigned no partitions: {problem}"))
                .code("group")
        };
        let topics: Vec<String> = start.topics().into_iter().map(str::to_owned).collect();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        watch.await_assignment(start);
        consumer.subscribe(&topics).map_err(|error| failed(&cause(&error)))?;
        let deadline = Instant::now() + ASSIGNMENT_LIMIT;
        while !watch.assigned()? {
            if self.ending.is_set() {
                return Ok(());
            }
            // Nothing can be read before the assignment, and what comes with it is polled again below.
            if let Some(Err(error)) = consumer.poll(POLL)
                && hopeless(&error)
            {
                return Err(failed(&cause(&error)));
            }
            if watch.rejected() {
                return Err(failed(&watch.last_error("rejected")));
            }
            if Instant::now() > deadline {
                let waited = format!("none within {}", human(ASSIGNMENT_LIMIT));
                return Err(failed(&watch.last_error(&waited)));
            }
        }
        Ok(())
    }

    fn read(&mut self, consumer: &BaseConsumer<Watch>, watch: &Watch) -> Result<(), Fault> {
        let mut last_read = None;
        let mut again = Again::default();
        while !self.ending.is_set() {
            match consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let received = tokio::time::Instant::now();
                    last_read = Some(received);
                    self.take_all(watch, &mut again)?;
                    let record = BorrowedRecord::new(&message);
                    // Of a topic that was made again, everything is going to be read from its beginning.
                    if !again.begins(record.topic(), record.partition()) {
                        self.hand_over(&record, received);
                    }
                }
                // librdkafka goes on by itself after an outage.
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(Fault::error(format!(
                        "kafka at {}: {}: {}",
                        self.source.kafka.brokers,
                        crate::text::described(code),
                        watch.last_error("no further reason")
                    ))
                    .code("fatal"));
                }
                Some(Err(_)) | None => {
                    watch.assigned()?;
                }
            }
            if let Some(lag) = watch.take_lag() {
                self.feed.lag(lag);
            }
            self.take_all(watch, &mut again)?;
            if again.is_wanted() {
                self.go_on(consumer, watch, &mut again);
            }
        }
        // A broker that is back is in the statistics only some time after its first records.
        let has_read = last_read.is_some_and(|at| at.elapsed() < OUTAGE);
        match watch.unreachable_since().map(|since| since.elapsed()) {
            Some(outage) if outage >= OUTAGE && !has_read => Err(Fault::error(format!(
                "kafka at {}: no broker was reachable for the last {} of the campaign: {}",
                self.source.kafka.brokers,
                human(outage),
                watch.last_error("connections are refused or lost")
            ))
            .code("unreachable")),
            _ => Ok(()),
        }
    }

    /// `kafka topic orders at 127.0.0.1:9092: problem`.
    fn failed(&self, problem: &str) -> Fault {
        Fault::error(format!("{} at {}: {problem}", self.source.topics, self.source.kafka.brokers))
    }

    fn take_all(&self, watch: &Watch, again: &mut Again) -> Result<(), Fault> {
        watch.take_troubles().into_iter().try_for_each(|trouble| self.take(trouble, watch, again))
    }

    /// Says what went wrong, or fails for it.
    fn take(&self, trouble: Trouble, watch: &Watch, again: &mut Again) -> Result<(), Fault> {
        match trouble {
            Trouble::Permanent(code, text) => {
                let text = self.source.kafka.properties.redact(&text);
                return Err(self.failed(&text).code(code));
            }
            Trouble::Unreadable(text) => {
                let place = format!("{} at {}", self.source.topics, self.source.kafka.brokers);
                self.feed.undecodable(Fault::undecodable(format!("{place}: {text}")));
            }
            Trouble::Reset(text) => {
                let now = tokio::time::Instant::now();
                self.feed.gap(watch.complete(), now, Recovery::Lossy, text);
                watch.complete_at(now);
            }
            Trouble::MadeAgain(topic) if self.source.group.is_some() => {
                let text = format!("topic '{topic}' was deleted and made again");
                return Err(self.failed(&text).code("deleted-topic"));
            }
            Trouble::MadeAgain(topic) => {
                again.made_again(&topic, &watch.starts(), &self.begun, watch.complete());
            }
            Trouble::OutOfRange => again.out_of_range = true,
            Trouble::Added(partitions) => {
                let names: Vec<String> =
                    partitions.iter().map(|(topic, partition)| format!("{topic}/{partition}")).collect();
                let text = format!("new partitions, read from their beginning: {}", names.join(", "));
                self.feed.notice("new-partitions", text);
                again.added.extend(partitions);
            }
            Trouble::Notice(code, text) => self.feed.notice(code, text),
            // The sentinel looks into it.
            Trouble::Broken(_) => {}
        }
        Ok(())
    }

    /// Assigns partitions again: those that were added, and those that begin again because their offsets are
    /// gone. Tries again later when the brokers do not answer.
    fn go_on(&mut self, consumer: &BaseConsumer<Watch>, watch: &Watch, again: &mut Again) {
        let mut starts = watch.starts();
        for partition in &again.added {
            starts.entry(partition.clone()).or_insert(0);
        }
        let partitions: Vec<Partition> = starts.keys().cloned().collect();
        let range = ask(consumer, &partitions, Offset::Beginning, RANGE_LIMIT)
            .and_then(|begins| Ok((begins, ask(consumer, &partitions, Offset::End, RANGE_LIMIT)?)))
            .and_then(|range| Ok((range, consumer.position()?)));
        let Ok(((begins, ends), positions)) = range else { return };
        for position in positions.elements() {
            if let Offset::Offset(next) = position.offset() {
                starts.insert((position.topic().to_owned(), position.partition()), next);
            }
        }
        let now = tokio::time::Instant::now();
        let since = again.lost_since(watch.complete());
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for (partition, next) in &mut starts {
            let (Some(begin), Some(end)) = (begins.get(partition), ends.get(partition)) else { return };
            let (topic, number) = (&partition.0, partition.1);
            let lost = if *next < *begin {
                Some(format!(
                    "offsets {next} to {} of {topic}/{number} were deleted before they were read",
                    begin - 1
                ))
            } else if *next > *end {
                Some(format!(
                    "{topic}/{number} ends at offset {end} and was read up to {next}: it was deleted and made again, or cut"
                ))
            } else if again.begins(topic, number) {
                Some(format!(
                    "{topic} was deleted and made again; {topic}/{number} had been read up to offset {next}"
                ))
            } else {
                None
            };
            if let Some(cause) = lost {
                self.feed.gap(since, now, Recovery::Lossy, cause);
                self.begun.now(partition);
                *next = *begin;
            }
            if list.add_partition_offset(topic, number, Offset::Offset(*next)).is_err() {
                return;
            }
        }
        // A partition that librdkafka has stopped reads on only if it is assigned again.
        if consumer.assign(&list).is_ok() {
            watch.started_at(starts);
            watch.complete_at(now);
            *again = Again::default();
        }
    }

    fn hand_over(&self, record: &BorrowedRecord<'_>, received: tokio::time::Instant) {
        self.feed.bytes(record.size());
        match (self.source.decode)(record) {
            Ok(value) => self.feed.record(record.decoded(value, received), received),
            Err(problem) => {
                let value = record.value().map_or("null".to_owned(), quote);
                let fault = Fault::undecodable(format!("{}: {problem}, value {value}", record.coordinates()));
                let shown = Read::new(&record.decoded((), received)).details();
                self.feed.undecodable(fault.exchange(shown));
            }
        }
    }
}

/// Reads all partitions from now on, without a group's help.
fn assign(consumer: &BaseConsumer<Watch>, watch: &Watch, start: &Start) -> Result<(), Fault> {
    let starts = start.offsets(consumer)?;
    let mut list = TopicPartitionList::with_capacity(starts.len());
    let assigned = starts
        .iter()
        .try_for_each(|((topic, partition), at)| {
            list.add_partition_offset(topic, *partition, Offset::Offset(*at))
        })
        .and_then(|()| consumer.assign(&list));
    assigned.map_err(|error| {
        Fault::error(format!(
            "the partitions could not be assigned within {}: {}",
            human(LIMIT),
            cause(&error)
        ))
    })?;
    watch.started_at(starts);
    Ok(())
}

/// Whether waiting does not help a group that has not assigned anything.
fn hopeless(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::InvalidGroupId
                    | RDKafkaErrorCode::InconsistentGroupProtocol
                    | RDKafkaErrorCode::InvalidSessionTimeout
            )
        )
}
