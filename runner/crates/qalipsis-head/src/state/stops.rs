//! Stopping a campaign: by the user, by its limits, by what happens to its factories.

use super::{Cause, State};
use crate::campaign::Goal;
use crate::event::{CampaignEvent, Phase};
use crate::factory::FactoryPhase;
use crate::now::Now;
use qalipsis_cluster::ToFactory;
use qalipsis_judge::judge::breach;
use qalipsis_model::duration::human;
use qalipsis_model::plan::Stop;
use std::time::Duration;

/// How long a hard-stopped factory may take to send its last figures: it gives its minions 1 s, its sources 1 s and its
/// worker threads 2 s, one after the other.
const HARD_STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long a factory that is stopped before the load may take to close what it has opened.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);
/// How long other factories may go on to open their worlds once one could not: they often fail for a cause of their own.
const NOT_READY_LIMIT: Duration = Duration::from_secs(1);
/// How long iterations may go on after a criterion has stopped the campaign.
const BREACH_LIMIT: Duration = Duration::from_secs(10);

impl State {
    pub(super) fn on_stop(&mut self, stop: Stop, now: Now) {
        // Another cause was first.
        if self.has_no_cause() {
            self.cause = Cause::Interrupted;
        }
        self.notice(match stop {
            Stop::Graceful if self.started.is_none() => {
                "stopping: what is open is closed; stop again not to wait for it"
            }
            Stop::Graceful => "stopping: running iterations are finished; stop again to cancel them",
            Stop::Hard => "cancelling",
        });
        self.stop(stop, now);
    }

    /// Stops all factories, unless they were stopped so before.
    pub(super) fn stop(&mut self, stop: Stop, now: Now) {
        if self.stopped.is_some_and(|(earlier, _)| earlier >= stop) {
            return;
        }
        self.stopped = Some((stop, self.running.total()));
        if let Some(start) = self.started {
            self.aggregate.resume(start.date(now));
        }
        self.publish(CampaignEvent::Phase(match stop {
            Stop::Graceful => Phase::Stopping,
            Stop::Hard => Phase::Cancelling,
        }));
        for id in self.ids() {
            if self.factories[id.0 as usize].phase == FactoryPhase::Ended {
                continue;
            }
            self.send(id, ToFactory::Stop(stop), now);
            // Before the load a graceful stop leaves time to close what is open.
            if self.started.is_none() && stop == Stop::Hard {
                self.factories[id.0 as usize].phase = FactoryPhase::Ended;
            }
        }
    }

    /// Goes on when a factory is ready or could not get ready, and perhaps nothing is being opened any more.
    pub(super) fn on_opened(&mut self, now: Now) {
        let is_opening = self.factories.iter().any(|factory| factory.phase == FactoryPhase::Preparing);
        if is_opening {
            return;
        }
        match self.goal {
            // What is open is closed.
            Goal::Connect => self.stop(Stop::Graceful, now),
            // The others have nothing to run then.
            Goal::Run if self.given_up.is_some() => self.stop(Stop::Hard, now),
            Goal::Run => {}
        }
    }

    /// Stops the campaign when a criterion that is to stop it is breached.
    pub(super) fn look_for_breach(&mut self, now: Now) {
        if self.cause != Cause::Completed || self.stopped.is_some() {
            return;
        }
        if let Some(breach) = breach(&self.plan, &self.described, &self.aggregate) {
            let breach = Box::new(breach);
            let shown = breach.criterion.quantity.show(breach.observed);
            self.publish(CampaignEvent::Breach(breach.clone()));
            self.notice(format!(
                "stopping: {}: expected {}, observed {shown}",
                breach.scenario, breach.criterion
            ));
            self.cause = Cause::Breached(breach);
            self.stop(Stop::Graceful, now);
        }
    }

    /// Ends every wait at its limit. Those for factories count the time in which the head ran: a factory may have
    /// answered while it did not.
    pub(super) fn end_what_takes_too_long(&mut self, now: Now) {
        let load = self.started.map(|start| now.monotonic.saturating_sub(start.monotonic));
        if let (Some(load), Some(limit)) = (load, self.plan.limits.campaign_hard)
            && load > limit
            && self.stopped.is_none_or(|(stop, _)| stop < Stop::Hard)
        {
            if matches!(self.cause, Cause::Completed | Cause::TimedOut(_)) {
                self.cause = Cause::Cancelled(limit);
            }
            self.notice(format!("cancelling: the campaign's hard limit of {} is over", human(limit)));
            self.stop(Stop::Hard, now);
        }
        let running_time = self.running.total();
        for id in self.ids() {
            let factory = &mut self.factories[id.0 as usize];
            if factory.phase != FactoryPhase::Ended
                && let Some(why) = factory.overdue(running_time)
            {
                self.lose(id, Some(why), now);
            }
        }
        let waited = |since: Duration| running_time.saturating_sub(since);
        if self.given_up.is_some_and(|since| waited(since) > NOT_READY_LIMIT) && self.goal == Goal::Run {
            self.stop(Stop::Hard, now);
        }
        match (self.stopped, load, self.plan.limits.campaign) {
            (Some((Stop::Hard, since)), ..) if waited(since) > HARD_STOP_LIMIT => self.abandon(),
            (Some((Stop::Graceful, since)), None, _) if waited(since) > CLOSE_LIMIT => {
                self.stop(Stop::Hard, now);
            }
            (Some((Stop::Graceful, since)), ..)
                if matches!(self.cause, Cause::Breached(_)) && waited(since) > BREACH_LIMIT =>
            {
                self.stop(Stop::Hard, now);
            }
            (None, Some(load), Some(limit)) if load > limit => {
                self.cause = Cause::TimedOut(limit);
                self.notice(format!("stopping: the campaign's limit of {} is over", human(limit)));
                self.stop(Stop::Graceful, now);
            }
            _ => {}
        }
    }

    /// Waits no longer for the last figures of hard-stopped factories.
    fn abandon(&mut self) {
        for id in self.ids() {
            let factory = &mut self.factories[id.0 as usize];
            if factory.phase == FactoryPhase::Ended {
                continue;
            }
            factory.phase = FactoryPhase::Ended;
            let since = match factory.last_snapshot {
                Some((_, at)) => format!("all after {} UTC", at.time_of_day()),
                None => "all that it did".to_owned(),
            };
            self.notes.push(format!(
                "factory '{}' did not report its last figures within {} of the stop: {since} is missing",
                factory.plan.factory,
                human(HARD_STOP_LIMIT)
            ));
            self.keep_rest(id);
        }
    }
}
