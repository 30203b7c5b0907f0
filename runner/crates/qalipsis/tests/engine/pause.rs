//! What a pause does to releases and iterations.

use qalipsis::core::model::plan::{
    CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, ScenarioPlan, Stop,
};
use qalipsis::core::model::snapshot::ScenarioFigures;
use qalipsis::core::model::timestamp::Timestamp;
use qalipsis::prelude::*;
use qalipsis_engine::{Event, Handle, prepare};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::time::sleep;

#[derive(Steps)]
enum Step {
    Act,
}

/// Counts the iterations that began.
#[derive(Clone, Default)]
struct Begun(Arc<AtomicU64>);

impl Begun {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn scenario(&self, profile: Profile, minions: u32) -> Scenario {
        let begun = self.clone();
        let open = move |_: Setup| {
            let begun = begun.clone();
            async move { Ok::<_, SetupError>(begun) }
        };
        Scenario::new("s", open, act).minions(minions).profile(profile)
    }
}

async fn act(minion: Minion<Step>, begun: Arc<Begun>) -> Outcome {
    begun.0.fetch_add(1, Ordering::SeqCst);
    let work = async {
        sleep(millis(10)).await;
        Ok::<_, Fault>(())
    };
    minion.step(Step::Act, work).await
}

/// Runs a load that `control` controls, and gives its figures.
fn run(profile: Profile, minions: u32, control: impl AsyncFnOnce(&Handle, &Begun)) -> ScenarioFigures {
    let begun = Begun::default();
    let scenario = begun.scenario(profile.clone(), minions);
    let planned = ScenarioPlan {
        name: "s".into(),
        minions,
        overload: None,
        profile,
        properties: PropertyValues::default(),
        criteria: Vec::new(),
    };
    let plan = FactoryPlan {
        campaign: CampaignPlan {
            key: "test".into(),
            name: "test".into(),
            seed: 1,
            scenarios: vec![planned],
            limits: Limits::default(),
            events: None,
        },
        factory: "factory".into(),
        zone: None,
        shares: vec![LoadShare::WHOLE],
        workers: Some(2),
        replay: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let factory = prepare(&[scenario], plan).await.unwrap();
        let (handle, mut events) = factory.run(Timestamp::from_system(SystemTime::now()));
        let reading = async {
            let mut figures = ScenarioFigures::default();
            while let Some(event) = events.recv().await {
                match event {
                    Event::Snapshot(snapshot, _) => figures.merge(&snapshot.scenarios["s"]),
                    Event::Stuck(who) => panic!("{who}"),
                    Event::Ended => break,
                    _ => {}
                }
            }
            figures
        };
        tokio::join!(reading, control(&handle, &begun)).0
    })
}

/// How long the load is paused: much longer than a busy machine delays a release.
const PAUSED: Duration = secs(2);

/// Waits until so many iterations have begun.
async fn until(begun: &Begun, count: u64) {
    let waiting = async {
        while begun.count() < count {
            sleep(millis(1)).await;
        }
    };
    tokio::time::timeout(secs(60), waiting).await.expect("more iterations begin");
}

/// Pauses, and checks that nothing begins until it resumes.
async fn pause(handle: &Handle, begun: &Begun) {
    handle.pause();
    // What began at that moment may not be counted yet.
    sleep(millis(100)).await;
    let before = begun.count();
    sleep(PAUSED - millis(100)).await;
    assert_eq!(begun.count(), before, "iterations begin in a pause");
}

#[test]
fn nothing_is_released_in_a_pause_and_no_figure_counts_it() {
    let profile = Profile::timeframe(millis(10), secs(3));
    let figures = run(profile, 100, async |handle, begun| {
        until(begun, 10).await;
        pause(handle, begun).await;
        assert!(begun.count() < 100, "something is left to be released");
        handle.resume(PAUSED);
    });
    assert_eq!((figures.released, figures.ended, figures.unreleased), (100, 100, 0));
    let pause_ns = PAUSED.as_nanos() as u64;
    assert!(figures.release_lag.max_ns().unwrap() < pause_ns, "the pause counts as release lag");
    assert!(figures.steps[&0].response().max_ns().unwrap() < pause_ns, "the pause counts as response time");
}

#[test]
fn repeating_minions_wait_at_the_end_of_their_iteration_and_go_on() {
    let profile = Profile::stages([Stage::minions(4).total(secs(3))]);
    let figures = run(profile, 4, async |handle, begun| {
        until(begun, 20).await;
        pause(handle, begun).await;
        let before = begun.count();
        handle.resume(PAUSED);
        // The time of the stage moved with the pause.
        until(begun, before + 4).await;
    });
    assert_eq!((figures.released, figures.ended), (4, 4));
    assert_eq!(figures.iterations.cancelled, 0, "running iterations are finished");
}

#[test]
fn stop_ends_a_pause_and_releases_nothing_more() {
    for stop in [Stop::Graceful, Stop::Hard] {
        let profile = Profile::timeframe(millis(10), secs(3));
        let figures = run(profile, 100, async |handle, begun| {
            until(begun, 10).await;
            handle.pause();
            sleep(millis(100)).await;
            handle.stop(stop);
        });
        assert_eq!(figures.released + figures.unreleased, 100, "{stop:?}");
        assert_eq!(figures.released, figures.ended, "{stop:?}");
        assert!(figures.unreleased > 0, "{stop:?}");
    }
}
