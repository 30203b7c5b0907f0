//! The reports of one factory, in their order and each once, whatever the way to the head does to them.

use qalipsis_cluster::{FactoryMessage, ToHead};
use std::collections::BTreeMap;
use std::time::Duration;

/// Reports that may wait for an earlier one: as many as a factory keeps unacknowledged, and some.
const EARLY: usize = 512;

/// How long an answer to a request may take before reports are asked for again.
const REQUEST_AGAIN: Duration = Duration::from_millis(500);

/// What came of a message.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// These reports are next, in their order; none when the message is a heartbeat, came twice or too early.
    Reports(Vec<ToHead>),
    /// It is of an earlier process of the factory.
    Outdated,
    /// The factory was started again.
    Restarted,
}

/// Puts the reports of one factory in their order.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    incarnation: Option<u64>,
    /// Number of the next report.
    next: u64,
    /// Reports after a missing one.
    early: BTreeMap<u64, ToHead>,
    /// Reports that the factory has sent, as far as that is known.
    sent: u64,
    acknowledged: u64,
    /// When the missing ones were last asked for.
    requested: Option<Duration>,
}

impl Inbox {
    /// Takes a message.
    pub(crate) fn take(&mut self, message: FactoryMessage) -> Taken {
        match self.incarnation {
            Some(known) if message.incarnation < known => return Taken::Outdated,
            Some(known) if message.incarnation > known => return Taken::Restarted,
            _ => self.incarnation = Some(message.incarnation),
        }
        let FactoryMessage { sequence, message, .. } = message;
        let is_report = message.is_report();
        self.sent = self.sent.max(sequence.saturating_add(u64::from(is_report)));
        let is_new = sequence >= self.next && self.early.len() < EARLY;
        if is_report && (is_new || sequence == self.next) {
            self.early.insert(sequence, message);
        }
        let mut reports = Vec::new();
        while let Some(report) = self.early.remove(&self.next) {
            self.next += 1;
            self.requested = None;
            reports.push(report);
        }
        Taken::Reports(reports)
    }

    /// The first missing report, when it should be asked for now.
    pub(crate) fn request(&mut self, now: Duration) -> Option<u64> {
        let is_asked = self.requested.is_some_and(|at| now.saturating_sub(at) < REQUEST_AGAIN);
        if self.missing() == 0 || is_asked {
            return None;
        }
        self.requested = Some(now);
        Some(self.next)
    }

    /// The number below which all reports have been received, when the factory does not know it yet.
    pub(crate) fn acknowledge(&mut self) -> Option<u64> {
        let is_news = self.next > self.acknowledged;
        self.acknowledged = self.next;
        is_news.then_some(self.next)
    }

    /// The number below which all reports have been received.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// How many reports have been sent and not received.
    pub(crate) fn missing(&self) -> u64 {
        self.sent.saturating_sub(self.next).saturating_sub(self.early.len() as u64)
    }

    /// The reports that wait for one that does not come any more.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = ToHead> + use<> {
        std::mem::take(&mut self.early).into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sequence: u64) -> FactoryMessage {
        numbered(sequence, ToHead::Stuck(sequence.to_string()))
    }

    fn numbered(sequence: u64, message: ToHead) -> FactoryMessage {
        FactoryMessage { incarnation: 5, sequence, received: 0, message }
    }

    fn numbers(taken: Taken) -> Vec<u64> {
        let Taken::Reports(reports) = taken else { panic!("{taken:?}") };
        let number = |report| match report {
            ToHead::Stuck(number) => number.parse().unwrap(),
            other => panic!("{other:?}"),
        };
        reports.into_iter().map(number).collect()
    }

    #[test]
    fn reports_come_out_in_their_order_and_once() {
        let mut inbox = Inbox::default();
        let order = [1, 0, 0, 1, 4, 3, 3, 2, 2].map(|sequence| numbers(inbox.take(report(sequence))));
        assert_eq!(order.concat(), [0, 1, 2, 3, 4]);
        assert_eq!((inbox.next(), inbox.missing()), (5, 0));
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_again_until_it_is_filled() {
        let mut inbox = Inbox::default();
        let at = Duration::from_millis;
        inbox.take(report(0));
        assert_eq!(inbox.request(at(0)), None);
        inbox.take(report(3));
        assert_eq!((inbox.request(at(0)), inbox.missing()), (Some(1), 2));
        assert_eq!((inbox.request(at(499)), inbox.request(at(500))), (None, Some(1)));
        inbox.take(report(1));
        assert_eq!(inbox.request(at(501)), Some(2), "what came shows that the factory answers");
        inbox.take(report(2));
        assert_eq!((inbox.request(at(9_000)), inbox.missing()), (None, 0));
    }

    #[test]
    fn a_number_that_no_report_can_have_is_no_panic() {
        let mut inbox = Inbox::default();
        assert_eq!(numbers(inbox.take(report(u64::MAX))), [0; 0]);
        assert_eq!(inbox.missing(), u64::MAX - 1);
    }

    #[test]
    fn a_lost_last_report_is_noticed_by_the_next_heartbeat() {
        let mut inbox = Inbox::default();
        inbox.take(report(0));
        assert_eq!(inbox.take(numbered(2, ToHead::Heartbeat)), Taken::Reports(Vec::new()));
        assert_eq!((inbox.missing(), inbox.request(Duration::ZERO)), (1, Some(1)));
    }

    #[test]
    fn what_was_received_is_acknowledged_once() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.acknowledge(), None);
        inbox.take(report(0));
        inbox.take(report(2));
        assert_eq!((inbox.acknowledge(), inbox.acknowledge()), (Some(1), None));
        assert_eq!(inbox.rest().count(), 1);
    }

    #[test]
    fn another_process_of_the_factory_is_noticed() {
        let mut inbox = Inbox::default();
        inbox.take(report(0));
        assert_eq!(inbox.take(FactoryMessage { incarnation: 4, ..report(1) }), Taken::Outdated);
        assert_eq!(inbox.take(FactoryMessage { incarnation: 6, ..report(0) }), Taken::Restarted);
        assert_eq!(numbers(inbox.take(report(1))), [1]);
    }
}
