//! Who awaits a key whose deadline has passed, and the evidence that tells so.

use crate::clock;
use crate::fault::Fault;
use crate::minion::ScenarioContext;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::{Evidence, FailedCheck, FailureKind, excerpt};
use qalipsis_model::suggest;
use std::fmt::Debug;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Who awaits an overdue key.
#[derive(Debug)]
pub(crate) struct Awaiting {
    pub(crate) scenario: Arc<ScenarioContext>,
    pub(crate) step: u32,
    pub(crate) minion: u32,
    pub(crate) iteration: u64,
    pub(crate) trace_id: String,
    pub(crate) location: &'static Location<'static>,
    pub(crate) trigger: Instant,
    pub(crate) limit: Duration,
    /// Records that were expected.
    pub(crate) wanted: u32,
    /// Records that are still to come.
    pub(crate) left: u32,
    /// Whether nothing fails when they never come.
    pub(crate) optional: bool,
    /// The evidence that says they are missing, when it is kept.
    pub(crate) evidence: Option<u64>,
}

impl Awaiting {
    /// Keeps `fault`, dated at the deadline.
    pub(crate) fn keep(&self, id: u64, fault: Fault) {
        let fault = fault.into_details();
        self.scenario.evidence.send(Evidence {
            id,
            scenario: self.scenario.name.clone(),
            step: Some(self.step),
            at: self.scenario.clock.date(clock::after(self.trigger, self.limit)),
            minion: Some(self.minion),
            iteration: self.iteration,
            taken: Default::default(),
            zone: self.scenario.zone.clone(),
            attempt: 1,
            kind: fault.kind,
            code: String::new(),
            message: excerpt(&fault.message),
            checks: fault.checks,
            exchanges: Vec::new(),
            exchanges_omitted: 0,
            notes: fault.notes,
            source: fault.source,
            key: fault.key,
            trace_id: Some(self.trace_id.clone()),
            location: Some(self.location.into()),
        });
    }
}

/// What was expected of a key, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) source: &'a str,
    pub(crate) key: &'a dyn Debug,
    pub(crate) wanted: u32,
    pub(crate) limit: Duration,
}

impl Expected<'_> {
    fn text(&self) -> String {
        let what = match self.wanted {
            1 => "a record".to_owned(),
            n => format!("{n} records"),
        };
        format!("expected {what} of key {:?} on {} within {}", self.key, self.source, human(self.limit))
    }

    /// They did not all come. `near` are keys that did come and that nobody awaited.
    pub(crate) fn missing(&self, came: u32, near: &[String]) -> Fault {
        let observed = if came == 0 { "none".to_owned() } else { format!("{came}") };
        let mut fault = Fault::new(FailureKind::JoinMissing, format!("{}, observed {observed}", self.text()));
        let key = format!("{:?}", self.key);
        if let Some(nearest) = suggest::nearest(&key, near.iter().map(String::as_str)) {
            fault.checks.push(FailedCheck {
                name: "nearest key that nobody awaited".to_owned(),
                expected: excerpt(&key),
                observed: excerpt(nearest),
                location: None,
            });
        }
        fault
    }

    /// They came after the deadline.
    pub(crate) fn late(&self, latency: Duration) -> Fault {
        let what = if self.wanted == 1 { "it" } else { "the last" };
        let message = format!("{}, observed {what} after {}", self.text(), human(latency));
        Fault::new(FailureKind::JoinLate, message)
    }
}
