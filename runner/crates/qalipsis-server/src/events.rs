//! What happens in a campaign, for clients that follow it: numbered, bounded, and resumable.

use parking_lot::Mutex;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events of one campaign that a client which comes back may still get.
const KEPT: usize = 1_000;

/// Events that may wait for a client; a slower one is cut off.
const WAITING: usize = 256;

/// Something that happened in a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number in the campaign, from 1.
    pub id: u64,
    /// What kind of event it is.
    pub name: &'static str,
    /// Its data.
    pub data: Value,
}

/// The events of one campaign.
#[derive(Debug)]
pub(crate) struct Events {
    log: Mutex<Log>,
    sender: broadcast::Sender<Arc<Event>>,
}

#[derive(Debug, Default)]
struct Log {
    last: u64,
    is_over: bool,
    kept: VecDeque<Arc<Event>>,
}

/// What a client gets first, and what comes after.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Events that happened since the one that it saw last.
    pub(crate) missed: Vec<Arc<Event>>,
    /// How many events it can no longer get.
    pub(crate) lost: u64,
    /// The number of the last event so far.
    pub(crate) last: u64,
    /// Whether nothing comes any more.
    pub(crate) is_over: bool,
    /// What comes from now on.
    pub(crate) next: broadcast::Receiver<Arc<Event>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { log: Mutex::default(), sender: broadcast::channel(WAITING).0 }
    }

    pub(crate) fn publish(&self, name: &'static str, data: Value) {
        self.add(name, data, false);
    }

    /// Publishes the last event.
    pub(crate) fn close(&self, name: &'static str, data: Value) {
        self.add(name, data, true);
    }

    fn add(&self, name: &'static str, data: Value, is_last: bool) {
        let mut log = self.log.lock();
        log.is_over |= is_last;
        log.last += 1;
        let event = Arc::new(Event { id: log.last, name, data });
        if log.kept.len() == KEPT {
            log.kept.pop_front();
        }
        log.kept.push_back(Arc::clone(&event));
        // Under the lock, so that the order is that of the numbers. Without clients nobody gets it.
        let _ = self.sender.send(event);
    }

    /// From after the event of this number on; without one from now on.
    pub(crate) fn subscribe(&self, after: Option<u64>) -> Subscription {
        let log = self.log.lock();
        let next = self.sender.subscribe();
        let (last, is_over) = (log.last, log.is_over);
        let Some(after) = after else {
            return Subscription { missed: Vec::new(), lost: 0, last, is_over, next };
        };
        let missed: Vec<Arc<Event>> = log.kept.iter().filter(|event| event.id > after).cloned().collect();
        let first = missed.first().map_or(log.last + 1, |event| event.id);
        Subscription { missed, lost: first.saturating_sub(after.saturating_add(1)), last, is_over, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.id).collect()
    }

    #[test]
    fn who_comes_back_gets_what_it_missed_or_how_much_it_lost() {
        let events = Events::new();
        (0..3).for_each(|n| events.publish("second", json!(n)));
        let subscription = events.subscribe(Some(1));
        assert_eq!((ids(&subscription.missed), subscription.lost), (vec![2, 3], 0));
        let mut subscription = events.subscribe(None);
        assert_eq!(ids(&subscription.missed), [0; 0]);
        events.publish("second", json!(3));
        assert_eq!(subscription.next.try_recv().unwrap().id, 4);
        (0..KEPT).for_each(|n| events.publish("second", json!(n)));
        let subscription = events.subscribe(Some(1));
        assert_eq!((subscription.missed.len(), subscription.lost), (KEPT, 3));
        // A number of another campaign, or of the future, loses nothing.
        assert_eq!(events.subscribe(Some(1 << 40)).lost, 0);
    }
}
