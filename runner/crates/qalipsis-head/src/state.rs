//! The fold: what is known of a campaign, and how it changes with what happens.

mod controls;
mod messages;
mod report;
mod stops;
#[cfg(test)]
mod tests;

use crate::campaign::{Campaign, Goal};
use crate::effect::Effect;
use crate::event::{CampaignEvent, Phase, Second};
use crate::factory::{FactoryPhase, FactoryState};
use crate::input::Input;
use crate::now::Now;
use crate::silence::RunningTime;
use qalipsis_cluster::{FactoryId, ToFactory};
use qalipsis_judge::aggregate::Aggregate;
use qalipsis_judge::described::Described;
use qalipsis_judge::judge::Breach;
use qalipsis_model::duration::human;
use qalipsis_model::environment::Environment;
use qalipsis_model::health::ClockWatch;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Stop};
use qalipsis_model::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What the first minion may wait for the start to reach all factories.
const START_MARGIN: Duration = Duration::from_millis(5);

/// What brought a campaign to its end.
#[derive(Debug, Clone, PartialEq)]
enum Cause {
    /// Its load has run, or could not start.
    Completed,
    /// The user.
    Interrupted,
    /// Its timeout.
    TimedOut(Duration),
    /// Its hard timeout.
    Cancelled(Duration),
    /// The loss of this factory.
    Lost(FactoryId),
    /// A criterion that stops the campaign.
    Breached(Box<Breach>),
}

/// The start of the load, on both clocks.
#[derive(Debug, Clone, Copy)]
struct Start {
    wall: Timestamp,
    monotonic: Duration,
}

impl Start {
    /// The date of now. Not what the wall clock says: it may have been set meanwhile.
    fn date(&self, now: Now) -> Timestamp {
        self.wall.plus(now.monotonic.saturating_sub(self.monotonic))
    }
}

/// The state of a campaign.
#[derive(Debug)]
pub(crate) struct State {
    plan: CampaignPlan,
    described: Vec<Described>,
    goal: Goal,
    git_revision: Option<String>,
    environment: Environment,
    factories: Vec<FactoryState>,
    aggregate: Aggregate,
    not_ready: Vec<NotReady>,
    /// The running time at which the first factory could not get ready, and the load was given up.
    given_up: Option<Duration>,
    /// What was still being opened when the user stopped the campaign.
    unfinished: Vec<String>,
    cause: Cause,
    opened: Now,
    started: Option<Start>,
    /// The last stop, and the running time at that moment.
    stopped: Option<(Stop, Duration)>,
    clocks: ClockWatch,
    running: RunningTime,
    publishes_figures: bool,
    /// Whether its factories are in several zones.
    has_zones: bool,
    /// What has come since the last second was published.
    second: Second,
    /// When the figures of that second begin.
    second_from: Option<Timestamp>,
    /// When the last snapshot was taken that no published second has.
    unpublished: Option<Timestamp>,
    /// What the report says about figures that are missing.
    notes: Vec<String>,
    effects: Vec<Effect>,
    is_end_published: bool,
}

impl State {
    /// Of a campaign that begins now.
    pub(crate) fn new(campaign: Campaign, now: Now) -> Self {
        let Campaign { plan, factories, described, goal, git_revision, environment, publishes_figures } =
            campaign;
        let factories = with_unique_names(factories);
        let mut aggregate = Aggregate::of(&plan, &described);
        let zones: BTreeSet<&str> = factories.iter().filter_map(|factory| factory.zone.as_deref()).collect();
        let has_zones = zones.len() > 1;
        aggregate.split_by_zone(zones);
        let planned = CampaignEvent::Planned {
            key: plan.key.clone(),
            factories: factories.iter().map(|factory| factory.factory.clone()).collect(),
        };
        let effects = vec![Effect::Publish(planned), Effect::Publish(CampaignEvent::Phase(Phase::Preparing))];
        Self {
            plan,
            described,
            goal,
            git_revision,
            environment,
            factories: factories.into_iter().map(FactoryState::new).collect(),
            aggregate,
            not_ready: Vec::new(),
            given_up: None,
            unfinished: Vec::new(),
            cause: Cause::Completed,
            opened: now,
            started: None,
            stopped: None,
            clocks: ClockWatch::default(),
            running: RunningTime::new(now.monotonic),
            publishes_figures,
            has_zones,
            second: Second::default(),
            second_from: None,
            unpublished: None,
            notes: Vec::new(),
            effects,
            is_end_published: false,
        }
    }

    /// Takes what happened, and gives what is to be done.
    pub(crate) fn apply(&mut self, input: Input, now: Now) -> Vec<Effect> {
        match input {
            Input::Tick => self.on_tick(now),
            Input::Message(factory, message) => self.on_message(factory, *message, now),
            Input::Closed(factory, why) => self.on_closed(factory, why, now),
            Input::Exited(factory, how) => {
                if let Some(state) = self.factories.get_mut(factory.0 as usize) {
                    let was_settled = state.is_settled();
                    state.exited(how);
                    self.publish_loss(factory, was_settled);
                }
            }
            Input::StopRequested(stop) => self.on_stop(stop, now),
            Input::Control(control) => self.on_control(control, now),
            Input::EventsDropped(count) => self.aggregate.count_events(0, count),
            Input::FailuresDropped(count) => self.aggregate.drop_listed(count),
        }
        if self.is_over() && !self.is_end_published {
            self.is_end_published = true;
            // A pause of a load that ended by itself has ended with it.
            if let Some(start) = self.started {
                self.aggregate.resume(start.date(now));
            }
            // Of one that others did not report before all ended.
            if let Some(at) = self.unpublished {
                self.publish_second(at);
            }
            self.publish(CampaignEvent::Phase(Phase::Ended));
        }
        std::mem::take(&mut self.effects)
    }

    /// Whether nothing more is awaited.
    pub(crate) fn is_over(&self) -> bool {
        self.factories.iter().all(FactoryState::is_settled)
    }

    /// The plan of a factory, whose name is unique in the campaign.
    pub(crate) fn factory_plan(&self, factory: FactoryId) -> Option<&FactoryPlan> {
        self.factories.get(factory.0 as usize).map(|factory| &factory.plan)
    }

    fn publish(&mut self, event: CampaignEvent) {
        self.effects.push(Effect::Publish(event));
    }

    fn notice(&mut self, text: impl Into<String>) {
        self.publish(CampaignEvent::Notice(text.into()));
    }

    fn send(&mut self, factory: FactoryId, message: ToFactory, now: Now) {
        let message = self.factories[factory.0 as usize].directives.number(message, now.monotonic);
        self.effects.push(Effect::Send(factory, message));
    }

    fn ids(&self) -> impl Iterator<Item = FactoryId> + use<> {
        (0..self.factories.len() as u32).map(FactoryId)
    }

    fn start(&mut self, now: Now) {
        let start = Start { wall: now.wall.plus(START_MARGIN), monotonic: now.monotonic + START_MARGIN };
        self.started = Some(start);
        self.aggregate.start(start.wall);
        for factory in self.ids() {
            self.send(factory, ToFactory::Start(start.wall), now);
        }
        self.publish(CampaignEvent::Started(start.wall));
        self.publish(CampaignEvent::Phase(Phase::Running));
    }

    fn on_tick(&mut self, now: Now) {
        let since_opened = |monotonic: Duration| monotonic.saturating_sub(self.opened.monotonic);
        let (after, before) = (now.monotonic, now.monotonic.saturating_sub(now.reading));
        let moved_ns = self.clocks.read(since_opened(before), now.wall, since_opened(after));
        self.aggregate.runner_clock_moved(moved_ns);
        // A time in which the head itself did not run is nobody's silence.
        let passed = self.running.passed(now.monotonic);
        for factory in self.ids() {
            self.look_after(factory, passed, now);
        }
        // After a pause what factories have sent is read first: they may have ended long ago.
        if !self.running.has_resumed() {
            self.end_what_takes_too_long(now);
        }
    }

    /// Looks whether a factory is silent, what it misses, and what it has not received yet.
    fn look_after(&mut self, id: FactoryId, passed: Duration, now: Now) {
        let limit = self.plan.limits.factory_silence;
        let running_time = self.running.total();
        let factory = &mut self.factories[id.0 as usize];
        let was_settled = factory.is_settled();
        factory.wait_for_exit(running_time);
        let acknowledged = factory.inbox.acknowledge();
        if factory.phase == FactoryPhase::Ended {
            self.publish_loss(id, was_settled);
            return;
        }
        let requested = factory.inbox.request(now.monotonic);
        let is_late = factory.silence.lasts(passed, now.wall);
        let silent = factory.silence.length();
        let name = factory.plan.factory.clone();
        if let Some(next) = acknowledged {
            self.send(id, ToFactory::Acknowledge(next), now);
        }
        if let Some(from) = requested {
            self.send(id, ToFactory::Resend(from), now);
        }
        if is_late {
            self.notice(format!(
                "factory '{name}' has not answered for {}, it is lost after {} (campaign.limits.factory-silence)",
                human(silent),
                human(limit)
            ));
        }
        if silent > limit {
            let why = format!("did not answer for {} (campaign.limits.factory-silence)", human(limit));
            self.lose(id, Some(why), now);
        }
    }

    /// A factory is gone: keeps what it reported, and ends the campaign.
    fn lose(&mut self, id: FactoryId, why: Option<String>, now: Now) {
        let running_time = self.running.total();
        let when = match self.started {
            None => "before the load started".to_owned(),
            Some(start) => {
                format!("{} after the start", human(now.monotonic.saturating_sub(start.monotonic)))
            }
        };
        let factory = &mut self.factories[id.0 as usize];
        if factory.phase == FactoryPhase::Ended {
            return;
        }
        factory.lose(when, why, running_time);
        let missing = factory.inbox.missing();
        let name = factory.plan.factory.clone();
        self.keep_rest(id);
        if missing > 0 {
            let (reports, are) = if missing == 1 { ("report", "is") } else { ("reports", "are") };
            self.notes.push(format!(
                "{missing} {reports} of factory '{name}' did not arrive before it was lost, and {are} missing in the \
                 figures"
            ));
        }
        if self.has_no_cause() {
            self.cause = Cause::Lost(id);
        }
        self.publish_loss(id, false);
        self.stop(Stop::Hard, now);
    }

    /// Whether nothing has brought the campaign to its end yet: what comes after a cause is its consequence.
    fn has_no_cause(&self) -> bool {
        self.cause == Cause::Completed && self.not_ready.is_empty()
    }

    /// Publishes a loss as soon as its cause is known.
    fn publish_loss(&mut self, id: FactoryId, was_settled: bool) {
        let factory = &self.factories[id.0 as usize];
        let why = factory.loss.as_ref().and_then(|loss| loss.why.clone());
        if let Some(why) = why.filter(|_| !was_settled) {
            self.publish(CampaignEvent::FactoryLost { factory: id, why });
        }
    }
}

/// The same plans with names that differ: what is kept by name is kept of one factory.
fn with_unique_names(mut factories: Vec<FactoryPlan>) -> Vec<FactoryPlan> {
    for index in 1..factories.len() {
        let (before, rest) = factories.split_at_mut(index);
        let label = &mut rest[0].factory;
        let is_taken = |name: &str| before.iter().any(|other| other.factory == name);
        if is_taken(label) {
            let candidates = (2..).map(|number| format!("{label} ({number})"));
            let free = candidates.into_iter().find(|name| !is_taken(name));
            *label = free.expect("there are more numbers than factories");
        }
    }
    factories
}
