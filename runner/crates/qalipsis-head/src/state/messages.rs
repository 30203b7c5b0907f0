//! What factories send.

use super::{Cause, State};
use crate::campaign::Goal;
use crate::effect::Effect;
use crate::event::{CampaignEvent, Part};
use crate::factory::{FactoryPhase, FactoryState};
use crate::inbox::Taken;
use crate::now::Now;
use crate::progress::Progress;
use qalipsis_cluster::{FactoryId, FactoryMessage, ToFactory, ToHead};
use qalipsis_model::duration::human;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{CONTRACT, Role, Stop};
use qalipsis_model::snapshot::Snapshot;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

impl State {
    pub(super) fn on_message(&mut self, id: FactoryId, message: FactoryMessage, now: Now) {
        let Some(factory) = self.factories.get_mut(id.0 as usize) else { return };
        if factory.phase == FactoryPhase::Ended {
            // It may wait for this to be able to go. What comes now is not taken, and so not acknowledged.
            let next = factory.inbox.next();
            return self.send(id, ToFactory::Acknowledge(next), now);
        }
        let received = message.received;
        let is_heartbeat = !message.message.is_report();
        let reports = match factory.inbox.take(message) {
            Taken::Reports(reports) => reports,
            Taken::Outdated => return,
            Taken::Restarted => {
                let why = "it was started again, and what it had not reported is gone";
                return self.lose(id, Some(why.to_owned()), now);
            }
        };
        factory.heard.get_or_insert(self.running.total());
        // The last acknowledgement may be lost, and a factory whose reports are all unacknowledged sends no other message.
        let acknowledged = factory.inbox.next();
        let silent = factory.silence.broken();
        let name = silent.map(|_| factory.plan.factory.clone()).unwrap_or_default();
        factory.directives.received(received);
        let overdue = factory.directives.overdue(now.monotonic);
        let requested = factory.inbox.request(now.monotonic);
        if let Some(silent) = silent {
            self.notice(format!("factory '{name}' answers again, after {}", human(silent)));
        }
        self.effects.extend(overdue.into_iter().map(|message| Effect::Send(id, message)));
        if let Some(from) = requested {
            self.send(id, ToFactory::Resend(from), now);
        }
        if is_heartbeat && acknowledged > 0 {
            self.send(id, ToFactory::Acknowledge(acknowledged), now);
        }
        for report in reports {
            let is_last = report.is_last();
            self.on_report(id, report, now);
            if is_last {
                let next = self.factories[id.0 as usize].inbox.next();
                self.send(id, ToFactory::Acknowledge(next), now);
            }
        }
    }

    pub(super) fn on_closed(&mut self, id: FactoryId, why: Option<String>, now: Now) {
        let is_stopped_before_the_load = self.is_stopped_before_the_load();
        let Some(factory) = self.factories.get_mut(id.0 as usize) else { return };
        // Before the load a stop is all that a factory has to wait for.
        if why.is_none() && is_stopped_before_the_load {
            factory.phase = FactoryPhase::Ended;
        } else {
            self.lose(id, why, now);
        }
    }

    fn is_stopped_before_the_load(&self) -> bool {
        self.started.is_none() && self.stopped.is_some()
    }

    fn on_report(&mut self, id: FactoryId, report: ToHead, now: Now) {
        let factory = &mut self.factories[id.0 as usize];
        if factory.phase == FactoryPhase::Ended {
            return;
        }
        match report {
            ToHead::Hello { contract, .. } if contract != CONTRACT => {
                let why = format!(
                    "uses version {contract} of the contract, this runner uses {CONTRACT}; rebuild both"
                );
                self.lose(id, Some(why), now);
            }
            ToHead::Hello { .. } if factory.greeted.is_some() => {
                self.lose(id, Some("greeted twice".to_owned()), now);
            }
            ToHead::Hello { .. } => {
                factory.greeted = Some(self.running.total());
                let plan = Box::new(factory.plan.clone());
                self.send(id, ToFactory::Prepare(plan), now);
            }
            ToHead::Ready if factory.greeted.is_none() || factory.phase != FactoryPhase::Preparing => {
                self.lose(
                    id,
                    Some("said that it is ready when it was not opening its worlds".to_owned()),
                    now,
                );
            }
            ToHead::Ready => {
                factory.phase = FactoryPhase::Running;
                self.publish(CampaignEvent::FactoryReady(id));
                self.on_opened(now);
                let are_ready = self.factories.iter().all(|f| f.phase == FactoryPhase::Running);
                if are_ready && self.stopped.is_none() && self.goal == Goal::Run {
                    self.start(now);
                }
            }
            ToHead::NotReady(causes) => {
                factory.phase = FactoryPhase::Ended;
                self.on_not_ready(causes, now);
            }
            ToHead::Heartbeat => {}
            ToHead::Stuck(who) => self.lose(id, Some(who), now),
            ToHead::Ended if self.started.is_none() && self.stopped.is_none() => {
                self.lose(id, Some("reported its end, though nothing had ended it".to_owned()), now);
            }
            ToHead::Finished => {
                factory.finished = true;
                self.conclude(now);
            }
            ToHead::Ended => {
                factory.phase = FactoryPhase::Ended;
                self.conclude(now);
            }
            ToHead::Snapshot(snapshot) => {
                if let Some(what) = self.beyond_plan(id, &snapshot) {
                    return self.lose(
                        id,
                        Some(format!("reported figures of {what}, which is not in its plan")),
                        now,
                    );
                }
                let (sequence, at) = (snapshot.sequence, snapshot.at);
                let is_overloaded = snapshot.scenarios.values().any(|s| s.overloaded.is_some());
                self.merge(id, &snapshot);
                if self.stopped.is_none() && is_overloaded {
                    self.notice("stopping: the overload policy of a scenario asks for it");
                    self.stop(Stop::Graceful, now);
                }
                self.on_merged(sequence, at, now);
            }
            figures => self.keep(id, figures),
        }
    }

    /// Lets factories end that share scenarios: when the load of all that share one with them is over, and those that they
    /// lead have ended.
    fn conclude(&mut self, now: Now) {
        for id in self.ids() {
            let own = &self.factories[id.0 as usize];
            if own.concluded || own.phase != FactoryPhase::Running || !own.finished {
                continue;
            }
            let others = || self.factories.iter().filter(|other| other.phase != FactoryPhase::Ended);
            let shares = |other: &FactoryState| {
                own.plan.scenarios().any(|(scenario, share)| {
                    share.role != Role::Alone
                        && other.plan.scenarios().any(|(of, _)| of.name == scenario.name)
                })
            };
            let leads = |other: &FactoryState| {
                other
                    .plan
                    .with_role(Role::Following)
                    .any(|name| own.plan.with_role(Role::Leading).any(|led| led == name))
            };
            let is_awaited = others().any(|other| leads(other) || (shares(other) && !other.finished));
            if !is_awaited {
                self.factories[id.0 as usize].concluded = true;
                self.send(id, ToFactory::Conclude, now);
            }
        }
    }

    fn on_not_ready(&mut self, causes: Vec<NotReady>, now: Now) {
        if self.is_stopped_before_the_load() && self.cause == Cause::Interrupted {
            // What was still being opened when the user stopped it.
            self.unfinished.extend(causes.into_iter().map(|cause| cause.message));
            return;
        }
        self.not_ready.extend(causes);
        self.given_up.get_or_insert(self.running.total());
        self.on_opened(now);
    }

    /// Keeps what a factory reports beside its snapshots, whatever its phase.
    fn keep(&mut self, id: FactoryId, report: ToHead) {
        match report {
            ToHead::Evidence(evidence) => self.keep_evidence(id, evidence),
            ToHead::Events(events) => {
                self.aggregate.count_events(events.len() as u64, 0);
                self.effects.push(Effect::WriteEvents(id, events));
            }
            ToHead::Failures(failed) => self.effects.push(Effect::ListFailures(id, failed)),
            ToHead::Trace(trace) => self.effects.push(Effect::Trace(trace)),
            // All others are no figures.
            _ => {}
        }
    }

    fn keep_evidence(&mut self, id: FactoryId, evidence: Box<Evidence>) {
        let scenario = self.described.iter().find(|d| d.scenario.name == evidence.scenario);
        let step = evidence.step.and_then(|index| scenario?.scenario.steps.get(index as usize));
        let step = step.map(|step| step.name.clone());
        self.aggregate.keep(&self.factories[id.0 as usize].plan.factory, (*evidence).clone());
        self.publish(CampaignEvent::Evidence { factory: id, step, evidence });
    }

    /// Keeps the figures among the reports that wait for a missing one, which does not come any more.
    pub(super) fn keep_rest(&mut self, id: FactoryId) {
        let rest = self.factories[id.0 as usize].inbox.rest();
        for report in rest {
            match report {
                ToHead::Snapshot(snapshot) if self.beyond_plan(id, &snapshot).is_none() => {
                    self.merge(id, &snapshot);
                }
                other => self.keep(id, other),
            }
        }
    }

    /// A scenario or step of a snapshot that is not among those of the factory: figures of it would be nobody's.
    fn beyond_plan(&self, id: FactoryId, snapshot: &Snapshot) -> Option<String> {
        let planned = &self.factories[id.0 as usize].plan.campaign.scenarios;
        snapshot.scenarios.iter().find_map(|(name, figures)| {
            if !planned.iter().any(|scenario| scenario.name == *name) {
                return Some(format!("scenario '{name}'"));
            }
            let described = self.described.iter().filter(|described| described.scenario.name == *name);
            let count = described.map(|described| described.scenario.steps.len()).max().unwrap_or_default();
            let (last, _) = figures.steps.last_key_value()?;
            (*last as usize >= count).then(|| format!("step {last} of scenario '{name}'"))
        })
    }

    fn merge(&mut self, id: FactoryId, snapshot: &Snapshot) {
        let factory = &mut self.factories[id.0 as usize];
        let before = factory.last_snapshot.map(|(_, at)| at);
        let from = before.or(self.started.map(|start| start.wall)).unwrap_or(snapshot.at);
        self.second_from = Some(self.second_from.map_or(from, |earlier| earlier.min(from)));
        factory.last_snapshot = Some((snapshot.sequence, snapshot.at));
        self.unpublished = self.unpublished.max(Some(snapshot.at));
        self.aggregate.merge(&factory.plan.factory, factory.plan.zone.as_deref(), snapshot);
        if self.publishes_figures {
            for (scenario, figures) in &snapshot.scenarios {
                let zone = factory.plan.zone.clone().filter(|_| self.has_zones);
                let part = Part { scenario: scenario.clone(), zone };
                self.second.figures.entry(part).or_default().merge(figures);
            }
        }
    }

    /// Publishes a second once all running factories have reported it. With one reported by some and not by others, a
    /// rate would look lower than it is, and so would what was released by then.
    fn on_merged(&mut self, sequence: u64, at: Timestamp, now: Now) {
        let running = || self.factories.iter().filter(|factory| factory.phase == FactoryPhase::Running);
        let is_complete = running().all(|f| f.last_snapshot.is_some_and(|(last, _)| last >= sequence));
        if is_complete || running().any(|factory| factory.silence.is_late()) {
            self.publish_second(at);
        }
        if is_complete {
            self.look_for_breach(now);
        }
    }

    pub(super) fn publish_second(&mut self, at: Timestamp) {
        let mut second = std::mem::take(&mut self.second);
        self.unpublished = None;
        let from = self.second_from.take().zip(self.started);
        second.from = from.map_or(Duration::ZERO, |(from, start)| from.since(start.wall));
        second.progress = self.progress(at);
        self.publish(CampaignEvent::Second(Box::new(second)));
    }

    /// What is known of the load until `at`: figures and time belong together, however late they arrive.
    fn progress(&self, at: Timestamp) -> Progress {
        let mut progress = Progress {
            elapsed: self.started.map_or(Duration::ZERO, |start| at.since(start.wall)),
            planned: self.plan.scenarios.iter().map(|s| u64::from(s.minions)).sum(),
            ..Progress::default()
        };
        for figures in self.plan.scenarios.iter().filter_map(|s| self.aggregate.scenario(&s.name)) {
            progress.released += figures.released;
            progress.ended += figures.ended;
            for step in figures.steps.values() {
                progress.executions += step.executions();
                progress.failures += step.failures();
            }
        }
        progress
    }
}
