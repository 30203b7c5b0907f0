//! The part of the contract (`runner/docs/plugins.md`) that shows on the wire: what a plugin does when its server
//! goes silent, what a cancelled step leaves behind, how much a blocked source takes.
//!
//! [`compliance`](super::compliance) checks what can be seen from the side of the scenario. Here a [`Proxy`] stands
//! before the server. A plugin describes its use with [`Targets`] and, when it reads, [`Sources`];
//! [`check_targets`] and [`check_sources`] check it for every [`Rule`]. The first that is broken is the error.

mod sources;
mod targets;

pub use sources::check_sources;
pub use targets::check_targets;

use crate::Proxy;
use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::source::Source;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub use super::compliance::SECRET;

/// Bytes of the value of each record that a plugin is given to read.
pub const VALUE_BYTES: usize = 8 << 10;

/// What a plugin must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A server that is silent is named in one line with the cause.
    SilentServerIsNamed,
    /// A server that is silent is reported within 10 s.
    NothingHangs,
    /// A step that is cancelled leaves no connection behind and the target usable.
    CancelledLeavesNothing,
    /// What is reported of a silent server does not show the password.
    SecretsAreRedacted,
    /// A source ends within 1 s of being stopped.
    SourceStops,
    /// A record keeps the server's time and the instant of its arrival, whatever its decoder takes.
    TimeIsKept,
    /// A source that falls behind reports its lag, and that it has caught up.
    LagIsReported,
    /// A blocked source takes a bounded amount from its server, and loses nothing.
    BufferIsBounded,
}

/// A rule that was broken, and how.
#[derive(Debug)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.seen)
    }
}

impl std::error::Error for Broken {}

impl Rule {
    /// Succeeds when the rule was `kept`; else `seen` says how it is broken.
    fn check(self, kept: bool, seen: impl FnOnce() -> String) -> Result<(), Broken> {
        if kept { Ok(()) } else { Err(self.broken(seen())) }
    }

    fn broken(self, seen: impl Into<String>) -> Broken {
        Broken { rule: self, seen: seen.into() }
    }
}

/// A plugin that has targets and actions.
pub trait Targets: Sync {
    /// An open target.
    type Target: Send + Sync;

    /// The way to the living server.
    fn proxy(&self) -> &Proxy;

    /// Opens a target at the proxy.
    fn open(&self) -> impl Future<Output = Result<Self::Target, Fault>> + Send;

    /// A short action.
    fn act(&self, target: &Self::Target) -> BoxFuture<'static, Result<(), Fault>>;

    /// Why a target at this `host:port` cannot be used with [`SECRET`] as its password: the fault that a world
    /// gets when it opens one. `None` when it can be used.
    fn refusal(&self, address: &str) -> impl Future<Output = Option<Fault>> + Send;
}

/// What a source calls while it decodes a record.
pub type Decoding = Arc<dyn Fn() + Send + Sync>;

/// When a record was where, as far as its protocol says.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When the client received it.
    pub received: Option<Instant>,
    /// When the server or the publisher had it.
    pub server: Option<Timestamp>,
}

/// A plugin that reads.
pub trait Sources: Targets {
    /// What it reads with.
    type Source: Source<Record: Clone + Sync>;

    /// Whether the source knows what it has not read yet.
    const REPORTS_LAG: bool;

    /// A source at the proxy, of a place that nobody else reads, whose decoder calls `decoding`.
    fn source(&self, decoding: Decoding) -> impl Future<Output = Self::Source> + Send;

    /// Puts so many records with values of [`VALUE_BYTES`] where [`Sources::source`] reads.
    fn fill(&self, count: usize) -> impl Future<Output = ()> + Send;

    /// When a record was where.
    fn times(record: &<Self::Source as Source>::Record) -> Times;
}

/// How often something is looked at that takes its time.
const TICK: Duration = Duration::from_millis(10);

/// Waits until `reached`; whether it was in time.
async fn until(within: Duration, mut reached: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !reached() {
        if began.elapsed() > within {
            return false;
        }
        tokio::time::sleep(TICK).await;
    }
    true
}
