//! Drives the fold of a campaign over a transport.

#[cfg(test)]
mod tests;

use crate::campaign::Campaign;
use crate::command::{Command, Refusal};
use crate::effect::Effect;
use crate::event::{Broadcast, CampaignEvent};
use crate::input::Input;
use crate::now::Now;
use crate::sink::Sinks;
use crate::state::State;
use qalipsis_cluster::Transport;
use qalipsis_judge::report::Report;
use qalipsis_model::timestamp::Timestamp;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

/// How often silence and limits are looked for.
pub(crate) const TICK: Duration = Duration::from_millis(100);

impl Campaign {
    /// Leads the factories behind `transport` through the campaign, and judges it. `commands` carries what
    /// users ask of it, and subscribers of `events` see what happens.
    ///
    /// Nothing in it waits for a factory, a sink or a subscriber.
    pub async fn run(
        self,
        transport: impl Transport,
        commands: mpsc::Receiver<Command>,
        sinks: Sinks,
        events: Broadcast,
    ) -> Report {
        let origin = Instant::now();
        let clock = move || {
            let before = origin.elapsed();
            let wall = Timestamp::from_system(SystemTime::now());
            let monotonic = origin.elapsed();
            Now { monotonic, wall, reading: monotonic.saturating_sub(before) }
        };
        let state = State::new(self, clock());
        Driver { state, transport, sinks, events, clock, answer: None }.run(commands).await
    }
}

struct Driver<T, C> {
    state: State,
    transport: T,
    sinks: Sinks,
    events: Broadcast,
    clock: C,
    /// Who waits for the answer to what is applied.
    answer: Option<oneshot::Sender<Result<Timestamp, Refusal>>>,
}

impl<T: Transport, C: Fn() -> Now> Driver<T, C> {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Report {
        let mut tick = tokio::time::interval(TICK);
        // A time in which the head did not run has no ticks.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.state.is_over() {
            let input = tokio::select! {
                arrival = self.transport.receive() => arrival.into(),
                Some(command) = commands.recv() => match command {
                    Command::Stop(stop) => Input::StopRequested(stop),
                    Command::Control(control, answer) => {
                        self.answer = Some(answer);
                        Input::Control(control)
                    }
                    Command::Report(reader) => {
                        // Who asked may be gone.
                        let _ = reader.send(self.state.interim_report((self.clock)()));
                        continue;
                    }
                },
                _ = tick.tick() => Input::Tick,
            };
            self.apply(input);
        }
        let report = self.state.report((self.clock)());
        publish(&self.events, CampaignEvent::Ended(Box::new(report.clone())));
        report
    }

    fn apply(&mut self, input: Input) {
        for effect in self.state.apply(input, (self.clock)()) {
            let dropped = self.carry_out(effect);
            // What is dropped is only counted, and asks for nothing.
            if let Some(input) = dropped {
                self.state.apply(input, (self.clock)());
            }
        }
    }

    /// Does what the campaign asks for, and gives what could not be done.
    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Send(factory, message) => self.transport.send(factory, message),
            Effect::Answer(answer) => {
                if let Some(user) = self.answer.take() {
                    let _ = user.send(answer);
                }
            }
            Effect::Publish(event) => publish(&self.events, event),
            Effect::WriteEvents(factory, events) => {
                let (sink, plan) = (self.sinks.events.as_mut()?, self.state.factory_plan(factory)?);
                return Some(sink.take(plan, events)).filter(|n| *n > 0).map(Input::EventsDropped);
            }
            Effect::ListFailures(factory, failed) => {
                let (sink, plan) = (self.sinks.failures.as_mut()?, self.state.factory_plan(factory)?);
                return Some(sink.take(plan, failed)).filter(|n| *n > 0).map(Input::FailuresDropped);
            }
            Effect::Trace(trace) => self.sinks.traces.as_mut()?.take(*trace),
        }
        None
    }
}

fn publish(events: &Broadcast, event: CampaignEvent) {
    // Without subscribers there is nobody to see it.
    let _ = events.send(Arc::new(event));
}
