//! Values watched over time: backlogs, depths, counts.

use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The points of a series that are kept. Beyond it each pair becomes the larger of the two.
pub const SERIES_LIMIT: usize = 4_096;

/// How far a value may fall below its peak without ending its rise, as a share of the peak.
pub const DIP: f64 = 0.1;

/// The readings of one meter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeterFigures {
    /// What is read, as people know it: `lag of group fulfilment`.
    pub gauge: String,
    /// The unit of the values; may be empty.
    pub unit: String,
    /// Over time, earliest first.
    pub series: Vec<(Timestamp, f64)>,
    /// The last value of each part.
    pub parts: BTreeMap<String, f64>,
    /// Number of readings.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// Readings that failed.
    pub failures: u64,
    /// Why the last of them did.
    pub last_failure: Option<String>,
}

impl MeterFigures {
    /// Adds one reading.
    pub fn record(&mut self, at: Timestamp, value: f64) {
        self.series.push((at, value));
        self.count += 1;
        self.sum += value;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        self.thin();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        if self.gauge.is_empty() {
            self.gauge.clone_from(&other.gauge);
            self.unit.clone_from(&other.unit);
        }
        let in_order =
            self.series.last().zip(other.series.first()).is_none_or(|(ours, theirs)| ours.0 <= theirs.0);
        self.series.extend(&other.series);
        if !in_order {
            self.series.sort_by_key(|(at, _)| *at);
        }
        self.parts.extend(other.parts.iter().map(|(name, value)| (name.clone(), *value)));
        self.count += other.count;
        self.sum += other.sum;
        self.min = [self.min, other.min].into_iter().flatten().reduce(f64::min);
        self.max = [self.max, other.max].into_iter().flatten().reduce(f64::max);
        self.failures += other.failures;
        if other.last_failure.is_some() {
            self.last_failure.clone_from(&other.last_failure);
        }
        self.thin();
    }

    /// The mean of the readings.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The last reading.
    pub fn last(&self) -> Option<f64> {
        self.series.last().map(|(_, value)| *value)
    }

    /// The longest time from the beginning of a rise to its peak.
    ///
    /// A rise begins at the last reading of its lowest value. It ends when the value falls more than
    /// [`DIP`] below its peak: readings of a busy system are never quite monotonic.
    pub fn longest_growth(&self) -> Option<Duration> {
        let mut begin = self.series.first()?;
        let mut peak = begin.1;
        let mut longest = Duration::ZERO;
        for reading in &self.series[1..] {
            if reading.1 > peak {
                peak = reading.1;
                longest = longest.max(reading.0.since(begin.0));
            } else if reading.1 <= begin.1 || reading.1 < peak * (1.0 - DIP) {
                (begin, peak) = (reading, reading.1);
            }
        }
        Some(longest)
    }

    /// When it was first back where it was at the first reading, at or after `from`.
    pub fn drained_at(&self, from: Timestamp) -> Option<Timestamp> {
        let floor = self.series.first()?.1;
        self.series.iter().find(|(at, value)| *at >= from && *value <= floor).map(|(at, _)| *at)
    }

    fn thin(&mut self) {
        if self.series.len() > SERIES_LIMIT {
            // A drain is compared with the first reading.
            let first = self.series[0];
            let larger = |pair: &[(Timestamp, f64)]| pair.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
            self.series =
                std::iter::once(first).chain(self.series[1..].chunks(2).filter_map(larger)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(values: &[f64]) -> MeterFigures {
        let mut meter = MeterFigures::default();
        for (second, value) in values.iter().enumerate() {
            meter.record(Timestamp(second as u64 * 1_000_000_000), *value);
        }
        meter
    }

    #[test]
    fn growth_is_the_longest_rise() {
        let seconds = |values: &[f64]| meter(values).longest_growth().map(|d| d.as_secs());
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[5.0, 5.0, 5.0]), Some(0));
        assert_eq!(seconds(&[0.0, 1.0, 1.0, 2.0, 1.0, 5.0]), Some(3));
        assert_eq!(seconds(&[9.0, 8.0, 7.0]), Some(0));
        assert_eq!(seconds(&[0.0, 0.0, 0.0, 0.0, 10.0]), Some(1), "standing still is no rise");
        assert_eq!(seconds(&[100.0, 200.0, 190.0, 210.0]), Some(3), "a dip does not end a rise");
    }

    #[test]
    fn it_is_drained_when_it_is_back_where_it_was() {
        let meter = meter(&[2.0, 10.0, 50.0, 20.0, 2.0, 0.0]);
        let at = |second: u64| Timestamp(second * 1_000_000_000);
        assert_eq!(meter.drained_at(at(2)), Some(at(4)));
        assert_eq!(meter.drained_at(at(6)), None);
        assert_eq!(
            (meter.max, meter.min, meter.last(), meter.mean()),
            (Some(50.0), Some(0.0), Some(0.0), Some(14.0))
        );
    }

    #[test]
    fn the_series_is_bounded_and_keeps_its_peaks() {
        let values: Vec<f64> = (0..20_000).map(|i| if i == 7_777 { 1e6 } else { f64::from(i % 7) }).collect();
        let meter = meter(&values);
        assert!(meter.series.len() <= SERIES_LIMIT);
        assert_eq!(meter.count, 20_000);
        assert!(meter.series.iter().any(|(_, value)| *value == 1e6));
        assert!(meter.series.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn merging_differences_gives_the_whole() {
        let whole = meter(&[1.0, 4.0, 2.0]);
        let mut first = meter(&[1.0, 4.0]);
        let mut second = MeterFigures::default();
        second.record(Timestamp(2_000_000_000), 2.0);
        first.merge(&second);
        assert_eq!(first, whole);
    }
}
