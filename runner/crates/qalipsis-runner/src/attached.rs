//! What others have of a campaign of `--autostart`: the API while it runs, and the store that keeps it.

use crate::autostart::{OneCampaign, Reported};
use crate::cli::Invocation;
use crate::error::Error;
use crate::output;
use crate::printing::Verbosity;
use crate::problem::Problem;
use crate::serving::Serving;
use crate::sites;
use crate::stops::AbortOnDrop;
use qalipsis_client::Head;
use qalipsis_head::{Broadcast, Command};
use qalipsis_model::plan::CampaignPlan;
use qalipsis_publication::LARGEST_PUBLICATION;
use qalipsis_report::console;
use qalipsis_server::{
    Bound, BoxFuture, CampaignService, Launched, Launcher, Log, Offered, Order, Planned, ServerSettings,
};
use qalipsis_store::{Keep, Location, STORE, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// Warnings that may wait to be shown; further ones are left out.
const WARNINGS: usize = 100;

/// What a campaign of this process gets when the configuration has a key of the server, or a store.
#[derive(Debug)]
pub(crate) struct Attached {
    server: Option<(Bound, ServerSettings)>,
    store: Store,
    /// Where the campaign is published to when it has ended.
    publication: Option<Head>,
    /// Of a store that is removed with the process: without one of the user there are windows only while it runs.
    _folder: Option<TempDir>,
}

impl Attached {
    /// Listens and opens the store, as configured; nothing when neither is.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) async fn open(invocation: &Invocation) -> Result<Option<Self>, Error> {
        let (settings, problems) = invocation.sources.read();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let server = match ServerSettings::if_given(&settings) {
            Some(server) => Some((Bound::listen(&server).await?, server)),
            None => None,
        };
        let publication = match qalipsis_client::published_to(&settings)? {
            Some(connection) => Some(Head::new(&connection)?),
            None => None,
        };
        let (location, keep) = qalipsis_store::configured(&settings.section(&STORE));
        let (store, folder) = match location {
            Some(location) => (Store::open(&location, keep).await?, None),
            None if server.is_none() && publication.is_none() => return Ok(None),
            None => {
                let folder = TempDir::with_prefix("qalipsis-").map_err(Error::Temporary)?;
                let file = Location::Sqlite(folder.path().join("campaign.db"));
                (Store::open(&file, Keep::default()).await?, Some(folder))
            }
        };
        Ok(Some(Self { server, store, publication, _folder: folder }))
    }

    /// Runs the campaign as one of a service. Nothing that is attached changes its exit code.
    ///
    /// # Errors
    /// When it cannot be run.
    pub(crate) async fn run(
        self,
        campaign: OneCampaign,
        mut commands: mpsc::Receiver<Command>,
    ) -> Result<u8, Error> {
        let live = campaign.live.clone();
        let asked = campaign.asked.clone();
        let (verbosity, color) = (campaign.invocation.verbosity, campaign.invocation.color);
        let key = campaign.campaign.plan.key.clone();
        let (lines, warnings) = mpsc::channel(WARNINGS);
        let warning = live.warnings(warnings, color);
        let log = Log::new(move |line| _ = lines.try_send(line.to_owned()));
        let launcher = Arc::new(OnlyCampaign::of(&campaign));
        let service = CampaignService::new(launcher, self.store.clone(), 1, log.clone());
        let stopped = service.clone();
        let stopping = tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                if let Command::Stop(stop) = command {
                    stopped.close(stop);
                }
            }
        });
        let _stopping = AbortOnDrop::of(&stopping);
        let (reported, ended) = oneshot::channel();
        service.begin(Box::new(Attachable { campaign, reported })).await;
        let serving = self.server.map(|(bound, settings)| {
            live.line(&format!("campaign {key} is served at {}/api/v1/campaigns/{key}", bound.url()));
            Serving::begin(bound, &service, &settings, log)
        });
        service.idle().await;
        // Until then the process still ends when the user asks twice.
        let (outcome, _watching) = match ended.await {
            Ok(ended) => ended,
            Err(_) if asked.times() > 0 => (Err(Error::Stopped), None),
            Err(_) => (Err(Error::Internal("the campaign ended without a report".to_owned())), None),
        };
        if let Some(serving) = serving {
            serving.end().await?;
        }
        if outcome.is_ok()
            && let Some(head) = &self.publication
        {
            let published = tokio::select! {
                published = publish(&service, head, &key) => published,
                () = asked.once() => Err("not finished, stopped by the user".to_owned()),
            };
            match published {
                Ok(line) if verbosity > Verbosity::Quiet => {
                    // Standard output may be gone; the verdict stays.
                    let _ = output::print(&console::note("head", &line, output::style(color)));
                }
                Ok(_) => {}
                Err(why) => output::warn(&format!("head: {why}"), color),
            }
        }
        drop(service);
        // What it could not keep is reported already.
        let _ = self.store.close().await;
        warning.end();
        outcome
    }
}

/// Publishes the ended campaign, and gives where it is.
async fn publish(service: &CampaignService, head: &Head, key: &str) -> Result<String, String> {
    let publication = service.publication(key).await.map_err(|error| format!("not published: {error}"))?;
    let publication = publication.ok_or("not published: it left nothing")?;
    let (mut body, mut without) = (publication.to_json(), "");
    if body.len() > LARGEST_PUBLICATION {
        body = publication.without_seconds().to_json();
        without = ", without the figures of its seconds, which take more than 64 MiB";
    }
    let place = head.publish(key, &body).await.map_err(|error| error.to_string())?;
    Ok(format!("{place}{without}"))
}

type Ended = (Result<u8, Error>, Option<AbortOnDrop>);

/// The campaign, and where its outcome goes.
#[derive(Debug)]
struct Attachable {
    campaign: OneCampaign,
    reported: oneshot::Sender<Ended>,
}

impl Planned for Attachable {
    fn plan(&self) -> &CampaignPlan {
        &self.campaign.campaign.plan
    }

    fn configuration(&self) -> &BTreeMap<String, String> {
        &self.campaign.campaign.configuration
    }

    fn zones(&self) -> Vec<String> {
        self.campaign.campaign.zones()
    }

    fn run(
        self: Box<Self>,
        commands: mpsc::Receiver<Command>,
        events: Broadcast,
    ) -> BoxFuture<'static, Result<Launched, String>> {
        Box::pin(async move {
            let Self { campaign, reported } = *self;
            let (launched, ended) = match campaign.run(commands, events, true).await {
                Ok(Reported { report, outcome, watching }) => {
                    let exit_code = outcome.as_ref().map_or_else(Error::exit_code, |code| *code);
                    (Ok(Launched { report, exit_code }), (outcome, Some(watching)))
                }
                Err(error) => (Err(error.lines().join("; ")), (Err(error), None)),
            };
            // Who awaits it ends later than the service.
            let _ = reported.send(ended);
            launched
        })
    }
}

/// What a service of one campaign can launch: nothing more.
#[derive(Debug)]
struct OnlyCampaign {
    key: String,
    offered: Vec<Offered>,
    zones: Vec<Option<String>>,
}

impl OnlyCampaign {
    fn of(one: &OneCampaign) -> Self {
        let plan = &one.campaign.plan;
        let offered = one.campaign.executables.iter().flat_map(|executable| {
            let description = &executable.description;
            let planned =
                description.scenarios.iter().filter(|s| plan.scenarios.iter().any(|p| p.name == s.name));
            planned.map(|scenario| Offered {
                crate_name: description.crate_name.clone(),
                crate_version: description.crate_version.clone(),
                scenario: scenario.clone(),
            })
        });
        Self {
            key: plan.key.clone(),
            offered: offered.collect(),
            zones: sites::zones(&one.campaign.settings),
        }
    }
}

impl Launcher for OnlyCampaign {
    fn scenarios(&self) -> &[Offered] {
        &self.offered
    }

    fn zones(&self) -> &[Option<String>] {
        &self.zones
    }

    fn plan(&self, _: &Order) -> Result<Box<dyn Planned>, Vec<Problem>> {
        Err(vec![Problem::new(format_args!(
            "this head runs campaign {} alone and ends with it, start others with qalipsis standalone",
            self.key
        ))])
    }
}
