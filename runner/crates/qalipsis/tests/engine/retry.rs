//! Retries, tolerance, stages, pauses, checks that wait.

use crate::support::{Run, counts, step};
use parking_lot::Mutex;
use qalipsis::core::model::plan::Stop;
use qalipsis::core::model::verdict::Status;
use qalipsis::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

#[derive(Steps)]
enum Step {
    Act,
    #[step(optional)]
    Whole,
}

/// Counts attempts over all minions.
#[derive(Default)]
struct World {
    attempts: AtomicU32,
    waits: Mutex<Vec<Duration>>,
}

async fn open(_: Setup) -> Result<World, SetupError> {
    Ok(World::default())
}

fn quick(attempts: u32) -> Retry {
    Retry::attempts(attempts).backoff(millis(1), 1.0)
}

#[test]
fn an_iteration_after_a_retry_is_one_success_that_is_reported_as_flaky() {
    async fn iterate(minion: Minion<Step>, world: Arc<World>) -> Outcome {
        let store = repeat(|| async {
            let attempt = world.attempts.fetch_add(1, Ordering::SeqCst);
            check(|v| v.equal("rows", attempt, 2))
        });
        minion.step(Step::Act, store).retry(quick(5)).await
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(counts(&report, "act"), (1, 0, vec![]));
    assert_eq!(step(&report, "act").figures.flaky, 1);
    assert_eq!(report.status, Status::Warning);
    assert_eq!(
        report.warnings,
        ["s: step act: flaky, 1 of 1 executions passed only after a retry, the first after: \
          expected rows 2, observed 0"]
    );
}

#[test]
fn a_step_that_fails_in_every_attempt_fails_once_and_reports_the_last() {
    async fn iterate(minion: Minion<Step>, world: Arc<World>) -> Outcome {
        let store = repeat(|| async {
            world.attempts.fetch_add(1, Ordering::SeqCst);
            assert_eq!(1, 2, "sums");
            Ok::<_, Fault>(())
        });
        let outcome = minion.step(Step::Act, store).retry(quick(3)).await;
        assert_eq!(world.attempts.load(Ordering::SeqCst), 3);
        outcome
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(counts(&report, "act"), (1, 1, vec![(FailureKind::Panic, 1)]));
    let evidence = &step(&report, "act").failures[0].evidence[0];
    assert_eq!(evidence.attempt, 3);
    assert!(evidence.message.ends_with("(attempt 3)"), "{}", evidence.message);
    assert!(report.scenarios[0].problems.is_empty(), "{:?}", report.scenarios[0].problems);
}

#[test]
fn only_the_chosen_failures_are_retried_and_an_attempt_has_its_own_limit() {
    async fn iterate(minion: Minion<Step>, world: Arc<World>) -> Outcome {
        let answer = repeat(|| async {
            match world.attempts.fetch_add(1, Ordering::SeqCst) {
                0 => std::future::pending().await,
                _ => Err::<(), _>(Fault::error("refused")),
            }
        });
        let policy = quick(9).attempt_timeout(millis(20)).only(&[FailureKind::Timeout]);
        minion.step(Step::Act, answer).retry(policy).await
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(counts(&report, "act"), (1, 1, vec![(FailureKind::Error, 1)]));
    assert_eq!(step(&report, "act").headline.as_deref(), Some("1 of 1 minion: refused (attempt 2)"));
}

#[test]
fn failures_within_the_tolerance_warn_and_one_more_fails() {
    fn scenario(failing: u32, tolerance: Tolerance) -> Scenario {
        let iterate = move |minion: Minion<Step>, _: Arc<World>| async move {
            let bad = minion.index() < failing;
            let act = async move { if bad { Err(Fault::error("refused")) } else { Ok(()) } };
            minion.step(Step::Act, act).tolerate(tolerance).await
        };
        Scenario::new("s", open, iterate).minions(100)
    }
    for tolerance in [Tolerance::count(3), Tolerance::share(0.03)] {
        let within = Run::default().of(move || scenario(3, tolerance));
        assert_eq!(within.status, Status::Warning, "{:?}", within.reasons);
        assert_eq!(counts(&within, "act"), (100, 3, vec![(FailureKind::Error, 3)]));
        let beyond = Run::default().of(move || scenario(4, tolerance));
        assert_eq!(beyond.status, Status::Failed);
        assert_eq!(beyond.reasons[0].message, "4 of 100 minions: refused");
    }
    let warned = Run::default().of(|| scenario(3, Tolerance::share(0.03)));
    assert_eq!(
        warned.warnings,
        ["s: step act: 3 of 100 executions failed, 3 % are tolerated; 3 of 100 minions: refused"]
    );
}

#[test]
fn a_verification_is_tolerated_by_what_its_checks_say() {
    fn scenario(failing: u32) -> Scenario {
        let iterate = move |minion: Minion<Step>, _: Arc<World>| async move {
            let checked = minion.stage(Step::Whole, async {
                minion.verify(Step::Act, |v| {
                    v.tolerate(Tolerance::count(3));
                    v.that("it works", minion.index() >= failing);
                })
            });
            // What is tolerated is the verification, not the stage around it.
            let _failed = checked.await;
            Ok(())
        };
        Scenario::new("s", open, iterate).minions(100)
    }
    let within = Run::default().of(|| scenario(3));
    assert_eq!(counts(&within, "act"), (100, 3, vec![(FailureKind::Assertion, 3)]));
    assert_eq!(step(&within, "act").figures.tolerance, Some(Tolerance::count(3)));
    assert_eq!(step(&within, "whole").figures.tolerance, None);
    assert_eq!(within.status, Status::Warning, "{:?}", within.reasons);
    let beyond = Run::default().of(|| scenario(4));
    assert_eq!(beyond.status, Status::Failed);
}

#[test]
fn a_stage_counts_for_all_of_it_and_the_failure_inside_is_reported_once() {
    async fn iterate(minion: Minion<Step>, _: Arc<World>) -> Outcome {
        let bad = minion.index() == 0;
        let block = async {
            tokio::time::sleep(millis(5)).await;
            minion.step(Step::Act, async { if bad { Err(Fault::error("refused")) } else { Ok(7) } }).await
        };
        minion.stage(Step::Whole, block).await.map(|seven| assert_eq!(seven, 7))
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate).minions(2));
    assert_eq!(counts(&report, "act"), (2, 1, vec![(FailureKind::Error, 1)]));
    assert_eq!(counts(&report, "whole"), (2, 1, vec![]));
    assert_eq!(report.reasons.len(), 1, "{:?}", report.reasons);
    let whole = step(&report, "whole").figures.service();
    assert!(whole.min_ns().unwrap() >= millis(5).as_nanos() as u64);
}

#[test]
fn checks_that_wait_are_a_verification() {
    async fn iterate(minion: Minion<Step>, _: Arc<World>) -> Outcome {
        let checks = |mut v: Verify| async {
            tokio::time::sleep(millis(1)).await;
            v.equal("status", 503, 202);
            v.equal("quantity", 2, 1);
            v
        };
        let _outcome = minion.verify_async(Step::Act, checks).await;
        minion.verify_async(Step::Whole, |_| async { panic!("no answer") }).await
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(counts(&report, "act"), (1, 1, vec![(FailureKind::Assertion, 1)]));
    assert_eq!(step(&report, "act").failures[0].evidence[0].checks.len(), 2);
    assert_eq!(counts(&report, "whole"), (1, 1, vec![(FailureKind::Assertion, 1)]));
    assert!(step(&report, "whole").headline.as_deref().unwrap().ends_with("no answer"));
}

#[test]
fn pauses_of_chance_repeat_with_the_seed() {
    fn waits(seed: u64) -> Vec<Duration> {
        let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let ours = Arc::clone(&waits);
        let scenario = move || {
            let waits = Arc::clone(&ours);
            let iterate = move |minion: Minion<Step>, world: Arc<World>| {
                let waits = Arc::clone(&waits);
                async move {
                    minion
                        .pause(|rng: &mut qalipsis::core::rng::MinionRng| {
                            let wait = qalipsis::core::pause::Pause::length(millis(0)..millis(3), rng);
                            world.waits.lock().push(wait);
                            wait
                        })
                        .await;
                    minion.pause(millis(1)..=millis(2)).await;
                    waits.lock().extend(world.waits.lock().iter());
                    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
                }
            };
            Scenario::new("s", open, iterate)
        };
        assert_eq!(Run { seed, ..Run::default() }.of(scenario).status, Status::Successful);
        waits.lock().clone()
    }
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}

#[test]
fn a_stop_ends_a_pause_and_the_iteration_goes_on() {
    async fn iterate(minion: Minion<Step>, _: Arc<World>) -> Outcome {
        minion.pause(secs(3_000)).await;
        minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
    }
    let stop = Some((millis(100), Stop::Graceful));
    let report = Run { stop, ..Run::default() }.of(|| Scenario::new("s", open, iterate));
    assert_eq!(counts(&report, "act"), (1, 0, vec![]));
}

#[test]
fn a_pace_keeps_its_period_over_iterations() {
    async fn iterate(minion: Minion<Step>, world: Arc<World>) -> Outcome {
        let start = Instant::now();
        for _ in 0..4 {
            minion.pace(Pace::constant(millis(30))).await;
            world.waits.lock().push(start.elapsed());
        }
        let passed = world.waits.lock().clone();
        minion.verify(Step::Act, |v| {
            // The first time does not wait, and no other one waits less on a busy machine.
            v.at_least("the fourth time", passed[3], millis(89));
        })
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
}
