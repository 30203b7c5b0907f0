//! The campaigns of this head: their queue, and those that have run.

use crate::campaign::Campaign;
use crate::launcher::{Launched, Launcher, Order, Planned};
use parking_lot::Mutex;
use qalipsis_config::problem::Problem;
use qalipsis_head::{CampaignEvent, Command, EVENTS};
use qalipsis_model::plan::Stop;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Semaphore, mpsc, watch};

/// Campaigns that may wait for their turn.
const QUEUE: usize = 1_000;

const NOT_STARTED: &str = "stopped by the user before it started";

/// Runs campaigns, as many side by side as configured. Clones are the same service.
#[derive(Debug, Clone)]
pub struct CampaignService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    launcher: Arc<dyn Launcher>,
    campaigns: Mutex<BTreeMap<String, Arc<Campaign>>>,
    turns: Semaphore,
    /// How many have not ended; and whether no further one is taken.
    open: watch::Sender<Open>,
    /// How many clients were cut off, since they did not read.
    cut_off: AtomicU64,
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
    /// Runs at most so many campaigns side by side.
    pub fn new(launcher: Arc<dyn Launcher>, side_by_side: usize) -> Self {
        Self(Arc::new(Inner {
            launcher,
            campaigns: Mutex::default(),
            turns: Semaphore::new(side_by_side.clamp(1, Semaphore::MAX_PERMITS)),
            open: watch::channel(Open::default()).0,
            cut_off: AtomicU64::new(0),
        }))
    }

    pub(crate) fn launcher(&self) -> &dyn Launcher {
        &*self.0.launcher
    }

    /// Takes a campaign into the queue.
    pub(crate) fn start(&self, order: &Order) -> Result<Arc<Campaign>, Refused> {
        let planned = self.0.launcher.plan(order).map_err(Refused::Invalid)?;
        let zone = self.0.launcher.zone();
        let (campaign, commands) = Campaign::new(planned.plan(), zone, planned.configuration().clone());
        let campaign = Arc::new(campaign);
        let mut refused = None;
        self.0.open.send_if_modified(|open| {
            if open.is_closing {
                refused = Some(Refused::Closing);
            } else if open.campaigns >= QUEUE {
                refused = Some(Refused::QueueFull);
            } else {
                open.campaigns += 1;
            }
            refused.is_none()
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        self.0.campaigns.lock().insert(campaign.key().to_owned(), Arc::clone(&campaign));
        let (service, order) = (self.clone(), order.clone());
        let running = Arc::clone(&campaign);
        tokio::spawn(async move {
            let lead = service.lead(Arc::clone(&running), planned, commands, order.start_offset);
            lead.await;
            service.0.open.send_modify(|open| open.campaigns -= 1);
        });
        Ok(campaign)
    }

    pub(crate) fn campaign(&self, key: &str) -> Option<Arc<Campaign>> {
        self.0.campaigns.lock().get(key).cloned()
    }

    /// All campaigns, the last one first.
    pub(crate) fn campaigns(&self) -> Vec<Arc<Campaign>> {
        self.0.campaigns.lock().values().rev().cloned().collect()
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
        for campaign in self.campaigns() {
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
        campaign: Arc<Campaign>,
        planned: Box<dyn Planned>,
        mut commands: mpsc::Receiver<Command>,
        offset: Duration,
    ) {
        let turn = async {
            let turn = self.0.turns.acquire().await.expect("the semaphore is never closed");
            tokio::time::sleep(offset).await;
            turn
        };
        let _turn = tokio::select! {
            turn = turn => turn,
            () = stop_asked(&mut commands) => return campaign.end_without_report(NOT_STARTED.to_owned()),
        };
        campaign.begin();
        let (broadcast, mut events) = broadcast::channel::<Arc<CampaignEvent>>(EVENTS);
        let observed = Arc::clone(&campaign);
        let observing = tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => observed.observe(&event),
                    Err(RecvError::Lagged(count)) => observed.lost(count),
                    Err(RecvError::Closed) => break,
                }
            }
        });
        // A task of its own, so that a panic is a campaign that failed and not a turn that never comes.
        let outcome = tokio::spawn(planned.run(commands, broadcast)).await;
        // It ends with the sender of its events, and does not panic.
        let _ = observing.await;
        match outcome {
            Ok(Ok(launched)) => self.end(campaign, launched).await,
            Ok(Err(why)) => campaign.end_without_report(why),
            Err(panic) => campaign.end_without_report(format!("internal error: {panic}")),
        }
    }

    /// Rendering reports takes a while, and must not keep a thread that serves others.
    async fn end(&self, campaign: Arc<Campaign>, launched: Launched) {
        let rendered = Arc::clone(&campaign);
        let ending = tokio::task::spawn_blocking(move || rendered.end(&launched));
        if let Err(panic) = ending.await {
            campaign.end_without_report(format!("internal error: {panic}"));
        }
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
