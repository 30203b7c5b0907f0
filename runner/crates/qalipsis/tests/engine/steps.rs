//! What steps, verifications and iterations record.

use crate::support::{Run, counts, step};
use parking_lot::Mutex;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::plan::{Limits, Stop};
use qalipsis::core::model::verdict::Status;
use qalipsis::core::source::{Feed, Source};
use qalipsis::prelude::*;
use qalipsis::rand::Rng;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Steps)]
enum Step {
    Act,
    Check,
    #[step(optional)]
    Rare,
}

async fn nothing(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

async fn act(minion: &Minion<Step>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
}

#[test]
fn failed_checks_are_all_kept_and_counted_by_minion() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        act(&minion).await?;
        minion.verify(Step::Check, |v| {
            let bad = minion.index() < 37;
            v.equal("status", if bad { 503 } else { 202 }, 202);
            v.equal("quantity", if bad { 2 } else { 1 }, 1);
        })
    }
    let report = Run::default().of(|| Scenario::new("s", nothing, iterate).minions(1000));
    assert_eq!(report.status, Status::Failed);
    assert_eq!(counts(&report, "check"), (1000, 37, vec![(FailureKind::Assertion, 37)]));
    let check = step(&report, "check");
    assert_eq!(
        check.headline.as_deref(),
        Some("37 of 1000 minions: expected status 202, observed 503 (and 1 more check)")
    );
    assert_eq!(check.failures[0].evidence[0].checks.len(), 2);
    assert_eq!(report.reasons.len(), 1, "{:?}", report.reasons);
    assert!(
        check.figures.first_failure <= check.figures.last_failure && check.figures.first_failure.is_some()
    );
}

#[test]
fn panics_fail_where_they_happen_with_message_and_place() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        match minion.index() {
            0 => minion.step(Step::Act, async { panic!("in the step") as Result<(), Fault> }).await,
            1 => panic!("between steps"),
            _ => minion.verify(Step::Check, |_| assert_eq!(1, 2, "in the check")),
        }
    }
    let report = Run::default().of(|| Scenario::new("s", nothing, iterate).minions(3));
    let message = |name: &str, kind| {
        let failure = step(&report, name).failures.iter().find(|f| f.kind == kind).unwrap();
        failure.message.clone()
    };
    assert!(message("act", FailureKind::Panic).contains("steps.rs:"));
    assert!(message("act", FailureKind::Panic).ends_with("in the step"));
    assert!(message("check", FailureKind::Assertion).contains("in the check"));
    let problem = &report.scenarios[0].problems[0];
    assert_eq!((problem.kind, problem.count), (FailureKind::Panic, 1));
    assert!(problem.message.ends_with("between steps"), "{}", problem.message);
}

#[test]
fn a_step_that_takes_too_long_is_a_timeout() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        let slow = async {
            tokio::time::sleep(secs(30)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, slow).timeout(millis(50)).await
    }
    let report = Run::default().of(|| Scenario::new("s", nothing, iterate).minions(3));
    assert_eq!(counts(&report, "act"), (3, 3, vec![(FailureKind::Timeout, 3)]));
    assert_eq!(
        step(&report, "act").headline.as_deref(),
        Some("3 of 3 minions: expected an end within 50 ms, observed none")
    );
}

#[test]
fn an_iteration_that_never_returns_is_ended_by_its_limit() {
    async fn in_a_step(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        if minion.index() == 0 {
            minion.step(Step::Act, std::future::pending::<Result<(), Fault>>()).await
        } else {
            std::future::pending().await
        }
    }
    let limits = Limits { iteration: millis(200), ..Limits::default() };
    let report = Run { limits, ..Run::default() }.of(|| Scenario::new("s", nothing, in_a_step).minions(2));
    assert_eq!(counts(&report, "act"), (1, 1, vec![(FailureKind::Timeout, 1)]));
    assert_eq!(report.scenarios[0].problems[0].kind, FailureKind::Timeout);
    assert!(report.scenarios[0].problems[0].message.contains("no step was started"));
}

#[test]
fn code_that_blocks_a_worker_is_named() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        let block = async {
            loop {
                std::thread::park_timeout(secs(1));
            }
            #[expect(unreachable_code, reason = "names the type of the action")]
            Ok::<(), Fault>(())
        };
        minion.step(Step::Act, block).await
    }
    let report = Run::default().of(|| Scenario::new("s", nothing, iterate).minions(1));
    assert_eq!(report.status, Status::Aborted);
    assert!(
        report.reasons[0].message.contains("scenario 's', minion 0, in step 'act'"),
        "{:?}",
        report.reasons
    );
}

#[test]
fn what_was_declared_must_have_run_unless_optional() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        act(&minion).await
    }
    let report = Run::default().of(|| Scenario::new("s", nothing, iterate));
    assert_eq!(report.status, Status::Failed);
    let reasons: Vec<_> = report.reasons.iter().map(|r| (r.step.as_deref(), r.kind)).collect();
    assert_eq!(reasons, [(Some("check"), Some(FailureKind::NeverExecuted))]);
    assert!(step(&report, "rare").skipped);
}

#[test]
fn criteria_are_judged_and_no_data_is_a_failure() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        let slow = async {
            tokio::time::sleep(millis(50)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, slow).await?;
        minion.verify(Step::Check, |_| {})
    }
    let report = Run::default().of(|| {
        Scenario::new("s", nothing, iterate)
            .minions(10)
            .expect(Step::Act.service_time().p(95).below(millis(10)))
            .expect(Step::Act.service_time().max().below(secs(10)))
            .expect(Step::Act.count().at_least(10))
            .expect(Step::Rare.count().at_least(1))
            .expect(Step::Rare.response_time().mean().below(secs(1)))
    });
    let met: Vec<bool> = report.scenarios[0].criteria.iter().map(|c| c.is_met()).collect();
    assert_eq!(met, [false, true, true, false, false]);
    let kinds: Vec<_> = report.reasons.iter().map(|r| r.kind.unwrap()).collect();
    assert_eq!(kinds, [FailureKind::Latency, FailureKind::NoData]);
    assert!(report.reasons[0].message.starts_with("expected service time p95 below 10 ms, observed 5"));
}

#[test]
fn the_same_seed_gives_the_same_data_and_another_does_not() {
    let drawn = |seed| {
        let all = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&all);
        Run { seed, ..Run::default() }.of(move || {
            let all = Arc::clone(&kept);
            let iterate = move |minion: Minion<Step>, _: Arc<()>| {
                let all = Arc::clone(&all);
                async move {
                    let draws = [minion.rng().next_u64(), minion.rng().next_u64()];
                    all.lock().push((minion.index(), draws));
                    act(&minion).await
                }
            };
            Scenario::new("s", nothing, iterate).minions(50)
        });
        let mut all = all.lock().clone();
        all.sort_unstable();
        assert_eq!(all.len(), 50);
        all
    };
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
}

#[test]
fn stages_repeat_until_their_end_and_a_stop_is_graceful_or_hard() {
    static ITERATIONS: AtomicU32 = AtomicU32::new(0);
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        ITERATIONS.fetch_add(1, Ordering::Relaxed);
        let work = async {
            tokio::time::sleep(millis(100)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, work).await
    }
    let stages = |total| {
        move || {
            let stage = Stage::percent(100).ramp_up(millis(50)).total(total);
            Scenario::new("s", nothing, iterate).minions(10).profile(Profile::stages([stage]))
        }
    };
    let report = Run::default().of(stages(millis(550)));
    let iterations = report.scenarios[0].iterations.executions();
    assert!((40..=60).contains(&iterations), "{iterations}");
    assert_eq!(step(&report, "act").figures.cancelled, 0);

    let stop = Some((millis(250), Stop::Graceful));
    let report = Run { stop, ..Run::default() }.of(stages(secs(60)));
    assert_eq!(step(&report, "act").figures.cancelled, 0);
    assert_eq!(report.scenarios[0].ended, 10);

    // No minion is between two iterations then: the last one started after 50 ms, and each iteration takes 100 ms.
    let stop = Some((millis(275), Stop::Hard));
    let report = Run { stop, ..Run::default() }.of(stages(secs(60)));
    assert_eq!(step(&report, "act").figures.cancelled, 10);
}

#[test]
fn the_end_of_the_stages_finishes_iterations_or_cancels_them() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        let work = async {
            tokio::time::sleep(secs(2)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, work).await
    }
    let ended = |completion| {
        let stages = Profile::stages([Stage::percent(100).total(millis(300))]).completion(completion);
        let report =
            Run::default().of(|| Scenario::new("s", nothing, iterate).minions(10).profile(stages.clone()));
        assert_eq!((report.scenarios[0].released, report.scenarios[0].ended), (10, 10));
        let act = &step(&report, "act").figures;
        (act.executions(), act.cancelled, report.scenarios[0].iterations.executions())
    };
    assert_eq!(ended(Completion::Graceful), (10, 0, 10));
    assert_eq!(ended(Completion::Hard), (0, 10, 0));
}

/// A source that fails at once, or after it was ready.
struct Broken {
    ready: bool,
}

impl Source for Broken {
    type Record = u32;

    fn name(&self) -> String {
        "broken source".to_owned()
    }

    async fn run(self, feed: Feed<u32>) -> Result<(), Fault> {
        if self.ready {
            feed.ready();
        }
        Err(Fault::error("no route to nowhere"))
    }
}

fn with_source(ready: bool) -> Scenario {
    let open = move |setup: Setup| async move { Ok(setup.join(Broken { ready }, |n| *n)) };
    let iterate = |minion: Minion<Step>, _: Arc<Join<u32, u32>>| async move {
        act(&minion).await?;
        tokio::time::sleep(millis(100)).await;
        minion.verify(Step::Check, |_| {})
    };
    Scenario::new("s", open, iterate)
}

#[test]
fn a_source_that_cannot_start_prevents_the_load() {
    let report = Run::default().of(|| with_source(false));
    assert_eq!(report.status, Status::Aborted);
    assert_eq!(report.reasons[0].message, "warm-up: broken source: no route to nowhere");
    assert_eq!(report.scenarios[0].released, 0);
}

#[test]
fn a_source_that_fails_later_fails_the_run() {
    let report = Run::default().of(|| with_source(true));
    assert_eq!(report.status, Status::Failed);
    let reason = &report.reasons[0];
    assert_eq!(
        (reason.kind, reason.message.as_str()),
        (Some(FailureKind::Source), "sources: broken source: no route to nowhere")
    );
}

#[test]
fn law_1_a_source_that_fails_fails_the_run_without_any_evidence_to_keep() {
    let mut run = Run::default();
    run.limits.evidence = 0;
    let report = run.of(|| with_source(true));
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.reasons[0].message, "sources: broken source: no route to nowhere");
}

#[test]
fn a_world_that_panics_is_a_warm_up_failure() {
    async fn open(_: Setup) -> Result<(), SetupError> {
        panic!("no world")
    }
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        act(&minion).await
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    let message = &report.reasons[0].message;
    assert!(message.starts_with("warm-up: opening the world panicked at "), "{message}");
    assert!(message.contains("engine/steps.rs:") && message.ends_with(": no world"), "{message}");
}

/// Red while each of these was added to an instant, which panics.
#[test]
fn d8_the_longest_duration_is_no_limit_anywhere() {
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        minion.pace(Pace::constant(Duration::MAX)).await;
        let wait = || async {
            tokio::time::sleep(millis(5)).await;
            Ok::<_, Fault>(())
        };
        let policy = Retry::attempts(2)
            .backoff(Duration::MAX, 2.0)
            .longest(Duration::MAX)
            .attempt_timeout(Duration::MAX);
        minion.step(Step::Act, repeat(wait)).retry(policy).timeout(Duration::MAX).await
    }
    let limits = Limits {
        iteration: Duration::MAX,
        warm_up: Duration::MAX,
        drain: Duration::MAX,
        factory_silence: Duration::MAX,
        ..Limits::default()
    };
    for profile in
        [Profile::immediate(), Profile::regular(5, Duration::MAX), Profile::timeframe(millis(1), millis(5))]
    {
        let run = Run { limits: limits.clone(), ..Run::default() };
        let report = run.of(|| Scenario::new("s", nothing, iterate).minions(3).profile(profile.clone()));
        assert_eq!(counts(&report, "act"), (3, 0, vec![]), "{:?}", report.reasons);
    }
}
