//! The part of the contract (`runner/docs/plugins.md`) that shows on the wire: what a plugin does when its server
//! goes silent, what a cancelled step leaves behind, what a source takes that is held up.
//!
//! [`compliance`](super::compliance) checks what can be seen from the side of the scenario. Here a [`Proxy`] stands
//! before the server. A plugin tells how it is used through [`Targets`] and, when it reads, [`Sources`];
//! [`check_targets`] and [`check_sources`] hold it against every [`Rule`]. The first that is broken is the error.

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
    /// That is told within 10 s.
    NothingHangs,
    /// A step that is cancelled leaves no connection behind and the target usable.
    CancelledLeavesNothing,
    /// What is told of a silent server does not show the password.
    SecretsAreRedacted,
    /// A source ends within 1 s of being stopped.
    SourceStops,
    /// A record keeps the server's time and the instant of its arrival, whatever its decoder takes.
    TimeIsKept,
    /// A source that falls behind tells its lag, and that it has caught up.
    LagIsTold,
    /// A source that is held up takes a bounded amount from its server, and loses nothing.
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
    /// Holds the rule when `held`; else `seen` tells how it is broken.
    fn hold(self, held: bool, seen: impl FnOnce() -> String) -> Result<(), Broken> {
        if held { Ok(()) } else { Err(self.broken(seen())) }
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

    /// Why a target at this `host:port` cannot be used with [`SECRET`] as its password, as a world that
    /// opens is told. `None` when it can.
    fn refusal(&self, address: &str) -> impl Future<Output = Option<Fault>> + Send;
}

/// What a source calls while it decodes a record.
pub type Decoding = Arc<dyn Fn() + Send + Sync>;

/// When a record was where, as far as its protocol tells.
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
    const TELLS_LAG: bool;

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
