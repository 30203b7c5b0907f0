//! Which part of a run something else on the machine disturbed, seen at the load generator.
//!
//! The generator knows to the microsecond when it wanted to release each minion, and how late it was: a probe of
//! the machine that runs beside the system all the time, and that no change of the system itself moves. Where
//! it was late, durations say more about the machine than about the system. The idea of a control measured at the
//! same time is that of duet benchmarking (Bulej et al. 2020).

use super::run::ScenarioRun;
use qalipsis_model::histogram::Histogram;

/// How much later than usual a release is when something kept the machine busy, in nanoseconds.
const LATE_NS: u64 = 2_000_000;

/// A late release is one moment; executions begin before it and end after it.
const EXECUTIONS_PER_RELEASE: f64 = 2.0;

/// How often an execution waits for a processor as a release does, at the least: to be sent, at each side of the
/// system, for the answer.
const WAITS_PER_EXECUTION: f64 = 4.0;

/// The most of a run that is left out: there must be something left to judge.
pub(super) const MOST: f64 = 0.5;

/// The runs of a scenario that can be compared with each other, and the share of each that is trimmed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Undisturbed {
    /// By earlier run: whether it was disturbed no more than is left out.
    pub(super) usable: Vec<bool>,
    /// The share of executions that is left out of each run, from the slow end.
    pub(super) trimmed_share: f64,
    /// The share of the current run that was disturbed.
    pub(super) now: f64,
    /// By how much a duration may rise for the machine alone, in nanoseconds: it made the load generator wait
    /// longer at each release.
    pub(super) noise_allowance_ns: f64,
    /// Whether something else kept the machine busier than in the earlier runs. What got slower only in its slowest
    /// executions may then have waited for the machine.
    pub(super) busier: bool,
}

/// By how much the median release lag rises on a machine that is busier, in nanoseconds.
const BUSIER_NS: u64 = 250_000;

/// Less than this is not worth a note.
const WORTH_A_NOTE: f64 = 0.02;

impl Undisturbed {
    /// What limits the comparison of durations.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.trimmed_share >= WORTH_A_NOTE {
            let percent = (self.trimmed_share * 100.0).round();
            let whose = if self.now >= self.trimmed_share { "this run" } else { "the baseline" };
            notes.push(format!(
                "the machine was busy with something else in {whose}, as the release lag shows: the \
                 slowest {percent} % of the executions are left out of the comparison of durations"
            ));
        }
        let unusable = self.usable.iter().filter(|usable| !**usable).count();
        if unusable > 0 {
            notes.push(format!(
                "durations of {unusable} of {} baselines are not used: their machine was busy with something else",
                self.usable.len()
            ));
        }
        notes
    }
}

/// What must be left out of all runs alike, so that shares of the same distributions are compared.
///
/// As much as the current run was disturbed, or the usual earlier one. Earlier runs that were disturbed more
/// are not used for durations; at least half of them are.
pub(super) fn undisturbed(before: &[&ScenarioRun], now: &ScenarioRun) -> Undisturbed {
    let late: Vec<u64> = before.iter().filter_map(|run| late_from(&run.release_lag)).collect();
    let late = median(&late).unwrap_or(LATE_NS);
    let earlier: Vec<f64> = before.iter().map(|run| disturbed(&run.release_lag, late)).collect();
    let lag = now.release_lag.percentile_ns(50.0).unwrap_or(0);
    let now = disturbed(&now.release_lag, late);
    let usual = median(&earlier).unwrap_or(0.0);
    let trimmed_share = now.max(usual);
    let usable: Vec<bool> = earlier.iter().map(|share| *share <= trimmed_share).collect();
    let lags = before.iter().zip(&usable).filter(|(_, usable)| **usable);
    let lags: Vec<u64> = lags.filter_map(|(run, _)| run.release_lag.percentile_ns(50.0)).collect();
    let rise = lag.saturating_sub(median(&lags).unwrap_or(lag));
    let busier = now >= usual + WORTH_A_NOTE || rise >= BUSIER_NS;
    Undisturbed { usable, trimmed_share, now, noise_allowance_ns: WAITS_PER_EXECUTION * rise as f64, busier }
}

/// From which lag on a release of such a run is late: a steady lag, as of many minions at once, is not.
fn late_from(lag: &Histogram) -> Option<u64> {
    Some((lag.percentile_ns(50.0)? + LATE_NS).max(lag.percentile_ns(95.0)?))
}

fn disturbed(lag: &Histogram, late_ns: u64) -> f64 {
    let late: u64 = lag.counts().filter(|(ns, _)| *ns > late_ns).map(|(_, n)| n).sum();
    (EXECUTIONS_PER_RELEASE * late as f64 / lag.count().max(1) as f64).min(MOST)
}

/// The middle value, the lower one of two.
fn median<T: PartialOrd + Copy>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("shares and durations have an order"));
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A run of 1000 minions of which some were released late.
    fn run(late: u64, usual_ns: u64) -> ScenarioRun {
        let mut release_lag = Histogram::default();
        release_lag.record_n(usual_ns, 1_000 - late);
        release_lag.record_n(usual_ns + 50_000_000, late);
        ScenarioRun {
            name: String::new(),
            load: String::new(),
            duration: Duration::ZERO,
            release_lag,
            subjects: Vec::new(),
        }
    }

    #[test]
    fn as_much_is_left_out_as_the_current_run_was_disturbed() {
        let (quiet, now) = (run(0, 100_000), run(100, 100_000));
        let result = undisturbed(&[&quiet, &quiet], &now);
        assert_eq!((result.usable, result.trimmed_share, result.now), (vec![true, true], 0.2, 0.2));
        assert!(
            result.noise_allowance_ns < 10_000.0,
            "{}: the usual release lag is the same",
            result.noise_allowance_ns
        );
    }

    #[test]
    fn an_earlier_run_that_was_disturbed_more_is_not_used() {
        let (quiet, loud) = (run(0, 100_000), run(200, 100_000));
        let result = undisturbed(&[&quiet, &loud, &quiet], &run(10, 100_000));
        assert_eq!((result.usable, result.trimmed_share), (vec![true, false, true], 0.02));
    }

    #[test]
    fn a_machine_that_is_slower_to_serve_everybody_is_allowed_for() {
        let result = undisturbed(&[&run(0, 131_071)], &run(0, 1_048_575));
        assert_eq!(result.trimmed_share, 0.0);
        assert!((result.noise_allowance_ns - 4.0 * 917_504.0).abs() < 50_000.0, "{result:?}");
        assert_eq!(undisturbed(&[&run(0, 1_048_575)], &run(0, 131_071)).noise_allowance_ns, 0.0);
    }

    #[test]
    fn a_run_that_was_never_quiet_keeps_half() {
        let result = undisturbed(&[&run(0, 100_000)], &run(900, 100_000));
        assert_eq!(result.trimmed_share, MOST);
    }

    #[test]
    fn a_generator_that_is_always_late_is_not_disturbed() {
        let always = run(0, 30_000_000);
        assert_eq!(undisturbed(&[&always], &always).trimmed_share, 0.0);
        let without_lag = ScenarioRun { release_lag: Histogram::default(), ..always.clone() };
        assert_eq!(undisturbed(&[&without_lag], &without_lag).trimmed_share, 0.0);
    }
}
