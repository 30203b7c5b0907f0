//! CPU time, which other processes on the machine disturb less than they disturb wall time.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time that this thread has used.
pub fn of_thread() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// CPU time that this process has used, all threads.
pub fn of_process() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    // The kernel gives neither value negative.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// Keeps a core busy for this much CPU time.
pub fn burn(time: Duration) {
    let until = of_thread() + time;
    while of_thread() < until {
        for _ in 0..100 {
            std::hint::spin_loop();
        }
    }
}

/// Makes criterion measure the CPU time of the benchmark's thread.
#[derive(Debug)]
pub struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        of_thread()
    }

    fn end(&self, start: Duration) -> Duration {
        of_thread() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
