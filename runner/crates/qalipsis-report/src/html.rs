//! The report as one page that needs no network, no script and no other file: it opens years later.
//!
//! `<folder>/<campaign-key>/report.html`. Charts are SVG drawn here. The page forbids itself scripts and
//! every other resource, so that not even a name that slipped through an escape could do anything.

mod chart;
mod markup;
mod scenario;
mod zones;

use crate::comparison::outcome;
use crate::digest::{self, Cause};
use crate::evidence;
use crate::junit::file_name;
use crate::text::counted;
use markup::{Page, escape};
use qalipsis_compare::{Comparison, Verdict};
use qalipsis_judge::report::{FactoryReport, Report};
use qalipsis_model::duration::{human, human_ns};
use qalipsis_model::evidence::{Evidence, FIRST_EXCHANGES};
use qalipsis_model::verdict::Status;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the file in the folder of its campaign.
pub const FILE_NAME: &str = "report.html";

/// The most causes that are shown in full.
const CAUSES: usize = 100;

/// Size of the page from which on exchanges are shown without their details, in bytes.
const DETAILS: usize = 4_000_000;

/// Why the page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}, check report.export.junit.folder: {source}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Writes the page below `folder` and returns its path.
///
/// # Errors
/// When the folder or the file cannot be written; names it.
pub fn write(report: &Report, folder: &Path) -> Result<PathBuf, Error> {
    let folder = folder.join(file_name::safe(&report.key));
    let path = folder.join(FILE_NAME);
    crate::file::write(&path, render(report).as_bytes())
        .map_err(|source| Error { path: path.clone(), source })?;
    Ok(path)
}

/// The page.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    page.raw(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>",
    );
    page.text(&format!("{} {}", report.verdict(), report.name));
    page.raw("</title>\n<style>\n").raw(include_str!("html/style.css")).raw("</style>\n</head>\n<body>\n");
    verdict(&mut page, report);
    causes(&mut page, report);
    warnings(&mut page, report);
    if let Some(comparison) = &report.comparison {
        compared(&mut page, comparison);
    }
    for (index, scenario) in report.scenarios.iter().enumerate() {
        scenario::show(&mut page, report, scenario, index);
    }
    facts(&mut page, report);
    page.raw("</body>\n</html>\n");
    page.finish()
}

fn tone(status: Status) -> &'static str {
    match status {
        Status::Successful => "good",
        Status::Warning => "warn",
        Status::Failed | Status::Aborted | Status::Invalid => "bad",
    }
}

fn verdict(page: &mut Page, report: &Report) {
    page.raw("<header class=\"").raw(tone(report.status)).raw("\">\n");
    page.element("h1", "", &report.verdict());
    page.element("p", "lead", &digest::headline(report));
    page.element("p", "dim", &format!("campaign {}, started {}", report.key, report.started.rfc3339()));
    if let Some(incomplete) = digest::incomplete(report) {
        page.element("p", "mark", incomplete);
    }
    page.raw("</header>\n");
}

fn warnings(page: &mut Page, report: &Report) {
    let warnings = digest::warnings(report);
    if !warnings.is_empty() {
        page.raw("<ul class=\"warnings\">");
        warnings.iter().for_each(|warning| page.element("li", "", warning));
        page.raw("</ul>\n");
    }
}

fn causes(page: &mut Page, report: &Report) {
    let causes = digest::causes(report);
    if causes.is_empty() {
        return;
    }
    page.raw("<section>\n<h2>Why</h2>\n");
    causes.iter().take(CAUSES).for_each(|one| cause(page, one));
    if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        page.element("p", "dim", &format!("and {more} more, marked in the tables below"));
    }
    page.raw("</section>\n");
}

fn cause(page: &mut Page, cause: &Cause<'_>) {
    page.raw("<article class=\"cause\">\n<h3>");
    page.text(&cause.place());
    page.raw(" <span class=\"kind\">").text(cause.kind).raw("</span></h3>\n");
    page.element("p", "message", cause.message);
    cause.others().for_each(|other| page.element("p", "", &other));
    // What is known beside the first failure must not wait for a click.
    let notes = cause.evidence.first().map(|first| first.notes.as_slice()).unwrap_or_default();
    notes.iter().for_each(|note| page.element("p", "note", note));
    let facts: Vec<String> = cause.extent().chain(cause.at()).collect();
    page.element("p", "dim", &facts.join(" · "));
    if !cause.evidence.is_empty() {
        page.raw("<details><summary>");
        page.text(&format!("evidence of {}", counted(cause.evidence.len() as u64, "failure")));
        page.raw("</summary>\n");
        cause.evidence.iter().for_each(|one| kept(page, one));
        page.raw("</details>\n");
    }
    page.raw("</article>\n");
}

fn kept(page: &mut Page, evidence: &Evidence) {
    page.raw("<div class=\"evidence\">\n");
    page.element("p", "", &evidence.message);
    if !evidence.checks.is_empty() {
        page.raw("<table><tr><th>check</th><th>expected</th><th>observed</th></tr>");
        for check in &evidence.checks {
            page.raw("<tr>");
            [&check.name, &check.expected, &check.observed]
                .into_iter()
                .for_each(|cell| page.element("td", "code", cell));
            page.raw("</tr>");
        }
        page.raw("</table>\n");
    }
    let mut facts = vec![evidence.at.rfc3339()];
    facts.extend(evidence::facts(evidence));
    facts.extend(evidence.location.as_ref().map(|l| l.to_string()));
    page.element("p", "dim", &facts.join(" · "));
    evidence.notes.iter().for_each(|note| page.element("p", "note", note));
    exchanges(page, evidence);
    page.raw("</div>\n");
}

/// Every exchange of the iteration in order, each folded under its summary.
fn exchanges(page: &mut Page, evidence: &Evidence) {
    if evidence.exchanges.is_empty() {
        return;
    }
    page.element("h5", "", "exchanges of the iteration");
    for (index, one) in evidence.exchanges.iter().enumerate() {
        if index == FIRST_EXCHANGES && evidence.exchanges_omitted > 0 {
            page.element("p", "dim", &format!("{} more exchanges here", evidence.exchanges_omitted));
        }
        // A page of many megabytes opens nowhere.
        match evidence::details(one).filter(|_| page.len() < DETAILS) {
            Some(details) => {
                page.raw("<details class=\"exchange\"><summary>").text(&evidence::exchange(one));
                page.raw("</summary>\n<pre>").raw(&escape(&crate::text::lines(details)));
                page.raw("</pre>\n</details>\n");
            }
            None => page.element("p", "exchange", &evidence::exchange(one)),
        }
    }
}

fn compared(page: &mut Page, comparison: &Comparison) {
    page.raw("<section>\n<h2>Against the baseline</h2>\n");
    page.element("p", "", &outcome(comparison));
    for scenario in &comparison.scenarios {
        page.raw("<div class=\"wide\"><table><tr><th>");
        page.text(&scenario.name);
        page.raw("</th>");
        ["baseline", "now", "change"].into_iter().for_each(|title| page.element("th", "number", title));
        page.raw("</tr>\n");
        for subject in &scenario.subjects {
            for change in &subject.changes {
                let class = match change.verdict {
                    Verdict::Regression => "bad",
                    Verdict::Improvement => "good",
                    Verdict::Unchanged => "",
                };
                page.raw("<tr class=\"").raw(class).raw("\">");
                page.element("td", "", &format!("{} {}", subject.name, change.what()));
                for cell in [change.show(change.before), change.show(change.after), change.change_text()] {
                    page.element("td", "number", &cell);
                }
                page.raw("</tr>\n");
            }
        }
        page.raw("</table></div>\n");
        scenario.notes.iter().for_each(|note| page.element("p", "dim", note));
    }
    comparison.notes.iter().for_each(|note| page.element("p", "dim", note));
    page.raw("</section>\n");
}

/// Whether the load generator had the machine and the clock that it needs.
fn health(factory: &FactoryReport) -> String {
    let cpu = factory.cpu.map(|cpu| {
        format!(
            "; had {} % of the CPU on average and {} % at most, of which {} % at most was in use",
            cpu.own_mean, cpu.own_max, cpu.machine_max
        )
    });
    // What is less comes from reading two clocks one after the other.
    let jump = (factory.clock_jump_ns.unsigned_abs() >= 1_000_000).then(|| {
        let direction = if factory.clock_jump_ns > 0 { "forward" } else { "backward" };
        format!("; its wall clock jumped {direction} by {}", human_ns(factory.clock_jump_ns.unsigned_abs()))
    });
    cpu.into_iter().chain(jump).collect()
}

/// What is needed to repeat the run.
fn facts(page: &mut Page, report: &Report) {
    let environment = &report.environment;
    let mut facts = vec![
        ("repeat", format!("--seed {}", report.seed)),
        ("duration", human(report.duration)),
        ("runner", environment.runner.clone()),
        ("system", format!("{} {}", environment.os, environment.architecture)),
        ("processors", environment.cpus.to_string()),
    ];
    facts.extend(report.git_revision.iter().map(|revision| ("git", revision.clone())));
    facts.extend(environment.host.iter().map(|host| ("host", host.clone())));
    facts.extend(environment.cpu.iter().map(|cpu| ("processor", cpu.clone())));
    facts.extend(environment.rustc.iter().map(|rustc| ("compiler", rustc.clone())));
    facts.extend(environment.crates.iter().map(|c| ("crate", format!("{} {}", c.name, c.version))));
    facts.extend(report.factories.iter().map(|factory| {
        let zone = factory.zone.as_ref().map_or_else(String::new, |zone| format!(", zone {zone}"));
        let lost = factory.lost.as_ref().map_or_else(String::new, |why| format!(", lost: {why}"));
        ("factory", format!("{}{zone}{lost}{}", factory.name, health(factory)))
    }));
    page.raw("<section>\n<h2>Where and with what</h2>\n<div class=\"wide\"><table>\n");
    let configured = environment.configuration.iter().map(|(key, value)| (key.as_str(), value.clone()));
    for (label, value) in facts.into_iter().chain(configured) {
        page.raw("<tr>");
        page.element("th", "", label);
        page.element("td", "code", &value);
        page.raw("</tr>\n");
    }
    page.raw("</table></div>\n</section>\n");
}
