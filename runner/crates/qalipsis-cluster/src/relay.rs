//! Between the transport and the local socket of one factory.

use crate::local::{Receiver, Sender};
use crate::message::{FactoryMessage, HeadMessage};
use crate::transport::{Arrival, FactoryEnd};
use std::io;

/// Forwards what head and factory send, until either is gone. A factory that does not read delays only what is sent to
/// it.
pub async fn relay(end: FactoryEnd, sender: Sender<HeadMessage>, receiver: Receiver<FactoryMessage>) {
    let FactoryEnd { to_head, from_head } = end;
    let closed = async {
        let mut receiver = receiver;
        loop {
            let arrival = arrival(receiver.receive().await);
            let is_last = matches!(arrival, Arrival::Closed(_));
            if to_head.send(arrival).await.is_err() || is_last {
                return;
            }
        }
    };
    let gone = async {
        let (mut sender, mut from_head) = (sender, from_head);
        while let Some(message) = from_head.recv().await {
            if sender.send(&message).await.is_err() {
                // The other direction learns why, after what the factory sent last.
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = closed => {}
        () = gone => {}
    }
}

fn arrival(message: io::Result<Option<FactoryMessage>>) -> Arrival {
    match message {
        Ok(Some(message)) => Arrival::Message(Box::new(message)),
        Ok(None) => Arrival::Closed(None),
        // A process that dies with directives unread resets its connection, and one that dies while it sends leaves a part
        // of a frame: its exit status says more than that.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) =>
        {
            Arrival::Closed(None)
        }
        Err(error) => Arrival::Closed(Some(format!("sent what cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{Listener, connect};
    use crate::message::{ToFactory, ToHead};
    use crate::transport::{FactoryId, InProcess, Transport};
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn messages_are_forwarded_in_both_directions_and_the_end_of_the_factory_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let (mut factory_sender, mut factory_receiver) = connect(&path).await.unwrap();
        let (sender, receiver) = listener.accept().await.unwrap();
        let (mut head, mut ends) = InProcess::new(1);
        let relaying = tokio::spawn(relay(ends.remove(0), sender, receiver));

        let sent = FactoryMessage { incarnation: 1, sequence: 0, received: 0, message: ToHead::Ready };
        factory_sender.send(&sent).await.unwrap();
        let (factory, arrival) = head.receive().await;
        let Arrival::Message(message) = arrival else { panic!("{arrival:?}") };
        assert_eq!((factory, *message), (FactoryId(0), sent));

        let directive = HeadMessage { sequence: 0, message: ToFactory::Acknowledge(1) };
        head.send(factory, directive.clone());
        assert_eq!(factory_receiver.receive().await.unwrap(), Some(directive));

        drop((factory_sender, factory_receiver));
        assert!(matches!(head.receive().await, (FactoryId(0), Arrival::Closed(None))));
        relaying.await.unwrap();
    }

    #[tokio::test]
    async fn a_factory_that_dies_in_the_middle_of_a_frame_has_closed_its_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let mut factory = UnixStream::connect(&path).await.unwrap();
        let (sender, receiver) = listener.accept().await.unwrap();
        // A length of 100, and no more than 4 of these bytes.
        factory.write_all(&[0, 0, 0, 100, 1, 2, 3, 4]).await.unwrap();
        drop(factory);
        let (mut head, mut ends) = InProcess::new(1);
        relay(ends.remove(0), sender, receiver).await;
        let arrival = head.receive().await;
        assert!(matches!(arrival, (FactoryId(0), Arrival::Closed(None))), "{arrival:?}");
    }

    #[tokio::test]
    async fn a_factory_that_dies_with_directives_unread_has_closed_its_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let (factory_sender, factory_receiver) = connect(&path).await.unwrap();
        let (mut sender, receiver) = listener.accept().await.unwrap();
        sender.send(&HeadMessage { sequence: 0, message: ToFactory::Acknowledge(1) }).await.unwrap();
        let (mut head, mut ends) = InProcess::new(1);
        drop((factory_sender, factory_receiver));
        relay(ends.remove(0), sender, receiver).await;
        assert!(matches!(head.receive().await, (FactoryId(0), Arrival::Closed(None))));
    }
}
