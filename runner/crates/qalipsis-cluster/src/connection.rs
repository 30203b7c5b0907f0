//! The factory's side of the connection, on a thread of its own.
//!
//! Heartbeats come from that thread, so that neither busy workers nor a factory that is slow to collect its figures
//! keeps the head from seeing that the process is alive.

use crate::local::{ConnectError, Receiver, Sender, connect};
use crate::message::{FactoryMessage, HeadMessage, ToFactory, ToHead};
use crate::outbox::{Outbox, Received};
use crate::transport::{Arrival, FactoryEnd};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

/// How often the head gets a sign of life.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// Messages that may wait for the socket; figures wait, nothing is dropped here.
const WAITING: usize = 64;

/// How long the head may take to acknowledge the last reports.
const ACKNOWLEDGE_LIMIT: Duration = Duration::from_secs(1);

/// The way of a factory to its head and back.
#[derive(Debug)]
pub struct HeadConnection {
    sender: mpsc::Sender<ToHead>,
    receiver: mpsc::Receiver<io::Result<ToFactory>>,
    /// How often the factory itself showed that it moves.
    moves: Arc<AtomicU64>,
    /// How the connection ended, once it has.
    ended: oneshot::Receiver<io::Result<()>>,
}

impl HeadConnection {
    /// Connects to the head that listens at `path`. When the factory does not move for the limit of silence in its plan
    /// though its thread for the connection does, the head gets a report that it is stuck.
    ///
    /// # Errors
    /// When no head listens there, or no thread can be started.
    pub async fn open(path: PathBuf) -> Result<Self, ConnectError> {
        let place = path.clone();
        Self::begin(path, async move || Ok(Wire::Socket(Box::new(connect(&place).await?)))).await
    }

    /// Connects to a head in the same process, as [`HeadConnection::open`] does to another one.
    ///
    /// # Errors
    /// When no thread can be started.
    pub async fn in_process(end: FactoryEnd) -> Result<Self, ConnectError> {
        Self::begin(PathBuf::from("in this process"), async move || Ok(Wire::InProcess(end))).await
    }

    async fn begin<F>(path: PathBuf, wire: F) -> Result<Self, ConnectError>
    where
        F: AsyncFnOnce() -> Result<Wire, ConnectError> + Send + 'static,
    {
        let (out, to_send) = mpsc::channel(WAITING);
        let (received, receiver) = mpsc::channel(WAITING);
        let (opened, opening) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let moves = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&moves);
        let place = path.clone();
        let work = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(cause) => {
                    // Without a receiver nobody waits for the connection any more.
                    let _ = opened.send(Err(ConnectError::new("connect to", place, cause)));
                    return;
                }
            };
            runtime.block_on(async move {
                match wire().await {
                    Ok(wire) => {
                        if opened.send(Ok(())).is_ok() {
                            let outbox = Outbox::new(incarnation());
                            let link = Link { wire, outbox, to_send, received, moves: seen };
                            // Without a receiver the factory has ended before.
                            let _ = end.send(link.run().await);
                        }
                    }
                    Err(error) => _ = opened.send(Err(error)),
                }
            });
        };
        let thread = std::thread::Builder::new().name("connection".to_owned()).spawn(work);
        thread.map_err(|cause| ConnectError::new("connect to", path.clone(), cause))?;
        let gone = || Err(ConnectError::new("connect to", path, io::Error::other("its thread has ended")));
        opening.await.unwrap_or_else(|_| gone())?;
        Ok(Self { sender: out, receiver, moves, ended })
    }

    /// Shows that the factory moves; to be called more often than once a second.
    pub fn moves(&self) {
        self.moves.fetch_add(1, Relaxed);
    }

    /// Sends one message, after all that were sent before.
    ///
    /// # Errors
    /// When the head is gone.
    pub async fn send(&mut self, message: ToHead) -> io::Result<()> {
        match self.sender.send(message).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.why().await),
        }
    }

    /// The next message; `None` when the head is gone. Can be cancelled without loss.
    ///
    /// # Errors
    /// When the connection breaks, or what came is no message of this version.
    pub async fn receive(&mut self) -> io::Result<Option<ToFactory>> {
        self.receiver.recv().await.transpose()
    }

    /// Sends what waits and closes the connection.
    ///
    /// # Errors
    /// When the head is gone before all was sent.
    pub async fn close(self) -> io::Result<()> {
        drop(self.sender);
        self.ended.await.unwrap_or_else(|_| Err(io::Error::other("the connection's thread has ended")))
    }

    async fn why(&mut self) -> io::Error {
        match (&mut self.ended).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => io::Error::other("the connection was closed"),
        }
    }
}

/// Of a process that is started now: a later one has a greater number.
fn incarnation() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// What carries the messages.
enum Wire {
    Socket(Box<(Sender<FactoryMessage>, Receiver<HeadMessage>)>),
    InProcess(FactoryEnd),
}

impl Wire {
    async fn send(&mut self, message: FactoryMessage) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.0.send(&message).await,
            Self::InProcess(end) => end
                .to_head
                .send(Arrival::Message(Box::new(message)))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    /// Can be cancelled without loss.
    async fn receive(&mut self) -> io::Result<Option<HeadMessage>> {
        match self {
            Self::Socket(socket) => socket.1.receive().await,
            Self::InProcess(end) => Ok(end.from_head.recv().await),
        }
    }
}

/// What the thread works with.
struct Link {
    wire: Wire,
    outbox: Outbox,
    to_send: mpsc::Receiver<ToHead>,
    received: mpsc::Sender<io::Result<ToFactory>>,
    moves: Arc<AtomicU64>,
}

impl Link {
    /// Runs until the factory has nothing more to send, and the head has all that it sent.
    async fn run(mut self) -> io::Result<()> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        // A process that was stopped for a while owes no heartbeats for that time.
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stillness = Stillness::default();
        let mut open = true;
        loop {
            tokio::select! {
                message = self.to_send.recv(), if !self.outbox.is_full() => match message {
                    Some(message) => self.send(message).await?,
                    None => return self.finish(open).await,
                },
                _ = heartbeat.tick() => {
                    if self.send(ToHead::Heartbeat).await.is_err() {
                        // The head has gone, maybe because it needs nothing more of this factory.
                        self.end_receiving();
                        open = false;
                    }
                    if let Some(still) = stillness.seen(self.moves.load(Relaxed)) {
                        let why = format!(
                            "the factory itself did not move for {}, though its process runs",
                            qalipsis_model::duration::human(still)
                        );
                        self.send(ToHead::Stuck(why)).await?;
                        return self.finish(open).await;
                    }
                }
                message = self.wire.receive(), if open => {
                    if let Ok(Some(HeadMessage { message: ToFactory::Prepare(plan), .. })) = &message {
                        stillness.limit = Some(plan.campaign.limits.factory_silence);
                    }
                    open = self.take(message).await?;
                }
            }
        }
    }

    async fn send(&mut self, message: ToHead) -> io::Result<()> {
        let message = self.outbox.number(message);
        self.wire.send(message).await
    }

    /// Takes what came; whether more may come.
    async fn take(&mut self, message: io::Result<Option<HeadMessage>>) -> io::Result<bool> {
        match message {
            Ok(Some(message)) => match self.outbox.receive(message) {
                Received::Nothing => Ok(true),
                Received::Missing(reports) => {
                    for report in reports {
                        self.wire.send(report).await?;
                    }
                    Ok(true)
                }
                Received::Directive(directive) => Ok(self.received.send(Ok(directive)).await.is_ok()),
            },
            Ok(None) => {
                self.end_receiving();
                Ok(false)
            }
            Err(error) => {
                let _ = self.received.send(Err(error)).await;
                Ok(false)
            }
        }
    }

    /// The factory sees the end of the head.
    fn end_receiving(&mut self) {
        self.received = mpsc::channel(1).0;
    }

    /// Waits until the head has everything, for a while: a head that is gone acknowledges nothing.
    async fn finish(mut self, open: bool) -> io::Result<()> {
        // The factory does not listen any more.
        self.end_receiving();
        let acknowledged = async {
            let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
            while !self.outbox.is_empty() {
                tokio::select! {
                    // By its number the head sees that a report is missing.
                    _ = heartbeat.tick() => {
                        if self.send(ToHead::Heartbeat).await.is_err() {
                            break;
                        }
                    }
                    message = self.wire.receive() => {
                        if !matches!(message, Ok(Some(_))) || self.take(message).await.is_err() {
                            break;
                        }
                    }
                }
            }
        };
        if open {
            // Whether it came or not, there is nothing left to do.
            let _ = tokio::time::timeout(ACKNOWLEDGE_LIMIT, acknowledged).await;
        }
        Ok(())
    }
}

/// For how long the factory has not moved, counted in heartbeats: a stopped process sends none, and
/// so is not taken for one that hangs.
#[derive(Debug, Default)]
struct Stillness {
    moves: u64,
    heartbeats: u32,
    limit: Option<Duration>,
}

impl Stillness {
    /// One heartbeat later: how long nothing has moved, when that is longer than the limit.
    fn seen(&mut self, moves: u64) -> Option<Duration> {
        if moves == self.moves {
            self.heartbeats += 1;
        } else {
            (self.moves, self.heartbeats) = (moves, 0);
        }
        let still = HEARTBEAT * self.heartbeats;
        self.limit.is_some_and(|limit| still > limit).then_some(still)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Listener;
    use crate::transport::{InProcess, Transport};

    #[test]
    fn f1_a_factory_is_stuck_only_when_heartbeats_went_out_meanwhile() {
        let mut stillness = Stillness { limit: Some(Duration::from_secs(2)), ..Stillness::default() };
        assert_eq!(stillness.seen(1), None);
        let seen: Vec<_> = (0..5).map(|_| stillness.seen(1)).collect();
        assert_eq!(seen, [None, None, None, None, Some(Duration::from_millis(2_500))]);
        assert_eq!(stillness.seen(2), None, "it moves again");
        let mut unlimited = Stillness::default();
        assert!((0..100).all(|_| unlimited.seen(0).is_none()), "before its plan there is no limit");
    }

    /// Red while heartbeats came from the runtime of the factory: nothing was received for the time of the sleep.
    #[test]
    fn f1_a_blocked_runtime_does_not_stop_the_heartbeats() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let place = path.clone();
        let (bound, listening) = std::sync::mpsc::channel();
        let head = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = Listener::bind(&place).unwrap();
                bound.send(()).unwrap();
                let (sender, mut receiver) = listener.accept().await.unwrap();
                let mut heartbeats = 0;
                while let Ok(Some(message)) = receiver.receive().await {
                    match message.message {
                        ToHead::Heartbeat => heartbeats += 1,
                        ToHead::Ended => break,
                        other => panic!("{other:?}"),
                    }
                }
                drop(sender);
                heartbeats
            })
        });
        listening.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = HeadConnection::open(path).await.unwrap();
            // The runtime of the factory does nothing else meanwhile.
            std::thread::sleep(HEARTBEAT * 6);
            connection.send(ToHead::Ended).await.unwrap();
            connection.close().await.unwrap();
        });
        assert!(head.join().unwrap() >= 3, "heartbeats go out while the runtime is blocked");
    }

    #[tokio::test]
    async fn last_report_that_was_lost_is_sent_again() {
        let (mut head, mut ends) = InProcess::new(1);
        let mut connection = HeadConnection::in_process(ends.remove(0)).await.unwrap();
        connection.send(ToHead::Ended).await.unwrap();
        let leading = async {
            let mut ended = 0;
            while let (factory, Arrival::Message(message)) = head.receive().await {
                match message.message {
                    ToHead::Ended => ended += 1,
                    // The first one was lost on its way.
                    ToHead::Heartbeat if ended == 1 => {
                        head.send(factory, HeadMessage { sequence: 0, message: ToFactory::Resend(0) });
                    }
                    _ => {}
                }
                if ended == 2 {
                    head.send(factory, HeadMessage { sequence: 0, message: ToFactory::Acknowledge(1) });
                }
            }
            ended
        };
        let (closed, ended) = tokio::join!(connection.close(), leading);
        closed.unwrap();
        assert_eq!(ended, 2);
    }
}
