//! Events: what minions emit beside the figures, on its way to the head.
//!
//! A buffer belongs to one worker thread, so its lock is free but for the drain. When it is full,
//! further events are dropped and counted: nothing waits for the head.

use parking_lot::Mutex;
use qalipsis_model::event::{Event, Level};
use qalipsis_model::plan::EventsPlan;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

    /// Whether events of this level are collected.
    pub fn takes(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Adds an event; drops and counts it when the buffer is full.
    pub fn push(&self, event: Event) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::timestamp::Timestamp;

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
