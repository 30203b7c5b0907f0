//! The probe of another group's lag.

use crate::backlog::Backlog;
use crate::client::{Kafka, LIMIT};
use crate::position::Deadline;
use crate::topics::Topics;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::probe::{Probe, Reading};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// No reading takes less than some round trips and a few poll intervals of the client.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

/// How far a consumer group other than the tool's own is behind: `kafka.lag_of("fulfilment")`.
///
/// In records: the offset after the last record of each partition less the offset that the group has
/// committed, summed over the partitions, with each of them as a part (`orders.placed/0`). A partition
/// of which the group has committed nothing counts from the earliest record that the brokers have.
///
/// Nobody joins the group, so that it is not rebalanced, and nothing is committed.
#[derive(Debug)]
#[must_use = "a probe is read once it is watched: `setup.watch(\"lag\", probe)`"]
pub struct LagOf {
    kafka: Kafka,
    group: String,
    topics: Option<Topics>,
    period: Duration,
    in_time: bool,
    /// Where readings are asked for, once the first one was.
    thread: Option<mpsc::Sender<Request>>,
}

#[derive(Debug)]
struct Request {
    deadline: Deadline,
    answer: oneshot::Sender<Result<Reading, Fault>>,
}

impl LagOf {
    pub(crate) fn new(kafka: &Kafka, group: String) -> Self {
        let period = Duration::from_secs(1);
        Self { kafka: kafka.clone(), group, topics: None, period, in_time: false, thread: None }
    }

    /// Watches these topics only, all of which must exist. Default: all topics of which the group has
    /// committed an offset, except Kafka's own (`__...`); all topics of the cluster are then looked
    /// through at each reading.
    pub fn topics(mut self, topics: impl Into<Topics>) -> Self {
        self.topics = Some(topics.into());
        self
    }

    /// How often it is read, 100 ms at least. Default: every second.
    ///
    /// A reading fails if it takes longer than nine tenths of that, or 9 s.
    pub fn every(mut self, period: Duration) -> Self {
        self.period = period.max(SHORTEST_PERIOD);
        self
    }

    /// Measures the lag in seconds instead of records: the age of the oldest record that the group has
    /// not consumed, which is 0 when there is none.
    ///
    /// The age is the time of this machine less the timestamp of the record at the committed offset,
    /// as its producer, or with `LogAppendTime` the broker, has given it. The whole is the age of the
    /// oldest record of all partitions. For the timestamp the record is fetched, once for each offset
    /// at which the group is seen to be behind.
    pub fn in_time(mut self) -> Self {
        self.in_time = true;
        self
    }

    /// How long a reading may take at most.
    fn limit(&self) -> Duration {
        self.period.min(LIMIT)
    }

    /// Asks the thread for a reading; starts it the first time.
    fn ask(&mut self, request: Request) -> Result<(), Fault> {
        let thread = match &self.thread {
            Some(thread) => thread,
            None => self.thread.insert(self.spawn()?),
        };
        // Without a thread the answer is dropped with the request, which is noticed by who awaits it.
        let _ = thread.send(request);
        Ok(())
    }

    /// A thread of its own, because librdkafka's calls block, also when a client is closed. It ends
    /// when the probe is dropped.
    fn spawn(&self) -> Result<mpsc::Sender<Request>, Fault> {
        let (requests, requested) = mpsc::channel::<Request>();
        let mut backlog =
            Backlog::new(self.kafka.clone(), self.group.clone(), self.topics.clone(), self.in_time);
        let serve = move || {
            for request in requested {
                // A reading that nobody waits for any more would make the next one late.
                if !request.answer.is_closed() {
                    let _ = request.answer.send(backlog.read(request.deadline));
                }
            }
        };
        match thread::Builder::new().name("kafka-lag".to_owned()).spawn(serve) {
            Ok(_) => Ok(requests),
            Err(error) => Err(Fault::error(format!("no thread to read it with: {error}"))),
        }
    }

    async fn measure(&mut self) -> Result<Reading, Fault> {
        let limit = self.limit();
        let (answer, answered) = oneshot::channel();
        // The thread gives up early enough for its reason to be reported.
        self.ask(Request { deadline: Deadline::after(limit - limit / 10), answer })?;
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(reading)) => reading,
            Ok(Err(_)) => {
                self.thread = None;
                Err(Fault::error(format!("kafka at {}: reading it panicked", self.kafka.brokers))
                    .code("panic"))
            }
            Err(_) => Err(Fault::timeout(format!(
                "kafka at {}: not read within {}",
                self.kafka.brokers,
                human(limit)
            ))
            .code("timed-out")),
        }
    }
}

impl Probe for LagOf {
    fn name(&self) -> String {
        let what = if self.in_time { "lag in time" } else { "lag" };
        match &self.topics {
            Some(topics) => format!("{what} of group {} in {topics}", self.group),
            None => format!("{what} of group {}", self.group),
        }
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn unit(&self) -> &'static str {
        if self.in_time { "s" } else { "records" }
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        self.measure().await.map_err(|mut fault| {
            fault.message = format!("{}: {}", self.name(), fault.message);
            fault
        })
    }
}
