//! The outputs of a finished campaign: this list is all there are.

use crate::baseline;
use crate::config::Settings;
use crate::problem::Problem;
use crate::stops::Asked;
use qalipsis_judge::report::Report;
use qalipsis_notify::{Mail, Slack};
use qalipsis_report::output::{self, Output, Shown};
use qalipsis_report::{file, github, html, junit, summary};
use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long all outputs together may keep the process from ending.
const LIMIT: Duration = Duration::from_secs(27);

/// How much longer what is written after that may take: together no more than half a minute.
const GRACE: Duration = Duration::from_secs(3);

const SLACK: &str = "slack";
const MAIL: &str = "mail";
const FILES: [&str; 3] = ["junit", "summary", "html"];

type Outcome = Result<Vec<String>, Box<dyn Error + Send + Sync>>;

/// Whether an output is a file that was asked for. The summary of a job is not: its place comes from the system that
/// runs the job.
pub(crate) fn is_file(label: &str) -> bool {
    FILES.contains(&label)
}

/// Whether all files can be written, before anything is started: no load is worth a report that nobody gets.
pub(crate) fn check(settings: &Settings, save_baseline: Option<&Path>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let folder = &settings.junit.folder;
    let files = settings.junit.enabled
        || settings.summary
        || settings.html
        || settings.events.enabled
        || settings.limits.failures > 0;
    if files && let Err(error) = file::probe(folder) {
        problems.push(Problem::at(
            "report.export.junit.folder",
            format_args!("reports cannot be written to {}: {error}", folder.display()),
        ));
    }
    if let Some(path) = save_baseline {
        let place = baseline::output_path(path, "key");
        let folder = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Err(error) = file::probe(folder.unwrap_or(Path::new("."))) {
            problems.push(Problem::at(
                format_args!("--save-baseline {}", path.display()),
                format_args!("the baseline cannot be written: {error}"),
            ));
        }
    }
    problems
}

/// Shows the report in every output that is wanted; what became of them, in the order of the list.
///
/// Notifications that fail are warnings of the report, so the files that show warnings are then written again. A user
/// who asks to stop waits no longer for notifications, and who asks again, for nothing.
pub(crate) fn show(report: &mut Report, settings: &Settings, asked: &Asked) -> Vec<Shown> {
    let begin = Instant::now();
    let unwanted = |label: &str| asked.times() > u32::from(is_file(label));
    let outputs = notifications(report, settings).into_iter().chain(files(settings)).collect();
    let mut shown = output::show_unless(&Arc::new(report.clone()), outputs, LIMIT, unwanted);
    let failed = |one: &&Shown| matches!(one.label, SLACK | MAIL);
    let warnings: Vec<String> = shown.iter().filter(failed).filter_map(Shown::warning).collect();
    let mut last = github(settings);
    if !warnings.is_empty() {
        // The report tells them from here on.
        shown.retain(|one| one.outcome.is_ok());
        report.warnings.extend(warnings);
        shown.retain(|one| matches!(one.label, SLACK | MAIL));
        last.extend(files(settings));
    }
    let left = (LIMIT + GRACE).saturating_sub(begin.elapsed());
    shown.extend(output::show_unless(&Arc::new(report.clone()), last, left, unwanted));
    shown
}

fn notifications(report: &Report, settings: &Settings) -> Vec<Box<dyn Output>> {
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    if settings.slack.enabled && settings.slack.status.contains(report.status) {
        outputs.push(Box::new(Slack::new(settings.slack.clone(), settings.link.clone())));
    }
    if settings.mail.enabled && settings.mail.status.contains(report.status) {
        outputs.push(Box::new(Mail::new(settings.mail.clone(), settings.link.clone())));
    }
    outputs
}

fn files(settings: &Settings) -> Vec<Box<dyn Output>> {
    let folder = settings.junit.folder.clone();
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    if settings.junit.enabled {
        outputs.push(Box::new(Junit(folder.clone())));
    }
    if settings.summary {
        outputs.push(Box::new(Summary(folder.clone())));
    }
    if settings.html {
        outputs.push(Box::new(Html(folder)));
    }
    outputs
}

/// Apart from the files: it is appended to, so it is shown once.
fn github(settings: &Settings) -> Vec<Box<dyn Output>> {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|_| on_github(settings));
    let output = |path: std::ffi::OsString| -> Box<dyn Output> {
        Box::new(GithubSummary { path: path.into(), links: links(settings) })
    };
    path.into_iter().map(output).collect()
}

/// Where to go on from the summary: the comment on a pull request is apart from the run that it is about.
fn links(settings: &Settings) -> Vec<(&'static str, String)> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let run = || {
        let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
        let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        let attempt = variable("GITHUB_RUN_ATTEMPT").map_or_else(String::new, |n| format!("/attempts/{n}"));
        Some(("run", format!("{server}/{repository}/actions/runs/{run}{attempt}")))
    };
    run().into_iter().chain(settings.link.clone().map(|link| ("report", link))).collect()
}

/// Whether this is a job of GitHub Actions that wants to be told.
pub(crate) fn on_github(settings: &Settings) -> bool {
    settings.github && std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

struct Junit(PathBuf);

impl Output for Junit {
    fn label(&self) -> &'static str {
        "junit"
    }

    fn show(&self, report: &Report) -> Outcome {
        Ok(junit::write(report, &self.0)?.iter().map(|path| shown(path)).collect())
    }
}

struct Summary(PathBuf);

impl Output for Summary {
    fn label(&self) -> &'static str {
        "summary"
    }

    fn show(&self, report: &Report) -> Outcome {
        Ok(vec![shown(&summary::write(report, &self.0)?)])
    }
}

struct Html(PathBuf);

impl Output for Html {
    fn label(&self) -> &'static str {
        "html"
    }

    fn show(&self, report: &Report) -> Outcome {
        Ok(vec![shown(&html::write(report, &self.0)?)])
    }
}

struct GithubSummary {
    path: PathBuf,
    links: Vec<(&'static str, String)>,
}

impl Output for GithubSummary {
    fn label(&self) -> &'static str {
        "github"
    }

    fn show(&self, report: &Report) -> Outcome {
        let append = || File::options().append(true).create(true).open(&self.path);
        append()
            .and_then(|mut file| file.write_all(github::summary(report, &self.links).as_bytes()))
            .map_err(|error| format!("failed to write the summary of the job: {error}"))?;
        Ok(Vec::new())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
