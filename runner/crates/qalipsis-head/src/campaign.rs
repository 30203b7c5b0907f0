//! The state machine of one campaign: one loop, one enum of everything that can happen.

use crate::events::{EventSink, FailureSink};
use crate::progress::{Observer, Progress};
use crate::silence::{OwnPauses, Silence};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use qalipsis_cluster::{Receiver, Sender, ToFactory, ToHead};
use qalipsis_judge::aggregate::Aggregate;
use qalipsis_judge::judge::{Described, Ending, JudgeInput, breach, judge};
use qalipsis_judge::report::{FactoryReport, Report};
use qalipsis_model::duration::human;
use qalipsis_model::environment::Environment;
use qalipsis_model::health::ClockWatch;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{CONTRACT, CampaignPlan, FactoryPlan, Stop};
use qalipsis_model::timestamp::Timestamp;
use std::io;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often silence and timeouts are looked for.
const TICK: Duration = Duration::from_millis(100);
/// How long a hard-stopped factory may take to send its last figures, and one that is stopped before the load to close
/// what it has opened.
const HARD_STOP_LIMIT: Duration = Duration::from_secs(3);
/// How long passes may go on after a criterion has stopped the campaign.
const BREACH_GRACE: Duration = Duration::from_secs(10);
/// How long the end of a lost process is awaited, to tell how it died.
const EXIT_LIMIT: Duration = Duration::from_millis(500);
/// What the first minion may wait for the start to be told everywhere.
const START_MARGIN: Duration = Duration::from_millis(5);

/// A factory as the head sees it.
pub struct Peer {
    /// What it is to do.
    pub plan: FactoryPlan,
    /// The connection to it, before its first message; or why there is none.
    pub link: Result<Link, String>,
    /// How its process ended, once it has: `killed by signal 9 (SIGKILL)`.
    pub exit: BoxFuture<'static, String>,
}

/// A connection to a factory.
#[derive(Debug)]
pub struct Link {
    /// The way to it.
    pub sender: Sender<ToFactory>,
    /// The way from it.
    pub receiver: Receiver<ToHead>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// One campaign, ready to run.
#[derive(Debug)]
pub struct Campaign {
    /// What is to be done, over all factories.
    pub plan: CampaignPlan,
    /// The scenarios of the plan.
    pub described: Vec<Described>,
    /// Commit of the working directory.
    pub git_revision: Option<String>,
    /// The machine, the programs and the configuration, for the report.
    pub environment: Environment,
    /// Where events go, when the plan asks for any.
    pub events: Option<Box<dyn EventSink>>,
    /// Where the failed executions are listed, when they are.
    pub failures: Option<Box<dyn FailureSink>>,
}

/// Everything that can happen.
enum Happening {
    Told(usize, io::Result<Option<ToHead>>),
    Asked(Stop),
    Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Preparing,
    Running,
    Ended,
}

struct Member {
    plan: FactoryPlan,
    /// `None` when it never connected.
    sender: Option<Sender<ToFactory>>,
    exit: Option<BoxFuture<'static, String>>,
    silence: Silence,
    phase: Phase,
    /// Number of its last snapshot, and when it was taken.
    told: Option<(u64, Timestamp)>,
    lost: Option<String>,
}

impl Member {
    /// False when it is gone.
    async fn tell(&mut self, message: &ToFactory) -> bool {
        match &mut self.sender {
            Some(sender) => sender.send(message).await.is_ok(),
            None => false,
        }
    }
}

struct State {
    members: Vec<Member>,
    aggregate: Aggregate,
    not_ready: Vec<NotReady>,
    /// What was still being opened when the user stopped the campaign.
    unfinished: Vec<String>,
    ending: Ending,
    /// Whether it ends as soon as all is open.
    connect: bool,
    started: Option<(Timestamp, Instant)>,
    stopped: Option<(Stop, Instant)>,
    /// When the campaign was opened, before the load.
    opened: Instant,
    clocks: ClockWatch,
    pauses: OwnPauses,
    events: Option<Box<dyn EventSink>>,
    failures: Option<Box<dyn FailureSink>>,
}

impl Campaign {
    /// Leads `peers` through the campaign and judges it. `stops` carries the user's wishes to stop.
    pub async fn run(
        self,
        peers: Vec<Peer>,
        stops: mpsc::Receiver<Stop>,
        observer: &mut dyn Observer,
    ) -> Report {
        self.lead(peers, stops, observer, false).await
    }

    /// Leads `peers` until all worlds are open and all sources positioned, then closes them: no load is started, and
    /// nothing is judged. The report names all that could not get ready.
    pub async fn connect(
        self,
        peers: Vec<Peer>,
        stops: mpsc::Receiver<Stop>,
        observer: &mut dyn Observer,
    ) -> Report {
        self.lead(peers, stops, observer, true).await
    }

    async fn lead(
        mut self,
        peers: Vec<Peer>,
        mut stops: mpsc::Receiver<Stop>,
        observer: &mut dyn Observer,
        connect: bool,
    ) -> Report {
        let mut aggregate = Aggregate::of(&self.plan, &self.described);
        aggregate.split_by_zone(peers.iter().filter_map(|peer| peer.plan.zone.as_deref()));
        let mut state = State {
            members: Vec::new(),
            aggregate,
            not_ready: Vec::new(),
            unfinished: Vec::new(),
            ending: Ending::Completed,
            connect,
            started: None,
            stopped: None,
            opened: Instant::now(),
            clocks: ClockWatch::default(),
            pauses: OwnPauses::new(Instant::now()),
            events: self.events.take(),
            failures: self.failures.take(),
        };
        let opened = now();
        let mut told = FuturesUnordered::new();
        let mut unreachable = Vec::new();
        for (index, peer) in peers.into_iter().enumerate() {
            let sender = match peer.link {
                Ok(link) => {
                    told.push(receive(index, link.receiver));
                    Some(link.sender)
                }
                Err(why) => {
                    unreachable.push((index, why));
                    None
                }
            };
            state.members.push(Member {
                plan: peer.plan,
                sender,
                exit: Some(peer.exit),
                silence: Silence::default(),
                phase: Phase::Preparing,
                told: None,
                lost: None,
            });
        }
        for (index, why) in unreachable {
            state.lost(index, Some(why)).await;
        }
        let mut tick = tokio::time::interval(TICK);
        let mut asking = true;
        while state.members.iter().any(|m| m.phase != Phase::Ended) {
            let happening = tokio::select! {
                Some((index, receiver, message)) = told.next() => {
                    if let Ok(Some(_)) = &message {
                        told.push(receive(index, receiver));
                    }
                    Happening::Told(index, message)
                }
                stop = stops.recv(), if asking => match stop {
                    Some(stop) => Happening::Asked(stop),
                    None => {
                        asking = false;
                        continue;
                    }
                },
                _ = tick.tick() => Happening::Tick,
            };
            match happening {
                Happening::Told(index, message) => self.told(&mut state, index, message, observer).await,
                Happening::Asked(stop) => {
                    // Who hurries a campaign that has failed already does not make it aborted.
                    if !matches!(state.ending, Ending::Breached(_)) {
                        state.ending = Ending::Interrupted;
                    }
                    observer.notice(match stop {
                        Stop::Graceful if state.started.is_none() => {
                            "stopping: what is open is closed; stop again not to wait for it"
                        }
                        Stop::Graceful => "stopping: running passes are finished; stop again to cancel them",
                        Stop::Hard => "cancelling",
                    });
                    state.stop(stop).await;
                }
                Happening::Tick => self.tick(&mut state, observer).await,
            }
        }
        let (started, since) = state.started.unwrap_or((opened, state.opened));
        // Not what the wall clock says: it may have been set meanwhile.
        let ended = started.plus(since.elapsed());
        self.report(state, started, ended)
    }

    async fn told(
        &self,
        state: &mut State,
        index: usize,
        message: io::Result<Option<ToHead>>,
        observer: &mut dyn Observer,
    ) {
        let before_the_load = state.started.is_none() && state.stopped.is_some();
        let member = &mut state.members[index];
        if let Some(silent) = member.silence.broken() {
            observer.notice(&format!(
                "factory '{}' answers again, after {}",
                member.plan.factory,
                human(silent)
            ));
        }
        if member.phase == Phase::Ended {
            return;
        }
        let message = match message {
            Ok(Some(message)) => message,
            // Before the load a stop is all that a factory has to wait for.
            Ok(None) if before_the_load => return member.phase = Phase::Ended,
            Ok(None) => return state.lost(index, None).await,
            Err(error) => return state.lost(index, Some(format!("sent what cannot be read: {error}"))).await,
        };
        match message {
            ToHead::Hello { contract, .. } if contract != CONTRACT => {
                let why = format!(
                    "uses version {contract} of the contract, this runner uses {CONTRACT}; rebuild both"
                );
                state.lost(index, Some(why)).await;
            }
            ToHead::Hello { .. } => {
                let prepare = ToFactory::Prepare(Box::new(member.plan.clone()));
                if !member.tell(&prepare).await {
                    state.lost(index, None).await;
                }
            }
            ToHead::Ready => {
                member.phase = Phase::Running;
                if state.connect {
                    return state.close_when_open().await;
                }
                if state.members.iter().all(|m| m.phase == Phase::Running) && state.stopped.is_none() {
                    state.start().await;
                    observer.started();
                }
            }
            // What was still being opened when the user stopped it.
            ToHead::NotReady(causes) if before_the_load => {
                member.phase = Phase::Ended;
                if matches!(state.ending, Ending::Interrupted) {
                    state.unfinished.extend(causes.into_iter().map(|cause| cause.message));
                } else {
                    state.not_ready.extend(causes);
                }
            }
            ToHead::NotReady(causes) => {
                member.phase = Phase::Ended;
                state.not_ready.extend(causes);
                if state.connect {
                    // All that is wrong is of interest.
                    return state.close_when_open().await;
                }
                // The others have nothing to run then, but may have something to tell.
                state.stop(Stop::Hard).await;
            }
            ToHead::Heartbeat => {}
            ToHead::Snapshot(snapshot) => {
                member.told = Some((snapshot.sequence, snapshot.at));
                state.aggregate.merge(&member.plan.factory, member.plan.zone.as_deref(), &snapshot);
                if state.stopped.is_none() && snapshot.scenarios.values().any(|s| s.overloaded.is_some()) {
                    observer.notice("stopping: the overload policy of a scenario asks for it");
                    state.stop(Stop::Graceful).await;
                }
                // With a second sent by some and not by others, a rate would look lower than it is, and so would what
                // was released by then.
                let running = || state.members.iter().filter(|m| m.phase == Phase::Running);
                let sent = |m: &Member| m.told.is_some_and(|(sequence, _)| sequence >= snapshot.sequence);
                let complete = running().all(sent);
                if complete || running().any(|m| m.silence.is_late()) {
                    observer.progress(&self.progress(state, snapshot.at));
                }
                if complete {
                    self.look_for_breach(state, observer).await;
                }
            }
            ToHead::Evidence(evidence) => {
                let scenario = self.described.iter().find(|d| d.scenario.name == evidence.scenario);
                let step = evidence.step.and_then(|i| scenario?.scenario.steps.get(i as usize));
                observer.failure(step.map(|s| s.name.as_str()), &evidence);
                state.aggregate.keep(&member.plan.factory, *evidence);
            }
            ToHead::Events(events) => {
                let received = events.len() as u64;
                let dropped = state.events.as_mut().map_or(0, |sink| sink.take(&member.plan, events));
                state.aggregate.count_events(received, dropped);
            }
            ToHead::Failures(failed) => {
                let dropped = state.failures.as_mut().map_or(0, |sink| sink.take(&member.plan, failed));
                state.aggregate.drop_listed(dropped);
            }
            ToHead::Trace(trace) => observer.trace(&trace),
            ToHead::Stuck(who) => state.lost(index, Some(who)).await,
            ToHead::Ended => member.phase = Phase::Ended,
        }
    }

    /// Stops the campaign when a criterion that is to stop it is not held.
    async fn look_for_breach(&self, state: &mut State, observer: &mut dyn Observer) {
        if state.ending != Ending::Completed || state.stopped.is_some() {
            return;
        }
        if let Some(breach) = breach(&self.plan, &self.described, &state.aggregate) {
            let shown = breach.criterion.quantity.show(breach.observed);
            observer.notice(&format!(
                "stopping: {}: expected {}, observed {shown}",
                breach.scenario, breach.criterion
            ));
            state.ending = Ending::Breached(Box::new(breach));
            state.stop(Stop::Graceful).await;
        }
    }

    async fn tick(&self, state: &mut State, observer: &mut dyn Observer) {
        state.read_clocks();
        // A time in which the runner itself did not run is nobody's silence.
        let passed = state.pauses.passed(Instant::now());
        let limit = self.plan.limits.factory_silence;
        for index in 0..state.members.len() {
            let member = &mut state.members[index];
            if member.phase == Phase::Ended {
                continue;
            }
            if member.silence.lasts(passed, now()) {
                observer.notice(&format!(
                    "factory '{}' has not answered for {}, it is lost after {} (campaign.limits.factory-silence)",
                    member.plan.factory,
                    human(member.silence.length()),
                    human(limit)
                ));
            }
            if member.silence.length() > limit {
                let why = format!("did not answer for {} (campaign.limits.factory-silence)", human(limit));
                state.lost(index, Some(why)).await;
            }
        }
        let hard = self.plan.limits.campaign_hard;
        if let (Some((_, since)), Some(limit)) = (state.started, hard)
            && since.elapsed() > limit
            && state.stopped.is_none_or(|(stop, _)| stop < Stop::Hard)
        {
            if matches!(state.ending, Ending::Completed | Ending::TimedOut(_)) {
                state.ending = Ending::Cancelled(limit);
            }
            let limit = human(limit);
            observer.notice(&format!("cancelling: the campaign's hard limit of {limit} is over"));
            state.stop(Stop::Hard).await;
        }
        match (state.stopped, state.started, self.plan.limits.campaign) {
            (Some((Stop::Graceful, since)), None, _)
                if state.connect && since.elapsed() > HARD_STOP_LIMIT =>
            {
                state.stop(Stop::Hard).await;
            }
            (Some((Stop::Hard, since)), _, _) if since.elapsed() > HARD_STOP_LIMIT => {
                for member in &mut state.members {
                    member.phase = Phase::Ended;
                }
            }
            (Some((Stop::Graceful, since)), None, _) if since.elapsed() > HARD_STOP_LIMIT => {
                state.stop(Stop::Hard).await;
            }
            (Some((Stop::Graceful, since)), _, _)
                if matches!(state.ending, Ending::Breached(_)) && since.elapsed() > BREACH_GRACE =>
            {
                state.stop(Stop::Hard).await;
            }
            (None, Some((_, since)), Some(limit)) if since.elapsed() > limit => {
                state.ending = Ending::TimedOut(limit);
                observer.notice(&format!("stopping: the campaign's limit of {} is over", human(limit)));
                state.stop(Stop::Graceful).await;
            }
            _ => {}
        }
    }

    /// What is known of the load until `at`: figures and time belong together, however late they arrive.
    fn progress(&self, state: &State, at: Timestamp) -> Progress {
        let mut progress = Progress {
            elapsed: state.started.map_or(Duration::ZERO, |(started, _)| at.since(started)),
            planned: self.plan.scenarios.iter().map(|s| u64::from(s.minions)).sum(),
            ..Progress::default()
        };
        for figures in self.plan.scenarios.iter().filter_map(|s| state.aggregate.scenario(&s.name)) {
            progress.released += figures.released;
            progress.ended += figures.ended;
            for step in figures.steps.values() {
                progress.executions += step.executions();
                progress.failures += step.failures();
            }
        }
        progress
    }

    fn report(self, mut state: State, started: Timestamp, ended: Timestamp) -> Report {
        for member in &state.members {
            if let Some(note) = member.silence.note(&member.plan.factory) {
                state.aggregate.note(note);
            }
        }
        if let Some(note) = state.pauses.note() {
            state.aggregate.note(note);
        }
        let ending = match state.ending {
            Ending::Interrupted if !state.unfinished.is_empty() => {
                Ending::InterruptedWarmUp(state.unfinished)
            }
            Ending::Completed if !state.not_ready.is_empty() => Ending::NotReady(state.not_ready),
            ending => ending,
        };
        let factories = state
            .members
            .iter()
            .map(|m| FactoryReport::new(&m.plan.factory, m.plan.zone.clone(), m.lost.clone()))
            .collect();
        judge(JudgeInput {
            plan: &self.plan,
            described: &self.described,
            aggregate: &state.aggregate,
            ending: &ending,
            started,
            ended,
            factories,
            git_revision: self.git_revision,
            environment: self.environment,
        })
    }
}

impl State {
    fn read_clocks(&mut self) {
        let before = self.opened.elapsed();
        let wall = now();
        let moved_ns = self.clocks.read(before, wall, self.opened.elapsed());
        self.aggregate.runner_clock_moved(moved_ns);
    }

    async fn start(&mut self) {
        let at = now().plus(START_MARGIN);
        self.started = Some((at, Instant::now() + START_MARGIN));
        self.aggregate.start(at);
        for index in 0..self.members.len() {
            if !self.members[index].tell(&ToFactory::Start(at)).await {
                self.lost(index, None).await;
            }
        }
    }

    /// Closes what is open as soon as nothing is being opened any more.
    async fn close_when_open(&mut self) {
        if self.members.iter().all(|member| member.phase != Phase::Preparing) {
            self.stop(Stop::Graceful).await;
        }
    }

    async fn stop(&mut self, stop: Stop) {
        if self.stopped.is_some_and(|(earlier, _)| earlier >= stop) {
            return;
        }
        self.stopped = Some((stop, Instant::now()));
        for member in self.members.iter_mut().filter(|m| m.phase != Phase::Ended) {
            // One that cannot be told is about to be noticed as lost.
            member.tell(&ToFactory::Stop(stop)).await;
            // Before the load a graceful stop leaves time to close what is open.
            if self.started.is_none() && stop == Stop::Hard {
                member.phase = Phase::Ended;
            }
        }
    }

    /// A factory is gone: keeps what it told, and ends the campaign.
    async fn lost(&mut self, index: usize, why: Option<String>) {
        let member = &mut self.members[index];
        if member.phase == Phase::Ended {
            return;
        }
        member.phase = Phase::Ended;
        let why = match (why, member.exit.take()) {
            (Some(why), _) => why,
            (None, Some(exit)) => tokio::time::timeout(EXIT_LIMIT, exit)
                .await
                .unwrap_or_else(|_| "closed its connection".to_owned()),
            (None, None) => "closed its connection".to_owned(),
        };
        let after = self.started.map_or_else(
            || "before the load started".to_owned(),
            |(_, at)| format!("{} after the start", human(at.elapsed())),
        );
        let message = format!("factory '{}' was lost {after}: {why}", member.plan.factory);
        member.lost = Some(why);
        if self.ending == Ending::Completed {
            self.ending = Ending::Lost(message);
        }
        Box::pin(self.stop(Stop::Hard)).await;
    }
}

async fn receive(
    index: usize,
    mut receiver: Receiver<ToHead>,
) -> (usize, Receiver<ToHead>, io::Result<Option<ToHead>>) {
    let message = receiver.receive().await;
    (index, receiver, message)
}

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}
