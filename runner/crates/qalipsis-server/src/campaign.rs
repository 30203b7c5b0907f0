//! One campaign of this head, from when it is asked for.

use crate::events::Events;
use crate::history;
use crate::launcher::Launched;
use crate::outcome::{Outcome, Shown};
use crate::view::{CampaignItem, Phase, Progress, Status};
use parking_lot::Mutex;
use qalipsis_head::{CampaignEvent, Command, Control, Refusal};
use qalipsis_judge::report::Report;
use qalipsis_model::plan::{CampaignPlan, Stop};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::exit;
use qalipsis_store::{CampaignRecord, Marker, ScenarioRecord, StoredFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait.
const COMMANDS: usize = 64;

/// How many of these places are for requests to stop alone.
const FOR_STOPS: usize = 8;

/// How long an interim report is shown again: many who look cost the campaign one judgement in that time.
const INTERIM: Duration = Duration::from_secs(1);

/// How long a running campaign may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What a campaign is asked for with.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The payload; null of a campaign that was not started over REST.
    pub(crate) request: Value,
    /// Key of the campaign that it repeats.
    pub(crate) replay_of: Option<String>,
}

/// One campaign.
#[derive(Debug)]
pub(crate) struct Campaign {
    key: String,
    name: String,
    seed: u64,
    scenarios: Vec<String>,
    zones: Vec<String>,
    configuration: BTreeMap<String, String>,
    asked: Asked,
    queued: Timestamp,
    commands: mpsc::Sender<Command>,
    state: Mutex<State>,
    /// The last interim report, and when it was made.
    interim: tokio::sync::Mutex<Option<(Instant, Arc<Report>)>>,
    events: Events,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    status: Status,
    exit_code: Option<u8>,
    progress: Progress,
    causes: Vec<String>,
    /// The report of a load that has ended, until the outcome is there.
    judged: Option<Arc<Report>>,
    outcome: Option<Arc<Outcome>>,
    records: Vec<ScenarioRecord>,
    /// In the order of their instants.
    markers: Vec<Marker>,
}

/// Why a campaign could not be controlled.
#[derive(Debug)]
pub(crate) enum Uncontrolled {
    /// It does not run yet, or no longer.
    NotRunning,
    /// It cannot do that.
    Refused(Refusal),
}

impl Campaign {
    /// A campaign that waits for its turn, and what is asked of it.
    pub(crate) fn new(
        plan: &CampaignPlan,
        zones: Vec<String>,
        configuration: BTreeMap<String, String>,
        asked: Asked,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (commands, waiting) = mpsc::channel(COMMANDS);
        let campaign = Self {
            key: plan.key.clone(),
            name: plan.name.clone(),
            seed: plan.seed,
            scenarios: plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
            zones,
            configuration,
            asked,
            queued: now(),
            commands,
            state: Mutex::new(State {
                phase: Phase::Queued,
                started: None,
                ended: None,
                status: Status::Queued,
                exit_code: None,
                progress: Progress {
                    planned: plan.scenarios.iter().map(|scenario| u64::from(scenario.minions)).sum(),
                    ..Progress::default()
                },
                causes: Vec::new(),
                judged: None,
                outcome: None,
                records: plan.scenarios.iter().map(|scenario| history::planned(&scenario.name)).collect(),
                markers: Vec::new(),
            }),
            interim: tokio::sync::Mutex::default(),
            events: Events::new(),
        };
        (campaign, waiting)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn configuration(&self) -> &BTreeMap<String, String> {
        &self.configuration
    }

    /// What it was asked for with; secrets are hidden.
    pub(crate) fn request(&self) -> &Value {
        &self.asked.request
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    pub(crate) fn outcome(&self) -> Option<Arc<Outcome>> {
        self.state.lock().outcome.clone()
    }

    /// When it ended.
    pub(crate) fn ended(&self) -> Option<Timestamp> {
        let state = self.state.lock();
        state.ended.filter(|_| state.phase == Phase::Ended)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().phase == Phase::Ended
    }

    /// Asks the campaign to stop; whether it still can.
    pub(crate) fn stop(&self, stop: Stop) -> bool {
        let sent = self.commands.try_send(Command::Stop(stop));
        // Where so many requests wait, this one does as well.
        let is_read = !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)));
        !self.has_ended() && is_read
    }

    /// Sends anything but a request to stop, for which there is always room.
    fn send(&self, command: Command) -> bool {
        self.commands.capacity() > FOR_STOPS && self.commands.try_send(command).is_ok()
    }

    /// Controls the campaign; gives when that took effect.
    pub(crate) async fn control(&self, control: Control) -> Result<Timestamp, Uncontrolled> {
        if self.phase() == Phase::Queued {
            return Err(Uncontrolled::NotRunning);
        }
        let label = match &control {
            Control::Mark { label, .. } => Some(label.clone()),
            Control::Pause | Control::Resume => None,
        };
        let (reply, answer) = oneshot::channel();
        if !self.send(Command::Control(control, reply)) {
            return Err(Uncontrolled::NotRunning);
        }
        let at = match tokio::time::timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(outcome)) => outcome.map_err(Uncontrolled::Refused)?,
            Ok(Err(_)) | Err(_) => return Err(Uncontrolled::NotRunning),
        };
        if let Some(label) = label {
            let markers = &mut self.state.lock().markers;
            let place = markers.partition_point(|earlier| earlier.at <= at);
            markers.insert(place, Marker { label, at });
        }
        Ok(at)
    }

    /// Its markers, in the order of their instants.
    pub(crate) fn markers(&self) -> Vec<Marker> {
        self.state.lock().markers.clone()
    }

    /// What the campaign has to show now; `None` before there is anything.
    pub(crate) async fn shown(&self) -> Option<Shown> {
        if let Some(outcome) = self.outcome() {
            return Some(Shown::Ended(outcome));
        }
        if matches!(self.phase(), Phase::Queued | Phase::Ended) {
            return None;
        }
        match self.interim().await {
            Some(report) => Some(Shown::Running(report)),
            // It may have ended meanwhile.
            None => self.outcome().map(Shown::Ended),
        }
    }

    /// What is known so far, at most a second old; when the load has ended and reports are written, all of it.
    async fn interim(&self) -> Option<Arc<Report>> {
        // One who looks asks the campaign, and the others get the same answer.
        let mut kept = self.interim.lock().await;
        if let Some(report) = &self.state.lock().judged {
            return Some(Arc::clone(report));
        }
        if let Some((at, report)) = &*kept
            && at.elapsed() < INTERIM
        {
            return Some(Arc::clone(report));
        }
        let (reply, answer) = oneshot::channel();
        if !self.send(Command::Report(reply)) {
            return None;
        }
        let report = Arc::new(tokio::time::timeout(ANSWER_LIMIT, answer).await.ok()?.ok()?);
        *kept = Some((Instant::now(), Arc::clone(&report)));
        Some(report)
    }

    fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    pub(crate) fn item(&self) -> CampaignItem {
        let state = self.state.lock();
        CampaignItem {
            key: self.key.clone(),
            name: self.name.clone(),
            status: state.status,
            exit_code: state.exit_code,
            queued_at: self.queued.rfc3339(),
            started_at: state.started.map(Timestamp::rfc3339),
            ended_at: state.ended.map(Timestamp::rfc3339),
            seed: self.seed,
            scenarios: self.scenarios.clone(),
            zones: self.zones.clone(),
            phase: state.phase,
            progress: state.progress,
            causes: state.causes.clone(),
            replay_of: self.asked.replay_of.clone(),
        }
    }

    /// Its turn has come.
    pub(crate) fn begin(&self) {
        {
            let mut state = self.state.lock();
            state.started = Some(now());
            state.status = Status::Running;
            state.phase = Phase::Preparing;
        }
        self.publish_phase();
    }

    /// Takes note of what happens.
    pub(crate) fn observe(&self, event: &CampaignEvent) {
        match event {
            CampaignEvent::Planned { factories, .. } => {
                self.events.publish("planned", json!({ "factories": factories }));
            }
            CampaignEvent::FactoryReady(factory) => {
                self.events.publish("factory-ready", json!({ "factory": factory.0 }));
            }
            CampaignEvent::FactoryLost { factory, why } => {
                self.events.publish("factory-lost", json!({ "factory": factory.0, "why": why }));
            }
            CampaignEvent::Started(at) => {
                self.state.lock().started = Some(*at);
                self.events.publish("started", json!({ "at": at.rfc3339() }));
            }
            CampaignEvent::Second(second) => {
                let progress = Progress::from(&second.progress);
                self.state.lock().progress = progress;
                self.events.publish("second", json!({ "progress": progress }));
            }
            CampaignEvent::Evidence { step, evidence, .. } => {
                let data = json!({
                    "scenario": evidence.scenario,
                    "step": step,
                    "at": evidence.at.rfc3339(),
                    "minion": evidence.minion,
                    "kind": evidence.kind.to_string(),
                    "message": evidence.message,
                });
                self.events.publish("evidence", data);
            }
            CampaignEvent::Notice(text) => self.events.publish("notice", json!({ "message": text })),
            CampaignEvent::Phase(phase) => {
                self.state.lock().phase = match phase {
                    qalipsis_head::Phase::Preparing => Phase::Preparing,
                    qalipsis_head::Phase::Running => Phase::Running,
                    qalipsis_head::Phase::Paused => Phase::Paused,
                    qalipsis_head::Phase::Stopping => Phase::Stopping,
                    qalipsis_head::Phase::Cancelling => Phase::Cancelling,
                    qalipsis_head::Phase::Ended => Phase::Reporting,
                };
                self.publish_phase();
            }
            CampaignEvent::Marked(marker) => {
                let data = json!({ "label": marker.label, "at": marker.at.rfc3339() });
                self.events.publish("marker", data);
            }
            CampaignEvent::Breach(breach) => {
                let data = json!({
                    "scenario": breach.scenario,
                    "criterion": breach.criterion.to_string(),
                    "observed": breach.observed,
                    "afterMs": breach.after.as_millis() as u64,
                });
                self.events.publish("breach", data);
            }
            // The end is published once the reports are written.
            CampaignEvent::Ended(report) => self.state.lock().judged = Some(Arc::new((**report).clone())),
        }
    }

    /// So many events of the head were lost, because this process was too slow.
    pub(crate) fn lost(&self, count: u64) {
        self.events.publish("gap", json!({ "lost": count, "campaign": self.item() }));
    }

    fn publish_phase(&self) {
        let (phase, status) = {
            let state = self.state.lock();
            (state.phase, state.status)
        };
        self.events.publish("phase", json!({ "phase": phase, "status": status }));
    }

    /// It has run: takes over what it leaves. It has not ended before [`close`](Self::close).
    pub(crate) fn settle(&self, launched: &Launched) {
        let outcome = Outcome::of(&launched.report);
        let mut state = self.state.lock();
        state.status = launched.report.status.into();
        state.causes = launched.report.reasons.iter().map(|reason| reason.message.clone()).collect();
        state.exit_code = Some(launched.exit_code);
        state.records = launched.report.scenarios.iter().map(history::ended).collect();
        state.ended = Some(now());
        match outcome {
            Ok(outcome) => state.outcome = Some(Arc::new(outcome)),
            Err(why) => state.causes.push(format!("its reports could not be kept: {why}")),
        }
    }

    /// It could not even start, as [`settle`](Self::settle).
    pub(crate) fn settle_without_report(&self, why: String) {
        let mut state = self.state.lock();
        state.status = Status::Aborted;
        state.exit_code = Some(exit::ABORTED);
        state.causes = vec![why];
        state.ended = Some(now());
    }

    /// It has ended, and all that it leaves is kept.
    pub(crate) fn close(&self) {
        self.state.lock().phase = Phase::Ended;
        self.events.close("ended", json!(self.item()));
    }

    /// The campaign as the store keeps it.
    pub(crate) fn record(&self) -> CampaignRecord {
        let state = self.state.lock();
        CampaignRecord {
            key: self.key.clone(),
            name: self.name.clone(),
            status: state.status.into(),
            queued: self.queued,
            started: state.started,
            ended: state.ended,
            seed: self.seed,
            exit_code: state.exit_code,
            zones: self.zones.clone(),
            causes: state.causes.clone(),
            replay_of: self.asked.replay_of.clone(),
            scenarios: state.records.clone(),
        }
    }

    /// Its files as the store keeps them.
    pub(crate) fn files(&self) -> Vec<StoredFile> {
        let outcome = self.outcome();
        history::files(&self.configuration, &self.asked.request, outcome.as_deref())
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}
