//! `qalipsis replay`: one iteration of one minion of a finished campaign again, with the same data.

use crate::campaign::{self, Campaign};
use crate::cli::Invocation;
use crate::environment;
use crate::error::Error;
use crate::iteration::Target;
use crate::live::Live;
use crate::output;
use crate::printing::Verbosity;
use crate::problem::Problem;
use crate::run::{Follow, Led, lead};
use crate::seen::{self, Replayed, Seen};
use crate::stops::Stops;
use qalipsis_head::TraceSink;
use qalipsis_model::plan::Replay;
use qalipsis_model::suggest::hint;
use qalipsis_model::trace::Trace;
use qalipsis_model::verdict::Status;
use qalipsis_profile::profile::Profile;
use qalipsis_report::console::{Style, conclusion, execution, note};
use qalipsis_summary::{Scenario, Summary};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

/// Parts of a configuration that the data of a minion may depend on.
const TAKEN_OVER: [&str; 4] = ["properties.", "scenarios.", "campaign.limits.", "factory.zone"];

/// Executions that may wait to be shown.
const WAITING: usize = 10_000;

/// What stands for a secret in a summary.
const HIDDEN: &str = "***";

/// Runs the iteration, shows all that it does, and gives the exit code of its outcome.
///
/// # Errors
/// When it cannot be run; an iteration that fails is an exit code.
pub async fn replay(invocation: &Invocation, path: &Path, target: Target) -> Result<u8, Error> {
    let summary = Summary::read(path).map_err(|error| Error::Invalid(vec![Problem::new(error)]))?;
    let scenario = chosen(&summary, &invocation.scenarios)?;
    if u64::from(target.minion) >= scenario.minions {
        let what = format!(
            "scenario '{}' of that campaign had {} minions, the last is --minion {}",
            scenario.name,
            scenario.minions,
            scenario.minions.saturating_sub(1)
        );
        return Err(Error::Usage(what));
    }
    let invocation = of_campaign(invocation, &summary, scenario);
    let mut stops = Stops::listen()?;
    let mut campaign = stops.unless_asked(campaign::prepare(&invocation)).await?;
    narrow(&mut campaign);

    let style = output::style(invocation.color);
    let lines = Live::new(invocation.verbosity);
    let quiet = invocation.verbosity == Verbosity::Quiet;
    // Nobody may read it.
    let watching = stops.asked().end_process(Error::Stopped.exit_code());
    if !quiet {
        output::print(&head(&summary, scenario, target))?;
    }
    if let Some(notice) = changed(&summary, &campaign, environment::git_revision().await) {
        lines.line(&notice);
    }
    drop(watching);
    let steps = campaign.executables.iter().find_map(|e| e.scenario(&scenario.name));
    let names: Vec<String> =
        steps.map(|s| s.steps.iter().map(|step| step.name.clone()).collect()).unwrap_or_default();
    let dropped = Arc::new(AtomicU64::new(0));
    let (sink, shown) = show_traces(names.clone(), style, quiet, Arc::clone(&dropped));
    let follow = Follow::Replay(target, plan(scenario, target), Box::new(sink));
    let Led { report, watching: _watching, .. } =
        lead(&invocation, &campaign, stops.into_parts(), &lines, follow).await?;
    // The thread ends with its sink, which the campaign has dropped.
    let replayed: Vec<Replayed> = shown.into_iter().collect();
    let mut text = conclusion(&report, style);
    let seen = Seen::of(path, scenario, target);
    let differences = seen.differences(&names, &replayed, &report);
    if differences.is_empty() && seen.is_known() && !matches!(report.status, Status::Aborted) {
        text.push_str(&note("same", "every step ended as in the campaign", style));
    }
    let dropped = dropped.load(Relaxed);
    if dropped > 0 {
        let why = format!("{dropped} executions were not shown, because standard output was not read");
        text.push_str(&note("warning", &why, style));
    }
    text.extend(differences.iter().map(|difference| note("differs", difference, style)));
    text.extend(seen::changed_files(scenario, &report).iter().map(|file| note("warning", file, style)));
    output::print(&text)?;
    Ok(report.exit_code(false))
}

/// The scenario of the summary that is meant.
fn chosen<'a>(summary: &'a Summary, wanted: &[String]) -> Result<&'a Scenario, Error> {
    let names = summary.scenarios.iter().map(|s| s.name.as_str());
    let refuse = |what: String| Err(Error::Usage(what));
    match (wanted, summary.scenarios.as_slice()) {
        ([], [only]) => Ok(only),
        ([], []) => refuse("that campaign ran no scenario".to_owned()),
        ([], _) => {
            let names: Vec<&str> = names.collect();
            refuse(format!("that campaign ran several scenarios, choose one with -s: {}", names.join(", ")))
        }
        ([name], scenarios) => scenarios.iter().find(|s| s.name == *name).map_or_else(
            || refuse(format!("that campaign ran no scenario '{name}', {}", hint(name, names))),
            Ok,
        ),
        _ => refuse("one minion belongs to one scenario, give one name with -s".to_owned()),
    }
}

/// The iteration, with what its minion had taken before of data.
///
/// A failure that was kept of that iteration says exactly; what all iterations took says it of any other.
fn plan(scenario: &Scenario, target: Target) -> Replay {
    let Target { minion, iteration } = target;
    let failures = scenario.steps.iter().flat_map(|step| &step.failures).flat_map(|failure| &failure.kept);
    let mut kept = failures.chain(scenario.problems.iter().flat_map(|problem| &problem.kept));
    let known = kept
        .find(|kept| kept.minion == Some(minion) && kept.iteration == iteration && !kept.taken.is_empty());
    let taken = match known {
        Some(kept) => kept.taken.iter().map(|(name, taken)| (name.clone(), Some(*taken))).collect(),
        None => {
            let data = scenario.data.iter();
            let taken = |each: u64| each.saturating_mul(iteration);
            // Before its first iteration it had taken none, whatever iterations took later.
            let before = |each: Option<u64>| if iteration == 0 { Some(0) } else { each.map(taken) };
            data.map(|data| (data.name.clone(), before(data.records_per_pass))).collect()
        }
    };
    Replay { iteration, taken }
}

/// The invocation with what the campaign was given: seed, scenario, configuration.
fn of_campaign(invocation: &Invocation, summary: &Summary, scenario: &Scenario) -> Invocation {
    let mut invocation = invocation.clone();
    invocation.scenarios = vec![scenario.name.clone()];
    invocation.sources.seed = Some(summary.seed);
    let given = summary.environment.configuration.iter().filter(|(key, value)| {
        // Secrets come from where they came then. What is said now goes before what was said then.
        TAKEN_OVER.iter().any(|start| key.starts_with(start)) && !value.contains(HIDDEN)
    });
    let mut pairs: Vec<String> =
        given.map(|(key, value)| format!("{key}={}", value.replace("${", "$${"))).collect();
    pairs.append(&mut invocation.sources.pairs);
    invocation.sources.pairs = pairs;
    invocation
}

/// Leaves the campaign with what one iteration has: no pace that can be late, no criteria on figures, and no step that must be
/// reached.
fn narrow(campaign: &mut Campaign) {
    campaign.plan.limits.release_lag = Duration::MAX;
    // Its executions are shown on standard output.
    campaign.plan.events = None;
    campaign.plan.limits.failures = 0;
    for scenario in &mut campaign.plan.scenarios {
        scenario.profile = Profile::Immediate;
        scenario.criteria.clear();
    }
    let descriptions = campaign.executables.iter_mut().flat_map(|e| &mut e.description.scenarios);
    descriptions.flat_map(|scenario| &mut scenario.steps).for_each(|step| step.optional = true);
}

fn head(summary: &Summary, scenario: &Scenario, target: Target) -> String {
    let line = format!(
        "replay of {}, minion {}, iteration {}, of campaign {}, seed {}",
        scenario.name, target.minion, target.iteration, summary.key, summary.seed
    );
    format!("{}\n\n", qalipsis_report::text::one_line(&line))
}

/// What differs between then and now, when the same data may not come of it.
fn changed(summary: &Summary, campaign: &Campaign, revision: Option<String>) -> Option<String> {
    let then = &summary.environment;
    let mut differences = Vec::new();
    for executable in &campaign.executables {
        let now = &executable.description;
        let version = then.crates.iter().find(|c| c.name == now.crate_name).map(|c| &c.version);
        if let Some(version) = version.filter(|version| **version != now.crate_version) {
            differences.push(format!("{} was {version} and is {}", now.crate_name, now.crate_version));
        }
    }
    if let (Some(then), Some(now)) = (&then.git_revision, &revision)
        && then != now
    {
        differences.push(format!("the git revision was {then} and is {now}"));
    }
    (!differences.is_empty())
        .then(|| format!("the scenario may have changed since that campaign: {}", differences.join("; ")))
}

/// Takes the executions of a replay.
#[derive(Debug)]
struct Traces {
    queue: SyncSender<Trace>,
    dropped: Arc<AtomicU64>,
}

impl TraceSink for Traces {
    fn take(&mut self, trace: Trace) {
        let is_dropped = self.queue.try_send(trace).is_err();
        self.dropped.fetch_add(u64::from(is_dropped), Relaxed);
    }
}

/// Shows executions on standard output, from a thread of its own, and gives how they ended, in their order.
fn show_traces(
    names: Vec<String>,
    style: Style,
    quiet: bool,
    dropped: Arc<AtomicU64>,
) -> (Traces, Receiver<Replayed>) {
    let (queue, traces) = mpsc::sync_channel::<Trace>(WAITING);
    let (shown, replayed) = mpsc::channel();
    let work = move || {
        for trace in traces {
            let name = names.get(trace.step as usize).map_or("", String::as_str);
            if !quiet {
                // Without a reader the exit code still says it.
                let _ = output::print(&execution(name, &trace, style));
            }
            let failure = trace.failure.as_ref().map(|failure| failure.kind.name().to_owned());
            // Whoever asked is there until all is shown.
            let _ = shown.send(Replayed { step: name.to_owned(), outcome: trace.outcome, failure });
        }
    };
    // Without a thread nothing is shown, and nothing is compared.
    let _ = std::thread::Builder::new().name("traces".to_owned()).spawn(work);
    (Traces { queue, dropped }, replayed)
}
