//! Running a campaign.

use crate::campaign::Campaign;
use crate::cli::Invocation;
use crate::environment;
use crate::error::Error;
use crate::events;
use crate::failures;
use crate::iteration::Target;
use crate::line_file::LineFile;
use crate::live::Live;
use crate::outputs;
use crate::sites::{self, Planned};
use crate::stops::{AbortOnDrop, Asked};
use qalipsis_agent::{Agent, Hosted, Output};
use qalipsis_cluster::InProcess;
use qalipsis_head::{Broadcast, Command, EVENTS, EventSink, FailureSink, Goal, Sinks, TraceSink};
use qalipsis_judge::described::Described;
use qalipsis_judge::report::Report;
use qalipsis_model::plan::Replay;
use qalipsis_model::verdict::exit;
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
    let broadcast = broadcast::channel(EVENTS).0;
    let conducting = Conducting { commands, live, follow, broadcast, publishes_figures: false };
    lead_with(invocation, campaign, conducting, asked).await
}

/// Like [`lead`], for one user at a terminal and others who see the same events.
pub(crate) async fn lead_with(
    invocation: &Invocation,
    campaign: &Campaign,
    conducting: Conducting<'_>,
    asked: Asked,
) -> Result<Led, Error> {
    let is_campaign = matches!(conducting.follow, Follow::Campaign);
    let following = conducting.live.follow(conducting.broadcast.subscribe(), is_campaign);
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
    let Campaign { settings, executables, plan, split, .. } = campaign;
    let (planned, traces) = match follow {
        Follow::Campaign => (sites::factories(settings, executables, plan, split), None),
        Follow::Replay(target, replay, traces) => {
            let one = (target.minion, &replay);
            (sites::replaying(settings, executables, plan, split, one), Some(traces))
        }
    };
    let planned = planned.map_err(Error::Invalid)?;
    let (lines, printed) = mpsc::channel::<String>(LINES);
    let unshown = Arc::new(AtomicU64::new(0));
    let showing = live.lines(printed);
    let (transport, ends) = InProcess::new(planned.len());
    let mut agent = Agent::default();
    let hosted = planned.iter().zip(ends).map(|(Planned { executable, plan }, end)| {
        let name = &plan.factory;
        let prefix = (planned.len() > 1).then(|| name.clone());
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
        factories: planned.into_iter().map(|factory| factory.plan).collect(),
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
pub(crate) fn unfinished(code: u8) -> u8 {
    if code == exit::OK { exit::INTERNAL } else { code }
}
