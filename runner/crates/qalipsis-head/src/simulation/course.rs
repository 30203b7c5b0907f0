//! What one simulated factory does.

use super::faults::between;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// How long a factory takes for what it does, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// When its process connects.
    pub(crate) connects: Duration,
    /// How long its worlds take to open.
    pub(crate) opens: Duration,
    /// Whether they can be opened.
    pub(crate) can_open: bool,
    /// Seconds of its load, each with a snapshot.
    pub(crate) seconds: u32,
    /// How long it takes to finish after a graceful stop.
    pub(crate) finishes: Duration,
    /// How long it takes to end after a hard stop.
    pub(crate) cancels: Duration,
    /// How far its wall clock is off, in nanoseconds.
    pub(crate) skew_ns: i64,
    pub(crate) fate: Fate,
}

/// What becomes of a factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does what it should.
    Sound,
    /// Its process dies; the head learns so after this time, or never, when its machine is gone as well.
    Dies(Duration, Option<Duration>),
    /// It does not run for a time, as a stopped process.
    Pauses(Duration, Duration),
    /// Scenario code blocks it.
    Hangs(Duration),
    /// Its process is started again, by somebody who should not.
    Restarts(Duration),
}

impl Course {
    pub(crate) fn drawn(dice: &mut ChaCha8Rng, is_sound: bool) -> Self {
        let is_sound = is_sound || dice.random_bool(0.5);
        let at = between(dice, 0, 20_000);
        let fate = match dice.random_range(0..5) {
            _ if is_sound => Fate::Sound,
            0 => Fate::Dies(at, dice.random_bool(0.7).then(|| between(dice, 0, 1_500))),
            1 | 2 => Fate::Pauses(at, between(dice, 100, 20_000)),
            3 => Fate::Hangs(at),
            _ => Fate::Restarts(at),
        };
        Self {
            connects: between(dice, 0, 2_000),
            opens: between(dice, 0, 3_000),
            can_open: is_sound || dice.random_bool(0.9),
            seconds: dice.random_range(1..=20),
            finishes: between(dice, 0, 2_000),
            cancels: between(dice, 0, 4_000),
            skew_ns: if dice.random_bool(0.3) {
                dice.random_range(-3_600_000_000_000..3_600_000_000_000)
            } else {
                0
            },
            fate,
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.fate == Fate::Sound && self.can_open
    }

    /// How long all that it does takes at most, when nothing else is slow.
    pub(crate) fn lasts(&self) -> Duration {
        let load = Duration::from_secs(u64::from(self.seconds));
        let pause = match self.fate {
            Fate::Pauses(_, lasts) => lasts,
            _ => Duration::ZERO,
        };
        self.connects + self.opens + load + self.finishes + self.cancels + pause
    }
}
