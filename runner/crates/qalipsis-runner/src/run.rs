//! Running a campaign.

use crate::baseline::{self, Baselines};
use crate::campaign::Campaign;
use crate::cli::{Invocation, Verbosity};
use crate::discovery::Executable;
use crate::environment;
use crate::error::Error;
use crate::events;
use crate::failures;
use crate::line_file::LineFile;
use crate::live::Live;
use crate::names;
use crate::output;
use crate::outputs;
use crate::replay::Target;
use crate::repository::Repository;
use crate::stops::{AbortOnDrop, Asked, Stops};
use qalipsis_agent::{Agent, Hosted, Output};
use qalipsis_cluster::InProcess;
use qalipsis_head::{Broadcast, Command, EVENTS, EventSink, FailureSink, Goal, Sinks, TraceSink};
use qalipsis_judge::described::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Replay};
use qalipsis_model::verdict::{Status, exit};
use qalipsis_profile::segment::Segment;
use qalipsis_report::console::{self, Style};
use qalipsis_summary::Summary;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::{broadcast, mpsc};

/// Lines of factories that may wait to be shown.
const LINES: usize = 1_000;

/// Whether everything that the campaign is to write can be written, before anything is built or started.
///
/// # Errors
/// What cannot.
pub fn check_outputs(invocation: &Invocation) -> Result<(), Error> {
    let (settings, problems) = invocation.sources.read();
    // What is wrong with the configuration is reported when the campaign is prepared.
    if !problems.is_empty() {
        return Ok(());
    }
    let problems = outputs::check(&settings, invocation.save_baseline.as_deref());
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// Runs the campaign, reports, and gives the exit code of its verdict; 1 when that is 0 and a report that was asked for
/// could not be written.
///
/// # Errors
/// When it cannot be run; a campaign that fails is an exit code.
pub async fn autostart(
    invocation: &Invocation,
    campaign: Campaign,
    baselines: Option<&Baselines>,
    stops: Stops,
) -> Result<u8, Error> {
    let live = Live::new(invocation.verbosity);
    for criterion in &campaign.left_out {
        live.line(&format!("smoke run, not judged: {criterion}"));
    }
    let Led { mut report, files, mut unwritten, warnings, asked, watching } =
        lead(invocation, &campaign, stops.into_parts(), &live, Follow::Campaign).await?;
    let style = output::style(invocation.color);
    if let Some(baselines) = baselines
        && !matches!(report.status, Status::Aborted | Status::Invalid)
    {
        let summary = Summary::from(&report);
        report.apply_comparison(baselines.against(&summary, format!("campaign {}", report.key)));
    }
    // What cannot be written or sent does not change the verdict, so that the report can still say it.
    let code = report.exit_code(campaign.settings.fail_on_warning);
    // The comparison may have changed it.
    let _watching = asked.end_process(unfinished(code));
    drop(watching);
    report.warnings.extend(warnings);
    if let Some(repository) = Repository::around(&invocation.targets) {
        repository.relocate(&mut report);
    }
    let known = report.warnings.len();
    let shown = outputs::publish(&mut report, &campaign.settings, || asked.times());
    let quiet = invocation.verbosity == Verbosity::Quiet;
    let mut text = if quiet { console::summary(&report, style) } else { console::render(&report, style) };
    for (label, path) in files.iter().filter(|_| !quiet) {
        text.push_str(&console::note(label, path, style));
    }
    if quiet && report.status != Status::Warning {
        // Nothing else shows them: nobody would learn that a notification failed.
        report.warnings[known..].iter().for_each(|warning| output::warn(warning, invocation.color));
    }
    for one in shown {
        // An output that fails must not change the verdict.
        match (&one.outcome, one.warning()) {
            (Err(_), Some(error)) if outputs::is_file(one.label) => unwritten.push(error),
            (Err(_), Some(warning)) if quiet => output::warn(&warning, invocation.color),
            (_, Some(warning)) => text.push_str(&console::note("warning", &warning, style)),
            (Ok(lines), None) if !quiet => {
                text.extend(lines.iter().map(|line| console::note(one.label, line, style)));
            }
            _ => {}
        }
    }
    text.push_str(&outputs::printed(&report, &campaign.settings));
    if let Some(path) = &invocation.save_baseline {
        match keep(&report, path, invocation.verbosity, style) {
            Ok(note) => text.push_str(&note),
            Err(error) => unwritten.push(error),
        }
    }
    let printed = output::print(&text);
    // Last, where it is seen; also when nobody reads standard output.
    unwritten.iter().for_each(|error| output::error(error, invocation.color));
    printed?;
    match code {
        exit::OK if !unwritten.is_empty() => Ok(exit::INTERNAL),
        code => Ok(code),
    }
}

/// Saves a campaign that succeeded as a baseline, and says what became of it.
fn keep(report: &Report, path: &Path, verbosity: Verbosity, style: Style) -> Result<String, String> {
    if !matches!(report.status, Status::Successful | Status::Warning) {
        let why = format!("not saved as a baseline: the campaign is {}", report.verdict());
        return Ok(console::note("warning", &why, style));
    }
    let path = baseline::output_path(path, &report.key);
    match Summary::from(report).save(&path) {
        Ok(()) if verbosity > Verbosity::Quiet => {
            Ok(console::note("baseline", &path.display().to_string(), style))
        }
        Ok(()) => Ok(String::new()),
        Err(error) => Err(format!("baseline: {error}")),
    }
}

/// A campaign that has ended.
pub(crate) struct Led {
    /// Its report.
    pub(crate) report: Report,
    /// The files that were written meanwhile, each with its label.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Why files that were to be written meanwhile are incomplete.
    pub(crate) unwritten: Vec<String>,
    /// What the report has to say about that and about lines that were not shown.
    pub(crate) warnings: Vec<String>,
    /// How often the user has asked to stop since the campaign ended.
    pub(crate) asked: Asked,
    /// Ends the process when that is the second time.
    pub(crate) watching: AbortOnDrop,
}

/// What of a campaign is shown while it runs.
pub(crate) enum Follow {
    /// Its progress.
    Campaign,
    /// The executions of one iteration that runs again.
    Replay(Target, Replay, Box<dyn TraceSink>),
}

/// Runs the campaign, or one iteration of it, for one user at a terminal. What happens, and what factories print, goes
/// to `live`.
pub(crate) async fn lead(
    invocation: &Invocation,
    campaign: &Campaign,
    (commands, asked): (mpsc::Receiver<Command>, Asked),
    live: &Live,
    follow: Follow,
) -> Result<Led, Error> {
    let (broadcast, subscriber) = broadcast::channel(EVENTS);
    let following = live.follow(subscriber, matches!(follow, Follow::Campaign));
    let conducting = Conducting { commands, live, follow, broadcast, publishes_figures: false };
    let fail_on_warning = campaign.settings.fail_on_warning;
    let judged = |report: &Report| {
        // What is left to do may hang, and needs no head.
        let asked = asked.from_now();
        let watching = asked.end_process(unfinished(report.exit_code(fail_on_warning)));
        (asked, watching)
    };
    let (Conducted { report, files, unwritten, warnings }, (asked, watching)) =
        conduct(invocation, campaign, conducting, judged).await?;
    following.end();
    Ok(Led { report, files, unwritten, warnings, asked, watching })
}

/// What a campaign is run with.
pub(crate) struct Conducting<'a> {
    /// What users ask of it.
    pub(crate) commands: mpsc::Receiver<Command>,
    /// Where the lines of factories go.
    pub(crate) live: &'a Live,
    /// The campaign, or one iteration of it.
    pub(crate) follow: Follow,
    /// The way of events to all subscribers.
    pub(crate) broadcast: Broadcast,
    /// Whether each second has its figures, for subscribers that read them.
    pub(crate) publishes_figures: bool,
}

/// A campaign that has run, whoever asked for it.
pub(crate) struct Conducted {
    /// Its report.
    pub(crate) report: Report,
    /// The files that were written meanwhile, each with its label.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Why files that were to be written meanwhile are incomplete.
    pub(crate) unwritten: Vec<String>,
    /// What the report has to say about that and about lines that were not shown.
    pub(crate) warnings: Vec<String>,
}

/// Runs the campaign: starts its factories, leads them, and writes the files that grow meanwhile. `judged` is called as
/// soon as there is a report, before what remains of factories and files is ended.
pub(crate) async fn conduct<T>(
    invocation: &Invocation,
    campaign: &Campaign,
    Conducting { mut commands, live, follow, broadcast, publishes_figures }: Conducting<'_>,
    judged: impl FnOnce(&Report) -> T,
) -> Result<(Conducted, T), Error> {
    let (target, replay, traces) = match follow {
        Follow::Campaign => (None, None, None),
        Follow::Replay(target, replay, traces) => (Some(target), Some(replay), Some(traces)),
    };
    // A replay has one scenario.
    let minions = campaign.plan.scenarios.first().map_or(0, |scenario| scenario.minions);
    let names = names::of(campaign.executables.iter().map(|executable| executable.path.as_path()));
    let plan = |(executable, name): (&Executable, &String)| {
        let scenarios = campaign.plan.scenarios.iter().filter(|s| executable.scenario(&s.name).is_some());
        FactoryPlan {
            campaign: CampaignPlan { scenarios: scenarios.cloned().collect(), ..campaign.plan.clone() },
            factory: name.clone(),
            zone: campaign.settings.zone.clone(),
            segment: target.map_or(Segment::WHOLE, |target| Segment::of_minion(target.minion, minions)),
            workers: target.map_or(campaign.settings.workers, |_| Some(1)),
            replay: replay.clone(),
        }
    };
    let factories: Vec<FactoryPlan> = campaign.executables.iter().zip(&names).map(plan).collect();
    let (lines, printed) = mpsc::channel::<String>(LINES);
    let unshown = Arc::new(AtomicU64::new(0));
    let showing = live.lines(printed);
    let (transport, ends) = InProcess::new(factories.len());
    let mut agent = Agent::default();
    let hosted = campaign.executables.iter().zip(&names).zip(ends).map(|((executable, name), end)| {
        let prefix = (names.len() > 1).then(|| name.clone());
        let log = invocation.log.as_ref().map(|log| log.filter(&executable.description.crate_name));
        let output = Output { lines: lines.clone(), prefix, dropped: Arc::clone(&unshown) };
        (Hosted { executable: executable.path.clone(), name: name.clone(), log, output }, end)
    });
    let hosted: Vec<_> = hosted.collect();
    drop(lines);
    // Nothing is open before the head sends the plan: what was started ends with its agent.
    tokio::select! {
        hosting = agent.host_all(hosted) => hosting?,
        () = stop_asked(&mut commands) => return Err(Error::Stopped),
    }
    let described = campaign.executables.iter().flat_map(|executable| {
        executable.description.scenarios.iter().map(|scenario| Described {
            crate_name: executable.description.crate_name.clone(),
            scenario: scenario.clone(),
        })
    });
    let described: Vec<Described> = described.collect();
    let folder = &campaign.settings.folder;
    let events = campaign.plan.events.map(|_| events::begin(folder, &campaign.plan.key, described.clone()));
    let (event_sink, event_file) = events.unzip();
    let limit = campaign.plan.limits.failures;
    let failures = (limit > 0).then(|| failures::begin(folder, &campaign.plan.key, limit, &described));
    let (failure_sink, failure_file) = failures.unzip();
    let sinks = Sinks {
        events: event_sink.map(|sink| Box::new(sink) as Box<dyn EventSink>),
        failures: failure_sink.map(|sink| Box::new(sink) as Box<dyn FailureSink>),
        traces,
    };
    let head = qalipsis_head::Campaign {
        plan: campaign.plan.clone(),
        factories,
        described,
        goal: if campaign.connect { Goal::Connect } else { Goal::Run },
        git_revision: environment::git_revision().await,
        environment: environment::of(invocation, campaign).await,
        publishes_figures,
    };
    let report = head.run(transport, commands, sinks, broadcast).await;
    let judged = judged(&report);
    agent.end().await;
    showing.end();
    let unlisted = report.unlisted_failures;
    let written = [
        ("events", event_file.map(LineFile::finish)),
        ("failures", failure_file.map(|file| file.finish(unlisted))),
    ];
    let (mut files, mut unwritten) = (Vec::new(), Vec::new());
    for (label, outcome) in written {
        match outcome.transpose() {
            Ok(path) => files.extend(path.flatten().map(|path| (label, path))),
            Err(problem) => unwritten.push(format!("{label}: {problem}")),
        }
    }
    let mut warnings = unwritten.clone();
    let unshown = unshown.load(Relaxed);
    if unshown > 0 {
        warnings.push(format!(
            "{unshown} lines of factories were not shown, because standard error was not read"
        ));
    }
    Ok((Conducted { report, files, unwritten, warnings }, judged))
}

/// Returns when a user asks to stop. There is nothing yet that could be controlled or reported.
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

/// The exit code of a process that ends before everything is written.
fn unfinished(code: u8) -> u8 {
    if code == exit::OK { exit::INTERNAL } else { code }
}
