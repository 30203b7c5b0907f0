//! What a source cannot read, it says: the rules on outages and on what ends it for good.

use super::{
    Broken, SECRET, SourceKit, UNREACHABLE_LIMIT, WAIT_LIMIT, broken, names, opened, ready, stopped,
};
use crate::plugin::{Opened, open};
use futures::future::BoxFuture;
use qalipsis_core::model::join::{Gap, JoinFigures};
use qalipsis_core::source::Source;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A source, and an outage of its server that the suite makes.
pub struct Interruptible<S> {
    /// Reads the place of the kit by a way that can be cut.
    pub source: S,
    /// Closes its connections and refuses new ones.
    pub begin: Box<dyn Fn() + Send + Sync>,
    /// Lets it connect again.
    pub end: Box<dyn Fn() + Send + Sync>,
}

/// A source, and what takes away what it reads.
pub struct Doomed<S> {
    /// Reads something of its own.
    pub source: S,
    /// Deletes that, or forbids to read it.
    pub doom: BoxFuture<'static, ()>,
    /// `host:port` of the server as the source knows it.
    pub address: String,
}

impl<S> fmt::Debug for Interruptible<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interruptible").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Doomed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doomed").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Adds up the figures of a source until they are as wanted.
async fn until<R>(
    opened: &Opened<R>,
    figures: &mut JoinFigures,
    wanted: impl Fn(&JoinFigures) -> bool,
) -> bool {
    let since = Instant::now();
    loop {
        figures.merge(&opened.ledger.drain());
        if wanted(figures) {
            return true;
        }
        if since.elapsed() > WAIT_LIMIT {
            return false;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for the record with this number; those before it may come again.
async fn reads<K: SourceKit>(
    opened: &mut Opened<<K::Source as Source>::Record>,
    number: u64,
) -> Result<(), String> {
    loop {
        match timeout(WAIT_LIMIT, opened.records.recv()).await {
            Ok(Some(record)) if K::number(&record) == number => return Ok(()),
            Ok(Some(_)) => {}
            Ok(None) => return Err("it ended".to_owned()),
            Err(_elapsed) => return Err(format!("record {number} was not read within {WAIT_LIMIT:?}")),
        }
    }
}

pub(super) async fn an_outage_is_an_interval_with_its_cause<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    let Some(Interruptible { source, begin, end }) = kit.interruptible().await else { return Ok(()) };
    let mut opened = ready(open(source).await).await?;
    kit.produce(4_000_000).await;
    reads::<K>(&mut opened, 4_000_000)
        .await
        .or_else(|why| broken("outage", format!("before any outage: {why}")))?;
    let mut figures = JoinFigures::default();
    if until(&opened, &mut figures, |_| true).await && !figures.gaps.is_empty() {
        return broken("outage", format!("it reports a gap without an outage: {:?}", figures.gaps));
    }
    begin();
    let is_open = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.to.is_none());
    let reported = until(&opened, &mut figures, is_open).await;
    end();
    if !reported {
        return broken("outage", format!("its server was away, and it did not say so within {WAIT_LIMIT:?}"));
    }
    for Gap { cause, .. } in &figures.gaps {
        if cause.contains(SECRET) {
            return broken("secret", format!("the cause of an outage shows the password: {cause}"));
        }
        if cause.trim().is_empty() || cause.contains('\n') {
            return broken("outage", format!("the cause is not one line: {cause:?}"));
        }
    }
    if !until(&opened, &mut figures, |figures| !is_open(figures)).await {
        return broken("outage", format!("its server is back, and it did not say so within {WAIT_LIMIT:?}"));
    }
    kit.produce(4_000_001).await;
    reads::<K>(&mut opened, 4_000_001)
        .await
        .or_else(|why| broken("outage", format!("after it said that it reads again: {why}")))?;
    stopped(opened).await.map(drop)
}

pub(super) async fn what_ends_it_for_good_names_its_server<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    let Some(Doomed { source, doom, address }) = kit.doomed().await else { return Ok(()) };
    let opened = ready(open(source).await).await?;
    doom.await;
    let (name, abort) = (opened.name.clone(), opened.task.abort_handle());
    match timeout(WAIT_LIMIT.max(UNREACHABLE_LIMIT), opened.task).await {
        Ok(Ok(Err(fault))) => {
            // As reports show it.
            names(&address, &format!("{name}: {}", fault.message))
                .or_else(|Broken { how, .. }| broken("failure", how))
        }
        Ok(other) => broken("failure", format!("what it read was taken away, and it ended with {other:?}")),
        Err(_elapsed) => {
            abort.abort();
            broken("failure", "what it read was taken away, and it went on without reporting that")
        }
    }
}

/// Checks that a source reports a gap only while there is one.
pub(super) async fn a_quiet_source_reports_no_gap<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    let opened = opened(kit).await?;
    sleep(Duration::from_millis(500)).await;
    let figures = stopped(opened).await?;
    match figures.gaps.first() {
        None => Ok(()),
        Some(gap) => broken("outage", format!("nothing happened, and it reports a gap: {}", gap.text())),
    }
}
