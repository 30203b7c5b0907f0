//! What runs campaigns, as the service sees it.

use qalipsis_config::problem::Problem;
use qalipsis_head::{Broadcast, Command};
use qalipsis_judge::report::Report;
use qalipsis_model::plan::CampaignPlan;
use qalipsis_payload::{Offered, Order};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;
use tokio::sync::mpsc;

/// A future behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows the scenarios of this head, plans campaigns of them and runs them.
pub trait Launcher: Debug + Send + Sync + 'static {
    /// The scenarios that can run, in the order in which their executables describe them.
    fn scenarios(&self) -> &[Offered];

    /// The zones of the factories that this head starts for each executable, one for each factory; `None` for one without a
    /// name.
    fn zones(&self) -> &[Option<String>];

    /// Checks and plans a campaign, under a key of its own. Nothing is started.
    ///
    /// # Errors
    /// All that is wrong. The place of a problem is the JSON pointer of what was given, or where else a value comes from.
    fn plan(&self, order: &Order) -> Result<Box<dyn Planned>, Vec<Problem>>;
}

/// A campaign that is ready to run.
pub trait Planned: Debug + Send + Sync {
    /// What is to run.
    fn plan(&self) -> &CampaignPlan;

    /// The keys that were set, with their values as they may be shown.
    fn configuration(&self) -> &BTreeMap<String, String>;

    /// The zones that have a part of it.
    fn zones(&self) -> Vec<String>;

    /// Runs the campaign and writes its reports. `commands` carries what users ask of it, and `events` what happens.
    ///
    /// # Errors
    /// Why it could not even start, in one line.
    fn run(
        self: Box<Self>,
        commands: mpsc::Receiver<Command>,
        events: Broadcast,
    ) -> BoxFuture<'static, Result<Launched, String>>;
}

/// A campaign that has ended.
#[derive(Debug)]
pub struct Launched {
    /// Its report, with all warnings.
    pub report: Report,
    /// The exit code of a process that runs this one campaign.
    pub exit_code: u8,
}
