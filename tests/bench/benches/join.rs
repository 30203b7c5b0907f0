//! Matches of a join in memory: expectation, record, await, all on one core.

use bench::Bare;
use bench::cpu::ThreadTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::FutureExt;
use qalipsis::core::join::Key;
use qalipsis::core::source::{Feed, Source};
use qalipsis::prelude::*;
use std::hint::black_box;
use std::sync::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use uuid::Uuid;

/// Expectations that are open at the same time.
const OPEN: u64 = 1_000;

#[derive(Steps)]
#[expect(dead_code, reason = "a scenario declares a step, and this one is driven by hand")]
enum Work {
    Arrived,
}

/// Hands its feed out, to be driven from the benchmark.
struct ByHand(UnboundedSender<Feed<u64>>);

impl Source for ByHand {
    type Record = u64;

    fn name(&self) -> String {
        "records by hand".to_owned()
    }

    async fn run(self, feed: Feed<u64>) -> Result<(), Fault> {
        feed.ready();
        self.0.send(feed).map_err(|_| Fault::error("the benchmark is gone"))
    }
}

/// An open join, its feed and the runtime that it is awaited on.
struct Bench<K: Key> {
    runtime: Runtime,
    bare: Bare,
    join: Join<K, u64>,
    feed: Feed<u64>,
}

fn open<K: Key>(key: fn(u64) -> K) -> Bench<K> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let (hand, mut feeds) = unbounded_channel();
    let hand = Arc::new(Mutex::new(Some(hand)));
    let joined: Arc<Mutex<Option<Join<K, u64>>>> = Arc::default();
    let made = Arc::clone(&joined);
    let world = move |setup: Setup| {
        let hand = hand.lock().expect("not poisoned").take().expect("opened once");
        let join = setup.join(ByHand(hand), move |record| key(*record));
        *made.lock().expect("not poisoned") = Some(join);
        async { Ok(()) }
    };
    let scenario = Scenario::new("join", world, |_: Minion<Work>, _: Arc<()>| async { Ok(()) });
    let (bare, feed) = runtime.block_on(async {
        let mut bare = Bare::open(&scenario).await;
        let source = bare.sources.remove(0);
        source.run.await.expect("the feed is handed out");
        (bare, feeds.recv().await.expect("the feed was handed out"))
    });
    let join = joined.lock().expect("not poisoned").take().expect("the world joined");
    Bench { runtime, bare, join, feed }
}

/// Every expectation is registered before its record comes, as scenarios do; keys never come again.
///
/// `awaited` also polls each before that, so that the record has a timer to stop and a task to wake.
fn matches<K: Key>(criterion: &mut Criterion<ThreadTime>, name: &str, key: fn(u64) -> K, awaited: bool) {
    let Bench { runtime, bare: _bare, join, feed } = open(key);
    let mut next = 0;
    let mut batch = || {
        let records = next..next + OPEN;
        next += OPEN;
        runtime.block_on(async {
            let mut expected: Vec<_> =
                records.clone().map(|record| Box::pin(join.expect(key(record)).within(secs(2)))).collect();
            if awaited {
                for expectation in &mut expected {
                    assert!(expectation.now_or_never().is_none(), "a record came before its time");
                }
            }
            for record in records {
                feed.record(record, Instant::now());
            }
            for expectation in expected {
                black_box(expectation.await.expect("the record is there"));
            }
        });
    };
    if bench::is_counted(name, &mut batch) {
        return;
    }
    // Measured is the steady state, in which the ledger remembers as many ended keys as it may.
    for _ in 0..=qalipsis_join::ledger::REMEMBERED_KEYS as u64 / OPEN {
        batch();
    }
    let mut group = criterion.benchmark_group("join");
    group.throughput(Throughput::Elements(OPEN));
    group.bench_function(name, |b| b.iter(&mut batch));
    group.finish();
}

fn uuid(record: u64) -> Uuid {
    // Spread as random ones are.
    Uuid::from_u64_pair(record.wrapping_mul(0x9e37_79b9_7f4a_7c15), record)
}

fn benches(criterion: &mut Criterion<ThreadTime>) {
    matches(criterion, "u64", |record| record, false);
    matches(criterion, "uuid", uuid, false);
    matches(criterion, "uuid-awaited", uuid, true);
}

criterion_group! {
    name = join;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = benches
}
criterion_main!(join);
