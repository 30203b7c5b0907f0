//! Where records come from: what a plugin implements to be joined.

pub use crate::gaps::Recovery;
use crate::join::Join;
use crate::key::Key;
use crate::ledger::{Ledger, LedgerControl, Limits, Order};
use futures::StreamExt;
use qalipsis_minion::fault::Fault;
use qalipsis_minion::state::ScenarioContext;
use qalipsis_model::duration::human;
use qalipsis_model::plan::Role;
use qalipsis_recorder::exchanges::Exchange;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A stream of records from behind the API.
///
/// A source MUST call [`Feed::ready`] once what is produced from then on will be read, MUST return
/// within 1 s of [`Feed::stopped`], MUST hand over every record once with the instant at which its
/// client received it, MUST hand over what it cannot decode to [`Feed::undecodable`], and MUST NOT
/// buffer without a limit. What it cannot read it MUST say: an outage as an interval
/// ([`Feed::interrupted`], [`Feed::resumed`]), what ends it for good as the error of [`run`](Self::run),
/// other events as [`Feed::notice`]. It SHOULD report how far behind it is, and SHOULD go on by itself after an
/// outage of its server.
pub trait Source: Send + Sized + 'static {
    /// What it reads.
    type Record: Send + 'static;

    /// Names protocol, what is read and from where, without secrets: `kafka topic orders.fulfilled at 127.0.0.1:9092`.
    fn name(&self) -> String;

    /// A record as evidence shows it: key, coordinates, headers, value. Default: not at all.
    ///
    /// It is called for records that a minion takes, and for the few others that become evidence, so
    /// it should keep what it needs and format nothing.
    fn evidence(record: &Self::Record) -> Option<Exchange> {
        let _ = record;
        None
    }

    /// Who gets its records when several factories run the scenario, and so several readers read it. Default: each of them gets
    /// all.
    fn sharing(&self) -> Sharing {
        Sharing::Each
    }

    /// Reads until stopped.
    ///
    /// # Errors
    /// What ends it for good; names target and cause.
    fn run(self, feed: Feed<Self::Record>) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Who gets the records of a source that several readers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Each reader gets all of them: a topic without a group, a queue of the reader's own, a poll.
    Each,
    /// Each record goes to one of them: a group, a queue that exists. Such a source cannot be joined by several factories, because
    /// a record would mostly come to one that does not await it.
    Shared,
}

/// An answer that takes so much longer than the server was asked to wait is an interval in which nothing was read.
pub const SLOW_ANSWER: Duration = Duration::from_secs(1);

/// What a source is read for, to make names that must differ between campaigns and factories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceContext {
    /// Key of the campaign.
    pub campaign: String,
    /// Name of the factory.
    pub factory: String,
    /// Name of the scenario.
    pub scenario: String,
}

impl SourceContext {
    /// A name that no other source has: of this campaign, factory and scenario, numbered in this process.
    pub fn unique_name(&self) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        format!("qalipsis-{}-{}-{}-{count}", self.campaign, self.factory, self.scenario)
    }
}

/// Takes a record, when it came, and how evidence shows it.
type Route<R> = Box<dyn Fn(R, Instant, Option<Exchange>) + Send + Sync>;

/// Where a source hands over what it reads.
pub struct Feed<R> {
    route: Route<R>,
    meta: Arc<dyn Metadata>,
    ready: watch::Sender<bool>,
    stop: watch::Receiver<bool>,
    context: SourceContext,
}

impl<R> fmt::Debug for Feed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("context", &self.context).finish_non_exhaustive()
    }
}

trait Metadata: Send + Sync {
    fn undecodable(&self, fault: Fault);
    fn lag(&self, records: u64);
    fn bytes(&self, bytes: u64);
    fn interrupted(&self, since: Instant, cause: String);
    fn resumed(&self, at: Instant, recovery: Recovery);
    fn gap(&self, from: Instant, to: Instant, recovery: Recovery, cause: String);
    fn notice(&self, code: &'static str, message: String);
}

impl<K: Key, R: Send + 'static> Metadata for Ledger<K, R> {
    fn undecodable(&self, fault: Fault) {
        Ledger::undecodable(self, fault);
    }

    fn lag(&self, records: u64) {
        self.figures(|figures| {
            figures.consumer_lag = Some(records);
            figures.consumer_lag_max = figures.consumer_lag_max.max(Some(records));
        });
    }

    fn bytes(&self, bytes: u64) {
        self.figures(|figures| figures.bytes += bytes);
    }

    fn interrupted(&self, since: Instant, cause: String) {
        Ledger::interrupted(self, since, cause);
    }

    fn resumed(&self, at: Instant, recovery: Recovery) {
        Ledger::resumed(self, at, recovery);
    }

    fn gap(&self, from: Instant, to: Instant, recovery: Recovery, cause: String) {
        Ledger::gap(self, from, to, recovery, cause);
    }

    fn notice(&self, code: &'static str, message: String) {
        let at = self.clock().now();
        self.figures(|figures| figures.notice(code, at, message));
    }
}

impl<R> Feed<R> {
    /// What is produced from now on will be read.
    pub fn ready(&self) {
        self.ready.send_replace(true);
    }

    /// Whether [`ready`](Self::ready) was called.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Hands over a record that the client received at `arrived`.
    pub fn record(&self, record: R, arrived: Instant) {
        (self.route)(record, arrived, None);
    }

    /// Like [`record`](Self::record), for a record that lacks a part of what evidence should show: a row of which
    /// the scenario reads some columns.
    pub fn record_shown(&self, record: R, arrived: Instant, shown: Exchange) {
        (self.route)(record, arrived, Some(shown));
    }

    /// Hands over what could not be decoded; the message names the record's coordinates.
    pub fn undecodable(&self, fault: Fault) {
        self.meta.undecodable(fault);
    }

    /// Reports how many records the server has that were not read yet.
    pub fn lag(&self, records: u64) {
        self.meta.lag(records);
    }

    /// Reports how many bytes were read since the last call.
    pub fn bytes(&self, bytes: u64) {
        self.meta.bytes(bytes);
    }

    /// The source cannot read from now on. `cause` is one short clause without the source's name:
    /// `the connection was closed by the server (320 CONNECTION_FORCED)`.
    ///
    /// While it cannot read already, the beginning and the first cause stay.
    pub fn interrupted(&self, cause: impl Into<String>) {
        self.meta.interrupted(Instant::now(), cause.into());
    }

    /// The same, where it is known that reading ended earlier.
    pub fn interrupted_since(&self, since: Instant, cause: impl Into<String>) {
        self.meta.interrupted(since, cause.into());
    }

    /// Reading goes on. An interval that is open at the end of the campaign stays open and counts as
    /// [`Recovery::Lossy`]. Without an open interval this does nothing.
    pub fn resumed(&self, recovery: Recovery) {
        self.meta.resumed(Instant::now(), recovery);
    }

    /// The source could not read from `from` to `to`, and reads again.
    pub fn gap(&self, from: Instant, to: Instant, recovery: Recovery, cause: impl Into<String>) {
        self.meta.gap(from, to, recovery, cause.into());
    }

    /// A server, `who`, has answered what it was asked, for which it was to wait for `waits`. If it took
    /// [`SLOW_ANSWER`] longer, what came meanwhile was only read afterwards: an interval.
    pub fn answered(&self, who: &str, asked: Instant, at: Instant, waits: Duration) {
        let took = at - asked;
        if took >= waits + SLOW_ANSWER {
            self.gap(asked, at, Recovery::Complete, format!("{who} took {} to answer", human(took)));
        }
    }

    /// A passing event that is no gap: a rebalance, a new partition, a retried fetch. They are counted per
    /// `code`, the first message is shown, and they warn.
    pub fn notice(&self, code: &'static str, message: impl Into<String>) {
        self.meta.notice(code, message.into());
    }

    /// Returns when the source has to end.
    pub async fn stopped(&self) {
        // The sender gone means that the engine is gone, which is the same.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Campaign, factory and scenario that the source is read for.
    pub fn context(&self) -> &SourceContext {
        &self.context
    }
}

/// A source that is about to run. The engine drives it.
pub struct OpenSource {
    /// Its name.
    pub name: String,
    /// The ledger that its records go to.
    pub ledger: Arc<dyn LedgerControl>,
    /// Becomes true when it is ready.
    pub ready: watch::Receiver<bool>,
    /// Runs it until stopped.
    pub run: Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>,
}

impl fmt::Debug for OpenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSource").field("name", &self.name).finish_non_exhaustive()
    }
}

impl OpenSource {
    /// Joins `source` by `key` for a scenario: the handle that its minions await records with, and the source that is to
    /// run until `stop` becomes true.
    pub fn join<S: Source, K: Key>(
        source: S,
        key: impl Fn(&S::Record) -> K + Send + Sync + 'static,
        buffer: Option<Limits>,
        order: Option<Order<S::Record>>,
        scenario: Arc<ScenarioContext>,
        context: SourceContext,
        stop: watch::Receiver<bool>,
    ) -> (Join<K, S::Record>, Self) {
        let (ready, is_ready) = watch::channel(false);
        let name = source.name();
        let is_shared = scenario.share.role != Role::Alone;
        let refused = match (source.sharing(), &buffer) {
            _ if !is_shared => None,
            (Sharing::Shared, _) => Some(
                "each of its records goes to one reader only, and several factories run this scenario; read it without a \
                 group or through a queue of each factory's own, or run the scenario in one factory",
            ),
            (_, Some(_)) => Some(
                "its records are kept until their key is known, which no factory knows of the keys of another; run the \
                 scenario in one factory, or join by a key that is known before",
            ),
            _ => None,
        };
        let ledger = Arc::new(Ledger::new(name.clone(), scenario, buffer, order, S::evidence));
        let routed = Arc::clone(&ledger);
        let feed = Feed {
            route: Box::new(move |record, at, shown| routed.route(key(&record), record, at, shown)),
            meta: Arc::<Ledger<K, S::Record>>::clone(&ledger),
            ready,
            stop,
            context,
        };
        let join = Join::new(Arc::clone(&ledger));
        if let Some(why) = refused {
            let why = format!("{name}: {why}");
            return (
                join,
                Self { name, ledger, ready: is_ready, run: Box::pin(async { Err(Fault::error(why)) }) },
            );
        }
        (join, Self { name, ledger, ready: is_ready, run: Box::pin(source.run(feed)) })
    }
}

/// Makes any stream a source that is ready at once: a protocol without a plugin, or a test.
#[derive(Debug)]
pub struct StreamSource<S> {
    name: String,
    stream: S,
}

/// A source of the records of `stream`, called `name` in reports.
pub fn stream<S>(name: impl Into<String>, stream: S) -> StreamSource<S> {
    StreamSource { name: name.into(), stream }
}

impl<S> Source for StreamSource<S>
where
    S: futures::Stream + Send + 'static,
    S::Item: Send + 'static,
{
    type Record = S::Item;

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn run(self, feed: Feed<S::Item>) -> Result<(), Fault> {
        let mut stream = std::pin::pin!(self.stream);
        feed.ready();
        loop {
            tokio::select! {
                record = stream.next() => match record {
                    Some(record) => feed.record(record, Instant::now()),
                    None => {
                        feed.stopped().await;
                        return Ok(());
                    }
                },
                () = feed.stopped() => return Ok(()),
            }
        }
    }
}
