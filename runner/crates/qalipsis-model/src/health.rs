//! How the load generator itself did: its machine's CPU and its clocks.

use crate::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// From here on, in percent, a machine counts as out of CPU.
pub const OUT_OF_CPU: u8 = 95;

/// The longest that reading both clocks may take for them to be compared: whoever is suspended in between reads
/// two times.
const READING_LIMIT: Duration = Duration::from_millis(20);

/// The state of its machine that a factory reports, since its last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// `None` after the load, and where it cannot be read.
    pub cpu: Option<CpuUse>,
    /// How far the wall clock moved against the monotonic one in ns; positive is forward.
    pub clock_jump_ns: i64,
}

/// CPU in use over a time of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuUse {
    /// The time, in ms.
    pub time_ms: u64,
    /// Of the machine, or of the part of it that the factory may use, whatever is closer to its end; in percent.
    pub machine: u8,
    /// By the factory, of what it may use; in percent.
    pub own: u8,
}

/// CPU in use over the whole load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuReport {
    /// Had by the factory on average, of what it may use; in percent.
    pub own_mean: u8,
    /// The same in the second in which it had most.
    pub own_max: u8,
    /// In use in the second in which most was, by any process: [`CpuUse::machine`].
    pub machine_max: u8,
}

/// What one process has reported so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthTotal {
    /// How long the machine was out of CPU during the load, by the share that the factory had of it in percent.
    out_of_cpu: BTreeMap<u8, Duration>,
    /// The largest jump of the wall clock in ns, of whatever direction.
    clock_jump_ns: i64,
    /// For how long the CPU was reported, in ms.
    cpu_time_ms: u64,
    /// What the factory had of that, in hundredths of ms.
    own_time: u64,
    own_max: u8,
    machine_max: u8,
}

impl HealthTotal {
    /// Adds what was reported.
    pub fn add(&mut self, health: &Health) {
        if let Some(cpu) = health.cpu {
            if cpu.machine >= OUT_OF_CPU {
                *self.out_of_cpu.entry(cpu.own).or_default() += Duration::from_millis(cpu.time_ms);
            }
            self.cpu_time_ms += cpu.time_ms;
            self.own_time += cpu.time_ms * u64::from(cpu.own);
            self.own_max = self.own_max.max(cpu.own);
            self.machine_max = self.machine_max.max(cpu.machine);
        }
        if health.clock_jump_ns.unsigned_abs() > self.clock_jump_ns.unsigned_abs() {
            self.clock_jump_ns = health.clock_jump_ns;
        }
    }

    /// How long the machine was out of CPU while the factory used at least `own` percent of it.
    pub fn out_of_cpu(&self, own: u8) -> Duration {
        self.out_of_cpu.range(own..).map(|(_, time)| *time).sum()
    }

    /// The CPU over the whole load; `None` where it could not be read.
    pub fn cpu(&self) -> Option<CpuReport> {
        let own_mean = self.own_time.checked_div(self.cpu_time_ms)?;
        let (own_max, machine_max) = (self.own_max, self.machine_max);
        Some(CpuReport { own_mean: u8::try_from(own_mean).ok()?, own_max, machine_max })
    }

    /// The largest jump of the wall clock in ns, of whatever direction; positive is forward.
    pub fn clock_jump_ns(&self) -> i64 {
        self.clock_jump_ns
    }
}

/// Compares the wall clock with the monotonic one, from one reading to the next.
///
/// Both run equally fast but for the little by which a time service slews the wall clock; a step of it, or a time
/// in which the machine slept, is a jump.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClockWatch {
    /// Wall clock less monotonic clock in ns, at the last reading.
    offset_ns: Option<i128>,
}

impl ClockWatch {
    /// Takes a reading of the wall clock, between two of the monotonic one since whatever time. Returns by how many
    /// ns the wall clock moved against it since the last reading; zero at the first.
    pub fn read(&mut self, before: Duration, wall: Timestamp, after: Duration) -> i64 {
        if after.saturating_sub(before) > READING_LIMIT {
            return 0;
        }
        let offset_ns = i128::from(wall.0) - after.as_nanos() as i128;
        let moved = self.offset_ns.replace(offset_ns).map_or(0, |last| offset_ns - last);
        moved.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_the_wall_clock_moved_against_the_other() {
        let mut watch = ClockWatch::default();
        let at = |ms: u64| Duration::from_millis(ms);
        let wall = |ms: u64| Timestamp(1_000_000_000_000 + ms * 1_000_000);
        assert_eq!(watch.read(at(0), wall(0), at(0)), 0, "the first reading has nothing to compare");
        assert_eq!(watch.read(at(1_000), wall(1_000), at(1_000)), 0);
        assert_eq!(watch.read(at(2_000), wall(62_000), at(2_000)), 60_000_000_000, "forward");
        assert_eq!(watch.read(at(3_000), wall(63_000), at(3_000)), 0, "reported once");
        assert_eq!(watch.read(at(4_000), wall(3_900), at(4_000)), -60_100_000_000, "backward");
    }

    #[test]
    fn a_reading_that_took_long_waits_for_the_next() {
        let mut watch = ClockWatch::default();
        let at = |ms: u64| Duration::from_millis(ms);
        let wall = |ms: u64| Timestamp(ms * 1_000_000);
        watch.read(at(0), wall(0), at(0));
        assert_eq!(watch.read(at(1_000), wall(5_000), at(3_000)), 0, "the process was suspended in between");
        assert_eq!(watch.read(at(4_000), wall(8_000), at(4_000)), 4_000_000_000);
    }

    #[test]
    fn only_time_without_cpu_left_counts() {
        let mut total = HealthTotal::default();
        let mut add = |machine, own, time_ms| {
            total.add(&Health { cpu: Some(CpuUse { time_ms, machine, own }), clock_jump_ns: 0 });
        };
        add(94, 94, 1_000);
        add(95, 49, 10_000);
        add(95, 50, 100_000);
        add(100, 97, 1_000_000);
        assert_eq!(total.out_of_cpu(50), Duration::from_secs(1_100));
        assert_eq!(total.out_of_cpu(1), Duration::from_secs(1_110));
        assert_eq!(total.out_of_cpu(98), Duration::ZERO);
    }

    #[test]
    fn the_mean_of_the_cpu_is_that_of_the_time() {
        let mut total = HealthTotal::default();
        assert_eq!(total.cpu(), None);
        for (time_ms, machine, own) in [(1_000, 50, 40), (3_000, 30, 20), (1_000, 90, 10)] {
            total.add(&Health { cpu: Some(CpuUse { time_ms, machine, own }), clock_jump_ns: 0 });
        }
        assert_eq!(total.cpu(), Some(CpuReport { own_mean: 22, own_max: 40, machine_max: 90 }));
    }

    #[test]
    fn the_largest_jump_is_kept() {
        let mut total = HealthTotal::default();
        for clock_jump_ns in [0, 5, -7, 6] {
            total.add(&Health { cpu: None, clock_jump_ns });
        }
        assert_eq!(total.clock_jump_ns(), -7);
    }
}
