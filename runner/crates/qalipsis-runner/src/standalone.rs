//! `qalipsis standalone`: head and agent in one process, which runs the campaigns that are asked for over REST.

use crate::campaign;
use crate::cli::Invocation;
use crate::discovery::select;
use crate::error::Error;
use crate::live::Live;
use crate::output;
use crate::service::LocalLauncher;
use crate::serving::Serving;
use crate::sites;
use crate::stops::Stops;
use qalipsis_model::plan::Stop;
use qalipsis_model::verdict::exit;
use qalipsis_server::{Bound, CampaignService, Log, ServerSettings, schedules};
use qalipsis_store::{Location, STORE, Store};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines about the service that may wait to be shown; further ones are left out.
const LINES: usize = 1_000;

/// Serves until the user asks to stop; then campaigns that run are stopped and reported.
///
/// # Errors
/// When it cannot start.
pub(crate) async fn standalone(invocation: &Invocation, mut stops: Stops) -> Result<u8, Error> {
    let (settings, problems) = invocation.sources.read();
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let server = ServerSettings::of(&settings);
    // A port that is taken costs no minutes of building.
    let bound = Bound::listen(&server).await?;
    let (location, keep) = qalipsis_store::configured(&settings.section(&STORE));
    let store = Store::open(&location.map_or_else(Location::of_user, Ok)?, keep).await?;
    let executables = stops.unless_asked(campaign::discover(invocation)).await?;
    let selected = select(&invocation.scenarios, &executables)?;
    let names: Vec<String> = selected.iter().map(|one| one.scenario.name.clone()).collect();
    let live = Live::without_progress(invocation.verbosity);
    let launcher = LocalLauncher::new(invocation, executables, &names, sites::zones(&settings), live.clone());
    // From a thread of its own: nobody may read standard error, and campaigns go on.
    let (lines, printed) = mpsc::channel(LINES);
    live.lines(printed);
    let log = Log::new(move |line| _ = lines.try_send(line.to_owned()));
    let service = CampaignService::new(Arc::new(launcher), store.clone(), server.campaigns, log.clone());
    output::print(&format!("serving on {}, stop with Ctrl-C\n", bound.url()))?;
    let serving = Serving::begin(bound, &service, &server, log.clone());
    let asked = tokio::select! {
        asked = stops.next() => asked,
        () = schedules::run(service.clone(), log) => None,
    };
    if asked.is_some() {
        service.close(Stop::Graceful);
        if service.open_campaigns() > 0 {
            live.line("stopping, running campaigns are finished and reported; again to cancel them");
        }
        let hard = async {
            while stops.next().await.is_some() {
                service.close(Stop::Hard);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = service.idle() => {}
            () = hard => {}
        }
    }
    serving.end().await?;
    store.close().await?;
    Ok(exit::OK)
}
