//! Running a campaign.

use crate::baseline::{self, Baselines};
use crate::campaign::Campaign;
use crate::cli::{Invocation, Verbosity};
use crate::environment;
use crate::error::Error;
use crate::events::{self, EventFile};
use crate::live::Live;
use crate::output;
use crate::repository::Repository;
use crate::outputs;
use crate::processes::Processes;
use crate::replay::Target;
use qalipsis_head::{EventSink, Observer};
use qalipsis_model::judge::Described;
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Replay, Stop};
use qalipsis_model::report::Report;
use qalipsis_model::segment::Segment;
use qalipsis_model::verdict::Status;
use qalipsis_report::console::{self, Style};
use qalipsis_report::github;
use qalipsis_report::summary::Summary;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Lines of factories that may wait to be shown.
const LINES: usize = 1_000;

/// Runs the campaign, reports, and gives the exit code of its verdict. `stops` carries the user's wishes
/// to stop it, see [`stops`].
///
/// # Errors
/// When it cannot be run; a campaign that fails is an exit code.
pub async fn autostart(
    invocation: &Invocation,
    campaign: Campaign,
    baselines: Option<&Baselines>,
    stops: mpsc::Receiver<Stop>,
) -> Result<u8, Error> {
    let mut live = Live::new(invocation.verbosity);
    let lines = live.clone();
    let (mut report, events) = lead(invocation, &campaign, stops, &lines, &mut live, None).await?;
    live.end();
    let style = output::style(invocation.color);
    if let Some(baselines) = baselines
        && !matches!(report.status, Status::Aborted | Status::Invalid)
    {
        let summary = Summary::from(&report);
        report.held_against(baselines.against(&summary, format!("campaign {}", report.key)));
    }
    if let Some(repository) = Repository::around(&invocation.targets) {
        repository.relocate(&mut report);
    }
    let known = report.warnings.len();
    let shown = outputs::show(&mut report, &campaign.settings);
    let quiet = invocation.verbosity == Verbosity::Quiet;
    let mut text = if quiet { console::summary(&report, style) } else { console::render(&report, style) };
    if let Some(path) = events.filter(|_| !quiet) {
        text.push_str(&console::note("events", &path, style));
    }
    if quiet && report.status != Status::Warning {
        // Nothing else tells them: nobody would learn that nobody was told.
        report.warnings[known..].iter().for_each(|warning| output::warn(warning, invocation.color));
    }
    for one in shown {
        // An output that fails must not change the verdict.
        match (&one.outcome, one.warning()) {
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
        text.push_str(&keep(&report, path, invocation.verbosity, style));
    }
    output::print(&text)?;
    Ok(report.exit_code(campaign.settings.fail_on_warning))
}

/// Keeps a campaign that succeeded as a baseline, and says what became of it.
fn keep(report: &Report, path: &Path, verbosity: Verbosity, style: Style) -> String {
    if !matches!(report.status, Status::Successful | Status::Warning) {
        let why = format!("not kept as a baseline: the campaign is {}", report.verdict());
        return console::note("warning", &why, style);
    }
    let path = baseline::place(path, &report.key);
    match Summary::from(report).save(&path) {
        Ok(()) if verbosity > Verbosity::Quiet => {
            console::note("baseline", &path.display().to_string(), style)
        }
        Ok(()) => String::new(),
        Err(error) => console::note("warning", &error.to_string(), style),
    }
}

/// Runs the campaign, or one pass of it. What factories print goes to `live`. Gives the report, and the path of the
/// file of events when one was written.
pub(crate) async fn lead(
    invocation: &Invocation,
    campaign: &Campaign,
    stops: mpsc::Receiver<Stop>,
    live: &Live,
    observer: &mut dyn Observer,
    replay: Option<(Target, Replay)>,
) -> Result<(Report, Option<String>), Error> {
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
    for executable in &campaign.executables {
        let scenarios = campaign.plan.scenarios.iter().filter(|s| executable.scenario(&s.name).is_some());
        let plan = FactoryPlan {
            campaign: CampaignPlan { scenarios: scenarios.cloned().collect(), ..campaign.plan.clone() },
            factory: name(&executable.path),
            zone: campaign.settings.zone.clone(),
            segment: replay
                .as_ref()
                .map_or(Segment::WHOLE, |(target, _)| Segment::of_minion(target.minion, minions)),
            workers: replay.as_ref().map_or(campaign.settings.workers, |_| Some(1)),
            replay: replay.as_ref().map(|(_, replay)| replay.clone()),
        };
        peers.push(processes.start(&executable.path, plan, lines.clone()).await?);
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
    let head = qalipsis_head::Campaign {
        plan: campaign.plan.clone(),
        described,
        git_revision: environment::git_revision().await,
        environment: environment::of(invocation, campaign).await,
        events: sink.map(|sink| Box::new(sink) as Box<dyn EventSink>),
    };
    let mut report = head.run(peers, stops, observer).await;
    processes.end().await;
    // A grandchild of a factory may hold its output for ever.
    let _ = tokio::time::timeout(Duration::from_millis(200), showing).await;
    let events = match file.map(EventFile::finish).transpose() {
        Ok(path) => path,
        Err(problem) => {
            // An output that fails must not change the verdict.
            report.warnings.push(format!("events: {problem}"));
            None
        }
    };
    Ok((report, events))
}

/// The user's wishes to stop: Ctrl-C or SIGTERM, once for a graceful stop, again for a hard one.
///
/// # Errors
/// When signals cannot be listened for.
pub fn stops() -> Result<mpsc::Receiver<Stop>, Error> {
    let listen =
        |kind| signal(kind).map_err(|e| Error::Internal(format!("failed to listen for signals: {e}")));
    let (mut interrupts, mut terminations) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (wishes, received) = mpsc::channel(2);
    tokio::spawn(async move {
        for stop in [Stop::Graceful, Stop::Hard] {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if wishes.send(stop).await.is_err() {
                return;
            }
        }
    });
    Ok(received)
}

fn name(executable: &Path) -> String {
    executable.file_stem().map_or_else(|| "factory".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
