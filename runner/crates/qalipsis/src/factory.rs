//! `factory`: hosts minions for a head.

use crate::command::Factory;
use qalipsis_cluster::{Receiver, Sender, ToFactory, ToHead, connect};
use qalipsis_core::scenario::Scenario;
use qalipsis_engine::{Event, Handle, prepare};
use qalipsis_model::plan::CONTRACT;
use qalipsis_model::verdict::exit;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the head hears from an idle factory; it takes five times that for a loss.
const HEARTBEAT: Duration = Duration::from_millis(500);

pub(crate) async fn run(scenarios: &[Scenario], options: &Factory) -> u8 {
    let (to_head, from_head) = match connect(&options.connect).await {
        Ok(connection) => connection,
        Err(error) => {
            eprintln!("error: {error}");
            return exit::USAGE;
        }
    };
    match serve(scenarios, options, to_head, from_head).await {
        Ok(()) => exit::OK,
        Err(error) => {
            eprintln!("error: factory '{}' lost its head: {error}", options.name);
            exit::INTERNAL
        }
    }
}

async fn serve(
    scenarios: &[Scenario],
    options: &Factory,
    mut to_head: Sender<ToHead>,
    mut from_head: Receiver<ToFactory>,
) -> io::Result<()> {
    to_head.send(&ToHead::Hello { contract: CONTRACT, name: options.name.clone() }).await?;
    let plan = loop {
        match from_head.receive().await? {
            None | Some(ToFactory::Stop(_)) => return Ok(()),
            Some(ToFactory::Prepare(plan)) => break *plan,
            Some(ToFactory::Start(_)) => {}
        }
    };
    let mut heartbeat = tokio::time::interval(HEARTBEAT);

    let mut preparing = std::pin::pin!(prepare(scenarios, plan));
    let prepared = loop {
        tokio::select! {
            prepared = &mut preparing => break prepared,
            _ = heartbeat.tick() => to_head.send(&ToHead::Heartbeat).await?,
            message = from_head.receive() => match message? {
                None | Some(ToFactory::Stop(_)) => return Ok(()),
                Some(ToFactory::Prepare(_) | ToFactory::Start(_)) => {}
            },
        }
    };
    let factory = match prepared {
        Ok(factory) => factory,
        Err(causes) => return to_head.send(&ToHead::NotReady(causes)).await,
    };
    to_head.send(&ToHead::Ready).await?;

    let start = loop {
        tokio::select! {
            _ = heartbeat.tick() => to_head.send(&ToHead::Heartbeat).await?,
            message = from_head.receive() => match message? {
                None | Some(ToFactory::Stop(_)) => return Ok(()),
                Some(ToFactory::Start(at)) => break at,
                Some(ToFactory::Prepare(_)) => {}
            },
        }
    };
    let (handle, events) = factory.run(start);
    report(handle, events, heartbeat, to_head, from_head).await
}

async fn report(
    handle: Handle,
    mut events: mpsc::Receiver<Event>,
    mut heartbeat: tokio::time::Interval,
    mut to_head: Sender<ToHead>,
    mut from_head: Receiver<ToFactory>,
) -> io::Result<()> {
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Snapshot(snapshot)) => to_head.send(&ToHead::Snapshot(Box::new(snapshot))).await?,
                Some(Event::Evidence(evidence)) => to_head.send(&ToHead::Evidence(evidence)).await?,
                Some(Event::Trace(trace)) => to_head.send(&ToHead::Trace(trace)).await?,
                Some(Event::Events(told)) => to_head.send(&ToHead::Events(told)).await?,
                Some(Event::Stuck(who)) => return to_head.send(&ToHead::Stuck(who)).await,
                Some(Event::Ended) => return to_head.send(&ToHead::Ended).await,
                None => return Err(io::Error::other("the engine ended without a word")),
            },
            _ = heartbeat.tick() => to_head.send(&ToHead::Heartbeat).await?,
            message = from_head.receive() => match message? {
                Some(ToFactory::Stop(stop)) => handle.stop(stop),
                Some(ToFactory::Prepare(_) | ToFactory::Start(_)) => {}
                None => return Err(io::Error::other("the connection was closed")),
            },
        }
    }
}
