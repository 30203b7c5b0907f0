//! How this process and its machine do, from one snapshot to the next.

use qalipsis_model::health::{ClockWatch, CpuUse, Health};
use qalipsis_model::timestamp::Timestamp;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

/// Reads the clocks and, while the load runs, the CPU times that Linux reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HealthMonitor {
    started: Instant,
    clocks: ClockWatch,
    /// When the CPU times were last read, and what they were; `None` where they cannot be read.
    cpu: Option<(Duration, CpuTimes)>,
}

impl HealthMonitor {
    /// Takes the first readings.
    pub(crate) fn start() -> Self {
        let mut monitor = Self { started: Instant::now(), clocks: ClockWatch::default(), cpu: None };
        monitor.read_clocks();
        monitor
    }

    /// The load starts: from now on CPU counts.
    pub(crate) fn load_starts(&mut self) {
        self.cpu = CpuTimes::read().map(|times| (self.started.elapsed(), times));
    }

    /// What happened since the last call. A time in which the load ended does not count.
    pub(crate) fn take(&mut self, load_runs: bool) -> Health {
        let clock_jump_ns = self.read_clocks();
        let before = self.cpu.take();
        if load_runs && before.is_some() {
            self.load_starts();
        }
        let cpu = before.zip(self.cpu).and_then(|((then, before), (now, after))| {
            let (machine, own) = after.shares_since(before, usable())?;
            Some(CpuUse { time_ms: (now - then).as_millis() as u64, machine, own })
        });
        Health { cpu, clock_jump_ns }
    }

    fn read_clocks(&mut self) -> i64 {
        let before = self.started.elapsed();
        let wall = Timestamp::from_system(SystemTime::now());
        self.clocks.read(before, wall, self.started.elapsed())
    }
}

/// CPU times since some start, in the unit of the kernel, which is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CpuTimes {
    /// Of all CPUs together.
    all: u64,
    /// In which a CPU had nothing to do.
    idle: u64,
    /// In which it ran this process.
    own: u64,
    cpus: u32,
}

impl CpuTimes {
    fn read() -> Option<Self> {
        let read = |path| fs::read_to_string(path).ok();
        Self::parse(&read("/proc/stat")?, &read("/proc/self/stat")?)
    }

    /// From the texts of `/proc/stat` and `/proc/self/stat`, see `man 5 proc`.
    fn parse(machine: &str, process: &str) -> Option<Self> {
        let number = |field: &str| field.parse::<u64>().ok();
        let mut lines = machine.lines();
        let fields = lines.next()?.strip_prefix("cpu ")?.split_whitespace();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
        let fields: Vec<u64> = fields.take(8).map(number).collect::<Option<_>>()?;
        let (all, idle) = (fields.iter().sum(), fields.get(3)? + fields.get(4)?);
        let cpus = lines.take_while(|line| line.starts_with("cpu")).count() as u32;
        // The name of the process stands in parentheses and may contain anything; user and system time are the
        // 12th and 13th field after it.
        let mut fields = process.rsplit_once(')')?.1.split_whitespace().skip(11);
        let own = number(fields.next()?)? + number(fields.next()?)?;
        Some(Self { all, idle, own, cpus })
    }

    /// Percent of the CPU that was in use since `before`, and percent that this process had of the `usable` CPUs.
    /// `None` when no time has passed.
    fn shares_since(self, before: Self, usable: u32) -> Option<(u8, u8)> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let percent = |part: u64, of: u64| (part * 100 / of.max(1)).min(100) as u8;
        let used = all.saturating_sub(self.idle.saturating_sub(before.idle));
        let may_have = all * u64::from(usable.clamp(1, self.cpus.max(1))) / u64::from(self.cpus.max(1));
        let own = percent(self.own.saturating_sub(before.own), may_have);
        Some((percent(used, all).max(own), own))
    }
}

/// How many CPUs this process may use: the quota of a container and the affinity count.
fn usable() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "cpu  100 10 50 1000 40 5 5 20 77 0\ncpu0 50 5 25 500 20 3 3 10 0 0\n\
                           cpu1 50 5 25 500 20 2 2 10 0 0\nintr 1 2 3\nctxt 4\n";
    const PROCESS: &str = "123 (a) b (c) S 1 123 123 0 -1 4194304 1 0 0 0 30 12 7 7 20 0 5 0 99 0 0";

    #[test]
    fn times_are_those_of_the_kernel() {
        assert_eq!(
            CpuTimes::parse(MACHINE, PROCESS),
            Some(CpuTimes { all: 1230, idle: 1040, own: 42, cpus: 2 })
        );
        for (machine, process) in
            [("", PROCESS), ("cpu  1 2\n", PROCESS), ("cpu  1 x 3 4 5\n", PROCESS), (MACHINE, "123 (a) S")]
        {
            assert_eq!(CpuTimes::parse(machine, process), None, "{machine:?} {process:?}");
        }
    }

    #[test]
    fn shares_are_of_what_passed_and_may_be_used() {
        let times = |all, idle, own| CpuTimes { all, idle, own, cpus: 4 };
        let shares = |all, idle, own, usable| times(all, idle, own).shares_since(times(0, 0, 0), usable);
        assert_eq!(shares(400, 100, 200, 4), Some((75, 50)));
        assert_eq!(shares(400, 300, 99, 1), Some((99, 99)), "its quota is its machine");
        assert_eq!(shares(400, 300, 99, 64), Some((25, 24)), "it cannot use more than there is");
        assert_eq!(shares(400, 390, 103, 1), Some((100, 100)), "ticks are rough");
        assert_eq!(shares(0, 0, 0, 4), None);
    }

    #[test]
    fn only_the_time_of_the_load_counts() {
        let mut monitor = HealthMonitor::start();
        assert_eq!(monitor.take(true).cpu, None, "it has not started");
        monitor.load_starts();
        // The kernel counts in steps of some ms.
        std::thread::sleep(Duration::from_millis(200));
        let cpu = monitor.take(true).cpu.expect("Linux reports it");
        assert!(cpu.time_ms >= 200, "{cpu:?}");
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(monitor.take(false).cpu, None, "the load ended meanwhile");
        assert_eq!(monitor.take(false).cpu, None);
    }
}
