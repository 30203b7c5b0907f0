//! Load and response times over time, in a bounded number of buckets.

use crate::report::{StepTimeline, TimelineReport};
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::ScenarioFigures;
use std::collections::BTreeMap;
use std::time::Duration;

/// Buckets that are kept. Beyond it each pair becomes one of double width.
pub const BUCKETS: usize = 300;

/// The width that buckets begin with: factories send their differences about once a second.
const FIRST_WIDTH: Duration = Duration::from_secs(1);

/// What one scenario did, by the time since the start of the load.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    width: Duration,
    buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Bucket {
    released: u64,
    ended: u64,
    /// By index of the step.
    steps: BTreeMap<u32, StepBucket>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct StepBucket {
    executions: u64,
    failures: u64,
    /// Response times, of a join latencies.
    times: Coarse,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, buckets: Vec::new() }
    }
}

impl Timeline {
    /// Adds what happened about `elapsed` after the start of the load.
    pub fn add(&mut self, elapsed: Duration, figures: &ScenarioFigures) {
        let index = loop {
            let index = elapsed.as_nanos() / self.width.as_nanos();
            if index < BUCKETS as u128 {
                break index as usize;
            }
            self.widen();
        };
        if self.buckets.len() <= index {
            self.buckets.resize_with(index + 1, Bucket::default);
        }
        let bucket = &mut self.buckets[index];
        bucket.released += figures.released;
        bucket.ended += figures.ended;
        // A late record comes after its execution ended.
        for (index, figures) in figures.steps.iter().filter(|(_, f)| f.executions() > 0 || f.late.is_some()) {
            let step = bucket.steps.entry(*index).or_default();
            step.executions += figures.executions();
            step.failures += figures.failures();
            step.times.add(&figures.times_shown());
        }
    }

    fn widen(&mut self) {
        self.width *= 2;
        let pairs = self.buckets.chunks_mut(2).map(|pair| {
            let mut first = std::mem::take(&mut pair[0]);
            if let Some(second) = pair.get(1) {
                first.merge(second);
            }
            first
        });
        self.buckets = pairs.collect();
    }

    /// As outputs show it, for a scenario that declares so many steps.
    pub fn report(&self, steps: usize) -> TimelineReport {
        let mut report = TimelineReport { width: self.width, ..TimelineReport::default() };
        let mut active = 0_u64;
        for bucket in &self.buckets {
            active = (active + bucket.released).saturating_sub(bucket.ended);
            report.released.push(bucket.released);
            report.active.push(active);
            report.executions.push(bucket.steps.values().map(|s| s.executions).sum());
            report.failures.push(bucket.steps.values().map(|s| s.failures).sum());
        }
        report.steps = (0..steps as u32).map(|index| self.step(index)).collect();
        report
    }

    fn step(&self, index: u32) -> StepTimeline {
        let nothing = StepBucket::default();
        let mut timeline = StepTimeline::default();
        for bucket in &self.buckets {
            let step = bucket.steps.get(&index).unwrap_or(&nothing);
            timeline.executions.push(step.executions);
            timeline.failures.push(step.failures);
            timeline.p50_ns.push(step.times.percentile_ns(50.0));
            timeline.p95_ns.push(step.times.percentile_ns(95.0));
            timeline.max_ns.push(step.times.largest_ns());
        }
        timeline
    }
}

impl Bucket {
    fn merge(&mut self, other: &Self) {
        self.released += other.released;
        self.ended += other.ended;
        for (index, theirs) in &other.steps {
            let ours = self.steps.entry(*index).or_default();
            ours.executions += theirs.executions;
            ours.failures += theirs.failures;
            ours.times.merge(&theirs.times);
        }
    }
}

/// Binary digits that a value keeps.
const DIGITS: u32 = 5;

/// A distribution in a few hundred bytes, for there is one per step and bucket: values are right within 2 %.
///
/// Each power of two is divided into 2^[`DIGITS`] equal parts. The maximum is exact.
#[derive(Debug, Clone, PartialEq, Default)]
struct Coarse {
    counts: BTreeMap<u16, u64>,
    max_ns: u64,
}

impl Coarse {
    fn add(&mut self, histogram: &Histogram) {
        for (value, count) in histogram.counts() {
            *self.counts.entry(part(value)).or_default() += count;
        }
        self.max_ns = self.max_ns.max(histogram.max_ns().unwrap_or(0));
    }

    fn merge(&mut self, other: &Self) {
        for (part, count) in &other.counts {
            *self.counts.entry(*part).or_default() += count;
        }
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    fn largest_ns(&self) -> Option<u64> {
        (!self.counts.is_empty()).then_some(self.max_ns)
    }

    fn percentile_ns(&self, percent: f64) -> Option<u64> {
        let count: u64 = self.counts.values().sum();
        let rank = ((percent * count as f64 / 100.0).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.counts.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        reached.map(|(part, _)| middle(*part).min(self.max_ns))
    }
}

/// The part that a value belongs to.
fn part(value: u64) -> u16 {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(DIGITS + 1);
    ((shift << DIGITS) as u64 + (value >> shift)) as u16
}

/// The middle of a part.
fn middle(part: u16) -> u64 {
    let shift = u64::from(part >> DIGITS).saturating_sub(1);
    let digits = u64::from(part) - (shift << DIGITS);
    (digits << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qalipsis_model::snapshot::{ExecutionOutcome, StepKind};

    fn second(executions: u64, failures: u64, response_ns: u64) -> ScenarioFigures {
        let mut figures = ScenarioFigures { released: executions, ended: executions, ..Default::default() };
        let step = figures.steps.entry(1).or_default();
        (failures..executions).for_each(|_| step.record(ExecutionOutcome::Success, 1, response_ns));
        (0..failures).for_each(|_| step.record(ExecutionOutcome::Error, 1, response_ns));
        figures
    }

    #[test]
    fn each_second_has_its_own_bucket() {
        let mut timeline = Timeline::default();
        timeline.add(Duration::from_millis(500), &ScenarioFigures { released: 5, ..second(3, 1, 1_000) });
        timeline.add(Duration::from_millis(2_400), &ScenarioFigures { ended: 4, ..second(2, 0, 9_000) });
        timeline.add(Duration::from_millis(2_500), &second(1, 0, 5_000));
        let report = timeline.report(2);
        assert_eq!(report.width, Duration::from_secs(1));
        assert_eq!(report.released, [5, 0, 3]);
        assert_eq!(report.active, [2, 2, 0]);
        assert_eq!(report.executions, [3, 0, 3]);
        assert_eq!(report.failures, [1, 0, 0]);
        assert_eq!(report.steps[0].executions, [0, 0, 0]);
        assert_eq!(report.steps[1].max_ns, [Some(1_000), None, Some(9_000)]);
        let p50 = report.steps[1].p50_ns[0].unwrap();
        assert!(p50.abs_diff(1_000) <= 20, "{p50}");
    }

    #[test]
    fn a13_a_join_over_time_is_its_latency_and_not_its_waiting_time() {
        let mut timeline = Timeline::default();
        let mut figures = second(2, 1, 7);
        let join = figures.steps.entry(1).or_default();
        join.kind = Some(StepKind::Join);
        join.latency.get_or_insert_default().record(57_000);
        timeline.add(Duration::from_millis(500), &figures);
        // One that is late comes when nothing of the step ends any more, and one that is missing has no time.
        let mut late = ScenarioFigures::default();
        late.steps.entry(1).or_default().late.get_or_insert_default().record(900_000);
        timeline.add(Duration::from_millis(1_500), &late);
        let mut missing = second(1, 1, 5);
        missing.steps.entry(1).or_default().kind = Some(StepKind::Join);
        timeline.add(Duration::from_millis(2_500), &missing);
        let step = &timeline.report(2).steps[1];
        assert_eq!(step.max_ns, [Some(57_000), Some(900_000), None]);
        assert_eq!((step.p50_ns[2], step.executions[2]), (None, 1));
    }

    #[test]
    fn a_day_fits_and_nothing_is_lost() {
        let mut timeline = Timeline::default();
        for minute in 1..=1_440 {
            timeline.add(Duration::from_secs(minute * 60 - 1), &second(2, 1, minute));
        }
        let report = timeline.report(2);
        assert!(report.released.len() <= BUCKETS && report.released.len() > BUCKETS / 2);
        assert_eq!(report.width, Duration::from_secs(512));
        assert_eq!(report.steps[1].executions.iter().sum::<u64>(), 2 * 1_440);
        assert_eq!(report.failures.iter().sum::<u64>(), 1_440);
        assert_eq!(report.steps[1].max_ns.last(), Some(&Some(1_440)));
    }

    proptest! {
        #[test]
        fn coarse_percentiles_are_within_two_percent(
            mut samples in proptest::collection::vec(1_u64..3_000_000_000_000, 1..200),
            percent in 1_u32..=100,
        ) {
            let mut histogram = Histogram::default();
            samples.iter().for_each(|s| histogram.record(*s));
            let mut coarse = Coarse::default();
            coarse.add(&histogram);
            samples.sort_unstable();
            let exact = samples[(samples.len() * percent as usize).div_ceil(100) - 1];
            let got = coarse.percentile_ns(f64::from(percent)).unwrap();
            // The histogram it is made of may be off by 1 % already.
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.03 + 1.0, "{got} for {exact}");
        }

        #[test]
        fn the_middle_of_a_part_belongs_to_it(value in any::<u64>()) {
            prop_assert_eq!(part(middle(part(value))), part(value));
        }
    }
}
