//! One iteration of one minion again, reported in full.

use qalipsis::core::execution::{self, Exchange};
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::plan::{
    CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, Replay, Role, ScenarioPlan,
};
use qalipsis::core::model::snapshot::{ExecutionOutcome, ScenarioFigures, StepKind};
use qalipsis::core::model::timestamp::Timestamp;
use qalipsis::core::model::trace::Trace;
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_engine::{Event, prepare};
use std::time::SystemTime;

#[derive(Steps)]
enum Step {
    Ask,
    Answer,
    Dropped,
    Check,
}

async fn nothing(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

fn exchange(text: &str) -> Exchange {
    Arc::new(text.to_owned())
}

/// Two exchanges that overlap, one step that is dropped, and a check that fails.
async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let (asked, answered) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (ask, answer) = (
        {
            let (asked, answered) = (Arc::clone(&asked), Arc::clone(&answered));
            async move {
                execution::remember(exchange("first question"));
                asked.notify_one();
                answered.notified().await;
                execution::remember(exchange("second question"));
                Ok::<_, Fault>(())
            }
        },
        async move {
            asked.notified().await;
            execution::remember(exchange("answer"));
            answered.notify_one();
            Ok::<_, Fault>(())
        },
    );
    let (ask, answer) = (minion.step(Step::Ask, ask), minion.step(Step::Answer, answer));
    both(ask.into_future(), answer.into_future()).await?;
    let never = minion.step(Step::Dropped, std::future::pending::<Result<(), Fault>>());
    let _elapsed = tokio::time::timeout(millis(5), never.into_future()).await;
    minion.verify(Step::Check, |v| v.equal("iteration", (minion.index(), minion.iteration()), (0, 0)))
}

/// What is reported of iteration 3 of minion 7 of 10, and the figures.
fn replayed() -> (Vec<Trace>, ScenarioFigures) {
    let scenario = || Scenario::with_closing_check("s", nothing, iterate, closing).minions(10);
    let plan = FactoryPlan {
        campaign: CampaignPlan {
            key: "test".into(),
            name: "test".into(),
            seed: 1,
            scenarios: vec![ScenarioPlan {
                name: "s".into(),
                minions: 10,
                overload: None,
                profile: Profile::immediate(),
                properties: PropertyValues::default(),
                criteria: Vec::new(),
            }],
            limits: Limits::default(),
            events: None,
        },
        factory: "factory".into(),
        zone: None,
        shares: vec![LoadShare { segment: Segment::of_minion(7, 10), role: Role::Alone }],
        workers: Some(1),
        replay: Some(Replay { iteration: 3, ..Replay::default() }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let factory = prepare(&[scenario()], plan).await.unwrap();
        let (_handle, mut events) = factory.run(Timestamp::from_system(SystemTime::now()));
        let (mut traces, mut figures) = (Vec::new(), ScenarioFigures::default());
        while let Some(event) = events.recv().await {
            match event {
                Event::Trace(trace) => traces.push(*trace),
                Event::Snapshot(snapshot, _) => figures.merge(&snapshot.scenarios["s"]),
                Event::Evidence(_) | Event::Events(_) | Event::Failures(_) | Event::Finished => {}
                Event::Stuck(who) => panic!("{who}"),
                Event::Ended => break,
            }
        }
        (traces, figures)
    })
}

async fn closing(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |v| v.that("a replay has no closing check", false))
}

#[test]
fn only_the_wanted_iteration_runs_and_each_execution_has_its_own_exchanges() {
    let (traces, figures) = replayed();
    assert_eq!((figures.released, figures.ended, figures.iterations.executions()), (1, 1, 1));
    let of = |step: Step| {
        let mut found = traces.iter().filter(|trace| trace.step == step as u32);
        let trace = found.next().expect("it was reported");
        assert!(found.next().is_none(), "once");
        trace
    };
    assert_eq!(of(Step::Ask).exchanges, ["first question", "second question"]);
    assert_eq!(of(Step::Answer).exchanges, ["answer"]);
    assert_eq!(of(Step::Answer).outcome, Some(ExecutionOutcome::Success));
    assert_eq!((of(Step::Dropped).outcome, &of(Step::Dropped).failure), (None, &None));

    let check = of(Step::Check);
    assert_eq!((check.kind, check.outcome), (StepKind::Verification, Some(ExecutionOutcome::Failure)));
    assert!(check.exchanges.is_empty(), "what others exchanged is reported with them");
    let failure = check.failure.as_ref().expect("it failed");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Assertion, "expected iteration (0, 0), observed (7, 3)")
    );
    assert!(check.location.file.ends_with("replay.rs"));
}
