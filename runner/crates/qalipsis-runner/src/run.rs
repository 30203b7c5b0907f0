//! Running a campaign.

use crate::baseline::{self, Baselines};
use crate::campaign::Campaign;
use crate::cli::{Invocation, Verbosity};
use crate::environment;
use crate::error::Error;
use crate::events;
use crate::failures;
use crate::line_file::LineFile;
use crate::live::Live;
use crate::names;
use crate::output;
use crate::outputs;
use crate::processes::{Printed, Processes};
use crate::replay::Target;
use crate::repository::Repository;
use crate::stops::Stops;
use qalipsis_head::{EventSink, FailureSink, Observer};
use qalipsis_judge::judge::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Replay, Stop};
use qalipsis_model::verdict::{Status, exit};
use qalipsis_profile::segment::Segment;
use qalipsis_report::console::{self, Style};
use qalipsis_report::github;
use qalipsis_report::summary::Summary;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

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
    let (stops, asked) = stops.into_parts();
    let mut live = Live::new(invocation.verbosity);
    let lines = live.clone();
    for criterion in &campaign.left_out {
        live.line(&format!("smoke run, not judged: {criterion}"));
    }
    let Led { mut report, files, mut unwritten } =
        lead(invocation, &campaign, stops, &lines, &mut live, None).await?;
    let asked = asked.from_now();
    live.end();
    let style = output::style(invocation.color);
    if let Some(baselines) = baselines
        && !matches!(report.status, Status::Aborted | Status::Invalid)
    {
        let summary = Summary::from(&report);
        report.apply_comparison(baselines.against(&summary, format!("campaign {}", report.key)));
    }
    if let Some(repository) = Repository::around(&invocation.targets) {
        repository.relocate(&mut report);
    }
    let known = report.warnings.len();
    let shown = outputs::show(&mut report, &campaign.settings, &asked);
    let quiet = invocation.verbosity == Verbosity::Quiet;
    let mut text = if quiet { console::summary(&report, style) } else { console::render(&report, style) };
    for (label, path) in files.iter().filter(|_| !quiet) {
        text.push_str(&console::note(label, path, style));
    }
    if quiet && report.status != Status::Warning {
        // Nothing else tells them: nobody would learn that nobody was told.
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
    if outputs::on_github(&campaign.settings) {
        text.push_str(&github::annotations(&report));
    }
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
    match report.exit_code(campaign.settings.fail_on_warning) {
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
    /// Why files that were to be written meanwhile are not whole.
    pub(crate) unwritten: Vec<String>,
}

/// Runs the campaign, or one iteration of it. What factories print goes to `live`.
pub(crate) async fn lead(
    invocation: &Invocation,
    campaign: &Campaign,
    stops: mpsc::Receiver<Stop>,
    live: &Live,
    observer: &mut dyn Observer,
    replay: Option<(Target, Replay)>,
) -> Result<Led, Error> {
    let (lines, mut printed) = mpsc::channel::<String>(LINES);
    let shown = live.clone();
    let showing = tokio::spawn(async move {
        while let Some(line) = printed.recv().await {
            shown.line(&line);
        }
    });
    let mut processes = Processes::default();
    let mut peers = Vec::new();
    // A replay has one scenario.
    let minions = campaign.plan.scenarios.first().map_or(0, |scenario| scenario.minions);
    let names = names::of(campaign.executables.iter().map(|executable| executable.path.as_path()));
    for (executable, name) in campaign.executables.iter().zip(&names) {
        let scenarios = campaign.plan.scenarios.iter().filter(|s| executable.scenario(&s.name).is_some());
        let plan = FactoryPlan {
            campaign: CampaignPlan { scenarios: scenarios.cloned().collect(), ..campaign.plan.clone() },
            factory: name.clone(),
            zone: campaign.settings.zone.clone(),
            segment: replay
                .as_ref()
                .map_or(Segment::WHOLE, |(target, _)| Segment::of_minion(target.minion, minions)),
            workers: replay.as_ref().map_or(campaign.settings.workers, |_| Some(1)),
            replay: replay.as_ref().map(|(_, replay)| replay.clone()),
        };
        let prefix = (names.len() > 1).then(|| name.clone());
        let log = invocation.log.as_ref().map(|log| log.filter(&executable.description.crate_name));
        let printed = Printed { lines: lines.clone(), prefix };
        peers.push(processes.start(&executable.path, plan, printed, log).await?);
    }
    drop(lines);
    let described = campaign.executables.iter().flat_map(|executable| {
        executable.description.scenarios.iter().map(|scenario| Described {
            crate_name: executable.description.crate_name.clone(),
            scenario: scenario.clone(),
        })
    });
    let described: Vec<Described> = described.collect();
    let (sink, file) = campaign
        .plan
        .events
        .map(|_| events::begin(&campaign.settings.junit.folder, &campaign.plan.key, described.clone()))
        .unzip();
    let limit = campaign.plan.limits.failures;
    let (failure_sink, failure_file) = (limit > 0)
        .then(|| failures::begin(&campaign.settings.junit.folder, &campaign.plan.key, limit, &described))
        .unzip();
    let head = qalipsis_head::Campaign {
        plan: campaign.plan.clone(),
        described,
        git_revision: environment::git_revision().await,
        environment: environment::of(invocation, campaign).await,
        events: sink.map(|sink| Box::new(sink) as Box<dyn EventSink>),
        failures: failure_sink.map(|sink| Box::new(sink) as Box<dyn FailureSink>),
    };
    let mut report = match campaign.connect {
        true => head.connect(peers, stops, observer).await,
        false => head.run(peers, stops, observer).await,
    };
    processes.end().await;
    // A grandchild of a factory may hold its output for ever.
    let _ = tokio::time::timeout(Duration::from_millis(200), showing).await;
    let unlisted = report.unlisted_failures;
    let written = [
        ("events", file.map(LineFile::finish)),
        ("failures", failure_file.map(|file| file.finish(unlisted))),
    ];
    let (mut files, mut unwritten) = (Vec::new(), Vec::new());
    for (label, outcome) in written {
        match outcome.transpose() {
            Ok(path) => files.extend(path.flatten().map(|path| (label, path))),
            Err(problem) => {
                // It does not change the verdict, so that the report can still say it.
                report.warnings.push(format!("{label}: {problem}"));
                unwritten.push(format!("{label}: {problem}"));
            }
        }
    }
    Ok(Led { report, files, unwritten })
}
