//! Controlling a running campaign.

use super::{START_MARGIN, State};
use crate::command::{Control, PAUSES, Refusal};
use crate::effect::Effect;
use crate::event::{CampaignEvent, Phase};
use crate::factory::FactoryPhase;
use crate::now::Now;
use qalipsis_cluster::ToFactory;
use qalipsis_model::control::Marker;
use qalipsis_model::duration::human;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How far in the future the instant of a marker may be: the clock of who sets it may be ahead.
const LEEWAY: Duration = Duration::from_secs(10);

impl State {
    pub(super) fn on_control(&mut self, control: Control, now: Now) {
        let answer = match control {
            Control::Pause => self.pause(now),
            Control::Resume => self.resume(now),
            Control::Mark { label, at } => self.mark(label, at, now),
        };
        self.effects.push(Effect::Answer(answer));
    }

    fn pause(&mut self, now: Now) -> Result<Timestamp, Refusal> {
        let at = self.running_at(now)?;
        let controls = self.aggregate.controls();
        if controls.pauses.len() == PAUSES && !controls.is_paused() {
            return Err(Refusal::TooManyPauses);
        }
        let at = self.aggregate.pause(at).ok_or(Refusal::Paused)?;
        self.send_to_all(&ToFactory::Pause, now);
        self.notice("paused: running iterations are finished, and nothing is released");
        self.publish(CampaignEvent::Phase(Phase::Paused));
        Ok(at)
    }

    fn resume(&mut self, now: Now) -> Result<Timestamp, Refusal> {
        // What is due at once is late by as long as the directive takes.
        let at = self.running_at(now)?.plus(START_MARGIN);
        let paused = self.aggregate.resume(at).ok_or(Refusal::NotPaused)?;
        self.send_to_all(&ToFactory::Resume(paused), now);
        self.notice(format!("resumed after a pause of {}", human(paused)));
        self.publish(CampaignEvent::Phase(Phase::Running));
        Ok(at)
    }

    /// The date of now on the clock of the load, when that runs.
    fn running_at(&self, now: Now) -> Result<Timestamp, Refusal> {
        let start = self.started.ok_or(Refusal::NotRunning("is preparing"))?;
        if self.is_over() {
            return Err(Refusal::NotRunning("has ended"));
        }
        if self.stopped.is_some() {
            return Err(Refusal::NotRunning("is stopping"));
        }
        Ok(start.date(now))
    }

    fn send_to_all(&mut self, directive: &ToFactory, now: Now) {
        for id in self.ids() {
            if self.factories[id.0 as usize].phase == FactoryPhase::Running {
                self.send(id, directive.clone(), now);
            }
        }
    }

    fn mark(&mut self, label: String, at: Option<Timestamp>, now: Now) -> Result<Timestamp, Refusal> {
        // On the clock of the load, as all else in the charts, also after the clock of the head was set.
        let current = self.started.map_or(now.wall, |start| start.date(now));
        let at = at.unwrap_or(current);
        let length = label.chars().count();
        if length == 0 || length > Marker::LONGEST {
            return Err(Refusal::Label(length));
        }
        if at < self.opened.wall || at > now.wall.max(current).plus(LEEWAY) {
            return Err(Refusal::OutOfTime);
        }
        if self.aggregate.controls().markers.len() == Marker::MOST {
            return Err(Refusal::TooManyMarkers);
        }
        let marker = Marker { label, at };
        self.aggregate.mark(marker.clone());
        self.publish(CampaignEvent::Marked(marker));
        Ok(at)
    }
}
