//! What a step costs beyond the future that it awaits: the same futures in steps and bare.

use bench::Bare;
use bench::cpu::ThreadTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qalipsis::prelude::*;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Runtime;

/// Steps of one iteration: enough to make the iteration itself vanish.
const STEPS: u64 = 1_000;

#[derive(Steps)]
enum Work {
    Do,
}

struct World;

impl World {
    async fn open(_setup: Setup) -> Result<Self, SetupError> {
        Ok(Self)
    }
}

fn action() -> Ready<Result<u64, Fault>> {
    ready(Ok(black_box(7)))
}

/// Pending once, as an answer that has to be awaited is.
#[derive(Default)]
struct Later(bool);

impl Future for Later {
    type Output = Result<u64, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 {
            return Poll::Ready(Ok(black_box(7)));
        }
        self.0 = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn ready_steps(minion: Minion<Work>, _world: Arc<World>) -> Outcome {
    for _ in 0..STEPS {
        minion.step(Work::Do, action()).await?;
    }
    Ok(())
}

async fn verifications(minion: Minion<Work>, _world: Arc<World>) -> Outcome {
    for _ in 0..STEPS {
        minion.verify(Work::Do, |v| v.equal("seven", black_box(7), 7))?;
    }
    Ok(())
}

async fn pending_steps(minion: Minion<Work>, _world: Arc<World>) -> Outcome {
    for _ in 0..STEPS {
        minion.step(Work::Do, Later::default()).timeout(secs(2)).await?;
    }
    Ok(())
}

fn iteration(criterion: &mut Criterion<ThreadTime>, name: &str, scenario: &Scenario) {
    let runtime = runtime();
    let bare = runtime.block_on(Bare::open(scenario));
    let minion = bare.minion(0);
    if bench::is_counted(name, || runtime.block_on(bare.iteration(&minion))) {
        return;
    }
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(STEPS));
    group.bench_function(name, |b| b.iter(|| runtime.block_on(bare.iteration(&minion))));
    group.finish();
}

fn reference<F: Future<Output = ()>>(
    criterion: &mut Criterion<ThreadTime>,
    name: &str,
    body: impl Fn() -> F,
) {
    let runtime = runtime();
    if bench::is_counted(name, || runtime.block_on(body())) {
        return;
    }
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(STEPS));
    group.bench_function(name, |b| b.iter(|| runtime.block_on(body())));
    group.finish();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

fn benches(criterion: &mut Criterion<ThreadTime>) {
    iteration(criterion, "ready", &Scenario::new("ready", World::open, ready_steps));
    reference(criterion, "ready-bare", async || {
        for _ in 0..STEPS {
            let _ = black_box(action().await);
        }
    });
    iteration(criterion, "verify", &Scenario::new("verify", World::open, verifications));
    iteration(criterion, "pending", &Scenario::new("pending", World::open, pending_steps));
    reference(criterion, "pending-bare", async || {
        for _ in 0..STEPS {
            let _ = black_box(tokio::time::timeout(secs(2), Later::default()).await);
        }
    });
}

criterion_group! {
    name = step;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = benches
}
criterion_main!(step);
