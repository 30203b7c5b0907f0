//! A simulated factory and the agent beside it.

use super::course::{Course, Fate};
use super::network::{Network, Occurrence};
use crate::fixture::{START, not_ready};
use qalipsis_cluster::{Arrival, FactoryId, HEARTBEAT, HeadMessage, Outbox, Received, ToFactory, ToHead};
use qalipsis_model::event::{Event, Level, Value};
use qalipsis_model::plan::{CONTRACT, Stop};
use qalipsis_model::snapshot::{ScenarioFigures, Snapshot, StepFigures};
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How long its agent waits for the head to have everything: longer than the second of a real factory, whose local socket
/// loses nothing.
const ACKNOWLEDGE_LIMIT: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// How far a simulated factory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its process has not connected.
    Absent,
    /// It waits for its plan.
    Connected,
    /// Its worlds are open at this time.
    Opening(Duration),
    /// It waits for the start.
    Ready,
    /// Its load runs; with the time of the next snapshot.
    Running(Duration),
    /// Its load is paused; with the time that is left until the next snapshot.
    Paused(Duration),
    /// It finishes until this time.
    Stopping(Duration),
    /// It has nothing more to report, since this time.
    Ending(Duration),
    /// Its process has ended.
    Gone,
}

/// A factory with its agent.
#[derive(Debug)]
pub(crate) struct Agent {
    id: FactoryId,
    course: Course,
    outbox: Outbox,
    phase: Phase,
    next_heartbeat: Duration,
    /// The number of the report of each snapshot.
    made: Vec<u64>,
    reports: u64,
    is_through: bool,
}

impl Agent {
    pub(crate) fn new(id: u32, course: &Course) -> Self {
        Self {
            id: FactoryId(id),
            course: course.clone(),
            outbox: Outbox::new(1),
            phase: Phase::Absent,
            next_heartbeat: course.connects,
            made: Vec::new(),
            reports: 0,
            is_through: false,
        }
    }

    /// The number of the report of each snapshot that it made.
    pub(crate) fn made(&self) -> &[u64] {
        &self.made
    }

    /// Whether it made everything that it was to make.
    pub(crate) fn is_complete(&self) -> bool {
        self.made.len() == self.course.seconds as usize
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.phase == Phase::Gone
    }

    /// The name of the factory, and that of its only scenario.
    pub(crate) fn name(&self) -> String {
        format!("factory-{}", self.id.0)
    }

    /// What a snapshot counts: two bits of each, so that none can stand for another, or twice for itself.
    pub(crate) fn digit(snapshot: usize) -> u64 {
        1 << (2 * snapshot)
    }

    /// The number of the event that is sent with a snapshot, unique in the campaign.
    pub(crate) fn event(&self, snapshot: usize) -> u32 {
        self.id.0 * 1_000 + snapshot as u32
    }

    /// Does what is due.
    pub(crate) fn step(&mut self, time: Duration, network: &mut Network) {
        if !self.meets_its_fate(time, network) {
            return;
        }
        match self.phase {
            Phase::Absent if time >= self.course.connects => self.connect(time, network),
            Phase::Opening(until) if time >= until => {
                if self.course.can_open {
                    self.report(time, ToHead::Ready, network);
                    self.phase = Phase::Ready;
                } else {
                    self.end(time, not_ready("no such host"), network);
                }
            }
            Phase::Running(next) if time >= next => {
                self.snapshot(time, network);
                self.phase = Phase::Running(next + SECOND);
                if self.is_complete() {
                    self.end(time, ToHead::Ended, network);
                }
            }
            Phase::Stopping(until) if time >= until => {
                if !self.is_complete() {
                    self.snapshot(time, network);
                }
                self.end(time, ToHead::Ended, network);
            }
            Phase::Ending(since) if self.outbox.is_empty() || time >= since + ACKNOWLEDGE_LIMIT => {
                self.phase = Phase::Gone;
                network.at(time, Occurrence::Arrival(self.id, Arrival::Closed(None)));
            }
            _ => {}
        }
        let is_connected = !matches!(self.phase, Phase::Absent | Phase::Gone);
        if is_connected && time >= self.next_heartbeat {
            self.next_heartbeat = time + HEARTBEAT;
            let heartbeat = self.outbox.number(ToHead::Heartbeat);
            network.send_report(time, self.id, &heartbeat);
        }
    }

    fn has_load(&self) -> bool {
        matches!(self.phase, Phase::Running(_) | Phase::Paused(_))
    }

    /// Whether it does anything at this time.
    fn meets_its_fate(&mut self, time: Duration, network: &mut Network) -> bool {
        if self.phase == Phase::Gone {
            return false;
        }
        match self.course.fate {
            Fate::Dies(at, noticed) if time >= at => {
                self.phase = Phase::Gone;
                if let Some(later) = noticed {
                    network.at(time, Occurrence::Arrival(self.id, Arrival::Closed(None)));
                    let how = "its process ended with signal: 9 (SIGKILL)".to_owned();
                    network.at(time + later, Occurrence::Arrival(self.id, Arrival::Exited(how)));
                }
                return false;
            }
            Fate::Pauses(at, lasts) if (at..at + lasts).contains(&time) => return false,
            Fate::Hangs(at) if time >= at && self.has_load() => {
                self.end(time, ToHead::Stuck("scenario code blocks it".to_owned()), network);
            }
            Fate::Restarts(at) if time >= at && !self.is_through => {
                self.is_through = true;
                self.outbox = Outbox::new(2);
                if self.phase != Phase::Absent {
                    self.connect(time, network);
                }
            }
            _ => {}
        }
        true
    }

    /// Takes a message of the head, as the thread of a real connection does.
    pub(crate) fn receive(&mut self, time: Duration, message: HeadMessage, network: &mut Network) {
        match self.course.fate {
            // It waits in the socket until the process runs again.
            Fate::Pauses(at, lasts) if (at..at + lasts).contains(&time) => {
                return network.at(at + lasts, Occurrence::Directive(self.id.0 as usize, message));
            }
            Fate::Dies(at, _) if time >= at => return,
            _ if matches!(self.phase, Phase::Absent | Phase::Gone) => return,
            _ => {}
        }
        match self.outbox.receive(message) {
            Received::Nothing => {}
            Received::Missing(reports) => {
                reports.iter().for_each(|report| network.send_report(time, self.id, report));
            }
            Received::Directive(directive) => self.follow(time, directive, network),
        }
    }

    fn follow(&mut self, time: Duration, directive: ToFactory, network: &mut Network) {
        match (directive, self.phase) {
            (ToFactory::Prepare(_), Phase::Connected) => {
                self.phase = Phase::Opening(time + self.course.opens);
            }
            (ToFactory::Start(_), Phase::Ready) => self.phase = Phase::Running(time + SECOND),
            (ToFactory::Stop(_), Phase::Connected) => self.phase = Phase::Ending(time),
            (ToFactory::Stop(_), Phase::Opening(_)) => {
                self.end(time, not_ready("World::open was still running"), network);
            }
            (ToFactory::Stop(_), Phase::Ready) => self.end(time, ToHead::Ended, network),
            (ToFactory::Pause, Phase::Running(next)) => self.phase = Phase::Paused(next.saturating_sub(time)),
            (ToFactory::Resume(_), Phase::Paused(left)) => self.phase = Phase::Running(time + left),
            (ToFactory::Stop(Stop::Graceful), Phase::Running(_) | Phase::Paused(_)) => {
                self.phase = Phase::Stopping(time + self.course.finishes);
            }
            (ToFactory::Stop(Stop::Hard), Phase::Running(_) | Phase::Paused(_) | Phase::Stopping(_)) => {
                self.phase = Phase::Stopping(time + self.course.cancels);
            }
            _ => {}
        }
    }

    fn connect(&mut self, time: Duration, network: &mut Network) {
        self.phase = Phase::Connected;
        self.report(time, ToHead::Hello { contract: CONTRACT, name: self.name() }, network);
    }

    /// Its last report.
    fn end(&mut self, time: Duration, report: ToHead, network: &mut Network) {
        self.report(time, report, network);
        self.phase = Phase::Ending(time);
    }

    fn snapshot(&mut self, time: Duration, network: &mut Network) {
        let index = self.made.len();
        let wall_ns = START.0.saturating_add(time.as_nanos() as u64);
        let at = Timestamp(wall_ns.saturating_add_signed(self.course.skew_ns));
        self.made.push(self.reports);
        self.report(time, self.figures(index, at), network);
        let event = Event {
            at,
            level: Level::Info,
            name: "second".into(),
            value: Value::Bool(true),
            scenario: 0,
            step: None,
            minion: self.event(index),
            iteration: 0,
        };
        self.report(time, ToHead::Events(vec![event]), network);
    }

    /// One minion was released and ended; the digit is where nothing else is counted.
    fn figures(&self, index: usize, at: Timestamp) -> ToHead {
        let iterations = StepFigures { cancelled: Self::digit(index), ..StepFigures::default() };
        let figures = ScenarioFigures { released: 1, ended: 1, iterations, ..ScenarioFigures::default() };
        let scenarios = [(self.name(), figures)].into();
        ToHead::Snapshot(Box::new(Snapshot { sequence: index as u64, at, scenarios, ..Snapshot::default() }))
    }

    fn report(&mut self, time: Duration, report: ToHead, network: &mut Network) {
        self.reports += 1;
        let message = self.outbox.number(report);
        network.send_report(time, self.id, &message);
    }
}
