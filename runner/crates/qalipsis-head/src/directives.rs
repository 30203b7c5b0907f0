//! The directives to one factory that it has not received yet.

use qalipsis_cluster::{HeadMessage, ToFactory};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a factory may take to say that it has received a directive, before it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(1);

/// Numbers the directives to one factory, and keeps them until it has received them.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    /// Number of the next directive.
    next: u64,
    /// With the time at which each was last sent.
    unreceived: VecDeque<(HeadMessage, Duration)>,
}

impl Directives {
    /// Gives a message its number, and keeps it when it is a directive.
    pub(crate) fn number(&mut self, message: ToFactory, now: Duration) -> HeadMessage {
        let message = HeadMessage { sequence: self.next, message };
        if message.message.is_directive() {
            self.next += 1;
            self.unreceived.push_back((message.clone(), now));
        }
        message
    }

    /// The factory has received so many.
    pub(crate) fn received(&mut self, count: u64) {
        self.unreceived.retain(|(message, _)| message.sequence >= count);
    }

    /// Those that should be sent again now.
    pub(crate) fn overdue(&mut self, now: Duration) -> Vec<HeadMessage> {
        let overdue = |(message, sent): &mut (HeadMessage, Duration)| {
            let is_overdue = now.saturating_sub(*sent) >= SEND_AGAIN;
            is_overdue.then(|| {
                *sent = now;
                message.clone()
            })
        };
        self.unreceived.iter_mut().filter_map(overdue).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_model::plan::Stop;

    #[test]
    fn a_directive_is_sent_again_until_it_was_received() {
        let mut directives = Directives::default();
        let at = Duration::from_secs;
        let graceful = directives.number(ToFactory::Stop(Stop::Graceful), at(0));
        assert_eq!(directives.number(ToFactory::Acknowledge(3), at(0)).sequence, 1, "no directive");
        let hard = directives.number(ToFactory::Stop(Stop::Hard), at(1));
        assert_eq!((graceful.sequence, hard.sequence), (0, 1));
        assert_eq!(directives.overdue(at(1)), std::slice::from_ref(&graceful));
        assert_eq!(directives.overdue(at(2)), [graceful, hard.clone()]);
        directives.received(1);
        assert_eq!(directives.overdue(at(9)), [hard]);
        directives.received(2);
        assert_eq!(directives.overdue(at(99)), []);
    }
}
