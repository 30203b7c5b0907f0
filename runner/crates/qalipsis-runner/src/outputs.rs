//! The outputs of a finished campaign: which are wanted, in which order they are published, and what their failures mean.

use crate::baseline;
use crate::config::{Sections, Settings};
use crate::problem::Problem;
use qalipsis_judge::report::Report;
use qalipsis_report::output::{self, Labelled, OutputKind, Published, Surroundings};
use qalipsis_summary::file;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long all outputs together may keep the process from ending.
const LIMIT: Duration = Duration::from_secs(27);

/// How much longer what is written after that may take: together no more than half a minute.
const GRACE: Duration = Duration::from_secs(3);

/// The keys of all outputs, of the server and of its client.
pub fn sections() -> Sections {
    let outputs = qalipsis_outputs::definitions().map(|output| &output.section);
    let services = qalipsis_server::SECTIONS
        .iter()
        .copied()
        .chain([&qalipsis_client::SECTION, &qalipsis_client::PUBLICATION]);
    Sections::all(outputs.chain(services))
}

/// The kind of the output with this label.
fn kind(label: &str) -> Option<OutputKind> {
    qalipsis_outputs::definitions().find(|output| output.label() == label).map(|output| output.kind)
}

/// Whether an output is a file that was asked for. The summary of a job is not: its place comes from the system that
/// runs the job.
pub(crate) fn is_file(label: &str) -> bool {
    kind(label) == Some(OutputKind::File)
}

/// The outputs of a kind that are configured.
fn configured(kind: OutputKind, settings: &Settings) -> Vec<Labelled> {
    let surroundings = Surroundings { folder: &settings.folder, link: settings.link.as_deref() };
    qalipsis_outputs::definitions()
        .filter(|output| output.kind == kind)
        .filter_map(|output| {
            let built = (output.build)(&settings.section(&output.section), &surroundings)?;
            Some((output.label(), built))
        })
        .collect()
}

/// The outputs of a kind that want this report.
fn wanted(kind: OutputKind, settings: &Settings, report: &Report) -> Vec<Labelled> {
    let mut outputs = configured(kind, settings);
    outputs.retain(|(_, output)| output.wants(report));
    outputs
}

/// Whether all files can be written, before anything is started: no load is worth a report that nobody gets.
pub(crate) fn check(settings: &Settings, save_baseline: Option<&Path>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let folder = &settings.folder;
    let files = settings.events.enabled
        || settings.limits.failures > 0
        || !configured(OutputKind::File, settings).is_empty();
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

/// Publishes the report in every output that is wanted; what became of them, in the order of the list.
///
/// Notifications that fail are warnings of the report, so the files that show warnings are then written again. A user
/// who asks to stop waits no longer for notifications, and who asks again, for nothing; `asked` gives how often.
pub(crate) fn publish(report: &mut Report, settings: &Settings, asked: impl Fn() -> u32) -> Vec<Published> {
    let begin = Instant::now();
    let unwanted = |label: &str| asked() > u32::from(is_file(label));
    let mut outputs = wanted(OutputKind::Notification, settings, report);
    outputs.extend(wanted(OutputKind::File, settings, report));
    let mut published = output::publish_unless(&Arc::new(report.clone()), outputs, LIMIT, unwanted);
    let is_notification = |one: &Published| kind(one.label) == Some(OutputKind::Notification);
    let warnings: Vec<String> =
        published.iter().filter(|one| is_notification(one)).filter_map(Published::warning).collect();
    let mut last = wanted(OutputKind::Appendix, settings, report);
    if !warnings.is_empty() {
        // The report has them from here on.
        published.retain(|one| is_notification(one) && one.outcome.is_ok());
        report.warnings.extend(warnings);
        last.extend(wanted(OutputKind::File, settings, report));
    }
    let left = (LIMIT + GRACE).saturating_sub(begin.elapsed());
    published.extend(output::publish_unless(&Arc::new(report.clone()), last, left, unwanted));
    published
}

/// What outputs write to standard output behind the report, for programs that read it.
pub(crate) fn printed(report: &Report, settings: &Settings) -> String {
    qalipsis_outputs::definitions()
        .filter_map(|output| (output.printed?)(&settings.section(&output.section), report))
        .collect()
}
