//! `run`: scenarios in this process, with a head of their own, for debugging.

use crate::command::Run;
use crate::describe::describe;
use crate::logging;
use crate::stderr;
use qalipsis_cluster::{FactoryEnd, HeadConnection, InProcess, StopSignals};
use qalipsis_config::problem::Problem;
use qalipsis_config::reason;
use qalipsis_config::{Sections, Settings, Sources};
use qalipsis_core::scenario::Scenario;
use qalipsis_engine::host;
use qalipsis_head::{Campaign, CampaignEvent, Command, EVENTS, Goal, Sinks};
use qalipsis_judge::described::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::environment::Environment;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, LoadShare, Stop};
use qalipsis_model::smoke::Smoke;
use qalipsis_model::suggest;
use qalipsis_model::verdict::exit;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;

/// Name of the only factory.
const NAME: &str = "standalone";
/// How long the factory may take to close what is open once its head has gone.
const END_LIMIT: Duration = Duration::from_secs(2);

pub(crate) async fn run(scenarios: &[Scenario], options: &Run) -> u8 {
    logging::begin(options.log.clone().or_else(logging::of_environment).as_deref());
    let Planned { campaign, settings, left_out } = match plan(scenarios, options) {
        Ok(planned) => planned,
        Err(problems) => {
            problems.iter().for_each(|problem| stderr::line(format_args!("error: {problem}")));
            return exit::USAGE;
        }
    };
    left_out.iter().for_each(|criterion| stderr::line(format_args!("smoke run, not judged: {criterion}")));
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            stderr::line(format_args!("error: failed to listen for signals: {error}"));
            return exit::INTERNAL;
        }
    };
    let report = campaign_of(scenarios, campaign, &settings, &mut signals).await;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = qalipsis_report::console::Style { color, unicode: true, width: 100 };
    let text = qalipsis_report::console::render(&report, style);
    // Who does not read it gets the exit code, at the second signal at the latest.
    let printing = tokio::task::spawn_blocking(move || {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    });
    let twice = async {
        signals.next().await;
        signals.next().await;
    };
    tokio::select! {
        _ = printing => {}
        () = twice => {}
    }
    report.exit_code(settings.fail_on_warning)
}

/// What is to run, as configured.
struct Planned {
    campaign: CampaignPlan,
    settings: Settings,
    /// Criteria that a smoke run leaves out.
    left_out: Vec<String>,
}

/// Reads the configuration as the runner does: files, environment, `-c`.
fn plan(scenarios: &[Scenario], options: &Run) -> Result<Planned, Vec<String>> {
    let names = || scenarios.iter().map(|s| s.describe().name.as_str());
    if let Some(unknown) = options.scenarios.iter().find(|wanted| !names().any(|n| n == wanted.as_str())) {
        return Err(vec![format!("no scenario is named '{unknown}', {}", suggest::hint(unknown, names()))]);
    }
    let mut pairs = options.configuration.clone();
    for property in &options.properties {
        if !property.contains('=') {
            // What was meant as a value may be a secret.
            return Err(vec!["-p: there is no '=', write -p NAME=VALUE".to_owned()]);
        }
        pairs.push(format!("properties.{property}"));
    }
    let sources = Sources {
        only_file: options.config.clone(),
        directory: PathBuf::from("."),
        environment: qalipsis_config::Environment::of_process(),
        pairs,
        given: Vec::new(),
        seed: options.seed,
        // Only the runner has outputs.
        sections: Sections::elsewhere(),
    };
    let lines = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (settings, problems) = sources.read();
    if !problems.is_empty() {
        return Err(lines(problems));
    }
    let all: Vec<&ScenarioDescription> = scenarios.iter().map(Scenario::describe).collect();
    let is_chosen =
        |s: &&&ScenarioDescription| options.scenarios.is_empty() || options.scenarios.contains(&s.name);
    let chosen: Vec<&ScenarioDescription> = all.iter().filter(is_chosen).copied().collect();
    let wrong: Vec<String> = chosen.iter().flat_map(|scenario| defects(scenario)).collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if !settings.factories.is_empty() {
        let why = "factories: a scenario that runs alone is one factory; start several with 'qalipsis --autostart', or leave \
                   the list out";
        return Err(vec![why.to_owned()]);
    }
    // Random, as that of the runner: a system that takes each id once must not be given the same ones again.
    let seed = settings.seed.unwrap_or_else(|| rand::random::<u32>().into());
    // Unique among all runs, for what minions leave behind bears it.
    let key = format!("run-{:016x}", rand::random::<u64>());
    let mut campaign = settings.plan(&all, &chosen, seed, key).map_err(lines)?;
    // Only a head collects them.
    campaign.events = None;
    campaign.limits.failures = 0;
    let smoke = Smoke { minions: options.minions, time: options.time };
    let mut left_out = Vec::new();
    for scenario in &mut campaign.scenarios {
        let criteria =
            smoke.apply(scenario).map_err(|problem| vec![reason::of_smoke(&scenario.name, problem)])?;
        left_out.extend(criteria.iter().map(|criterion| format!("{}: {criterion}", scenario.name)));
    }
    Ok(Planned { campaign, settings, left_out })
}

/// What is wrong with a scenario as it is declared, whatever the configuration.
fn defects(scenario: &ScenarioDescription) -> Vec<String> {
    let name = &scenario.name;
    if let Some(problem) = scenario.profile.problem(scenario.minions) {
        let problem = reason::of_profile(&scenario.profile, problem);
        return vec![format!("scenario '{name}': {problem}")];
    }
    let problems = scenario.criteria.iter().filter_map(|criterion| {
        let problem = reason::of_criterion(criterion, &criterion.problem(scenario, &scenario.profile)?);
        Some(format!("{}: scenario '{name}': {problem}", criterion.location))
    });
    problems.collect()
}

/// Leads the campaign as the runner does, with its only factory in this process.
async fn campaign_of(
    scenarios: &[Scenario],
    campaign: CampaignPlan,
    settings: &Settings,
    signals: &mut StopSignals,
) -> Report {
    let description = describe(scenarios);
    let described: Vec<Described> = description
        .scenarios
        .into_iter()
        .map(|scenario| Described { crate_name: description.crate_name.clone(), scenario })
        .collect();
    let shares = campaign.scenarios.len();
    let factory = FactoryPlan {
        campaign: campaign.clone(),
        factory: NAME.to_owned(),
        zone: settings.zone.clone(),
        shares: vec![LoadShare::WHOLE; shares],
        workers: settings.workers,
        replay: None,
    };
    let campaign = Campaign {
        plan: campaign,
        factories: vec![factory],
        described,
        goal: Goal::Run,
        git_revision: None,
        environment: Environment::default(),
        publishes_figures: false,
    };
    let (transport, ends) = InProcess::new(1);
    let (requests, commands) = mpsc::channel(2);
    let (events, subscriber) = broadcast::channel(EVENTS);
    let mut hosting = std::pin::pin!(host_all(scenarios, ends));
    let mut leading = std::pin::pin!(campaign.run(transport, commands, Sinks::default(), events));
    let mut stopping = std::pin::pin!(request_stops(signals, requests));
    let mut showing = std::pin::pin!(show_notices(subscriber));
    let (mut hosted, mut shown) = (false, false);
    let report = loop {
        tokio::select! {
            report = &mut leading => break report,
            () = &mut hosting, if !hosted => hosted = true,
            () = &mut showing, if !shown => shown = true,
            () = &mut stopping => {}
        }
    };
    if !hosted {
        // Without its head the factory closes what is open.
        let _ = tokio::time::timeout(END_LIMIT, hosting).await;
    }
    if !shown {
        // What waits is there already.
        showing.await;
    }
    report
}

/// Hosts the factories at these ends.
async fn host_all(scenarios: &[Scenario], ends: Vec<FactoryEnd>) {
    for end in ends {
        // Whatever goes wrong here, the head notices that the factory is gone.
        match HeadConnection::in_process(end).await {
            Ok(head) => _ = host(scenarios, NAME, head).await,
            Err(error) => stderr::line(format_args!("error: {error}")),
        }
    }
}

/// Asks the campaign to stop at each signal: gracefully at first, then at once.
async fn request_stops(signals: &mut StopSignals, requests: mpsc::Sender<Command>) {
    let mut stop = Stop::Graceful;
    loop {
        signals.next().await;
        // More than two requests say nothing new.
        let _ = requests.try_send(Command::Stop(stop));
        stop = Stop::Hard;
    }
}

/// Shows on standard error what the user should know at once.
async fn show_notices(mut events: broadcast::Receiver<Arc<CampaignEvent>>) {
    loop {
        match events.recv().await {
            Ok(event) => {
                if let CampaignEvent::Notice(text) = &*event {
                    stderr::line(text);
                }
            }
            // Notices are few: what was lost are others.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
