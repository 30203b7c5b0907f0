//! A factory as the head sees it.

use crate::directives::Directives;
use crate::inbox::Inbox;
use crate::silence::Silence;
use qalipsis_judge::report::FactoryReport;
use qalipsis_model::duration::human;
use qalipsis_model::plan::FactoryPlan;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How long the end of a lost process is awaited, to say how it died.
const EXIT_LIMIT: Duration = Duration::from_millis(500);

/// How long a factory that shows signs of life may take to greet.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// How long a factory may take beyond the limit of the warm-up, which it keeps itself, to say that it is ready or is not.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// How long a factory may take to send a missing report again; it is asked for every 500 ms.
const GAP_LIMIT: Duration = Duration::from_secs(30);

/// How far a factory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactoryPhase {
    /// It opens its worlds.
    Preparing,
    /// It is ready, or runs its load.
    Running,
    /// Nothing more is expected of it.
    Ended,
}

/// The loss of a factory.
#[derive(Debug)]
pub(crate) struct Loss {
    /// `2 s after the start`.
    pub(crate) when: String,
    /// `None` while it is not known yet.
    pub(crate) why: Option<String>,
    /// The running time of the head at that moment.
    noticed: Duration,
}

/// What the head knows of a factory.
#[derive(Debug)]
pub(crate) struct FactoryState {
    /// What it is to do. Its name is unique in the campaign.
    pub(crate) plan: FactoryPlan,
    pub(crate) phase: FactoryPhase,
    /// Whether its last minion has ended.
    pub(crate) finished: bool,
    /// Whether it knows that nothing more comes for others.
    pub(crate) concluded: bool,
    pub(crate) inbox: Inbox,
    pub(crate) directives: Directives,
    pub(crate) silence: Silence,
    /// The running time of the head at its first sign of life.
    pub(crate) heard: Option<Duration>,
    /// The running time of the head when it greeted.
    pub(crate) greeted: Option<Duration>,
    /// The first missing report, and the running time of the head when that was noticed.
    gap: Option<(u64, Duration)>,
    /// Number of its last snapshot, and when it was taken.
    pub(crate) last_snapshot: Option<(u64, Timestamp)>,
    /// How its process ended, once that is known.
    pub(crate) exit: Option<String>,
    pub(crate) loss: Option<Loss>,
}

impl FactoryState {
    /// A factory that has not sent anything yet.
    pub(crate) fn new(plan: FactoryPlan) -> Self {
        Self {
            plan,
            phase: FactoryPhase::Preparing,
            finished: false,
            concluded: false,
            inbox: Inbox::default(),
            directives: Directives::default(),
            silence: Silence::default(),
            heard: None,
            greeted: None,
            gap: None,
            last_snapshot: None,
            exit: None,
            loss: None,
        }
    }

    /// Whether nothing is awaited of it, not even the cause of its loss.
    pub(crate) fn is_settled(&self) -> bool {
        self.phase == FactoryPhase::Ended && self.loss.as_ref().is_none_or(|loss| loss.why.is_some())
    }

    /// It is lost, for this reason or for the one that the end of its process gives.
    pub(crate) fn lose(&mut self, when: String, why: Option<String>, running_time: Duration) {
        self.phase = FactoryPhase::Ended;
        let why = why.or_else(|| self.exit.take());
        self.loss = Some(Loss { when, why, noticed: running_time });
    }

    /// Why it is lost though it shows signs of life: what it has to send does not come.
    pub(crate) fn overdue(&mut self, running_time: Duration) -> Option<String> {
        let limits = &self.plan.campaign.limits;
        // One that may be silent for longer may be late for as long.
        let lasts = |limit: Duration| limit.max(limits.factory_silence);
        let waited = |since: Duration| running_time.saturating_sub(since);
        let known = self.gap.take();
        self.gap = (self.inbox.missing() > 0).then(|| {
            let next = self.inbox.next();
            known.filter(|(report, _)| *report == next).unwrap_or((next, running_time))
        });
        if self.gap.is_some_and(|(_, since)| waited(since) > lasts(GAP_LIMIT)) {
            return Some(format!("did not send a missing report again within {}", human(lasts(GAP_LIMIT))));
        }
        if self.phase != FactoryPhase::Preparing {
            return None;
        }
        match (self.greeted, self.heard) {
            (Some(since), _) if waited(since) > limits.warm_up.saturating_add(lasts(READY_LIMIT)) => {
                let limit = human(limits.warm_up);
                Some(format!("did not say whether it is ready within {limit} (campaign.limits.warm-up)"))
            }
            (None, Some(since)) if waited(since) > lasts(HELLO_LIMIT) => {
                Some(format!("did not greet within {}", human(lasts(HELLO_LIMIT))))
            }
            _ => None,
        }
    }

    /// The end of its process has become known.
    pub(crate) fn exited(&mut self, how: String) {
        match &mut self.loss {
            Some(loss) => _ = loss.why.get_or_insert(how),
            None => self.exit = Some(how),
        }
    }

    /// Waits no longer for the end of a lost process than its limit.
    pub(crate) fn wait_for_exit(&mut self, running_time: Duration) {
        if let Some(loss) = &mut self.loss
            && running_time.saturating_sub(loss.noticed) >= EXIT_LIMIT
        {
            loss.why.get_or_insert_with(|| "closed its connection".to_owned());
        }
    }

    /// What the report says of it.
    pub(crate) fn report(&self) -> FactoryReport {
        let lost = self.loss.as_ref().and_then(|loss| loss.why.clone());
        FactoryReport::new(&self.plan.factory, self.plan.zone.clone(), lost)
    }
}
