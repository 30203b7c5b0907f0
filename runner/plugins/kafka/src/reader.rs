//! The thread that reads.
//!
//! One thread per source rather than a task on the runtime of all sources: the arrival of a record is
//! then noted when it arrives, not when other sources leave room, librdkafka's blocking calls block
//! nobody, and an endless flow of records cannot keep the runtime from stopping.

use crate::client::{DEFAULTS, LIMIT};
use crate::consume::Consume;
use crate::position::Start;
use crate::record::{BorrowedRecord, Record};
use crate::text::{cause, quote};
use crate::watch::Watch;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::panics;
use qalipsis_core::source::{Feed, Reader};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often a quiet source looks whether it has to end.
const POLL: Duration = Duration::from_millis(50);

/// How long a group may take to assign partitions: the broker's initial delay (3 s) and the session
/// of a reader that died ([`CONSUMER_DEFAULTS`]) have to fit.
const ASSIGNMENT_LIMIT: Duration = Duration::from_secs(25);

/// How long a source that has to end waits for its thread; it ends by itself in any case.
const END_LIMIT: Duration = Duration::from_millis(800);

/// How long brokers must have been away at the end for the source to have failed.
const OUTAGE: Duration = Duration::from_secs(1);

const CONSUMER_DEFAULTS: [(&str, &str); 8] = [
    ("enable.auto.commit", "false"),
    // Where the brokers have already deleted what was to be read: what is left of it.
    ("auto.offset.reset", "earliest"),
    ("fetch.wait.max.ms", "10"),
    ("fetch.error.backoff.ms", "20"),
    // Once its queue was full, librdkafka would pause for a second.
    ("fetch.queue.backoff.ms", "20"),
    ("queued.max.messages.kbytes", "32768"),
    // So that a reader that was killed does not keep its group waiting for 45 s.
    ("session.timeout.ms", "10000"),
    ("log.connection.close", "false"),
];

/// Tells the thread to end, also when the source is dropped.
#[derive(Default)]
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

pub(crate) async fn run<T: Send + 'static>(source: Consume<T>, feed: Feed<Record<T>>) -> Result<(), Fault> {
    let feed = Arc::new(feed);
    let ending = Ending::default();
    let (told, mut result) = oneshot::channel();
    let (closed, closing) = oneshot::channel::<()>();
    let (thread_feed, thread_ending) = (Arc::clone(&feed), Arc::clone(&ending.0));
    let spawned = thread::Builder::new().name("kafka-reader".to_owned()).spawn(move || {
        let read = panics::catch(|| {
            let mut consumer = None;
            let read = Reading { source, feed: &thread_feed, ending: &thread_ending }.run(&mut consumer);
            (read, consumer)
        });
        drop(thread_feed);
        let consumer = match read {
            Ok((read, consumer)) => {
                let _ = told.send(read);
                consumer
            }
            Err(panic) => {
                let message = format!("panicked at {}: {}", panic.place, panic.message);
                let _ = told.send(Err(Fault::error(message).code("panic")));
                None
            }
        };
        // It leaves its group, which may take a round trip.
        drop(consumer);
        let _ = closed.send(());
    });
    spawned.map_err(|error| Fault::error(format!("no thread to read with: {error}")))?;

    tokio::select! {
        biased;
        read = &mut result => return read.unwrap_or_else(|_| Err(Fault::error("the reading thread is gone"))),
        () = feed.stopped() => {}
    }
    drop(ending);
    let end = async {
        let read = result.await;
        let _ = closing.await;
        read
    };
    match tokio::time::timeout(END_LIMIT, end).await {
        Ok(Ok(read)) => read,
        // It still waits for an answer of the brokers and ends after it.
        Ok(Err(_)) | Err(_) => Ok(()),
    }
}

struct Reading<'a, T: Send + 'static> {
    source: Consume<T>,
    feed: &'a Feed<Record<T>>,
    ending: &'a AtomicBool,
}

impl<T: Send + 'static> Reading<'_, T> {
    /// Reads until it has to end. The consumer is left to be closed.
    fn run(self, consumer: &mut Option<BaseConsumer<Watch>>) -> Result<(), Fault> {
        let kafka = &self.source.kafka;
        let watch = Watch::new(&kafka.properties);
        let mut config =
            kafka.properties.config(&kafka.brokers, &[&DEFAULTS[..], &CONSUMER_DEFAULTS].concat())?;
        let group = self.source.group.clone().unwrap_or_else(|| own_group(self.feed.reader()));
        config.set("group.id", &group);
        let created = config.create_with_context::<_, BaseConsumer<Watch>>(watch.clone());
        let consumer = &*consumer.insert(created.map_err(|error| kafka.properties.refused(&error))?);

        let mut start = Start {
            brokers: kafka.brokers.clone(),
            secured: kafka.properties.secured(),
            position: self.source.position,
            campaign: kafka.created,
            partitions: Vec::new(),
        };
        start.find(consumer, &self.source.topics)?;
        if self.ending.load(Relaxed) {
            return Ok(());
        }
        if self.source.group.is_some() {
            self.join_group(consumer, &watch, start)?;
        } else {
            assign(consumer, &watch, &start)?;
        }
        if self.ending.load(Relaxed) {
            return Ok(());
        }
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
            if self.ending.load(Relaxed) {
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

    fn read(&self, consumer: &BaseConsumer<Watch>, watch: &Watch) -> Result<(), Fault> {
        let mut last_read = None;
        while !self.ending.load(Relaxed) {
            match consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let received = tokio::time::Instant::now();
                    last_read = Some(received);
                    self.hand_over(&BorrowedRecord::new(&message), received);
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

    fn hand_over(&self, record: &BorrowedRecord<'_>, received: tokio::time::Instant) {
        self.feed.bytes(record.size());
        match (self.source.decode)(record) {
            Ok(value) => self.feed.record(record.decoded(value, received), received),
            Err(problem) => {
                let value = record.value().map_or("null".to_owned(), quote);
                let fault = Fault::undecodable(format!("{}: {problem}, value {value}", record.coordinates()));
                self.feed.undecodable(fault.exchange(format!("{record:?}")));
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

/// A group that no other reader has: of this campaign, factory and scenario, numbered in this process.
fn own_group(reader: &Reader) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Relaxed);
    format!("qalipsis-{}-{}-{}-{count}", reader.campaign, reader.factory, reader.scenario)
}
