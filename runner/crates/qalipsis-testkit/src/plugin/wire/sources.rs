//! Rules of sources.

use super::{Broken, Decoding, Rule, Sources, VALUE_BYTES, until};
use crate::plugin::{Opened, open};
use parking_lot::Mutex;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::source::Source;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

type OpenedSource<P> = Opened<<<P as Sources>::Source as Source>::Record>;

/// Far longer than anything here should take.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// What a blocked source may take: the largest buffer of a plugin is 32 MiB, the sockets have some.
const BOUND_BYTES: u64 = 48 << 20;

/// What waits for it: the half more.
const BACKLOG: usize = (72 << 20) / VALUE_BYTES;

/// A source that takes less in a second has all that it wants.
const SETTLED_BYTES: u64 = 1 << 20;

/// Clocks of server and test may differ by this much.
const APART: Duration = Duration::from_secs(2);

/// Holds a plugin against the rules of sources.
///
/// # Errors
///
/// The rule that it breaks.
///
/// # Panics
///
/// When the living server does not work.
pub async fn check_sources<P: Sources>(plugin: &P) -> Result<(), Broken> {
    time_is_kept(plugin).await?;
    if P::REPORTS_LAG {
        lag_is_reported(plugin).await?;
    }
    buffer_is_bounded(plugin).await?;
    stops_while_idle(plugin).await?;
    stops_while_its_server_is_silent(plugin).await
}

async fn reading<P: Sources>(plugin: &P, decoding: impl Fn() + Send + Sync + 'static) -> OpenedSource<P> {
    open(plugin.source(Arc::new(decoding) as Decoding).await).await.ready().await
}

async fn stop<R>(reading: Opened<R>, doing: &str) -> Result<(), Broken> {
    let rule = Rule::SourceStops;
    match reading.stop_in_time().await {
        None => Err(rule.broken(format!("it still ran 1 s after it was stopped while {doing}"))),
        Some(Err(fault)) if doing == "idle" => Err(rule.broken(format!("it failed: {fault}"))),
        Some(_) => Ok(()),
    }
}

async fn stops_while_idle<P: Sources>(plugin: &P) -> Result<(), Broken> {
    stop(reading(plugin, || {}).await, "idle").await
}

async fn stops_while_its_server_is_silent<P: Sources>(plugin: &P) -> Result<(), Broken> {
    let reading = reading(plugin, || {}).await;
    plugin.proxy().pause();
    sleep(Duration::from_millis(300)).await;
    let stopped = stop(reading, "its server was silent").await;
    plugin.proxy().resume();
    stopped
}

async fn time_is_kept<P: Sources>(plugin: &P) -> Result<(), Broken> {
    let began: Arc<Mutex<Option<Instant>>> = Arc::default();
    let decoding = Arc::clone(&began);
    let mut reading = reading(plugin, move || {
        *decoding.lock() = Some(Instant::now());
        // A decoder this slow must not count as the time of the server.
        std::thread::sleep(Duration::from_millis(100));
    })
    .await;
    let (before, asked) = (Instant::now(), SystemTime::now());
    plugin.fill(1).await;
    let times = P::times(&reading.next().await);
    let filled = SystemTime::now();
    let decoded = began.lock().expect("it was decoded");
    if let Some(received) = times.received {
        Rule::TimeIsKept.check(received >= before && received <= decoded, || {
            format!(
                "received {:?} after it was produced, decoded from {:?} on",
                received - before,
                decoded - before
            )
        })?;
    }
    if let Some(server) = times.server {
        let within = Timestamp::from_system(asked - APART)..=Timestamp::from_system(filled + APART);
        Rule::TimeIsKept.check(within.contains(&server), || {
            format!("expected the server's time within {within:?}, observed {server:?}")
        })?;
    }
    stop(reading, "idle").await
}

async fn lag_is_reported<P: Sources>(plugin: &P) -> Result<(), Broken> {
    let fast = Arc::new(AtomicBool::new(false));
    let slow = Arc::clone(&fast);
    let reading = reading(plugin, move || {
        if !slow.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    })
    .await;
    plugin.fill(1_000).await;
    let mut largest = None;
    let behind = until(Duration::from_secs(10), || {
        largest = largest.max(reading.figures().consumer_lag_max);
        largest >= Some(50)
    });
    let behind = behind.await;
    fast.store(true, SeqCst);
    Rule::LagIsReported
        .check(behind, || format!("1000 records waited, the largest lag reported was {largest:?}"))?;
    let caught_up = until(WAIT_LIMIT, || reading.figures().consumer_lag == Some(0)).await;
    Rule::LagIsReported
        .check(caught_up, || format!("it never caught up: {:?}", reading.figures().consumer_lag))?;
    stop(reading, "idle").await
}

async fn buffer_is_bounded<P: Sources>(plugin: &P) -> Result<(), Broken> {
    let gate = Arc::new(AtomicBool::new(false));
    let open = Arc::clone(&gate);
    let mut reading = reading(plugin, move || {
        // Now and then it lets the runtime go on, which may have but this thread to wait for the network.
        if !open.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    })
    .await;
    let proxy = plugin.proxy();
    let before = proxy.received();
    plugin.fill(BACKLOG).await;
    let mut last = proxy.received();
    loop {
        sleep(Duration::from_secs(1)).await;
        // Those that are decoded make room for as many.
        let since = std::mem::replace(&mut last, proxy.received());
        if last - since < SETTLED_BYTES {
            break;
        }
    }
    let taken = proxy.received() - before;
    gate.store(true, SeqCst);
    Rule::BufferIsBounded.check(taken <= BOUND_BYTES, || {
        format!("it took {} MiB of {} while it was blocked", taken >> 20, (BACKLOG * VALUE_BYTES) >> 20)
    })?;
    for _ in 0..BACKLOG {
        reading.next().await;
    }
    stop(reading, "idle").await
}
