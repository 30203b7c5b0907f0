//! Profiles against their closed forms, and what holds for all of them.

use super::*;
use proptest::prelude::*;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn offsets(profile: &Profile, minions: u32) -> Vec<u64> {
    profile.launches(minions, Segment::WHOLE).map(|l| l.at.as_millis() as u64).collect()
}

#[test]
fn closed_forms() {
    assert_eq!(offsets(&Profile::immediate(), 3), [0, 0, 0]);
    assert_eq!(offsets(&Profile::regular(2, secs(1)), 5), [0, 0, 1000, 1000, 2000]);
    assert_eq!(offsets(&Profile::timeframe(secs(1), secs(2)), 5), [0, 0, 0, 1000, 1000]);
    let stages = Profile::stages([
        Stage::percent(40).ramp_up(secs(2)).total(secs(3)),
        Stage::percent(60).ramp_up(secs(3)).total(secs(3)),
    ]);
    assert_eq!(offsets(&stages, 5), [0, 1000, 3000, 4000, 5000]);
    assert_eq!(stages.repeats_until(), Some(secs(6)));
}

#[test]
fn problems_are_named() {
    let stages = |list: &[Stage]| Profile::stages(list.to_vec()).problem(100);
    let (half, absolute) = (Stage::percent(50).total(secs(1)), Stage::minions(40).total(secs(1)));
    assert_eq!(stages(&[half]), Some(ProfileProblem::Percentages { sum: 50 }));
    assert_eq!(stages(&[absolute]), Some(ProfileProblem::OtherMinions { given: 40, scenario: 100 }));
    assert_eq!(stages(&[half, absolute]), Some(ProfileProblem::MixedShares));
    assert_eq!(stages(&[]), Some(ProfileProblem::Empty));
    assert_eq!(stages(&[Stage::percent(100)]), Some(ProfileProblem::NoDuration));
    assert_eq!(stages(&[half.ramp_up(secs(2))]), Some(ProfileProblem::TotalBelowRamp));
    assert_eq!(Profile::regular(0, secs(1)).problem(1), Some(ProfileProblem::EmptyBatch));
    assert_eq!(Profile::timeframe(secs(2), secs(1)).problem(1), Some(ProfileProblem::WindowBelowPeriod));
    assert_eq!(Profile::timeframe(secs(0), secs(1)).problem(1), Some(ProfileProblem::NoPeriod));
    assert_eq!(Profile::immediate().problem(10), None);
}

#[test]
fn batches_grow_up_to_the_largest() {
    let profile = Profile::more(1, secs(1), 1.5, 4);
    // 1, 1.5, 2.25, 3.375, then never more than 4: small batches grow too.
    let expected = [0, 1000, 2000, 2000, 3000, 3000, 3000, 4000, 4000, 4000, 4000, 5000];
    assert_eq!(offsets(&profile, 12), expected);
    assert_eq!(profile.at(11, 12), secs(5));
    let doubling = Profile::more(3, secs(2), 2.0, 1000);
    // The batches before the k-th have 3 (2^k - 1) minions.
    for k in 0..8 {
        assert_eq!(doubling.at(3 * ((1 << k) - 1), 3000), secs(2) * k, "batch {k}");
    }
}

#[test]
fn periods_shrink_down_to_the_shortest() {
    let profile = Profile::faster(2, secs(4), 2.0, secs(1));
    assert_eq!(offsets(&profile, 10), [0, 0, 4000, 4000, 6000, 6000, 7000, 7000, 8000, 8000]);
    assert_eq!(profile.duration(10), secs(8));
}

#[test]
fn arrivals_of_a_constant_rate_are_even() {
    let profile = Profile::arrivals([ArrivalRate::per_second(4).total(secs(2))]);
    assert_eq!(profile.minions(), Some(8));
    assert_eq!(offsets(&profile, 8), [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
    let slow = Profile::arrivals([ArrivalRate::per_minute(90).total(secs(4))]);
    assert_eq!(offsets(&slow, slow.minions().unwrap()), [0, 666, 1333, 2000, 2666, 3333]);
}

#[test]
fn arrivals_on_a_ramp_follow_the_root_of_their_number() {
    // The rate rises as 2 t, so t^2 have arrived until t: arrival k is at the root of k.
    let up = Profile::arrivals([ArrivalRate::per_second(20).ramp(secs(10))]);
    assert_eq!(up.minions(), Some(100));
    for (k, launch) in up.launches(100, Segment::WHOLE).enumerate() {
        let expected = (k as f64).sqrt();
        assert!((launch.at.as_secs_f64() - expected).abs() < 2e-9, "arrival {k}: {launch:?}");
    }
    // Down again, mirrored: 100 - (10 - t)^2 have arrived until t.
    let both = Profile::arrivals([
        ArrivalRate::per_second(20).ramp(secs(10)),
        ArrivalRate::per_second(0).ramp(secs(10)),
    ]);
    assert_eq!(both.minions(), Some(200));
    for (k, launch) in both.launches(200, Segment::WHOLE).enumerate().skip(100) {
        let expected = 20.0 - (200.0 - k as f64).sqrt();
        assert!((launch.at.as_secs_f64() - expected).abs() < 2e-9, "arrival {k}: {launch:?}");
    }
}

#[test]
fn nobody_arrives_in_a_pause() {
    let profile = Profile::arrivals([
        ArrivalRate::per_second(2).total(secs(1)),
        ArrivalRate::per_second(0).total(secs(5)),
        ArrivalRate::per_second(1).total(secs(2)),
    ]);
    assert_eq!(offsets(&profile, profile.minions().unwrap()), [0, 500, 6000, 7000]);
}

/// Means and variances of the numbers of arrivals in windows, over many seeds.
#[test]
fn poisson_counts_have_the_mean_and_variance_of_their_rate() {
    const SEEDS: u32 = 2_000;
    // 0 to 20/s over 10 s, then 20/s for 10 s: t^2 until 10 s, 20 t from there.
    let rates = [ArrivalRate::per_second(20).ramp(secs(10)).total(secs(20))];
    let windows = [(0.0, 5.0, 25.0), (5.0, 10.0, 75.0), (10.0, 12.0, 40.0), (0.0, 20.0, 300.0)];
    let mut counts = vec![Vec::new(); windows.len()];
    for seed in 0..u64::from(SEEDS) {
        let profile = Profile::arrivals(rates).poisson(seed);
        let times: Vec<f64> = profile
            .launches(profile.minions().unwrap(), Segment::WHOLE)
            .map(|launch| launch.at.as_secs_f64())
            .collect();
        for (counts, (from, to, _)) in counts.iter_mut().zip(windows) {
            counts.push(times.iter().filter(|at| (from..to).contains(*at)).count() as f64);
        }
    }
    let n = f64::from(SEEDS);
    for (counts, (from, to, expected)) in counts.iter().zip(windows) {
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Four standard errors: of the mean, and of the variance of nearly normal counts.
        assert!((mean - expected).abs() < 4.0 * (expected / n).sqrt(), "mean {mean} from {from} to {to}");
        let error = expected * (2.0 / n).sqrt();
        assert!((variance - expected).abs() < 4.0 * error, "variance {variance} from {from} to {to}");
    }
}

#[test]
fn a_poisson_process_is_that_of_its_seed() {
    let with = |seed| {
        let profile = Profile::arrivals([ArrivalRate::per_second(50).total(secs(2))]).poisson(seed);
        offsets(&profile, profile.minions().unwrap())
    };
    assert_eq!(with(7), with(7));
    assert_ne!(with(7), with(8));
    // The same on every machine, forever: what was recorded can be run again.
    assert_eq!(with(7)[..5], [12, 36, 38, 40, 48]);
}

#[test]
fn batches_of_your_own_are_released_as_given() {
    let profile = Profile::batches([(secs(1), 2), (secs(1), 1), (secs(5), 3)]);
    assert_eq!(profile.minions(), Some(6));
    assert_eq!(offsets(&profile, 6), [1000, 1000, 1000, 5000, 5000, 5000]);
}

#[test]
fn problems_of_batches_and_arrivals_are_named() {
    let rate = ArrivalRate::per_second;
    let arrivals = |rates: &[ArrivalRate]| Profile::arrivals(rates.to_vec());
    let days = |days: u64| secs(days * 24 * 3600);
    for (profile, expected) in [
        (Profile::more(0, secs(1), 2.0, 10), ProfileProblem::EmptyBatch),
        (Profile::more(1, secs(0), 2.0, 10), ProfileProblem::NoPeriod),
        (Profile::more(1, secs(1), 0.99, 10), ProfileProblem::MultiplierBelowOne),
        (Profile::more(1, secs(1), f64::NAN, 10), ProfileProblem::MultiplierBelowOne),
        (Profile::more(9, secs(1), 2.0, 8), ProfileProblem::LargestBelowFirst),
        (Profile::faster(0, secs(2), 2.0, secs(1)), ProfileProblem::EmptyBatch),
        (Profile::faster(1, secs(2), 2.0, secs(0)), ProfileProblem::NoShortestPeriod),
        (Profile::faster(1, secs(2), 0.5, secs(1)), ProfileProblem::AcceleratorBelowOne),
        (Profile::faster(1, secs(1), 2.0, secs(2)), ProfileProblem::FirstBelowShortest),
        (arrivals(&[]), ProfileProblem::Empty),
        (arrivals(&[rate(5)]), ProfileProblem::NoDuration),
        (arrivals(&[rate(5).ramp(secs(2)).total(secs(1))]), ProfileProblem::TotalBelowRamp),
        (arrivals(&[rate(0).total(secs(9))]), ProfileProblem::NoMinion),
        (arrivals(&[rate(1).total(days(31))]), ProfileProblem::RateTooLong { longest: days(30) }),
        (arrivals(&[rate(u32::MAX).total(days(1))]), ProfileProblem::TooManyMinions { most: 100_000_000 }),
        (arrivals(&[rate(5).total(secs(2))]), ProfileProblem::OtherMinions { given: 10, scenario: 7 }),
        (Profile::batches([]), ProfileProblem::Empty),
        (Profile::batches([(secs(1), 0)]), ProfileProblem::EmptyBatch),
        (Profile::batches([(secs(1), 3), (secs(0), 4)]), ProfileProblem::UnorderedBatches),
        (Profile::batches([(secs(1), 6)]), ProfileProblem::OtherMinions { given: 6, scenario: 7 }),
        (
            Profile::batches(std::iter::repeat_n((secs(1), 1), 100_001)),
            ProfileProblem::TooManyBatches { count: 100_001, most: 100_000 },
        ),
    ] {
        assert_eq!(profile.problem(7), Some(expected), "{profile}");
    }
}

#[test]
fn the_largest_loads_are_computed_without_overflow() {
    let days = |days: u64| secs(days * 24 * 3600);
    let longest = Profile::arrivals([ArrivalRate::per_second(77).ramp(days(30))]);
    let count = longest.minions().unwrap();
    assert_eq!(longest.problem(count), None);
    assert!(longest.launches(1000, Segment::WHOLE).is_sorted());
    let flood = Profile::arrivals([ArrivalRate::per_second(u32::MAX).total(Duration::from_millis(23))]);
    assert_eq!(flood.minions(), Some(98_784_248));
    assert!(flood.launches(1000, Segment::WHOLE).is_sorted());
}

#[test]
fn profiles_read_as_sentences() {
    let rates = [
        ArrivalRate::per_second(50).ramp(secs(10)).total(secs(30)),
        ArrivalRate::per_minute(90).total(secs(60)),
        ArrivalRate::per_second(0).ramp(secs(5)),
    ];
    for (profile, text) in [
        (Profile::more(5, secs(1), 1.5, 100), "5 every 1 s, 1.5 times as many each, at most 100"),
        (
            Profile::faster(5, secs(1), 1.25, Duration::from_millis(100)),
            "5 every 1 s, 1.25 times as often each, at most every 100 ms",
        ),
        (
            Profile::arrivals(rates).poisson(7),
            "arriving at 50/s over 10 s for 30 s, then 90/min for 60 s, then 0/s over 5 s for 5 s, Poisson with seed 7",
        ),
        (Profile::batches([(secs(1), 2), (secs(5), 3)]), "2 at 1 s, 3 at 5 s"),
        (
            Profile::batches((1..=7).map(|n| (secs(n), 1))),
            "1 at 1 s, 1 at 2 s, 1 at 3 s, 1 at 4 s, 1 at 5 s and 2 more batches",
        ),
    ] {
        assert_eq!(profile.to_string(), text);
    }
}

/// How many have arrived until `at` when arrivals are the area under the rates.
fn area(rates: &[ArrivalRate], at: f64) -> f64 {
    let (mut before, mut start, mut area) = (0.0, 0.0, 0.0);
    for rate in rates {
        let own = rate.per_hour as f64 / 3600.0;
        let (ramp, total) = (rate.ramp.as_secs_f64(), rate.total.as_secs_f64());
        let within = (at - start).clamp(0.0, total);
        let ramped = within.min(ramp);
        if ramp > 0.0 {
            area += before * ramped + (own - before) * ramped * ramped / (2.0 * ramp);
        }
        area += own * (within - ramped);
        before = own;
        start += total;
    }
    area
}

fn any_rate() -> impl Strategy<Value = ArrivalRate> {
    let ms = |max| (0_u64..max).prop_map(Duration::from_millis);
    (0_u32..6000, ms(5000), ms(5000)).prop_map(|(per_minute, ramp, hold)| {
        let hold = hold + Duration::from_millis(1);
        ArrivalRate::per_minute(per_minute).ramp(ramp).total(ramp + hold)
    })
}

fn any_arrivals() -> impl Strategy<Value = Profile> {
    (proptest::collection::vec(any_rate(), 1..5), proptest::option::of(any::<u64>()))
        .prop_map(|(rates, seed)| {
            let even = Profile::arrivals(rates);
            seed.map_or(even.clone(), |seed| even.poisson(seed))
        })
        .prop_filter("somebody arrives", |profile| profile.minions() > Some(0))
}

fn any_batches() -> impl Strategy<Value = Profile> {
    proptest::collection::vec((0_u64..10_000, 1_u32..100), 1..20).prop_map(|mut batches| {
        batches.sort_unstable();
        Profile::batches(batches.into_iter().map(|(at, count)| (Duration::from_millis(at), count)))
    })
}

/// A profile and a number of minions that fits it.
fn any_load() -> impl Strategy<Value = (Profile, u32)> {
    (any_profile(), 0_u32..3000).prop_map(|(profile, minions)| {
        let minions = profile.minions().unwrap_or(minions);
        (profile, minions)
    })
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let ms = |max| (1_u64..max).prop_map(Duration::from_millis);
    prop_oneof![
        Just(Profile::Immediate),
        (1_u32..50, ms(2000)).prop_map(|(count, every)| Profile::Regular { count, every }),
        (ms(500), 1_u32..50).prop_map(|(every, n)| Profile::Timeframe { every, within: every * n }),
        (1_u32..99, ms(5000), ms(5000), ms(5000)).prop_map(|(percent, up, total, up2)| Profile::stages([
            Stage::percent(percent).ramp_up(up).total(up + total),
            Stage::percent(100 - percent).ramp_up(up2),
        ])),
        (1_u32..50, ms(2000), 1.0..3.0, 50_u32..500)
            .prop_map(|(count, every, multiplier, max)| Profile::more(count, every, multiplier, max)),
        (1_u32..50, ms(2000), 1.0..3.0, ms(500)).prop_map(|(count, start, accelerator, min)| {
            Profile::faster(count, start + min, accelerator, min)
        }),
        any_arrivals(),
        any_batches(),
    ]
}

proptest! {
    #[test]
    fn the_union_of_any_split_is_the_whole(
        (profile, minions) in any_load(),
        weights in proptest::collection::vec(1_u32..100, 1..6),
    ) {
        prop_assert_eq!(profile.problem(minions), None);
        let whole: Vec<Launch> = profile.launches(minions, Segment::WHOLE).collect();
        let mut union: Vec<Launch> =
            Segment::split(&weights).iter().flat_map(|s| profile.launches(minions, *s).collect::<Vec<_>>()).collect();
        union.sort();
        prop_assert!(whole.is_sorted(), "launches come in order of time");
        prop_assert_eq!(whole.len() as u32, minions);
        prop_assert_eq!(whole, union);
    }

    #[test]
    fn no_launch_lies_after_the_end((profile, minions) in any_load()) {
        let end = profile.duration(minions);
        prop_assert!(profile.launches(minions, Segment::WHOLE).all(|l| l.at <= end));
    }

    #[test]
    fn an_instant_is_a_function_of_the_index((profile, minions) in any_load(), index in any::<u32>()) {
        prop_assume!(minions > 0);
        let index = index % minions;
        let launch = profile.launches(minions, Segment::WHOLE).nth(index as usize).unwrap();
        prop_assert_eq!(launch, Launch { at: profile.at(index, minions), minion: index });
    }

    #[test]
    fn a_profile_survives_the_way_to_a_factory((profile, _) in any_load()) {
        let json = serde_json::to_string(&profile).unwrap();
        prop_assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
    }

    #[test]
    fn even_arrivals_come_when_the_area_under_the_rates_is_their_number(
        rates in proptest::collection::vec(any_rate(), 1..5),
    ) {
        let profile = Profile::arrivals(rates.clone());
        for launch in profile.launches(profile.minions().unwrap(), Segment::WHOLE) {
            let arrived = area(&rates, launch.at.as_secs_f64());
            // Instants are whole nanoseconds, at up to 100 arrivals per second.
            prop_assert!((arrived - f64::from(launch.minion)).abs() < 1e-5, "{launch:?}: {arrived}");
        }
    }

    #[test]
    fn batches_of_a_fixed_pace_are_a_quotient(count in 1_u32..50, every in 1_u64..2000, minions in 1_u32..3000) {
        let profile = Profile::regular(count, Duration::from_millis(every));
        for launch in profile.launches(minions, Segment::WHOLE) {
            prop_assert_eq!(launch.at.as_millis() as u64, u64::from(launch.minion / count) * every);
        }
    }

    #[test]
    fn the_ticks_of_a_timeframe_differ_by_one_minion_at_most(
        every in 1_u64..500, ticks in 1_u64..50, minions in 1_u32..3000,
    ) {
        let at = Duration::from_millis;
        let mut counts = vec![0_u32; ticks as usize];
        for launch in Profile::timeframe(at(every), at(every * ticks)).launches(minions, Segment::WHOLE) {
            prop_assert_eq!(launch.at.as_millis() as u64 % every, 0);
            counts[(launch.at.as_millis() as u64 / every) as usize] += 1;
        }
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
    }

    #[test]
    fn the_number_of_arrivals_is_the_area_under_the_rates(rates in proptest::collection::vec(any_rate(), 1..5)) {
        let mut before = 0.0;
        let mut area = 0.0;
        for rate in &rates {
            let own = rate.per_hour as f64 / 3600.0;
            area += (before + own) / 2.0 * rate.ramp.as_secs_f64();
            area += own * (rate.total - rate.ramp).as_secs_f64();
            before = own;
        }
        let minions = f64::from(Profile::arrivals(rates).minions().unwrap());
        prop_assert!(minions >= area - 1e-6 && minions < area + 1.0 + 1e-6, "{minions} for {area}");
    }
}
