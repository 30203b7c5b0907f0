//! `--autostart`: one campaign for one user at a terminal.

use crate::baseline::{self, Baselines};
use crate::campaign::Campaign;
use crate::cli::Invocation;
use crate::error::Error;
use crate::live::Live;
use crate::output;
use crate::outputs;
use crate::printing::Verbosity;
use crate::repository::Repository;
use crate::run::{Conducting, Follow, Led, lead_with, unfinished};
use crate::stops::{AbortOnDrop, Asked};
use qalipsis_head::{Broadcast, Command, EVENTS};
use qalipsis_judge::report::Report;
use qalipsis_model::verdict::{Status, exit};
use qalipsis_report::console::{self, Style};
use qalipsis_summary::Summary;
use std::path::Path;
use tokio::sync::{broadcast, mpsc};

/// The campaign of this process, before it runs.
#[derive(Debug)]
pub(crate) struct OneCampaign {
    pub(crate) invocation: Invocation,
    pub(crate) campaign: Campaign,
    pub(crate) baselines: Option<Baselines>,
    pub(crate) live: Live,
    pub(crate) asked: Asked,
}

/// A campaign that has ended and is reported.
pub(crate) struct Reported {
    /// Its report, with all warnings.
    pub(crate) report: Report,
    /// The exit code of the process: that of the verdict, or 1 when that is 0 and a report that was asked for could not be
    /// written; or why nobody saw the report.
    pub(crate) outcome: Result<u8, Error>,
    /// Ends the process when the user asks to stop twice, since the campaign ended.
    pub(crate) watching: AbortOnDrop,
}

impl OneCampaign {
    /// The campaign that was prepared; `asked` counts how often the user asks to stop.
    pub(crate) fn new(
        invocation: &Invocation,
        campaign: Campaign,
        baselines: Option<Baselines>,
        asked: Asked,
    ) -> Self {
        let live = Live::new(invocation.verbosity);
        Self { invocation: invocation.clone(), campaign, baselines, live, asked }
    }

    /// Runs and reports it for the user alone.
    ///
    /// # Errors
    /// When it cannot be run; a campaign that fails is an exit code.
    pub(crate) async fn run_alone(self, commands: mpsc::Receiver<Command>) -> Result<u8, Error> {
        self.run(commands, broadcast::channel(EVENTS).0, false).await?.outcome
    }

    /// Runs and reports it. `commands` carries what users ask of it, and `broadcast` what happens, with the figures of each
    /// second if `publishes_figures`.
    pub(crate) async fn run(
        self,
        commands: mpsc::Receiver<Command>,
        broadcast: Broadcast,
        publishes_figures: bool,
    ) -> Result<Reported, Error> {
        let Self { invocation, campaign, baselines, live, asked } = self;
        for criterion in &campaign.left_out {
            live.line(&format!("smoke run, not judged: {criterion}"));
        }
        let follow = Follow::Campaign;
        let conducting = Conducting { commands, live: &live, follow, broadcast, publishes_figures };
        let Led { mut report, files, unwritten, warnings, asked, watching } =
            lead_with(&invocation, &campaign, conducting, asked).await?;
        if let Some(baselines) = baselines
            && !matches!(report.status, Status::Aborted | Status::Invalid)
        {
            let summary = Summary::from(&report);
            report.apply_comparison(baselines.against(&summary, format!("campaign {}", report.key)));
        }
        // What cannot be written or sent does not change the verdict, so that the report can still say it.
        let code = report.exit_code(campaign.settings.fail_on_warning);
        // The comparison may have changed it.
        let ending = asked.end_process(unfinished(code));
        drop(watching);
        report.warnings.extend(warnings);
        // Notifications and files may take a while.
        let outcome = tokio::task::block_in_place(|| {
            report_to_user(&invocation, &campaign, &mut report, files, unwritten, &asked)
        });
        let outcome = outcome.map(|is_complete| match code {
            exit::OK if !is_complete => exit::INTERNAL,
            code => code,
        });
        Ok(Reported { report, outcome, watching: ending })
    }
}

/// Publishes the report in all outputs and shows it; whether all files that were asked for are written.
fn report_to_user(
    invocation: &Invocation,
    campaign: &Campaign,
    report: &mut Report,
    files: Vec<(&'static str, String)>,
    mut unwritten: Vec<String>,
    asked: &Asked,
) -> Result<bool, Error> {
    let style = output::style(invocation.color);
    if let Some(repository) = Repository::around(&invocation.targets) {
        repository.relocate(report);
    }
    let known = report.warnings.len();
    let shown = outputs::publish(report, &campaign.settings, || asked.times());
    let quiet = invocation.verbosity == Verbosity::Quiet;
    let mut text = if quiet { console::summary(report, style) } else { console::render(report, style) };
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
    text.push_str(&outputs::printed(report, &campaign.settings));
    if let Some(path) = &invocation.save_baseline {
        match keep(report, path, invocation.verbosity, style) {
            Ok(note) => text.push_str(&note),
            Err(error) => unwritten.push(error),
        }
    }
    let printed = output::print(&text);
    // Last, where it is seen; also when nobody reads standard output.
    unwritten.iter().for_each(|error| output::error(error, invocation.color));
    printed.map(|()| unwritten.is_empty())
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
