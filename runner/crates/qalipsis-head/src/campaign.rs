//! What a campaign is given.

use qalipsis_judge::described::Described;
use qalipsis_model::environment::Environment;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan};

/// One campaign, ready to run.
#[derive(Debug)]
pub struct Campaign {
    /// What is to be done, over all factories.
    pub plan: CampaignPlan,
    /// What each factory is to do, in the order of their numbers.
    pub factories: Vec<FactoryPlan>,
    /// The scenarios of the plan.
    pub described: Vec<Described>,
    /// How far it goes.
    pub goal: Goal,
    /// Commit of the working directory.
    pub git_revision: Option<String>,
    /// The machine, the programs and the configuration, for the report.
    pub environment: Environment,
    /// Whether each [`Second`](crate::Second) has figures beside its progress. They are large, and wait for the slowest
    /// subscriber: only for subscribers that read them.
    pub publishes_figures: bool,
}

/// How far a campaign goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Until the load has run, and is judged.
    Run,
    /// Until all worlds are open and all sources positioned, which are then closed: no load is started, and nothing is
    /// judged. The report names all that could not get ready.
    Connect,
}
