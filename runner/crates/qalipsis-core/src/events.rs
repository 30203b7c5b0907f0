//! Events: what minions emit beside the figures, on its way to the head.
//!
//! A buffer belongs to one worker thread, so its lock is free but for the drain. When it is full,
//! further events are dropped and counted: nothing waits for the head.

use crate::execution::{self, Execution};
use crate::minion::{Minion, MinionState};
use crate::spans;
use crate::steps::Steps;
use parking_lot::Mutex;
use qalipsis_model::event::{EXECUTION, Event, Executed, Level, Value};
use qalipsis_model::plan::EventsPlan;
use qalipsis_model::timestamp::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::time::Instant;

/// For how many events there is room from the start, at most; a larger buffer grows.
const ROOM: usize = 16_384;

/// The events of one worker since the last drain.
#[derive(Debug)]
pub struct EventBuffer {
    level: Level,
    capacity: usize,
    waiting: Mutex<Vec<Event>>,
    dropped: AtomicU64,
}

impl EventBuffer {
    /// An empty one.
    pub fn new(plan: EventsPlan) -> Self {
        let capacity = plan.buffer as usize;
        Self {
            level: plan.level,
            capacity,
            waiting: Mutex::new(Vec::with_capacity(capacity.min(ROOM))),
            dropped: AtomicU64::new(0),
        }
    }

    fn push(&self, event: Event) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < self.capacity {
            waiting.push(event);
        } else {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Takes what waits, in the order in which it happened.
    pub fn drain(&self) -> Vec<Event> {
        if self.waiting.lock().is_empty() {
            return Vec::new();
        }
        // The worker goes on with room that is there already.
        let room = Vec::with_capacity(self.capacity.min(ROOM));
        std::mem::replace(&mut *self.waiting.lock(), room)
    }

    /// The number of events that were dropped since the last call.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Relaxed)
    }
}

impl MinionState {
    fn emit(&self, at: Timestamp, step: Option<u32>, level: Level, name: Cow<'static, str>, value: Value) {
        let Some(events) = self.events().filter(|events| level >= events.level) else { return };
        let event = Event {
            at,
            level,
            name,
            value,
            scenario: self.scenario_index() as u32,
            step,
            minion: self.index(),
            iteration: self.iteration(),
        };
        events.push(event.bounded());
    }
}

impl Execution {
    /// Emits an event that says how the execution ended, when its step is monitored and events are collected.
    pub(crate) fn emit(&self, ended: Instant, executed: impl FnOnce() -> Executed) {
        if self.minion.events().is_some() && self.minion.monitor(self.step).events() {
            let executed = executed();
            let (at, value) = (self.minion.date(ended), Value::Execution(executed));
            self.minion.emit(at, Some(self.step), executed.level(), Cow::Borrowed(EXECUTION), value);
        }
    }
}

impl<S: Steps> Minion<S> {
    /// Emits an event: a name, and a number, a duration, a text or a boolean as its value.
    ///
    /// It goes to the file of events, with the campaign, the scenario, the minion, its iteration and, inside
    /// of a step's action, the step; see `runner/docs/events.md`. Unless `report.export.events.enabled`
    /// is set and `level` is at least `report.export.events.level` it does nothing; but with `--log` or `RUST_LOG` it is
    /// a line of the log. It never waits: when
    /// too many events wait for the head it is dropped and counted. A name of more than 200 bytes and
    /// a text of more than 2 KB are cut.
    pub fn event(&self, level: Level, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let state = self.state();
        let logged = spans::is_logged(level);
        if !logged && state.events().is_none_or(|events| level < events.level) {
            return;
        }
        let (name, value) = (name.into(), value.into());
        if logged {
            spans::event(level, &name, &value);
        }
        if state.events().is_some_and(|events| level >= events.level) {
            let own =
                |execution: &mut Execution| Arc::ptr_eq(&execution.minion, state).then_some(execution.step);
            let step = execution::with(own).flatten();
            state.emit(state.scenario().clock.now(), step, level, name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: i64) -> Event {
        Event {
            at: Timestamp(7),
            level: Level::Info,
            name: "n".into(),
            value: number.into(),
            scenario: 0,
            step: None,
            minion: 0,
            iteration: 0,
        }
    }

    #[test]
    fn a_full_buffer_drops_and_counts_until_it_is_drained() {
        let buffer = EventBuffer::new(EventsPlan { level: Level::Info, buffer: 2 });
        (0..5).for_each(|number| buffer.push(event(number)));
        assert_eq!(buffer.drain(), [event(0), event(1)]);
        assert_eq!((buffer.take_dropped(), buffer.take_dropped()), (3, 0));
        buffer.push(event(5));
        assert_eq!((buffer.drain(), buffer.take_dropped()), (vec![event(5)], 0));
        assert_eq!(buffer.drain(), []);
    }
}
