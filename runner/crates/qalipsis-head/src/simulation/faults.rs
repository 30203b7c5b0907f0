//! What goes wrong in one simulated campaign.

use super::course::Course;
use crate::command::Control;
use qalipsis_model::plan::Stop;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// Everything that goes wrong in one campaign, and all else that differs from others.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pub(crate) network: NetworkFaults,
    pub(crate) factories: Vec<Course>,
    /// When the head does not run, and for how long.
    pub(crate) head_pause: Option<(Duration, Duration)>,
    /// When the wall clock of the head is set forward, and by how much.
    pub(crate) clock_jump: Option<(Duration, Duration)>,
    /// What the user asks for.
    pub(crate) stops: Vec<(Duration, Stop)>,
    /// What the user does beside it.
    pub(crate) controls: Vec<(Duration, Control)>,
    /// The limit of the campaign.
    pub(crate) timeout: Option<Duration>,
}

/// What the network does to messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NetworkFaults {
    /// Of its random numbers.
    pub(crate) seed: u64,
    /// Share of the messages that are lost.
    pub(crate) lost: f64,
    /// Share of the messages that come twice.
    pub(crate) doubled: f64,
    /// Share of the messages that are overtaken by others.
    pub(crate) slow: f64,
    /// How long a slow message takes at most.
    pub(crate) delay: Duration,
}

/// How long the user pauses the load at most.
const PAUSED_MS: u64 = 10_000;

/// When the last pause of any campaign ends.
pub(super) const ALL_RESUMED: Duration = Duration::from_millis(20_000 + PAUSED_MS);

/// A time of so many milliseconds.
pub(super) fn between(dice: &mut ChaCha8Rng, least_ms: u64, most_ms: u64) -> Duration {
    Duration::from_millis(dice.random_range(least_ms..=most_ms))
}

/// Pauses that all end, and markers; some at times at which they are refused.
fn drawn_controls(dice: &mut ChaCha8Rng) -> Vec<(Duration, Control)> {
    let mut controls = Vec::new();
    for index in 0..dice.random_range(1..=3) {
        let at = between(dice, 0, 20_000);
        controls.push((at, Control::Pause));
        controls.push((at + between(dice, 0, PAUSED_MS), Control::Resume));
        let at = between(dice, 0, 20_000);
        controls.push((at, Control::Mark { label: format!("marker {index}"), at: None }));
    }
    // One that overlaps others may be without its end.
    controls.push((ALL_RESUMED, Control::Resume));
    controls
}

impl Faults {
    /// Those of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let count = dice.random_range(1..=4);
        let are_sound = dice.random_bool(0.4);
        let network = match dice.random_bool(0.8) {
            true => NetworkFaults {
                seed,
                lost: dice.random_range(0.0..0.3),
                doubled: dice.random_range(0.0..0.3),
                slow: dice.random_range(0.0..0.3),
                delay: between(&mut dice, 10, 3_000),
            },
            false => NetworkFaults { seed, ..NetworkFaults::NONE },
        };
        let factories = (0..count).map(|_| Course::drawn(&mut dice, are_sound)).collect();
        let head_pause =
            dice.random_bool(0.3).then(|| (between(&mut dice, 0, 20_000), between(&mut dice, 100, 20_000)));
        let clock_jump =
            dice.random_bool(0.1).then(|| (between(&mut dice, 0, 20_000), between(&mut dice, 1, 3_600_000)));
        let mut stops = Vec::new();
        if dice.random_bool(0.3) {
            let first = between(&mut dice, 0, 20_000);
            stops.push((first, if dice.random_bool(0.7) { Stop::Graceful } else { Stop::Hard }));
            if dice.random_bool(0.5) {
                stops.push((first + between(&mut dice, 0, 5_000), Stop::Hard));
            }
        }
        let timeout = dice.random_bool(0.1).then(|| between(&mut dice, 1_000, 20_000));
        let controls = if dice.random_bool(0.4) { drawn_controls(&mut dice) } else { Vec::new() };
        Self { network, factories, head_pause, clock_jump, stops, controls, timeout }
    }

    /// The same campaign over a network without faults.
    pub(crate) fn without_network(&self) -> Self {
        Self { network: NetworkFaults { seed: self.network.seed, ..NetworkFaults::NONE }, ..self.clone() }
    }

    /// Whether all factories do what they should.
    pub(crate) fn are_factories_sound(&self) -> bool {
        self.factories.iter().all(Course::is_sound)
    }
}

impl NetworkFaults {
    const NONE: Self = Self { seed: 0, lost: 0.0, doubled: 0.0, slow: 0.0, delay: Duration::ZERO };
}
