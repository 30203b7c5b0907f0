//! The contract of `runner/docs/plugins.md` as one suite: what can be checked of any plugin.
//!
//! A plugin describes itself by a kit; the suite runs its sources, actions and probes as the engine does and
//! reports each rule that is broken. `tests/compliance.rs` breaks them one by one and sees the suite notice.

mod outage;

pub use outage::{Doomed, Interruptible};

use super::{Opened, in_step, in_step_within, open};
use crate::free_port;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_core::model::snapshot::JoinFigures;
use qalipsis_core::probe::Probe;
use qalipsis_core::source::Source;
use qalipsis_core::step::Action;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// What a kit must use as the password of a dead server, where its protocol has passwords.
pub const SECRET: &str = "hunter2-compliance";

/// How long it may take until a server that is away is reported: the contract's 10 s, and room for a busy machine.
const UNREACHABLE_LIMIT: Duration = Duration::from_secs(20);
/// How long a source may take to end: the second that the engine gives, and room for a busy machine.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long what must happen soon may take on a busy machine.
const WAIT_LIMIT: Duration = Duration::from_secs(20);
/// How long a record that must not come is waited for.
const QUIET: Duration = Duration::from_millis(150);
/// Rounds in which a source is opened and written to at once: a race shows in one of them.
const ROUNDS: u64 = 5;
/// Records of a round.
const RECORDS: u64 = 20;
/// Steps that are cancelled: more than any pool has places.
const CANCELLED: u32 = 100;

/// A rule of the contract that a plugin breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// In a word: `ready`, `once`, `garbage`, `stop`, `unreachable`, `secret`, `lag`, `outage`, `failure`, `cancel`,
    /// `work`, `reading`.
    pub rule: &'static str,
    /// What was seen.
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.how)
    }
}

fn broken<T>(rule: &'static str, how: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { rule, how: how.into() })
}

/// A source and a place of its own on a real server: a topic, a queue, a table.
pub trait SourceKit {
    /// Reads the place from its readiness on.
    type Source: Source<Record: Clone + Sync> + fmt::Debug;
    /// Whether it reports its consumer lag, which it SHOULD.
    const REPORTS_LAG: bool;
    /// Whether records can be undecodable.
    const DECODES: bool;

    /// A new source of the place.
    fn source(&self) -> impl Future<Output = Self::Source>;
    /// The same source, of a server that does not exist; its password is [`SECRET`].
    fn unreachable(&self, address: String) -> impl Future<Output = Result<Self::Source, Fault>>;
    /// Writes a record with this number to the place.
    fn produce(&self, number: u64) -> impl Future<Output = ()>;
    /// Writes what cannot be decoded to the place.
    fn produce_garbage(&self) -> impl Future<Output = ()>;
    /// The number in a record.
    fn number(record: &<Self::Source as Source>::Record) -> u64;
    /// The name of the place, which the coordinates of a record contain.
    fn place(&self) -> String;
    /// The source by a way to the server that the suite can cut, with a [`Proxy`](crate::Proxy) for example; without it
    /// the rule on outages is not checked.
    fn interruptible(&self) -> impl Future<Output = Option<Interruptible<Self::Source>>> {
        async { None }
    }
    /// A source that the suite can take away what it reads; without it the rule on what ends a source for good is not
    /// checked.
    fn doomed(&self) -> impl Future<Output = Option<Doomed<Self::Source>>> {
        async { None }
    }
}

/// An action against a real server.
pub trait ActionKit {
    /// The action of a step.
    type Action: Action<IntoFuture: Send, Value: Send> + Send + fmt::Debug + 'static;

    /// One that succeeds.
    fn action(&self) -> Self::Action;
    /// The same, at a server that does not exist; its password is [`SECRET`].
    fn unreachable(&self, address: String) -> impl Future<Output = Result<Self::Action, Fault>>;
}

/// A probe of something on a real server that does not change while it is looked at.
pub trait ProbeKit {
    /// What is read.
    type Probe: Probe + fmt::Debug;

    /// A new one.
    fn probe(&self) -> Self::Probe;
    /// The same, of a server that does not exist; its password is [`SECRET`].
    fn unreachable(&self, address: String) -> impl Future<Output = Result<Self::Probe, Fault>>;
}

/// Checks a source.
///
/// # Panics
/// When it breaks a rule; the message names all of them.
pub async fn assert_source<K: SourceKit>(kit: &K) {
    assert_holds(&source(kit).await);
}

/// Checks an action.
///
/// # Panics
/// When it breaks a rule; the message names all of them.
pub async fn assert_action<K: ActionKit>(kit: &K) {
    assert_holds(&action(kit).await);
}

/// Checks a probe.
///
/// # Panics
/// When it breaks a rule; the message names all of them.
pub async fn assert_probe<K: ProbeKit>(kit: &K) {
    assert_holds(&probe(kit).await);
}

#[track_caller]
fn assert_holds(all: &[Broken]) {
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert!(all.is_empty(), "the contract of runner/docs/plugins.md is broken\n{}", lines.join("\n"));
}

/// The rules that a source breaks.
pub async fn source<K: SourceKit>(kit: &K) -> Vec<Broken> {
    let results = [
        nothing_is_missed_or_repeated(kit).await,
        garbage_is_reported_and_reading_goes_on(kit).await,
        it_stops_in_time(kit).await,
        lag_is_reported(kit).await,
        an_unreachable_source_is_named(kit).await,
        outage::a_quiet_source_reports_no_gap(kit).await,
        outage::an_outage_is_an_interval_with_its_cause(kit).await,
        outage::what_ends_it_for_good_names_its_server(kit).await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}

/// The rules that an action breaks.
pub async fn action<K: ActionKit>(kit: &K) -> Vec<Broken> {
    let results = [cancelled_steps_leak_nothing(kit).await, an_unreachable_target_is_named(kit).await];
    results.into_iter().filter_map(Result::err).collect()
}

/// The rules that a probe breaks.
pub async fn probe<K: ProbeKit>(kit: &K) -> Vec<Broken> {
    let results = [readings_answer_and_change_nothing(kit).await, an_unreachable_probe_is_named(kit).await];
    results.into_iter().filter_map(Result::err).collect()
}

async fn opened<K: SourceKit>(kit: &K) -> Result<Opened<<K::Source as Source>::Record>, Broken> {
    ready(open(kit.source().await).await).await
}

/// Waits until it is ready.
async fn ready<R>(mut opened: Opened<R>) -> Result<Opened<R>, Broken> {
    let ready = timeout(WAIT_LIMIT, opened.ready.wait_for(|ready| *ready)).await.map(|ready| ready.is_ok());
    match ready {
        Ok(true) => Ok(opened),
        Ok(false) => match opened.task.await {
            Ok(Err(fault)) => broken("ready", format!("it ended instead: {fault}")),
            other => broken("ready", format!("it ended instead: {other:?}")),
        },
        Err(_elapsed) => broken("ready", format!("it was not ready within {WAIT_LIMIT:?}")),
    }
}

/// Stops it, and says how long that took when it took too long.
async fn stopped<R>(opened: Opened<R>) -> Result<JoinFigures, Broken> {
    opened.stop.send_replace(true);
    let abort = opened.task.abort_handle();
    match timeout(STOP_LIMIT, opened.task).await {
        Ok(Ok(_)) => Ok(opened.ledger.drain()),
        Ok(Err(panic)) => broken("stop", format!("it panicked: {panic}")),
        Err(_elapsed) => {
            abort.abort();
            broken("stop", format!("it still ran {STOP_LIMIT:?} after it was stopped"))
        }
    }
}

async fn nothing_is_missed_or_repeated<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    for round in 0..ROUNDS {
        let mut opened = opened(kit).await?;
        let mut awaited: BTreeSet<u64> = (round * RECORDS..(round + 1) * RECORDS).collect();
        for number in awaited.clone() {
            kit.produce(number).await;
        }
        let mut seen = BTreeSet::new();
        loop {
            let limit = if awaited.is_empty() { QUIET } else { WAIT_LIMIT };
            let record = match timeout(limit, opened.records.recv()).await {
                Ok(Some(record)) => record,
                Err(_) if awaited.is_empty() => break,
                _ => {
                    return broken("ready", format!("written after it was ready and not read: {awaited:?}"));
                }
            };
            let number = K::number(&record);
            if !seen.insert(number) {
                return broken("once", format!("record {number} was handed over twice"));
            }
            if !awaited.remove(&number) {
                return broken("ready", format!("record {number} was written before it was ready"));
            }
        }
        stopped(opened).await?;
    }
    Ok(())
}

async fn garbage_is_reported_and_reading_goes_on<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    if !K::DECODES {
        return Ok(());
    }
    let mut opened = opened(kit).await?;
    kit.produce_garbage().await;
    kit.produce(1_000_001).await;
    match timeout(WAIT_LIMIT, opened.records.recv()).await {
        Ok(Some(record)) if K::number(&record) == 1_000_001 => {}
        _ => return broken("garbage", "what came after an undecodable record was not read"),
    }
    // A server may also have had a passing problem, which is evidence of its own.
    let undecodable = async {
        loop {
            match opened.evidence.recv().await {
                Some(evidence) if evidence.kind == FailureKind::Undecodable => break Some(evidence.message),
                Some(_) => {}
                None => break None,
            }
        }
    };
    let Ok(Some(message)) = timeout(WAIT_LIMIT, undecodable).await else {
        return broken("garbage", "an undecodable record was not reported");
    };
    if !message.contains(&kit.place()) {
        return broken("garbage", format!("reported without its coordinates: {message}"));
    }
    let figures = stopped(opened).await?;
    if figures.undecodable != 1 {
        return broken(
            "garbage",
            format!("one undecodable record was counted {} times", figures.undecodable),
        );
    }
    Ok(())
}

async fn it_stops_in_time<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    // While nothing comes.
    let idle = opened(kit).await?;
    sleep(QUIET).await;
    stopped(idle).await?;
    // While records flow.
    let busy = opened(kit).await?;
    for number in 2_000_000..2_000_000 + RECORDS {
        kit.produce(number).await;
    }
    stopped(busy).await?;
    Ok(())
}

async fn lag_is_reported<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    if !K::REPORTS_LAG {
        return Ok(());
    }
    let opened = opened(kit).await?;
    kit.produce(3_000_000).await;
    let since = Instant::now();
    let mut last = None;
    while last != Some(0) {
        if since.elapsed() > WAIT_LIMIT {
            return broken("lag", format!("all is read, and it reports a consumer lag of {last:?}"));
        }
        sleep(Duration::from_millis(50)).await;
        last = opened.ledger.drain().consumer_lag.or(last);
    }
    stopped(opened).await?;
    Ok(())
}

fn dead_address() -> String {
    format!("127.0.0.1:{}", free_port().expect("a free port"))
}

/// Checks the message about a server that is away: one line with its address, and no secret.
fn names(address: &str, message: &str) -> Result<(), Broken> {
    if message.contains(SECRET) {
        return broken("secret", format!("the error shows the password: {message}"));
    }
    if !message.contains(address) || message.contains('\n') {
        return broken("unreachable", format!("not one line that names {address}: {message}"));
    }
    Ok(())
}

fn shows_no_secret(what: &str, text: &str) -> Result<(), Broken> {
    match text.contains(SECRET) {
        true => broken("secret", format!("{what} shows the password: {text}")),
        false => Ok(()),
    }
}

/// What a kit says of a dead address, in time.
async fn asked<T>(
    address: &str,
    asking: impl Future<Output = Result<T, Fault>>,
) -> Result<Option<T>, Broken> {
    match timeout(UNREACHABLE_LIMIT, asking).await {
        Ok(Ok(target)) => Ok(Some(target)),
        Ok(Err(fault)) => names(address, &fault.message).map(|()| None),
        Err(_elapsed) => broken("unreachable", format!("{address}: no error within {UNREACHABLE_LIMIT:?}")),
    }
}

async fn an_unreachable_source_is_named<K: SourceKit>(kit: &K) -> Result<(), Broken> {
    let address = dead_address();
    if let Some(source) = asked(&address, kit.unreachable(address.clone())).await? {
        shows_no_secret("the source", &format!("{source:?} {}", source.name()))?;
        let opened = open(source).await;
        let abort = opened.task.abort_handle();
        match timeout(UNREACHABLE_LIMIT, opened.task).await {
            Ok(Ok(Err(fault))) => names(&address, &fault.message)?,
            Ok(other) => return broken("unreachable", format!("{address}: it ended with {other:?}")),
            Err(_elapsed) => {
                abort.abort();
                return broken("unreachable", format!("{address}: no error within {UNREACHABLE_LIMIT:?}"));
            }
        }
    }
    // It can be stopped as well while it tries to connect.
    if let Some(source) = asked(&address, kit.unreachable(address.clone())).await? {
        let opened = open(source).await;
        sleep(QUIET).await;
        stopped(opened).await?;
    }
    Ok(())
}

async fn cancelled_steps_leak_nothing<K: ActionKit>(kit: &K) -> Result<(), Broken> {
    if let Some(evidence) = in_step(kit.action()).await {
        return broken("work", format!("it fails at a server that works: {}", evidence.message));
    }
    for cancelled in 0..CANCELLED {
        // From at once to the time that a whole exchange takes, so that each of its phases is cut.
        let _ = in_step_within(kit.action(), Duration::from_micros(u64::from(cancelled) * 20)).await;
    }
    match in_step_within(kit.action(), WAIT_LIMIT).await {
        None => Ok(()),
        Some(evidence) => {
            broken("cancel", format!("after {CANCELLED} cancelled steps it fails: {}", evidence.message))
        }
    }
}

async fn an_unreachable_target_is_named<K: ActionKit>(kit: &K) -> Result<(), Broken> {
    let address = dead_address();
    let Some(action) = asked(&address, kit.unreachable(address.clone())).await? else { return Ok(()) };
    shows_no_secret("the action", &format!("{action:?}"))?;
    let Some(evidence) = in_step_within(action, UNREACHABLE_LIMIT).await else {
        return broken("unreachable", format!("{address}: it succeeded"));
    };
    if evidence.kind == FailureKind::Timeout {
        return broken("unreachable", format!("{address}: no error within {UNREACHABLE_LIMIT:?}"));
    }
    let exchange = evidence.exchanged().unwrap_or_default();
    shows_no_secret("the exchange", &exchange)?;
    names(&address, &evidence.message)
}

async fn readings_answer_and_change_nothing<K: ProbeKit>(kit: &K) -> Result<(), Broken> {
    let mut probe = kit.probe();
    let mut first = None;
    for _ in 0..3 {
        match timeout(probe.period().max(WAIT_LIMIT), probe.read()).await {
            Ok(Ok(reading)) => {
                if *first.get_or_insert(reading.total) != reading.total {
                    return broken(
                        "reading",
                        format!("nobody changed it: {first:?}, then {}", reading.total),
                    );
                }
            }
            Ok(Err(fault)) => return broken("reading", format!("it fails at a server that works: {fault}")),
            Err(_elapsed) => return broken("reading", "it does not answer"),
        }
    }
    Ok(())
}

async fn an_unreachable_probe_is_named<K: ProbeKit>(kit: &K) -> Result<(), Broken> {
    let address = dead_address();
    let Some(mut probe) = asked(&address, kit.unreachable(address.clone())).await? else { return Ok(()) };
    shows_no_secret("the probe", &format!("{probe:?} {}", probe.name()))?;
    match timeout(UNREACHABLE_LIMIT, probe.read()).await {
        Ok(Err(fault)) => names(&address, &fault.message),
        Ok(Ok(reading)) => broken("unreachable", format!("{address}: it read {}", reading.total)),
        Err(_elapsed) => broken("unreachable", format!("{address}: no error within {UNREACHABLE_LIMIT:?}")),
    }
}
