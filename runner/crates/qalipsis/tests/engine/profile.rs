//! Profiles that give the number of minions: what they plan is what is released.

use crate::support::{Run, counts};
use qalipsis::core::model::plan::Limits;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::profile::profile::{Launch, ProfileProblem};
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use std::sync::Mutex;
use std::time::Instant;

#[derive(Steps)]
enum Step {
    Visit,
}

/// Minions, and when they started since before the load; shared by the worlds of all factories of a run.
type Started = Arc<Mutex<Vec<(u32, Duration)>>>;

/// Iterations last much longer than the time between two arrivals, so that whoever waits for them is late.
fn visits(profile: Profile, started: &Started) -> Scenario {
    let started = Arc::clone(started);
    let open = move |_: Setup| {
        let started = Arc::clone(&started);
        async move { Ok((Instant::now(), started)) }
    };
    let iterate = |minion: Minion<Step>, world: Arc<(Instant, Started)>| async move {
        world.1.lock().unwrap().push((minion.index(), world.0.elapsed()));
        let visit = async {
            tokio::time::sleep(millis(300)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Visit, visit).await
    };
    Scenario::new("visits", open, iterate).profile(profile)
}

fn rates() -> [ArrivalRate; 2] {
    [
        ArrivalRate::per_second(200).ramp(millis(500)).total(millis(750)),
        ArrivalRate::per_second(0).ramp(millis(100)),
    ]
}

fn profiles() -> [Profile; 3] {
    let own = (0..10).map(|n| (millis(n * n * 8), 5));
    [Profile::arrivals(rates()), Profile::arrivals(rates()).poisson(7), Profile::batches(own)]
}

fn planned(profile: &Profile) -> Vec<Launch> {
    profile.launches(profile.minions().unwrap(), Segment::WHOLE).collect()
}

#[test]
fn every_minion_that_is_planned_is_released_and_none_before_its_time() {
    for profile in profiles() {
        let started = Started::default();
        let report = Run::default().of(|| visits(profile.clone(), &started));
        let planned = planned(&profile);
        let scenario = &report.scenarios[0];
        let all = planned.len() as u64;
        assert_eq!((scenario.minions, scenario.released, scenario.ended), (all, all, all), "{profile}");
        assert_eq!(counts(&report, "visit"), (all, 0, vec![]), "{profile}");
        // Late releases would make it invalid.
        assert_eq!(report.status, Status::Successful, "{profile}");
        let mut started = std::mem::take(&mut *started.lock().unwrap());
        started.sort();
        for (launch, (minion, at)) in planned.iter().zip(started) {
            assert_eq!(launch.minion, minion, "{profile}");
            assert!(at >= launch.at, "{profile}: {launch:?} started at {at:?}");
        }
    }
}

#[test]
fn factories_release_each_planned_minion_once_together() {
    let profile = Profile::arrivals(rates()).poisson(7);
    let started = Started::default();
    // One factory after the other, so the releases of the second are late.
    let limits = Limits { release_lag: Duration::MAX, ..Limits::default() };
    let run = Run { segments: Segment::split(&[1, 2]), limits, ..Run::default() };
    let report = run.of(|| visits(profile.clone(), &started));
    let mut minions: Vec<u32> = started.lock().unwrap().iter().map(|(minion, _)| *minion).collect();
    minions.sort_unstable();
    assert_eq!(minions, Vec::from_iter(0..profile.minions().unwrap()));
    assert_eq!(report.scenarios[0].released, minions.len() as u64);
}

#[test]
fn a_scenario_takes_the_number_of_its_profile() {
    let minions = |change: fn(Scenario) -> Scenario| {
        let scenario = change(visits(Profile::arrivals(rates()), &Started::default()));
        (scenario.describe().minions, scenario.describe().profile.problem(scenario.describe().minions))
    };
    assert_eq!(minions(|s| s), (110, None));
    assert_eq!(minions(|s| s.profile(Profile::batches([(secs(1), 7)]))), (7, None));
    assert_eq!(minions(|s| s.profile(Profile::immediate())), (1, None));
    let refused = ProfileProblem::OtherMinions { given: 110, scenario: 20 };
    assert_eq!(minions(|s| s.minions(20)), (20, Some(refused)));
    assert_eq!(
        minions(|s| s.profile(Profile::immediate()).minions(20).profile(Profile::arrivals(rates()))),
        (20, Some(refused))
    );
}
