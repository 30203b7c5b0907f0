//! The campaigns of this head: their queue, and those that have run.

use crate::campaign::{Asked, Campaign};
use crate::history;
use crate::launcher::{Launched, Launcher, Planned};
use crate::log::Log;
use crate::secrets;
use parking_lot::Mutex;
use qalipsis_config::problem::Problem;
use qalipsis_head::{CampaignEvent, Command, EVENTS};
use qalipsis_model::plan::Stop;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_payload::Order;
use qalipsis_publication::Publication;
use qalipsis_store::{CampaignRecord, CampaignWriter, Schedule, Store, StoreError, StoreProblem, StoredFile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

/// Campaigns that may wait for their turn.
const QUEUE: usize = 1_000;

/// Ended campaigns that are remembered for those who follow them.
const REMEMBERED: usize = 20;

/// How long a campaign waits for the store before it is queued.
const QUEUE_LIMIT: Duration = Duration::from_secs(2);

/// How long an ended campaign waits for the store.
const KEEP_LIMIT: Duration = Duration::from_secs(20);

/// How long it waits before it is stored again, when that failed.
const KEEP_PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

const NOT_STARTED: &str = "stopped by the user before it started";

/// Runs campaigns, as many side by side as configured. Clones are the same service.
#[derive(Debug, Clone)]
pub struct CampaignService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    launcher: Arc<dyn Launcher>,
    store: Store,
    log: Log,
    /// Those that have not ended, and the last ones that have.
    campaigns: Mutex<BTreeMap<String, Arc<Campaign>>>,
    turns: Semaphore,
    /// How many have not ended; and whether no further one is taken.
    open: watch::Sender<Open>,
    /// How many clients were cut off, since they did not read.
    cut_off: AtomicU64,
    /// A schedule was stored.
    scheduled: Notify,
    /// Locked by who takes a campaign that ended elsewhere.
    publishing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Open {
    campaigns: usize,
    is_closing: bool,
}

/// Why a campaign is not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// What is asked for is wrong.
    Invalid(Vec<Problem>),
    /// The head ends.
    Closing,
    /// Too many wait already.
    QueueFull,
}

impl CampaignService {
    /// Runs at most so many campaigns side by side, and keeps them in the store.
    pub fn new(launcher: Arc<dyn Launcher>, store: Store, side_by_side: usize, log: Log) -> Self {
        Self(Arc::new(Inner {
            launcher,
            store,
            log,
            campaigns: Mutex::default(),
            turns: Semaphore::new(side_by_side.clamp(1, Semaphore::MAX_PERMITS)),
            open: watch::channel(Open::default()).0,
            cut_off: AtomicU64::new(0),
            scheduled: Notify::new(),
            publishing: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn launcher(&self) -> &dyn Launcher {
        &*self.0.launcher
    }

    /// What a payload asks for, as far as it can be read, and all that is wrong with it.
    pub(crate) fn read(&self, payload: &Value) -> (Order, Vec<Problem>) {
        let launcher = self.launcher();
        apart(|| qalipsis_payload::read(payload, launcher.scenarios(), launcher.zones()))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Waits until nobody else takes a campaign that ended elsewhere.
    pub(crate) async fn publishing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.publishing.lock().await
    }

    /// A campaign of this service that has ended, for another head; nothing when there is none of this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn publication(&self, key: &str) -> Result<Option<Publication>, StoreError> {
        let Some(campaign) = self.campaign(key).filter(|campaign| campaign.has_ended()) else {
            return Ok(None);
        };
        let publication = Publication::of(campaign.record(), campaign.files(), self.store());
        publication.await.map(Some)
    }

    /// Keeps a schedule, and lets it be looked at.
    pub(crate) async fn put_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        self.0.store.put_schedule(schedule).await?;
        self.0.scheduled.notify_one();
        Ok(())
    }

    /// Returns when a schedule was stored since this was last awaited.
    pub(crate) async fn schedules_changed(&self) {
        self.0.scheduled.notified().await;
    }

    /// Takes a campaign into the queue.
    pub(crate) async fn start(&self, order: &Order, mut asked: Asked) -> Result<Arc<Campaign>, Refused> {
        let planned = apart(|| self.0.launcher.plan(order)).map_err(Refused::Invalid)?;
        secrets::hide(&mut asked.request, order, planned.configuration());
        self.take(planned, asked, order.start_offset).await
    }

    /// Takes a campaign that nobody asked this service for, as one of its own; a service that is closed does not run it.
    /// [`idle`](Self::idle) says when it has ended and is kept.
    pub async fn begin(&self, planned: Box<dyn Planned>) {
        // Who planned it learns from that it is dropped.
        let _ = self.take(planned, Asked::default(), Duration::ZERO).await;
    }

    async fn take(
        &self,
        planned: Box<dyn Planned>,
        asked: Asked,
        offset: Duration,
    ) -> Result<Arc<Campaign>, Refused> {
        let zones = planned.zones();
        let configuration = planned.configuration().clone();
        let (campaign, commands) = Campaign::new(planned.plan(), zones, configuration, asked);
        let campaign = Arc::new(campaign);
        let mut refused = None;
        self.0.open.send_if_modified(|open| {
            if open.is_closing {
                refused = Some(Refused::Closing);
            } else if open.campaigns >= QUEUE {
                refused = Some(Refused::QueueFull);
            } else {
                open.campaigns += 1;
                // At once, so that whoever closes the service finds it.
                self.0.campaigns.lock().insert(campaign.key().to_owned(), Arc::clone(&campaign));
            }
            refused.is_none()
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        let service = self.clone();
        let running = Arc::clone(&campaign);
        let (kept, is_kept) = oneshot::channel();
        // Before anything is awaited: a client that goes away must not leave a campaign that nobody runs.
        tokio::spawn(async move {
            service.queue(&running).await;
            // The client may have gone.
            let _ = kept.send(());
            let writer = service.lead(&running, planned, commands, offset).await;
            service.keep(&running, &writer).await;
            running.close();
            service.forget_old();
            service.0.open.send_modify(|open| open.campaigns -= 1);
        });
        // Who lists campaigns next finds it.
        let _ = is_kept.await;
        Ok(campaign)
    }

    /// Keeps a campaign that waits for its turn. A store that fails keeps no campaign from running; what became of it is
    /// logged once, when the campaign has ended.
    async fn queue(&self, campaign: &Campaign) {
        let _ = tokio::time::timeout(QUEUE_LIMIT, self.0.store.put_campaign(&campaign.record())).await;
    }

    pub(crate) fn campaign(&self, key: &str) -> Option<Arc<Campaign>> {
        self.0.campaigns.lock().get(key).cloned()
    }

    /// Forgets a campaign that has ended here; whether there was none that still runs.
    pub(crate) fn forget(&self, key: &str) -> bool {
        let mut campaigns = self.0.campaigns.lock();
        let is_open = campaigns.get(key).is_some_and(|campaign| !campaign.has_ended());
        if !is_open {
            campaigns.remove(key);
        }
        !is_open
    }

    /// The store has all of them; these are for those who follow.
    fn forget_old(&self) {
        let mut campaigns = self.0.campaigns.lock();
        let ended = campaigns.values().filter_map(|one| Some((one.ended()?, one.key().to_owned())));
        let mut ended: Vec<(Timestamp, String)> = ended.collect();
        ended.sort();
        for (_, key) in ended.iter().take(ended.len().saturating_sub(REMEMBERED)) {
            campaigns.remove(key);
        }
    }

    /// How many campaigns have not ended.
    pub fn open_campaigns(&self) -> usize {
        self.0.open.borrow().campaigns
    }

    /// A client was cut off, since it did not read.
    pub(crate) fn count_cut_off(&self) {
        self.0.cut_off.fetch_add(1, Relaxed);
    }

    /// How many clients were cut off.
    pub(crate) fn cut_off(&self) -> u64 {
        self.0.cut_off.load(Relaxed)
    }

    /// Takes no further campaign, and stops all that run or wait.
    pub fn close(&self, stop: Stop) {
        self.0.open.send_modify(|open| open.is_closing = true);
        for campaign in self.0.campaigns.lock().values() {
            campaign.stop(stop);
        }
    }

    /// Returns once no campaign is open.
    pub async fn idle(&self) {
        let mut open = self.0.open.subscribe();
        // The sender lives as long as this service.
        let _ = open.wait_for(|open| open.campaigns == 0).await;
    }

    async fn lead(
        &self,
        campaign: &Arc<Campaign>,
        planned: Box<dyn Planned>,
        mut commands: mpsc::Receiver<Command>,
        offset: Duration,
    ) -> CampaignWriter {
        let writer = self.0.store.writer(campaign.key());
        let turn = async {
            let turn = self.0.turns.acquire().await.expect("the semaphore is never closed");
            tokio::time::sleep(offset).await;
            turn
        };
        let _turn = tokio::select! {
            turn = turn => turn,
            () = stop_asked(&mut commands) => {
                campaign.settle_without_report(NOT_STARTED.to_owned());
                return writer;
            }
        };
        campaign.begin();
        writer.update(&campaign.record());
        let (broadcast, events) = broadcast::channel::<Arc<CampaignEvent>>(EVENTS);
        let observing = tokio::spawn(observe(Arc::clone(campaign), writer, events));
        // A task of its own, so that a panic is a campaign that failed and not a turn that never comes.
        let outcome = tokio::spawn(planned.run(commands, broadcast)).await;
        // It ends with the sender of its events.
        let writer = observing.await.unwrap_or_else(|_| self.0.store.writer(campaign.key()));
        match outcome {
            Ok(Ok(launched)) => settle(campaign, launched).await,
            Ok(Err(why)) => campaign.settle_without_report(why),
            Err(panic) => campaign.settle_without_report(format!("internal error: {panic}")),
        }
        writer
    }

    /// Keeps what the campaign leaves.
    async fn keep(&self, campaign: &Campaign, writer: &CampaignWriter) {
        let (record, files) = (campaign.record(), campaign.files());
        let finished = tokio::time::timeout(KEEP_LIMIT, finished(writer, &record, &files)).await;
        let lost = writer.lost();
        let why = match (finished, lost.last) {
            (Ok(Ok(())), None) => return,
            (Ok(Ok(())), Some(last)) => {
                format!("{} writes to the store were lost, the last of them: {last}", lost.writes)
            }
            (Ok(Err(error)), _) => {
                // Its verdict alone is small: without it the store would have it as running.
                writer.update(&campaign.record());
                format!("not stored: {error}")
            }
            (Err(_), _) => "not stored yet: the store does not answer".to_owned(),
        };
        self.0.log.line(&format!("campaign {}: {why}", campaign.key()));
    }
}

/// Keeps an ended campaign with its files. A store that refuses them may take them a moment later: space is freed, a
/// server comes back.
async fn finished(
    writer: &CampaignWriter,
    record: &CampaignRecord,
    files: &[StoredFile],
) -> Result<(), StoreError> {
    for pause in KEEP_PAUSES {
        match writer.finish(record, files).await {
            // What waits already must not be queued again.
            Err(error) if !matches!(error.problem(), StoreProblem::Slow) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    writer.finish(record, files).await
}

/// Work that may take a while, away from the tasks that lead running campaigns.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Takes note of what happens in a campaign, here and in the store, until it has ended.
async fn observe(
    campaign: Arc<Campaign>,
    mut writer: CampaignWriter,
    mut events: broadcast::Receiver<Arc<CampaignEvent>>,
) -> CampaignWriter {
    let mut started = None;
    let mut elapsed = Duration::ZERO;
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => {
                campaign.lost(count);
                continue;
            }
            Err(RecvError::Closed) => return writer,
        };
        campaign.observe(&event);
        match &*event {
            CampaignEvent::Started(at) => {
                started = Some(*at);
                writer.update(&campaign.record());
            }
            CampaignEvent::Second(second) => {
                // What lies between was among the events that were lost.
                if second.from > elapsed {
                    writer.second_missed();
                }
                if let Some(started) = started {
                    writer.second(&history::slices(second, started));
                }
                elapsed = elapsed.max(second.progress.elapsed);
            }
            CampaignEvent::Marked(marker) => {
                writer.marker(&qalipsis_store::Marker { at: marker.at, label: marker.label.clone() });
            }
            _ => {}
        }
    }
}

/// Rendering reports takes a while, and must not keep a thread that serves others.
async fn settle(campaign: &Arc<Campaign>, launched: Launched) {
    let rendered = Arc::clone(campaign);
    let ending = tokio::task::spawn_blocking(move || rendered.settle(&launched));
    if let Err(panic) = ending.await {
        campaign.settle_without_report(format!("internal error: {panic}"));
    }
}

/// Returns when a user asks to stop a campaign that has not started; nothing else can be done with it.
async fn stop_asked(commands: &mut mpsc::Receiver<Command>) {
    loop {
        match commands.recv().await {
            Some(Command::Stop(_)) => return,
            Some(Command::Control(..) | Command::Report(_)) => {}
            // Nobody can ask any more.
            None => std::future::pending().await,
        }
    }
}
