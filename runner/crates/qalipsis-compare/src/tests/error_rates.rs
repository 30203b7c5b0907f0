//! How often a comparison is wrong: what `runner/docs/baseline.md` promises, with the real decision.
//!
//! The seeds are fixed, so that the counts are always the same: when one changes, the decision did.

use super::simulate::{AUTOCORRELATED, Fault, HEALTHY, NOISY, PAUSING, QUIET, System, TWO_MODES, dice, run};
use crate::{Verdict, compare};

/// Comparisons of each kind.
const REPEATED: u64 = 100;

/// In how many of [`REPEATED`] comparisons `place` got worse, and in how many something else did.
fn found(system: System, fault: Fault, baselines: usize) -> (u64, u64) {
    let (mut place, mut others) = (0, 0);
    for seed in 0..REPEATED {
        let mut dice = dice(seed * 1_000 + baselines as u64);
        let before: Vec<_> = (0..baselines).map(|_| run(system, HEALTHY, &mut dice)).collect();
        let comparison = compare(&before, &run(system, fault, &mut dice));
        let worse = |is_place: bool| {
            comparison
                .subjects()
                .any(|(_, s)| (s.name == "place") == is_place && s.verdict() == Verdict::Regression)
        };
        place += u64::from(worse(true));
        others += u64::from(worse(false));
    }
    (place, others)
}

#[track_caller]
fn assert_false_alarms(system: System, baselines: usize, at_most: u64) {
    let (place, others) = found(system, HEALTHY, baselines);
    assert!(place + others <= at_most, "{baselines} baselines: {place} + {others} false alarms");
}

#[track_caller]
fn assert_found(system: System, fault: Fault, baselines: usize, at_least: u64) {
    let (place, others) = found(system, fault, baselines);
    assert!(place >= at_least, "{baselines} baselines: found in {place}");
    assert!(others <= 2, "{baselines} baselines: others were blamed in {others}");
}

#[test]
fn identical_runs_are_not_called_worse() {
    for system in [QUIET, AUTOCORRELATED, TWO_MODES] {
        for baselines in [1, 5] {
            assert_false_alarms(system, baselines, 2);
        }
    }
}

#[test]
fn few_executions_are_not_trusted_too_much() {
    assert_false_alarms(System { executions: 25, memory: 0.8, ..QUIET }, 1, 2);
}

/// Pauses that hit a good part of a run make runs that differ by chance as much as by a fault.
#[test]
fn a_system_that_pauses_in_some_runs_is_seldom_called_worse() {
    for baselines in [1, 5] {
        assert_false_alarms(PAUSING, baselines, 6);
    }
}

#[test]
fn several_baselines_learn_a_noisy_machine() {
    for baselines in [5, 10] {
        assert_false_alarms(NOISY, baselines, 4);
    }
}

#[test]
fn a_step_that_is_1_3_times_slower_is_found_and_no_other_is_blamed() {
    let slower = Fault { slower: 1.3, ..HEALTHY };
    assert_found(QUIET, slower, 1, 95);
    assert_found(AUTOCORRELATED, slower, 1, 85);
    for baselines in [3, 5] {
        assert_found(QUIET, slower, baselines, 95);
        assert_found(AUTOCORRELATED, slower, baselines, 95);
    }
}

#[test]
fn a_slow_minority_is_found_although_the_median_stays() {
    let minority = Fault { much_slower: 0.06, ..HEALTHY };
    assert_found(AUTOCORRELATED, minority, 5, 95);
}

#[test]
fn failures_that_nobody_had_before_are_found() {
    let failing = Fault { failing: 0.05, ..HEALTHY };
    for baselines in [1, 5] {
        assert_found(QUIET, failing, baselines, 95);
    }
}

/// How many of [`REPEATED`] runs on a busy machine got worse than five on a quiet one.
fn worse_when_busy(busy: f64, fault: Fault, seen: bool) -> u64 {
    let worse = |seed: &u64| {
        let mut dice = dice(*seed);
        let before: Vec<_> = (0..5).map(|_| run(QUIET, HEALTHY, &mut dice)).collect();
        let mut after = run(System { busy, ..QUIET }, fault, &mut dice);
        if !seen {
            after.scenarios[0].release_lag = before[0].scenarios[0].release_lag.clone();
        }
        compare(&before, &after).regressed()
    };
    (0..REPEATED).filter(worse).count() as u64
}

#[test]
fn a_busy_machine_is_not_taken_for_a_slow_system() {
    let alarms = worse_when_busy(0.15, HEALTHY, true);
    assert!(alarms <= 2, "{alarms} false alarms");
    let blind = worse_when_busy(0.15, HEALTHY, false);
    assert!(blind >= 95, "only the release lag distinguishes them: {blind}");
    let found = worse_when_busy(0.15, Fault { slower: 1.3, ..HEALTHY }, true);
    assert!(found >= 95, "a slow system on a busy machine is found all the same: {found}");
    let found = worse_when_busy(0.6, Fault { slower: 10.0, ..HEALTHY }, true);
    assert_eq!(found, REPEATED, "ten times is never missed");
}
