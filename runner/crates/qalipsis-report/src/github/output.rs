//! The summary of a job and its annotations as an output.

use crate::github;
use crate::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings};
use qalipsis_config::Settings;
use qalipsis_config::keys::Kind;
use qalipsis_config::section::{Section, SectionDefinition, SectionKey, unchecked};
use qalipsis_judge::report::Report;
use std::env;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition {
        name: "report.export.github",
        keys: &[SectionKey::new(
            "enabled",
            Kind::Switch,
            "Whether a job of GitHub Actions gets a summary and annotations. Elsewhere it means nothing.",
        )
        .or("true")],
        check: unchecked,
    },
    kind: OutputKind::Appendix,
    build,
    printed: Some(|section, report| is_wanted(section).then(|| github::annotations(report))),
};

fn build(section: &Section<'_>, Surroundings { link, .. }: &Surroundings<'_>) -> Option<Box<dyn Output>> {
    let path = env::var_os("GITHUB_STEP_SUMMARY").filter(|_| is_wanted(section))?;
    let report = link.map(|link| ("report", link.to_owned()));
    Some(Box::new(JobSummary { path: path.into(), links: run().into_iter().chain(report).collect() }))
}

/// Whether this is a job of GitHub Actions, and nobody switched its summary off.
fn is_wanted(section: &Section<'_>) -> bool {
    section.is_on("enabled") && env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Whether this is a job of GitHub Actions that is to get a summary and annotations.
pub fn is_wanted_by(settings: &Settings) -> bool {
    is_wanted(&settings.section(&OUTPUT.section))
}

/// Appends to the summary of the job; nothing is done where there is none.
///
/// # Errors
/// When its file cannot be written.
pub fn append_to_job(summary: &str) -> Result<(), String> {
    env::var_os("GITHUB_STEP_SUMMARY").map_or(Ok(()), |path| append(Path::new(&path), summary))
}

fn append(path: &Path, summary: &str) -> Result<(), String> {
    let file = File::options().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(summary.as_bytes()))
        .map_err(|error| format!("failed to write the summary of the job: {error}"))
}

/// Where the run is: the comment on a pull request is apart from the run that it is about.
fn run() -> Option<(&'static str, String)> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
    let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let attempt = variable("GITHUB_RUN_ATTEMPT").map_or_else(String::new, |n| format!("/attempts/{n}"));
    Some(("run", format!("{server}/{repository}/actions/runs/{run}{attempt}")))
}

struct JobSummary {
    path: PathBuf,
    /// Where to go on from the summary.
    links: Vec<(&'static str, String)>,
}

impl Output for JobSummary {
    fn publish(&self, report: &Report) -> PublishResult {
        append(&self.path, &github::summary(report, &self.links))?;
        Ok(Vec::new())
    }
}
