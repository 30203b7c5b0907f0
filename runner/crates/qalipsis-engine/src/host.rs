//! A factory under a head: it follows the head's directives and reports what happens.

use crate::factory::prepare_until;
use crate::{Event, Handle};
use qalipsis_cluster::{HeadConnection, ToFactory, ToHead};
use qalipsis_core::scenario::Scenario;
use qalipsis_model::plan::{CONTRACT, Stop};
use std::io;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Interval;

/// How often this runtime shows that it moves; heartbeats come from the connection's own thread.
const MOVES: Duration = Duration::from_millis(100);

/// Hosts minions of these scenarios for a head, until the campaign has ended.
///
/// # Errors
/// When the connection to the head is lost.
pub async fn host(scenarios: &[Scenario], name: &str, mut head: HeadConnection) -> io::Result<()> {
    head.send(ToHead::Hello { contract: CONTRACT, name: name.to_owned() }).await?;
    let plan = loop {
        match head.receive().await? {
            None | Some(ToFactory::Stop(_)) => return head.close().await,
            Some(ToFactory::Prepare(plan)) => break *plan,
            Some(_) => {}
        }
    };
    let mut moves = tokio::time::interval(MOVES);

    let (stop, stopping) = watch::channel(None);
    let mut preparing = std::pin::pin!(prepare_until(scenarios, plan, stopping));
    let mut open = true;
    let prepared = loop {
        tokio::select! {
            prepared = &mut preparing => break prepared,
            _ = moves.tick() => head.moves(),
            message = head.receive(), if open => match message? {
                // What is open is closed in order, and says what it was that was not.
                Some(ToFactory::Stop(how)) => _ = stop.send_replace(Some(how)),
                None => {
                    stop.send_replace(Some(Stop::Hard));
                    open = false;
                }
                Some(_) => {}
            },
        }
    };
    let factory = match prepared {
        Ok(factory) => factory,
        // A head that is gone reads no causes.
        Err(_) if !open => return Ok(()),
        Err(causes) => {
            head.send(ToHead::NotReady(causes)).await?;
            return head.close().await;
        }
    };
    head.send(ToHead::Ready).await?;

    let start = loop {
        tokio::select! {
            _ = moves.tick() => head.moves(),
            message = head.receive() => match message? {
                None => return Ok(()),
                Some(ToFactory::Stop(_)) => {
                    factory.close().await;
                    head.send(ToHead::Ended).await?;
                    return head.close().await;
                }
                Some(ToFactory::Start(at)) => break at,
                Some(_) => {}
            },
        }
    };
    let (handle, events) = factory.run(start);
    report(handle, events, moves, head).await
}

async fn report(
    handle: Handle,
    mut events: mpsc::Receiver<Event>,
    mut moves: Interval,
    mut head: HeadConnection,
) -> io::Result<()> {
    loop {
        tokio::select! {
            event = events.recv() => {
                let message = match event {
                    Some(Event::Snapshot(snapshot, _)) => ToHead::Snapshot(Box::new(snapshot)),
                    Some(Event::Evidence(evidence)) => ToHead::Evidence(evidence),
                    Some(Event::Trace(trace)) => ToHead::Trace(trace),
                    Some(Event::Events(emitted)) => ToHead::Events(emitted),
                    Some(Event::Failures(failed)) => ToHead::Failures(failed),
                    Some(Event::Stuck(who)) => ToHead::Stuck(who),
                    Some(Event::Finished) => ToHead::Finished,
                    Some(Event::Ended) => ToHead::Ended,
                    None => return Err(io::Error::other("the engine stopped without reporting its end")),
                };
                let is_last = message.is_last();
                head.send(message).await?;
                if is_last {
                    return head.close().await;
                }
            }
            _ = moves.tick() => head.moves(),
            message = head.receive() => match message? {
                Some(ToFactory::Stop(stop)) => handle.stop(stop),
                Some(ToFactory::Pause) => handle.pause(),
                Some(ToFactory::Conclude) => handle.conclude(),
                Some(ToFactory::Resume(paused)) => handle.resume(paused),
                Some(_) => {}
                None => return Err(io::Error::other("the connection was closed")),
            },
        }
    }
}
