//! Who awaits a key whose deadline has passed, and the evidence of it.

use qalipsis_minion::fault::Fault;
use qalipsis_minion::state::ScenarioContext;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailedCheck, FailureKind, excerpt};
use qalipsis_model::failure::{self, FailedExecution};
use qalipsis_model::suggest;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_recorder::clock::after;
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
    /// Where it is awaited.
    pub(crate) location: &'static Location<'static>,
    pub(crate) terms: Terms,
    /// Whether nothing fails when its records never come.
    pub(crate) optional: bool,
    /// The evidence that says they are missing, when it is kept.
    pub(crate) evidence: Option<u64>,
}

/// When and where a key was expected, and until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) expected: &'static Location<'static>,
    pub(crate) expected_at: Instant,
    pub(crate) trigger: Instant,
    pub(crate) limit: Duration,
}

impl Terms {
    /// When its records should have come.
    pub(crate) fn deadline(&self) -> Instant {
        after(self.trigger, self.limit)
    }
}

impl Awaiting {
    /// A line of the list of failures, beside the one that was written at the deadline.
    pub(crate) fn listed(&self, fault: &Fault, at: Timestamp) -> FailedExecution {
        FailedExecution {
            at,
            scenario: self.scenario.name.clone(),
            step: Some(self.step),
            key: fault.key.clone(),
            minion: Some(self.minion),
            iteration: self.iteration,
            kind: fault.kind,
            message: failure::line(&fault.message),
            trace_id: Some(self.trace_id.clone()),
        }
    }

    pub(crate) fn step_name(&self) -> &'static str {
        self.scenario.steps[self.step as usize].name
    }

    /// Keeps `fault`, dated at the deadline. The head adds the exchanges that it has of it to these.
    pub(crate) fn keep(&self, id: u64, fault: Fault, exchanges: Vec<ExchangeRecord>) {
        let fault = fault.into_details();
        self.scenario.evidence.send(Evidence {
            id,
            scenario: self.scenario.name.clone(),
            step: Some(self.step),
            at: self.scenario.clock.date(self.terms.deadline()),
            minion: Some(self.minion),
            iteration: self.iteration,
            taken: Default::default(),
            zone: self.scenario.zone.clone(),
            attempt: 1,
            kind: fault.kind,
            code: String::new(),
            message: excerpt(&fault.message),
            checks: fault.checks,
            exchanges,
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
    pub(crate) has_condition: bool,
}

impl Expected<'_> {
    fn text(&self) -> String {
        let what = match self.wanted {
            1 => "a record".to_owned(),
            n => format!("{n} records"),
        };
        let condition = if self.has_condition { " that meets its condition" } else { "" };
        format!(
            "expected {what} of key {:?} on {}{condition} within {}",
            self.key,
            self.source,
            human(self.limit)
        )
    }

    fn fault(&self, kind: FailureKind, message: String) -> Fault {
        let mut fault = Fault::new(kind, message);
        fault.source = Some(self.source.to_owned());
        fault.key = Some(excerpt(&format!("{:?}", self.key)));
        fault
    }

    /// They did not all come. `near` are keys that did come and that no minion expected.
    pub(crate) fn missing(&self, came: u32, near: &[String]) -> Fault {
        let observed = match (came, self.has_condition) {
            (0, _) => "none".to_owned(),
            (came, false) => format!("{came}"),
            (came, true) => format!("{came} that did not meet it"),
        };
        let message = format!("{}, observed {observed}", self.text());
        let mut fault = self.fault(FailureKind::JoinMissing, message);
        let key = format!("{:?}", self.key);
        if let Some(nearest) = suggest::nearest(&key, near.iter().map(String::as_str)) {
            fault.checks.push(FailedCheck {
                name: "nearest key that no minion expected".to_owned(),
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
        self.fault(FailureKind::JoinLate, message)
    }
}
