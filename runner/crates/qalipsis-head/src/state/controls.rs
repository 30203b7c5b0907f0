//! Controlling a running campaign.

use super::State;
use crate::command::{Control, Refusal};
use crate::effect::Effect;
use crate::event::CampaignEvent;
use crate::now::Now;
use qalipsis_model::control::Marker;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How far in the future the instant of a marker may be: the clock of who sets it may be ahead.
const LEEWAY: Duration = Duration::from_secs(10);

impl State {
    pub(super) fn on_control(&mut self, control: Control, now: Now) {
        let answer = match control {
            Control::Mark { label, at } => self.mark(label, at.unwrap_or(now.wall), now),
        };
        self.effects.push(Effect::Answer(answer));
    }

    fn mark(&mut self, label: String, at: Timestamp, now: Now) -> Result<Timestamp, Refusal> {
        let length = label.chars().count();
        if length == 0 || length > Marker::LONGEST {
            return Err(Refusal::Label(length));
        }
        if at < self.opened.wall || at > now.wall.plus(LEEWAY) {
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
