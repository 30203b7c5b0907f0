//! One round: a source, a producer, and a fault in the middle.

use qalipsis_core::model::join::{Gap, JoinFigures};
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::source::Source;
use qalipsis_testkit::Proxy;
use qalipsis_testkit::plugin::open;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// Records of a round.
const RECORDS: u64 = 80;
/// The fault comes before this one.
const MIDDLE: u64 = 30;
/// Between two records.
const PACE: Duration = Duration::from_millis(15);
/// Numbers from here on only show that the source has caught up.
const MARKERS: u64 = 1_000_000;
/// Far longer than anything should take.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// What happens in the middle of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// All connections are closed.
    Cut,
    /// All connections are closed, and no new ones are let through for a while.
    Refuse,
    /// Nothing flows for a while, and nobody closes anything.
    Silence,
    /// Everything is slow for a while.
    Slow,
    /// The server is killed and started again.
    Restart,
    /// What is read is deleted, and made again.
    Delete,
    /// What is written cannot be decoded for a while.
    Garbage,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::None,
        Self::Cut,
        Self::Refuse,
        Self::Silence,
        Self::Slow,
        Self::Restart,
        Self::Delete,
        Self::Garbage,
    ];
}

/// What is the same for all sources.
pub(crate) struct Round {
    pub(crate) name: String,
    /// Whether the producer drops some records, and says that it wrote them.
    pub(crate) drops: bool,
    pub(crate) seed: u64,
}

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

/// What the proxy does for a fault; gives whether it knows that fault.
pub(crate) async fn disturb(proxy: &Proxy, fault: Fault) -> bool {
    match fault {
        Fault::None => {}
        Fault::Cut => proxy.cut(),
        Fault::Refuse => {
            proxy.refuse(true);
            proxy.cut();
            sleep(Duration::from_millis(700)).await;
            proxy.refuse(false);
        }
        Fault::Silence => {
            proxy.pause();
            sleep(Duration::from_millis(900)).await;
            proxy.resume();
        }
        Fault::Slow => {
            proxy.delay(Duration::from_millis(40));
            sleep(Duration::from_millis(500)).await;
            proxy.delay(Duration::ZERO);
        }
        Fault::Restart | Fault::Delete | Fault::Garbage => return false,
    }
    true
}

/// Runs a round. `produce` writes a record and says whether the server has it, `happen` makes the fault happen.
pub(crate) async fn run<S>(
    round: Round,
    fault: Fault,
    source: S,
    number: impl Fn(&S::Record) -> u64,
    produce: impl AsyncFn(u64) -> bool,
    happen: impl AsyncFn(),
) where
    S: Source<Record: Clone + Sync>,
{
    let Round { name, drops, seed } = round;
    let mut random = StdRng::seed_from_u64(seed);
    let mut reader = open(source).await.ready().await;
    let place = format!("{name}: {fault:?} at {}", reader.name);
    let mut written: BTreeMap<u64, (Timestamp, Timestamp)> = BTreeMap::new();
    let mut dropped = BTreeSet::new();
    let produced = async {
        for index in 0..RECORDS {
            let began = now();
            // 5 %, because a round is short.
            if drops && random.random_bool(0.05) {
                dropped.insert(index);
                written.insert(index, (began, began));
            } else if produce(index).await {
                written.insert(index, (began, now()));
            }
            sleep(PACE).await;
        }
    };
    let happened = async {
        sleep(PACE * u32::try_from(MIDDLE).unwrap()).await;
        happen().await;
    };
    futures::join!(produced, happened);

    // Until the source has read what was written last: whatever comes at all has come then.
    let (mut seen, mut figures) = (BTreeMap::<u64, u32>::new(), JoinFigures::default());
    let (began, mut marker) = (Instant::now(), MARKERS);
    let mut last_marker = None;
    let mut ended_by_itself = false;
    while last_marker.is_none() && !ended_by_itself {
        assert!(began.elapsed() < WAIT_LIMIT, "{place}: it never caught up: {figures:?}");
        if produce(marker).await {
            marker += 1;
        }
        let until = Instant::now() + Duration::from_millis(250);
        while let Ok(record) = tokio::time::timeout_at(until, reader.try_next()).await {
            let Some(record) = record else {
                ended_by_itself = true;
                break;
            };
            match number(&record) {
                number if number >= MARKERS => last_marker = Some(number),
                number => *seen.entry(number).or_default() += 1,
            }
        }
        figures.merge(&reader.figures());
    }
    // What the source finds out about itself, it finds out within a second or two.
    sleep(Duration::from_millis(1_200)).await;
    let (left, ended, last) = reader.finish().await;
    figures.merge(&last);
    for record in left {
        if number(&record) < MARKERS {
            *seen.entry(number(&record)).or_default() += 1;
        }
    }
    if let Err(failure) = &ended {
        // A broker that is killed may have lost what was declared a moment before.
        let is_gone = fault == Fault::Delete || (fault == Fault::Restart && failure.code == "not-found");
        assert!(is_gone, "{place}: it failed: {failure}");
        println!("{place}: failed: {failure}");
        return;
    }
    let loses = |gap: &&Gap| gap.loses_records();
    let explained = |(from, to): &(Timestamp, Timestamp)| {
        figures.gaps.iter().filter(loses).any(|gap| gap.from <= *to && gap.to.is_none_or(|end| end >= *from))
    };
    let outside = |index: &&u64| !explained(&written[*index]);
    let missing: BTreeSet<u64> = written.keys().filter(|index| !seen.contains_key(index)).copied().collect();
    let unexplained: BTreeSet<u64> = missing.iter().filter(outside).copied().collect();
    let blamed: BTreeSet<u64> = dropped.iter().filter(outside).copied().collect();
    assert_eq!(unexplained, blamed, "{place}: missing outside of {:?}", figures.gaps);
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).map(|(index, _)| index).collect();
    // A restart or a connection that was lost may make a server deliver again what it has no acknowledgement for.
    let may_repeat = figures.gaps_total > 0;
    assert!(twice.is_empty() || may_repeat, "{place}: handed over twice: {twice:?}");
    println!(
        "{place}: {} of {} missing, {} dropped, {} gaps, {} undecodable",
        missing.len(),
        written.len(),
        dropped.len(),
        figures.gaps_total,
        figures.undecodable
    );
    match fault {
        Fault::Refuse => assert!(figures.gaps_total > 0, "{place}: an outage of 0.7 s left no gap"),
        Fault::Garbage => assert!(figures.undecodable > 0, "{place}: garbage was not counted"),
        _ => {}
    }
}
