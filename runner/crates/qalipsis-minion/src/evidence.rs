//! Failures of a minion, and the evidence of those that are kept.

use crate::cursor::RecordCursor;
use crate::fault::Fault;
use crate::spans;
use crate::state::MinionState;
use qalipsis_model::duration::human;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailureKind, excerpt};
use qalipsis_model::failure::{self, FailedExecution};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_recorder::exchanges::Remembered;
use std::collections::BTreeMap;
use std::panic::Location;
use tokio::time::Instant;

/// The execution in which a minion failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) step: u32,
    pub(crate) started: Instant,
    pub(crate) location: &'static Location<'static>,
    /// How many exchanges it remembered.
    pub(crate) remembered: u32,
}

impl MinionState {
    /// Drops an iteration that took too long. The steps that it was in fail as timeouts; when it was in
    /// none, the iteration itself does.
    pub fn time_out<P>(&self, iteration: P) {
        self.set_timed_out();
        drop(iteration);
        if !self.is_timeout_reported() && !self.ended() {
            let last = self
                .current_step()
                .map_or("no step was started".to_owned(), |s| format!("the last step was '{s}'"));
            let limit = human(self.scenario().iteration_limit);
            self.fail_iteration(
                FailureKind::Timeout,
                format!("the iteration did not end within {limit} (campaign.limits.iteration), {last}"),
            );
        }
    }

    /// Records a failure of the iteration outside of any step.
    pub fn fail_iteration(&self, kind: FailureKind, message: String) {
        let scenario = self.scenario();
        let at = scenario.clock.now();
        self.recorder().scenario(scenario.index, |f| f.iterations.record_failure(kind, at));
        self.keep(None, None, Fault::new(kind, message), at);
    }

    /// Logs what an execution exchanged.
    pub(crate) fn log_exchanges(&self, step: u32, remembered: u32) {
        let (all, _) = self.exchanges();
        let own = all.iter().rev().filter(|one| one.step == step);
        let mut own: Vec<&Remembered> = own.take(remembered as usize).collect();
        own.reverse();
        own.iter().for_each(|one| spans::exchange(self.step_name(one.step), &*one.exchange));
    }

    /// All exchanges of the iteration for evidence, and how many are left out.
    fn exchange_records(&self) -> (Vec<ExchangeRecord>, u32) {
        // Formatting calls the code of plugins, which must not happen under the lock.
        let (all, omitted) = self.exchanges();
        let record = |one: Remembered| ExchangeRecord {
            step: Some(self.step_name(one.step).to_owned()),
            at: self.date(one.at),
            summary: excerpt(&one.exchange.summary()),
            details: excerpt(&one.exchange.details()),
        };
        (all.into_iter().map(record).collect(), omitted)
    }

    /// How many records it had taken before this iteration, by name of the data.
    fn taken(&self) -> BTreeMap<String, u64> {
        let cursors = self.extensions::<RecordCursor>();
        cursors.iter().map(|cursor| (cursor.name().to_owned(), cursor.before(self.iteration()))).collect()
    }

    /// Keeps a failure whole, if it is among the first of its kind.
    ///
    /// `reserved` is the answer of the keeper when it was asked before.
    pub(crate) fn keep(
        &self,
        place: Option<Place>,
        reserved: Option<Option<u64>>,
        fault: Fault,
        at: Timestamp,
    ) {
        let scenario = self.scenario();
        let keeper = &scenario.evidence;
        let step = place.map(|place| place.step);
        spans::failed(step.map(|step| self.step_name(step)), fault.kind, &fault.message);
        keeper.failures.add(|| FailedExecution {
            at,
            scenario: scenario.name.clone(),
            step,
            key: fault.key.clone(),
            minion: Some(self.index()),
            iteration: self.iteration(),
            kind: fault.kind,
            message: failure::line(&fault.message),
            trace_id: Some(self.trace_id()),
        });
        let id = reserved.unwrap_or_else(|| keeper.admit(scenario.index, step, fault.kind));
        let Some(id) = id else { return };
        let fault = fault.into_details();
        let (mut exchanges, exchanges_omitted) = self.exchange_records();
        // What its plugin remembered itself is more than what it says in the fault.
        if place.is_none_or(|place| place.remembered == 0)
            && let Some(text) = fault.exchange.or(fault.input)
        {
            exchanges.push(ExchangeRecord {
                step: step.map(|step| self.step_name(step).to_owned()),
                at: place.map_or(at, |place| self.date(place.started)),
                summary: excerpt(text.lines().next().unwrap_or_default()),
                details: excerpt(&text),
            });
            exchanges.sort_by_key(|one| one.at);
        }
        keeper.send(Evidence {
            id,
            scenario: scenario.name.clone(),
            step,
            at,
            minion: Some(self.index()),
            iteration: self.iteration(),
            taken: self.taken(),
            zone: scenario.zone.clone(),
            attempt: fault.attempt,
            kind: fault.kind,
            code: fault.code.into_owned(),
            message: excerpt(&fault.message),
            checks: fault.checks,
            exchanges,
            exchanges_omitted,
            notes: fault.notes,
            source: fault.source,
            key: fault.key,
            trace_id: Some(self.trace_id()),
            location: place.map(|place| place.location.into()),
        });
    }
}
