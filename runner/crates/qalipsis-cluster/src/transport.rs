//! How messages get from the head to its factories and back, whatever lies between them.

use crate::message::{FactoryMessage, HeadMessage};
use std::future::poll_fn;
use std::task::Poll;
use tokio::sync::mpsc;

/// Messages that may wait in one direction of one factory.
const WAITING: usize = 64;

/// Number of a factory in its campaign. The head gives it, and it is unique; names are labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactoryId(pub u32);

/// What comes from a factory, or is known of it.
#[derive(Debug)]
pub enum Arrival {
    /// A message.
    Message(Box<FactoryMessage>),
    /// The connection has ended; says why, when it was not closed by the factory.
    Closed(Option<String>),
    /// Its process has ended; says how.
    Exited(String),
}

/// The head's way to its factories and back.
///
/// A transport may lose, double, delay and reorder messages: numbers find that out, and what is missing is sent again.
pub trait Transport: Send {
    /// Sends a message, without waiting: when the way is full or gone, the message is lost.
    fn send(&mut self, factory: FactoryId, message: HeadMessage);

    /// The next arrival. It can be cancelled without loss, and never returns once all factories are gone.
    fn receive(&mut self) -> impl Future<Output = (FactoryId, Arrival)> + Send;
}

/// The transport inside one process: bounded queues.
#[derive(Debug)]
pub struct InProcess {
    ways: Vec<Way>,
    /// Whose arrivals are looked for first: in turns, so that none waits for a busy one.
    turn: usize,
}

#[derive(Debug)]
struct Way {
    to_factory: mpsc::Sender<HeadMessage>,
    /// `None` once it is closed.
    from_factory: Option<mpsc::Receiver<Arrival>>,
}

/// The factory's end of the transport inside one process.
#[derive(Debug)]
pub struct FactoryEnd {
    /// The way to the head.
    pub to_head: mpsc::Sender<Arrival>,
    /// The way from the head.
    pub from_head: mpsc::Receiver<HeadMessage>,
}

impl InProcess {
    /// Of so many factories, with the end of each in the order of their numbers.
    pub fn new(factories: usize) -> (Self, Vec<FactoryEnd>) {
        let way = |_| {
            let (to_factory, from_head) = mpsc::channel(WAITING);
            let (to_head, from_factory) = mpsc::channel(WAITING);
            (Way { to_factory, from_factory: Some(from_factory) }, FactoryEnd { to_head, from_head })
        };
        let (ways, ends) = (0..factories).map(way).unzip();
        (Self { ways, turn: 0 }, ends)
    }
}

impl Transport for InProcess {
    fn send(&mut self, factory: FactoryId, message: HeadMessage) {
        if let Some(way) = self.ways.get(factory.0 as usize) {
            // A factory that does not read must not delay the others.
            let _ = way.to_factory.try_send(message);
        }
    }

    async fn receive(&mut self) -> (FactoryId, Arrival) {
        poll_fn(|cx| {
            for offset in 0..self.ways.len() {
                let index = (self.turn + offset) % self.ways.len();
                let Some(receiver) = &mut self.ways[index].from_factory else { continue };
                let Poll::Ready(arrival) = receiver.poll_recv(cx) else { continue };
                self.turn = index + 1;
                let arrival = arrival.unwrap_or_else(|| {
                    self.ways[index].from_factory = None;
                    Arrival::Closed(None)
                });
                return Poll::Ready((FactoryId(index as u32), arrival));
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{ToFactory, ToHead};
    use futures::FutureExt as _;

    fn arrival(sequence: u64) -> Arrival {
        let message = ToHead::Ready;
        Arrival::Message(Box::new(FactoryMessage { incarnation: 0, sequence, received: 0, message }))
    }

    #[tokio::test]
    async fn a_factory_that_does_not_read_delays_no_other() {
        let (mut head, mut ends) = InProcess::new(2);
        let directive = || HeadMessage { sequence: 0, message: ToFactory::Acknowledge(1) };
        (0..10 * WAITING).for_each(|_| head.send(FactoryId(0), directive()));
        head.send(FactoryId(1), directive());
        assert_eq!(ends[1].from_head.recv().await, Some(directive()));
        assert_eq!(ends[0].from_head.len(), WAITING);
    }

    #[tokio::test]
    async fn arrivals_come_in_turns_and_the_end_is_seen_once() {
        let (mut head, mut ends) = InProcess::new(2);
        for sequence in 0..3 {
            ends[0].to_head.send(arrival(sequence)).await.unwrap();
        }
        ends[1].to_head.send(arrival(0)).await.unwrap();
        let mut order = Vec::new();
        for _ in 0..4 {
            order.push(head.receive().await.0.0);
        }
        assert_eq!(order, [0, 1, 0, 0]);
        ends.remove(0);
        assert!(matches!(head.receive().await, (FactoryId(0), Arrival::Closed(None))));
        assert!(head.receive().now_or_never().is_none());
    }
}
