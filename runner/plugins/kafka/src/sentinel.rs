//! Asks the brokers all along whether what is read is still there.
//!
//! A consumer that gets no records learns nothing: not that its connection is silent, not that its topic was
//! deleted, and not that there are new partitions. So the same client asks for the topics and the ends of the
//! partitions, whose leaders have to answer, every second, and at once when a connection fails.

use crate::position::{Partition, Starts, ask};
use crate::text::cause;
use crate::trouble::Trouble;
use crate::watch::Watch;
use qalipsis_core::source::{Feed, Recovery};
use qalipsis_plugin::reader::Ending;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// Between two questions while all is well, and while something is not.
const PERIOD: Duration = Duration::from_secs(1);
const PERIOD_OF_TROUBLE: Duration = Duration::from_millis(100);

/// How soon it notices that it has to end, or that a connection failed.
const NAP: Duration = Duration::from_millis(20);

/// How long the brokers may take to answer a question.
const ANSWER: Duration = Duration::from_secs(1);

/// An answer that took no longer, counted from when a connection failed, was not kept by that: clients close
/// connections that they do not need any more.
const UNHARMED: Duration = Duration::from_millis(20);

/// How long a topic has to be away to count as deleted: brokers that have just started may not know it yet.
const DELETED: Duration = Duration::from_secs(2);

pub(crate) struct Sentinel<R> {
    pub(crate) consumer: Arc<BaseConsumer<Watch>>,
    pub(crate) feed: Arc<Feed<R>>,
    pub(crate) topics: Vec<String>,
    /// Whether new partitions have to be assigned by hand.
    pub(crate) by_hand: bool,
    pub(crate) ending: Ending,
}

/// What is known of the topics.
#[derive(Default)]
struct Known {
    partitions: HashSet<Partition>,
    absent_since: HashMap<String, Instant>,
}

impl<R: Send + 'static> Sentinel<R> {
    /// Begins to ask, on a thread of its own, which ends after `ending` is set. Without a thread nothing is
    /// asked.
    pub(crate) fn start(self) -> Result<(), std::io::Error> {
        thread::Builder::new().name("kafka-sentinel".to_owned()).spawn(move || self.watch()).map(drop)
    }

    fn watch(self) {
        let watch = Watch::clone(self.consumer.context());
        let mut known = Known { partitions: watch.starts().into_keys().collect(), ..Known::default() };
        // Since when nothing can be read, and when all was well last.
        let (mut interrupted, mut well) = (false, Instant::now());
        // Whether others read partitions that were this member's.
        let mut is_away = false;
        loop {
            let period = if interrupted { PERIOD_OF_TROUBLE } else { PERIOD };
            let slept = Instant::now();
            while slept.elapsed() < period && (interrupted || !watch.is_broken()) {
                if self.ending.is_set() {
                    return;
                }
                thread::sleep(NAP);
            }
            if self.ending.is_set() {
                return;
            }
            let began = Instant::now();
            let broken = watch.take_broken();
            match self.look(&watch, &mut known) {
                Ok(()) => {
                    let back = watch.take_back().filter(|_| !interrupted && !is_away);
                    if let Some((from, to)) = back {
                        let why = "the group took partitions from this member, and gave them back";
                        self.feed.gap(from, to, Recovery::Complete, why);
                    }
                    if let Some((since, why)) = watch.away() {
                        self.feed.interrupted_since(since, why);
                        is_away = true;
                    } else if interrupted || is_away {
                        self.feed.resumed(Recovery::Complete);
                        is_away = false;
                    } else if let Some((at, why)) = broken.filter(|(at, _)| at.elapsed() > UNHARMED) {
                        self.feed.gap(at, Instant::now(), Recovery::Complete, why);
                    } else {
                        self.feed.answered("the brokers", began, Instant::now(), Duration::ZERO);
                    }
                    (interrupted, well) = (false, began);
                    watch.recovered();
                }
                Err(error) => {
                    let (at, why) = broken.unwrap_or_else(|| (well, watch.last_error(&cause(&error))));
                    self.feed.interrupted_since(at, why);
                    interrupted = true;
                }
            }
        }
    }

    /// Whether the brokers answer; what has changed is left for the thread that reads.
    fn look(&self, watch: &Watch, known: &mut Known) -> Result<(), KafkaError> {
        let mut added = Vec::new();
        for topic in &self.topics {
            let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER)?;
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            let problem = match found {
                Some(found) => found.error().map(RDKafkaErrorCode::from),
                None => Some(RDKafkaErrorCode::UnknownTopicOrPartition),
            };
            match problem {
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                    let since = *known.absent_since.entry(topic.clone()).or_insert_with(Instant::now);
                    if since.elapsed() >= DELETED {
                        let text = format!("topic '{topic}' was deleted");
                        watch.push(Trouble::Permanent("deleted-topic".to_owned(), text));
                    }
                    continue;
                }
                Some(code @ RDKafkaErrorCode::TopicAuthorizationFailed) => {
                    let text = format!("topic '{topic}': {}", crate::text::described(code));
                    watch.push(Trouble::Permanent(crate::text::code(code), text));
                    continue;
                }
                // Leaders that change and the like.
                Some(_) => continue,
                None => {}
            }
            known.absent_since.remove(topic);
            for partition in found.iter().flat_map(|found| found.partitions()) {
                let partition = (topic.clone(), partition.id());
                if !known.partitions.contains(&partition) {
                    added.push(partition);
                }
            }
        }
        if !added.is_empty() {
            known.partitions.extend(added.iter().cloned());
            if self.by_hand {
                watch.push(Trouble::Added(added));
            } else {
                let text = format!("{} new partitions, which the group gets assigned", added.len());
                watch.push(Trouble::Notice("new-partitions", text));
            }
        }
        if !known.absent_since.is_empty() {
            return Ok(());
        }
        let asked = Instant::now();
        let partitions: Vec<Partition> = known.partitions.iter().cloned().collect();
        match ask(&self.consumer, &partitions, Offset::End, ANSWER) {
            // A topic that was deleted in between, or may not be asked for.
            Err(error) if !passes(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(ends) => {
                // A topic that was made again may end by chance where the old one was read.
                if self.has_read_up_to(&ends, watch) && !watch.has_troubles() {
                    watch.complete_at(asked);
                }
                Ok(())
            }
        }
    }

    /// Whether everything up to the ends of its partitions was read.
    fn has_read_up_to(&self, ends: &Starts, watch: &Watch) -> bool {
        let Ok(positions) = self.consumer.position() else { return false };
        let starts = watch.starts();
        positions.elements().iter().all(|partition| {
            let place = (partition.topic().to_owned(), partition.partition());
            let next = match partition.offset() {
                Offset::Offset(next) => Some(next),
                // Nothing was read yet.
                _ => starts.get(&place).copied(),
            };
            next.is_some() && next == ends.get(&place).copied()
        })
    }
}

/// Whether the brokers did not answer, rather than answer no.
fn passes(error: &KafkaError) -> bool {
    !matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
        )
    )
}
