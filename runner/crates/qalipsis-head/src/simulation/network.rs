//! The network between the simulated head and its agents, and the order of all that happens.

use super::faults::NetworkFaults;
use crate::command::Control;
use qalipsis_cluster::{Arrival, FactoryId, FactoryMessage, HeadMessage};
use qalipsis_model::plan::Stop;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that happens at some time.
#[derive(Debug)]
pub(crate) enum Occurrence {
    /// The head looks for silence and limits.
    Tick,
    /// A factory does what is due.
    Step(usize),
    /// Something arrives at the head.
    Arrival(FactoryId, Arrival),
    /// A message of the head arrives at a factory.
    Directive(usize, HeadMessage),
    /// The user asks to stop.
    StopRequested(Stop),
    /// The user controls the campaign.
    Control(Control),
}

/// What is on its way, by the time at which it arrives.
#[derive(Debug)]
pub(crate) struct Network {
    faults: NetworkFaults,
    dice: ChaCha8Rng,
    /// With a number that keeps the order of what happens at one time.
    waiting: BTreeMap<(Duration, u64), Occurrence>,
    count: u64,
}

impl Network {
    pub(crate) fn new(faults: NetworkFaults) -> Self {
        Self { faults, dice: ChaCha8Rng::seed_from_u64(faults.seed), waiting: BTreeMap::new(), count: 0 }
    }

    /// Something happens for certain, and once.
    pub(crate) fn at(&mut self, time: Duration, occurrence: Occurrence) {
        self.waiting.insert((time, self.count), occurrence);
        self.count += 1;
    }

    /// What happens next.
    pub(crate) fn next(&mut self) -> Option<(Duration, Occurrence)> {
        self.waiting.pop_first().map(|((time, _), occurrence)| (time, occurrence))
    }

    pub(crate) fn send_report(&mut self, time: Duration, id: FactoryId, message: &FactoryMessage) {
        for at in self.arrivals(time) {
            self.at(at, Occurrence::Arrival(id, Arrival::Message(Box::new(message.clone()))));
        }
    }

    pub(crate) fn send_directive(&mut self, time: Duration, index: usize, message: &HeadMessage) {
        for at in self.arrivals(time) {
            self.at(at, Occurrence::Directive(index, message.clone()));
        }
    }

    /// When the copies of a message arrive.
    fn arrivals(&mut self, time: Duration) -> Vec<Duration> {
        let NetworkFaults { lost, doubled, slow, delay, .. } = self.faults;
        if self.dice.random_bool(lost) {
            return Vec::new();
        }
        let copies = if self.dice.random_bool(doubled) { 2 } else { 1 };
        let mut arrival = || {
            let most = if self.dice.random_bool(slow) { delay } else { Duration::from_millis(1) };
            time + self.dice.random_range(Duration::ZERO..=most)
        };
        (0..copies).map(|_| arrival()).collect()
    }
}
