//! A factory as the head sees it.

use crate::directives::Directives;
use crate::inbox::Inbox;
use crate::silence::Silence;
use qalipsis_judge::report::FactoryReport;
use qalipsis_model::plan::FactoryPlan;
use qalipsis_model::timestamp::Timestamp;
use std::time::Duration;

/// How long the end of a lost process is awaited, to say how it died.
const EXIT_LIMIT: Duration = Duration::from_millis(500);

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
    pub(crate) inbox: Inbox,
    pub(crate) directives: Directives,
    pub(crate) silence: Silence,
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
            inbox: Inbox::default(),
            directives: Directives::default(),
            silence: Silence::default(),
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
