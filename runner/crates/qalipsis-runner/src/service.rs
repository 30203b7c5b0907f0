//! Runs the campaigns that are asked for over REST, as `--autostart` runs its own.

use crate::campaign::{Campaign, new_seed, plan_selected};
use crate::cli::Invocation;
use crate::discovery::Executable;
use crate::error::Error;
use crate::live::Live;
use crate::outputs;
use crate::problem::Problem;
use crate::repository::Repository;
use crate::run::{Conducted, Conducting, Follow, conduct};
use qalipsis_head::{Broadcast, Command};
use qalipsis_judge::report::Report;
use qalipsis_model::plan::CampaignPlan;
use qalipsis_model::verdict::exit;
use qalipsis_server::{BoxFuture, Launched, Launcher, Offered, Order, Planned};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Key of the seed.
const SEED: &str = "campaign.seed";

/// Launches campaigns of the executables that were found when the head started.
#[derive(Debug)]
pub(crate) struct LocalLauncher {
    invocation: Invocation,
    executables: Vec<Executable>,
    offered: Vec<Offered>,
    zones: Vec<Option<String>>,
    live: Live,
}

impl LocalLauncher {
    /// Of the scenarios of these names.
    pub(crate) fn new(
        invocation: &Invocation,
        executables: Vec<Executable>,
        names: &[String],
        zones: Vec<Option<String>>,
        live: Live,
    ) -> Self {
        let offered = executables.iter().flat_map(|executable| {
            executable.description.scenarios.iter().map(|scenario| Offered {
                crate_name: executable.description.crate_name.clone(),
                crate_version: executable.description.crate_version.clone(),
                scenario: scenario.clone(),
            })
        });
        let offered = offered.filter(|one| names.contains(&one.scenario.name)).collect();
        Self { invocation: invocation.clone(), executables, offered, zones, live }
    }
}

impl Launcher for LocalLauncher {
    fn scenarios(&self) -> &[Offered] {
        &self.offered
    }

    fn zones(&self) -> &[Option<String>] {
        &self.zones
    }

    fn plan(&self, order: &Order) -> Result<Box<dyn Planned>, Vec<Problem>> {
        let mut invocation = self.invocation.clone();
        invocation.sources.given.clone_from(&order.given);
        if order.given.iter().any(|given| given.key == SEED) {
            invocation.sources.seed = None;
        }
        let (mut settings, mut problems) = invocation.sources.read();
        if problems.is_empty() {
            problems.extend(outputs::check(&settings, None));
        }
        let seed = *settings.seed.get_or_insert_with(new_seed);
        let mut executables = self.executables.clone();
        let scenarios = executables.iter_mut().flat_map(|executable| &mut executable.description.scenarios);
        for scenario in scenarios {
            if let Some(ordered) = order.profiles.get(&scenario.name) {
                scenario.profile = ordered.profile.clone();
                if ordered.follows_seed {
                    scenario.profile = scenario.profile.clone().poisson(seed);
                }
                let given = ordered.minions.or_else(|| scenario.profile.minions());
                scenario.minions = given.unwrap_or(scenario.minions);
            }
        }
        match plan_selected(&invocation, settings, executables, &order.scenarios) {
            Ok(campaign) if problems.is_empty() => {
                Ok(Box::new(LocalCampaign { invocation, campaign, live: self.live.clone() }))
            }
            Ok(_) => Err(problems),
            Err(error) => {
                problems.extend(problems_of(error));
                Err(problems)
            }
        }
    }
}

fn problems_of(error: Error) -> Vec<Problem> {
    match error {
        Error::Invalid(problems) => problems,
        other => vec![Problem::new(other)],
    }
}

/// A campaign that is checked and can run here.
#[derive(Debug)]
struct LocalCampaign {
    invocation: Invocation,
    campaign: Campaign,
    live: Live,
}

impl Planned for LocalCampaign {
    fn plan(&self) -> &CampaignPlan {
        &self.campaign.plan
    }

    fn configuration(&self) -> &BTreeMap<String, String> {
        &self.campaign.configuration
    }

    fn zones(&self) -> Vec<String> {
        self.campaign.zones()
    }

    fn run(
        self: Box<Self>,
        commands: mpsc::Receiver<Command>,
        events: Broadcast,
    ) -> BoxFuture<'static, Result<Launched, String>> {
        Box::pin(
            async move { self.conduct(commands, events).await.map_err(|error| error.lines().join("; ")) },
        )
    }
}

impl LocalCampaign {
    async fn conduct(
        self,
        commands: mpsc::Receiver<Command>,
        broadcast: Broadcast,
    ) -> Result<Launched, Error> {
        let Self { invocation, campaign, live } = self;
        let key = campaign.plan.key.clone();
        live.line(&format!("campaign {key} starts: {}", campaign.plan.name));
        let conducting = Conducting {
            commands,
            live: &live,
            follow: Follow::Campaign,
            broadcast,
            publishes_figures: true,
        };
        let (Conducted { report, unwritten, warnings, .. }, ()) =
            conduct(&invocation, &campaign, conducting, |_| ()).await?;
        unwritten.iter().for_each(|why| live.line(&format!("campaign {key}: {why}")));
        let mut exit_code = report.exit_code(campaign.settings.fail_on_warning);
        let is_complete = unwritten.is_empty();
        let shown = live.clone();
        // Notifications and files may take a while.
        let publishing = tokio::task::spawn_blocking(move || {
            let mut report: Report = report;
            report.warnings.extend(warnings);
            if let Some(repository) = Repository::around(&invocation.targets) {
                repository.relocate(&mut report);
            }
            let mut is_complete = is_complete;
            for one in outputs::publish(&mut report, &campaign.settings, || 0) {
                if let Some(warning) = one.warning() {
                    shown.line(&format!("campaign {}: {warning}", report.key));
                    is_complete &= !outputs::is_file(one.label);
                }
            }
            (report, is_complete)
        });
        let (report, is_complete) = publishing.await.map_err(|panic| Error::Internal(panic.to_string()))?;
        // As that of a process that runs this one campaign.
        if exit_code == exit::OK && !is_complete {
            exit_code = exit::INTERNAL;
        }
        live.line(&format!("campaign {key} ended: {}", report.verdict()));
        Ok(Launched { report, exit_code })
    }
}
