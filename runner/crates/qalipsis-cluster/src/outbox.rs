//! What a factory has sent and the head has not acknowledged.

use crate::message::{FactoryMessage, HeadMessage, ToFactory, ToHead};
use std::collections::VecDeque;

/// Reports that may be unacknowledged; further ones wait where they are made.
const LIMIT: usize = 256;

/// What a message of the head asks for.
#[derive(Debug)]
pub enum Received {
    /// Nothing: it was an acknowledgement, or a directive out of its turn.
    Nothing,
    /// These reports again.
    Missing(Vec<FactoryMessage>),
    /// To follow this directive, which comes in its turn.
    Directive(ToFactory),
}

/// Numbers the messages of one process of a factory, and keeps its reports until the head has them.
#[derive(Debug)]
pub struct Outbox {
    incarnation: u64,
    /// Number of the next report.
    next: u64,
    /// Directives received in their order.
    received: u64,
    /// The reports with the numbers just below `next`.
    unacknowledged: VecDeque<ToHead>,
}

impl Outbox {
    /// Of a process that has sent nothing yet.
    pub fn new(incarnation: u64) -> Self {
        Self { incarnation, next: 0, received: 0, unacknowledged: VecDeque::new() }
    }

    /// Gives a message its number, and keeps it when it is a report.
    pub fn number(&mut self, message: ToHead) -> FactoryMessage {
        let sequence = self.next;
        if message.is_report() {
            self.next += 1;
            self.unacknowledged.push_back(message.clone());
        }
        self.numbered(sequence, message)
    }

    /// Whether no report may be added before the head acknowledges some.
    pub fn is_full(&self) -> bool {
        self.unacknowledged.len() >= LIMIT
    }

    /// Whether the head has everything.
    pub fn is_empty(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Takes a message of the head.
    pub fn receive(&mut self, message: HeadMessage) -> Received {
        match message.message {
            ToFactory::Acknowledge(next) => {
                self.acknowledge(next);
                Received::Nothing
            }
            ToFactory::Resend(from) => Received::Missing(self.from(from).collect()),
            directive if self.accepts(message.sequence) => Received::Directive(directive),
            _ => Received::Nothing,
        }
    }

    /// The head has all reports with a number below `next`.
    pub fn acknowledge(&mut self, next: u64) {
        let first = self.first();
        // What was acknowledged before, or never sent, changes nothing.
        if next <= self.next {
            self.unacknowledged.drain(..next.saturating_sub(first) as usize);
        }
    }

    /// The reports from this number on, to be sent again. What was acknowledged is not among them.
    fn from(&self, sequence: u64) -> impl Iterator<Item = FactoryMessage> {
        let first = self.first();
        let skipped = sequence.saturating_sub(first) as usize;
        let reports = (first..).zip(&self.unacknowledged).skip(skipped);
        reports.map(|(sequence, message)| self.numbered(sequence, message.clone()))
    }

    /// Takes the number of a directive; whether the directive is the next one. Others were received before, or come
    /// again after the one that is missing.
    pub fn accepts(&mut self, sequence: u64) -> bool {
        let is_next = sequence == self.received;
        self.received += u64::from(is_next);
        is_next
    }

    fn first(&self) -> u64 {
        self.next - self.unacknowledged.len() as u64
    }

    fn numbered(&self, sequence: u64, message: ToHead) -> FactoryMessage {
        FactoryMessage { incarnation: self.incarnation, sequence, received: self.received, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(outbox: &Outbox, from: u64) -> Vec<u64> {
        outbox.from(from).map(|message| message.sequence).collect()
    }

    #[test]
    fn reports_are_kept_until_the_head_has_them() {
        let mut outbox = Outbox::new(3);
        assert_eq!(outbox.number(ToHead::Ready).sequence, 0);
        assert_eq!(outbox.number(ToHead::Heartbeat).sequence, 1, "a heartbeat has no number of its own");
        let ended = outbox.number(ToHead::Ended);
        assert_eq!((ended.incarnation, ended.sequence), (3, 1));
        assert_eq!((numbers(&outbox, 0), numbers(&outbox, 1)), (vec![0, 1], vec![1]));
        outbox.acknowledge(1);
        assert_eq!(numbers(&outbox, 0), [1], "what the head has is not sent again");
        outbox.acknowledge(0);
        outbox.acknowledge(5);
        assert_eq!(numbers(&outbox, 0), [1], "an old or impossible acknowledgement changes nothing");
        outbox.acknowledge(2);
        assert!(outbox.is_empty() && numbers(&outbox, 0).is_empty());
    }

    #[test]
    fn it_is_full_until_something_is_acknowledged() {
        let mut outbox = Outbox::new(0);
        (0..LIMIT).for_each(|_| _ = outbox.number(ToHead::Ready));
        assert!(outbox.is_full());
        outbox.acknowledge(1);
        assert!(!outbox.is_full());
    }

    #[test]
    fn directives_are_taken_once_and_in_their_order() {
        let mut outbox = Outbox::new(0);
        assert!(!outbox.accepts(1), "the first one is missing");
        assert!(outbox.accepts(0));
        assert!(!outbox.accepts(0), "it was received before");
        assert!(outbox.accepts(1));
        assert_eq!(outbox.number(ToHead::Heartbeat).received, 2);
    }
}
