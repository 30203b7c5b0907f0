//! The load is exact: whatever the profile, the policy, the speed and the split, each planned minion is either
//! released or counted as dropped.

use crate::support::Run;
use proptest::prelude::*;
use qalipsis::core::model::plan::Limits;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::profile::profile::Completion;
use qalipsis::core::profile::segment::Segment;
use qalipsis::core::profile::speed::Speed;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

/// Campaigns of a case; they run at the same time.
const CAMPAIGNS: usize = 12;

#[derive(Steps)]
enum Step {
    Act,
}

#[derive(Debug, Clone)]
struct Load {
    profile: Profile,
    minions: u32,
    policy: Overload,
    weights: Vec<u32>,
    /// How long an iteration of the n-th minion lasts: n times this, modulo 100 ms.
    iteration_ms: u64,
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let ms = |range: std::ops::Range<u64>| range.prop_map(millis);
    let rates = || {
        proptest::collection::vec((1_u32..200, 0_u64..100, 1_u64..150), 1..4).prop_map(|rates| {
            let rate = |(rate, ramp, hold)| {
                ArrivalRate::per_second(rate).ramp(millis(ramp)).total(millis(ramp + hold))
            };
            // Whatever was drawn, somebody arrives.
            Vec::from_iter(
                rates.into_iter().map(rate).chain([ArrivalRate::per_second(100).total(millis(50))]),
            )
        })
    };
    let stages = (1_u32..100, 0_u64..100, 0_u64..100, 1_u64..100).prop_map(|(percent, up, hold, second)| {
        Profile::stages([
            Stage::percent(percent).ramp_up(millis(up)).total(millis(up + hold)),
            Stage::percent(100 - percent).ramp_up(millis(second)),
        ])
    });
    prop_oneof![
        Just(Profile::immediate()),
        (1_u32..20, ms(1..40)).prop_map(|(count, every)| Profile::regular(count, every)),
        (1_u32..5, ms(1..40), 1.0..3.0).prop_map(|(count, every, by)| Profile::more(count, every, by, 20)),
        (1_u32..5, ms(10..40), 1.0..3.0).prop_map(|(count, every, by)| Profile::faster(
            count,
            every,
            by,
            millis(5)
        )),
        (ms(1..30), 1_u32..10).prop_map(|(every, ticks)| Profile::timeframe(every, every * ticks)),
        stages.clone(),
        stages.prop_map(|profile| profile.completion(Completion::Hard)),
        rates().prop_map(Profile::arrivals),
        (rates(), any::<u64>()).prop_map(|(rates, seed)| Profile::arrivals(rates).poisson(seed)),
        proptest::collection::vec((0_u64..200, 1_u32..10), 1..8).prop_map(|mut batches| {
            batches.sort_unstable();
            Profile::batches(batches.into_iter().map(|(at, count)| (millis(at), count)))
        }),
    ]
}

fn any_load() -> impl Strategy<Value = Load> {
    let policy = prop_oneof![
        Just(Overload::Queue),
        (1_u32..10).prop_map(Overload::Drop),
        (1_u32..30).prop_map(Overload::Abort),
    ];
    let speed = prop_oneof![Just("1"), Just("0.7"), Just("3.1"), Just("1000")];
    let weights = proptest::collection::vec(1_u32..4, 1..4);
    (any_profile(), 1_u32..60, policy, speed, weights, 0_u64..50).prop_map(
        |(profile, minions, policy, speed, weights, iteration_ms)| {
            let profile = profile.at_speed(Speed::parse(speed).unwrap());
            let minions = profile.minions().unwrap_or(minions);
            Load { profile, minions, policy, weights, iteration_ms }
        },
    )
}

fn run(load: &Load) -> Report {
    let iteration_ms = load.iteration_ms;
    let open = move |_: Setup| async move { Ok(iteration_ms) };
    let iterate = |minion: Minion<Step>, iteration_ms: Arc<u64>| async move {
        let wait = millis(u64::from(minion.index()) * *iteration_ms % 100);
        let act = async move {
            tokio::time::sleep(wait).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Act, act).await
    };
    // Factories run one after the other here, so those after the first are late.
    let limits = Limits { release_lag: Duration::MAX, ..Limits::default() };
    Run { limits, segments: Segment::split(&load.weights), ..Run::default() }.of(|| {
        let scenario = Scenario::new("s", open, iterate).profile(load.profile.clone()).overload(load.policy);
        if load.profile.minions().is_some() { scenario } else { scenario.minions(load.minions) }
    })
}

fn check(load: &Load, report: &Report) -> Result<(), TestCaseError> {
    let scenario = &report.scenarios[0];
    prop_assert_eq!(scenario.minions, u64::from(load.minions), "{:?}", load);
    prop_assert_eq!(scenario.released + scenario.dropped, scenario.minions, "{:?}", load);
    prop_assert_eq!(scenario.ended, scenario.released, "{:?}", load);
    let aborted = report.status == Status::Aborted;
    match load.policy {
        Overload::Queue => prop_assert_eq!(scenario.dropped, 0, "{:?}", load),
        Overload::Drop(_) => prop_assert!(!aborted, "{:?}", load),
        Overload::Abort(_) => prop_assert_eq!(scenario.dropped > 0, aborted, "{:?}", load),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn released_and_dropped_are_planned(loads in proptest::collection::vec(any_load(), 1..=CAMPAIGNS)) {
        let reports: Vec<Report> = std::thread::scope(|scope| {
            let running: Vec<_> = loads.iter().map(|load| scope.spawn(|| run(load))).collect();
            running.into_iter().map(|campaign| campaign.join().unwrap()).collect()
        });
        for (load, report) in loads.iter().zip(&reports) {
            check(load, report)?;
        }
    }
}
