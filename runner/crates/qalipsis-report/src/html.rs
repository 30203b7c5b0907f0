//! The report as one page that needs no network and no other file: it opens years later, and is complete without scripts.
//!
//! `<folder>/<campaign-key>/report.html`. Text is escaped by construction. The page forbids itself every other resource
//! and every script but the one of its charts, which it names by hash.

mod contents;
pub(crate) mod output;
mod parts;
mod scenario;
mod step;
mod zones;

pub use parts::{Parts, parts};
pub use scenario::{heads, percentiles, time};

use crate::comparison::outcome;
use crate::controls;
use crate::digest::{self, Cause};
use crate::evidence;
use crate::markup::{block, number, paragraph, raw, text};
use crate::text::counted;
use maud::{DOCTYPE, Markup, html};
use qalipsis_compare::{Change, Comparison, Verdict};
use qalipsis_judge::report::{FactoryReport, Report};
use qalipsis_model::duration::{human, human_ns};
use qalipsis_model::evidence::{Evidence, FIRST_EXCHANGES};
use qalipsis_model::verdict::Status;
use qalipsis_summary::file_name;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the file in the folder of its campaign.
pub const FILE_NAME: &str = "report.html";

/// The style sheet of the page, without that of its charts.
pub const STYLE: &str = include_str!("html/style.css");

/// The most causes that are shown in full.
const CAUSES: usize = 100;

/// Room for the details of all exchanges, in bytes; further ones are shown without: a page of many megabytes opens nowhere.
const DETAILS: usize = 4_000_000;

/// What is left of [`DETAILS`].
struct Room(usize);

impl Room {
    /// Takes the room of `details`; `None` when there is none left.
    fn take<'a>(&mut self, details: &'a str) -> Option<&'a str> {
        self.0 = self.0.checked_sub(details.len())?;
        Some(details)
    }
}

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
    qalipsis_summary::file::write(&path, render(report).as_bytes())
        .map_err(|source| Error { path: path.clone(), source })?;
    Ok(path)
}

/// The page.
pub fn render(report: &Report) -> String {
    let mut room = Room(DETAILS);
    let causes = digest::causes(report);
    let script = qalipsis_chart::script_hash();
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src '{script}'");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(&format!("{} {}", report.verdict(), report.name))) }
                style { (raw(qalipsis_chart::STYLE)) (raw(STYLE)) }
            }
            body {
                (contents::contents(report, &causes[..causes.len().min(CAUSES)]))
                main {
                    (verdict(report))
                    (why(&causes, &mut room))
                    (warnings(report))
                    @if let Some(comparison) = &report.comparison { (compared(comparison)) }
                    @for (index, one) in report.scenarios.iter().enumerate() {
                        (scenario::section(report, one, index, &mut room))
                    }
                    (facts(report))
                }
                script type="module" { (raw(&qalipsis_chart::SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The class of a verdict, which gives it its colour.
pub fn tone(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Successful => "good",
        Status::Warning => "warn",
        Status::Failed | Status::Aborted | Status::Invalid => "bad",
    }
}

fn verdict(report: &Report) -> Markup {
    let campaign = format!("campaign {}, started {}", report.key, report.started.rfc3339());
    html! {
        header class=(tone(report.status)) {
            h1 { (text(&report.verdict())) }
            (paragraph("lead", &digest::headline(report)))
            (paragraph("dim", &campaign))
            @if let Some(incomplete) = digest::incomplete(report) { (paragraph("mark", incomplete)) }
        }
    }
}

fn warnings(report: &Report) -> Markup {
    let warnings = digest::warnings(report);
    html! {
        @if !warnings.is_empty() {
            ul.warnings {
                @for warning in &warnings { li { (text(warning)) } }
            }
        }
    }
}

fn why(causes: &[Cause<'_>], room: &mut Room) -> Markup {
    let more = causes.len().saturating_sub(CAUSES);
    html! {
        @if !causes.is_empty() {
            section id="why" {
                h2 { "Why" }
                @for (number, one) in (1..).zip(causes).take(CAUSES) { (cause(number, one, room)) }
                @if more > 0 { (paragraph("dim", &format!("and {more} more, marked in the tables below"))) }
            }
        }
    }
}

/// One cause, which is open and can be closed down to its message.
fn cause(number: usize, cause: &Cause<'_>, room: &mut Room) -> Markup {
    // What is known beside the first failure must not wait for a click.
    let notes = cause.evidence.first().map(|first| first.notes.as_slice()).unwrap_or_default();
    let facts: Vec<String> = cause.extent().chain(cause.at()).collect();
    html! {
        details.cause open="" id={ "failure-" (number) } data-name=(text(&cause.place())) {
            summary {
                h3 { (text(&cause.place())) " " span.kind { (cause.kind) } }
                span.message { (text(cause.message)) }
            }
            @for other in cause.others() { (paragraph("", &other)) }
            @for note in notes { (paragraph("note", note)) }
            (paragraph("dim", &facts.join(" · ")))
            @if !cause.evidence.is_empty() {
                details {
                    summary { (text(&format!("evidence of {}", counted(cause.evidence.len() as u64, "failure")))) }
                    @for one in &cause.evidence { (evidence_of(one, room)) }
                }
            }
        }
    }
}

fn evidence_of(evidence: &Evidence, room: &mut Room) -> Markup {
    let mut facts = vec![evidence.at.rfc3339()];
    facts.extend(evidence::facts(evidence));
    facts.extend(evidence.location.as_ref().map(|l| l.to_string()));
    html! {
        div.evidence {
            (paragraph("", &evidence.message))
            @if !evidence.checks.is_empty() {
                table {
                    tr { th { "check" } th { "expected" } th { "observed" } }
                    @for check in &evidence.checks {
                        tr {
                            @for cell in [&check.name, &check.expected, &check.observed] {
                                td.code { (text(cell)) }
                            }
                        }
                    }
                }
            }
            (paragraph("dim", &facts.join(" · ")))
            @for note in &evidence.notes { (paragraph("note", note)) }
            (exchanges(evidence, room))
        }
    }
}

/// Every exchange of the iteration in order, each folded under its summary.
fn exchanges(evidence: &Evidence, room: &mut Room) -> Markup {
    let omitted = evidence.exchanges_omitted;
    html! {
        @if !evidence.exchanges.is_empty() {
            h5 { "exchanges of the iteration" }
            @for (index, one) in evidence.exchanges.iter().enumerate() {
                @if index == FIRST_EXCHANGES && omitted > 0 {
                    (paragraph("dim", &format!("{omitted} more exchanges here")))
                }
                @match evidence::details(one).and_then(|details| room.take(details)) {
                    Some(details) => {
                        details.exchange {
                            summary { (text(&evidence::exchange(one))) }
                            pre { (block(details)) }
                        }
                    }
                    None => (paragraph("exchange", &evidence::exchange(one))),
                }
            }
        }
    }
}

fn compared(comparison: &Comparison) -> Markup {
    html! {
        section id="compared" {
            h2 { "Compared with the baseline" }
            (paragraph("", &outcome(comparison)))
            @for scenario in &comparison.scenarios {
                div.wide {
                    table {
                        tr {
                            th { (text(&scenario.name)) }
                            @for title in ["baseline", "now", "change"] { th.number { (title) } }
                        }
                        @for subject in &scenario.subjects {
                            @for change in &subject.changes { (changed(&subject.name, change)) }
                        }
                    }
                }
                @for note in &scenario.notes { (paragraph("dim", note)) }
            }
            @for note in &comparison.notes { (paragraph("dim", note)) }
        }
    }
}

fn changed(subject: &str, change: &Change) -> Markup {
    let class = match change.verdict {
        Verdict::Regression => Some("bad"),
        Verdict::Improvement => Some("good"),
        Verdict::Unchanged => None,
    };
    html! {
        tr class=[class] {
            td { (text(&format!("{subject} {}", change.what()))) }
            @for cell in [change.show(change.before), change.show(change.after), change.change_text()] {
                (number(&cell))
            }
        }
    }
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
fn facts(report: &Report) -> Markup {
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
    facts.extend(controls::lines(report, usize::MAX));
    let configured = environment.configuration.iter().map(|(key, value)| (key.as_str(), value.clone()));
    html! {
        section id="facts" {
            h2 { "Where and with what" }
            div.wide {
                table {
                    @for (label, value) in facts.into_iter().chain(configured) {
                        tr { th { (text(label)) } td.code { (text(&value)) } }
                    }
                }
            }
        }
    }
}
