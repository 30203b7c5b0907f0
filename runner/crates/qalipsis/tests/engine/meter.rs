//! Probes that are watched, and criteria on what they read.

use crate::support::Run;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::probe::{Probe, Reading};
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Steps)]
enum Step {
    Act,
}

/// A backlog in memory: each iteration adds 10, a worker takes some away.
struct World {
    backlog: Arc<AtomicI64>,
}

struct Backlog {
    value: Arc<AtomicI64>,
    broken: bool,
    period: Duration,
}

impl Probe for Backlog {
    fn name(&self) -> String {
        "backlog in memory".to_owned()
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn unit(&self) -> &'static str {
        "records"
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        if self.broken {
            return Err(Fault::error("nobody answers at memory:1"));
        }
        let total = self.value.load(Ordering::Relaxed) as f64;
        Ok(Reading { total, parts: vec![("part".to_owned(), total)] })
    }
}

fn scenario(taken_every_10_ms: i64, broken: bool) -> Scenario {
    scenario_read_every(millis(20), taken_every_10_ms, broken)
}

fn scenario_read_every(period: Duration, taken_every_10_ms: i64, broken: bool) -> Scenario {
    let open = move |setup: Setup| async move {
        let backlog = Arc::new(AtomicI64::new(0));
        setup.watch("backlog", Backlog { value: Arc::clone(&backlog), broken, period });
        let worker = Arc::clone(&backlog);
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(millis(10));
            loop {
                tick.tick().await;
                let _ = worker.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    Some((left - taken_every_10_ms).max(0))
                });
            }
        });
        Ok(World { backlog })
    };
    let iterate = |minion: Minion<Step>, world: Arc<World>| async move {
        let add = async {
            world.backlog.fetch_add(10, Ordering::Relaxed);
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, add).await
    };
    Scenario::new("s", open, iterate).minions(100).profile(Profile::timeframe(millis(10), secs(1)))
}

fn run(taken_every_10_ms: i64) -> Report {
    Run::default().of(|| {
        scenario(taken_every_10_ms, false)
            .expect(Meter::named("backlog").below(900))
            .expect(Meter::named("backlog").drains_within(secs(2)))
            .expect(Meter::named("backlog").never_grows_for(millis(800)))
    })
}

#[test]
fn a_worker_that_keeps_up_holds_every_criterion() {
    let report = run(30);
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    let meter = &report.scenarios[0].meters["backlog"];
    assert!(meter.count > 20 && meter.series.len() as u64 == meter.count, "{meter:?}");
    assert_eq!((meter.gauge.as_str(), meter.unit.as_str()), ("backlog in memory", "records"));
    assert!(meter.parts.contains_key("part"));
}

#[test]
fn a_worker_that_stands_still_breaks_all_three_and_the_run_waits_no_longer_than_asked() {
    let report = run(0);
    let broken: Vec<bool> = report.scenarios[0].criteria.iter().map(|c| !c.is_met()).collect();
    assert_eq!(broken, [true, true, true], "{:?}", report.reasons);
    assert!(report.reasons.iter().all(|r| r.kind == Some(FailureKind::Meter)), "{:?}", report.reasons);
    assert_eq!(report.reasons[1].message, "expected time to drain at most 2 s, observed no end");
    assert!(report.duration < secs(10), "{:?}", report.duration);
}

#[test]
fn the_run_goes_on_until_the_backlog_is_drained() {
    let report =
        Run::default().of(|| scenario(8, false).expect(Meter::named("backlog").drains_within(secs(20))));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert!(report.scenarios[0].meters["backlog"].max > Some(50.0));
    assert!(
        report.duration < secs(8),
        "it ends when drained, not when the time is over: {:?}",
        report.duration
    );
}

#[test]
fn only_a_reading_after_the_load_shows_that_a_backlog_is_drained() {
    // Readings come at 0 s and 2 s; the load ends at 1 s with nothing left.
    let report = Run::default().of(|| {
        scenario_read_every(secs(2), 30, false).expect(Meter::named("backlog").drains_within(secs(20)))
    });
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(report.scenarios[0].meters["backlog"].count, 2);
}

#[test]
fn a_probe_that_cannot_be_read_prevents_the_load() {
    let report = Run::default().of(|| scenario(1, true));
    assert_eq!(report.status, Status::Aborted);
    assert_eq!(
        report.reasons[0].message,
        "warm-up: meter backlog: backlog in memory: nobody answers at memory:1"
    );
}

#[test]
fn a_criterion_on_a_meter_that_nobody_watches_fails() {
    let report = Run::default().of(|| scenario(100, false).expect(Meter::named("lag").below(1)));
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.reasons[0].kind, Some(FailureKind::NoData));
}
