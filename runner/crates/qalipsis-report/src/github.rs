//! What GitHub shows of a job: its summary in Markdown, and annotations at the lines of the scenario.

use crate::comparison;
use crate::digest::{self, Cause};
use crate::text::{number, one_line};
use qalipsis_model::duration::human_ns;
use qalipsis_model::report::{Report, ScenarioReport};
use qalipsis_model::verdict::Status;
use std::fmt::Write as _;

/// GitHub drops a summary of more than 1 MiB whole, and other steps of the job write to the same file.
pub const SUMMARY_LIMIT: usize = 900 * 1024;

/// GitHub shows at most ten annotations of a kind for a step.
pub const ANNOTATIONS_LIMIT: usize = 10;

/// The longest message of an annotation and of a cause, in bytes.
const MESSAGE: usize = 2_000;

/// Steps of one scenario that are listed.
const STEPS: usize = 300;

/// The summary in Markdown: verdict and causes first, then a table for each scenario.
pub fn summary(report: &Report) -> String {
    let mark = match report.status {
        Status::Successful => "✅",
        Status::Warning => "⚠️",
        Status::Failed | Status::Aborted | Status::Invalid => "❌",
    };
    let mut text =
        format!("## {mark} {}\n\n{}\n\n", plain(&report.verdict()), plain(&digest::headline(report)));
    if let Some(incomplete) = digest::incomplete(report) {
        let _ = writeln!(text, "**{incomplete}**\n");
    }
    let mut parts: Vec<String> = digest::causes(report).iter().map(cause).collect();
    parts.extend(digest::warnings(report).iter().map(|warning| format!("- ⚠️ {}\n", plain(warning))));
    parts.push("\n".to_owned());
    parts.extend(report.scenarios.iter().flat_map(scenario));
    // Its own escaping is that of the command `compare`, whose output is for the same readers.
    parts.extend(report.comparison.iter().map(|c| format!("\n{}\n", comparison::markdown(c))));
    parts.push(format!(
        "\n<sub>campaign {}, started {}, repeat with --seed {}</sub>\n\n",
        plain(&report.key),
        report.started.rfc3339(),
        report.seed
    ));
    let rest = "\n\nMore is in the report; the limit of this page is reached.\n";
    for part in parts {
        if text.len() + part.len() + rest.len() > SUMMARY_LIMIT {
            text.push_str(rest);
            break;
        }
        text.push_str(&part);
    }
    text
}

fn cause(cause: &Cause<'_>) -> String {
    let mut text = format!("### {} · {}\n\n{}\n\n", plain(&cause.place()), cause.kind, plain(cause.message));
    for failure in cause.failures.iter().skip(1) {
        let _ = writeln!(text, "- {} {}: {}", failure.count, failure.kind, plain(&failure.message));
    }
    let checks: Vec<_> = cause.evidence.first().into_iter().flat_map(|e| &e.checks).collect();
    if !checks.is_empty() {
        text.push_str("\n| check | expected | observed |\n|---|---|---|\n");
        for check in checks {
            let cells = [&check.name, &check.expected, &check.observed].map(|cell| plain(cell));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    let facts: Vec<String> = cause.extent().chain(cause.at()).map(|fact| plain(&fact)).collect();
    let _ = writeln!(text, "\n{}\n", facts.join("<br>"));
    text
}

/// The head of the section, then its rows, so that a limit falls between two of them.
fn scenario(scenario: &ScenarioReport) -> Vec<String> {
    let titles =
        "| step | executions | failed | p50 | p95 | p99 | max |\n|---|---:|---:|---:|---:|---:|---:|\n";
    let mut parts = vec![format!("\n<b>Scenario {}</b>\n\n{titles}", plain(&scenario.name))];
    for step in scenario.steps.iter().take(STEPS) {
        let figures = &step.figures;
        let response = figures.response();
        let mut cells = vec![plain(&step.name), number(figures.executions()), number(figures.failures())];
        let percentiles = [50.0, 95.0, 99.0].map(|p| response.percentile_ns(p));
        let times = percentiles.into_iter().chain([response.max_ns()]);
        cells.extend(times.map(|ns| ns.map_or_else(|| "–".to_owned(), human_ns)));
        parts.push(format!("| {} |\n", cells.join(" | ")));
    }
    if scenario.steps.len() > STEPS {
        parts.push(format!("\nand {} more steps\n", scenario.steps.len() - STEPS));
    }
    parts
}

/// `text` as Markdown shows it letter by letter, on one line: no markup, no table cell, no mention in it.
fn plain(text: &str) -> String {
    let text = one_line(cut(text));
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "&<>*_`[]|\\~#@!$:".contains(c) {
            let _ = write!(escaped, "&#{};", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE)]
}

/// Workflow commands, one line each, that put the first causes at the lines of the scenario.
pub fn annotations(report: &Report) -> String {
    let mut commands = String::new();
    for cause in digest::causes(report).iter().take(ANNOTATIONS_LIMIT) {
        let mut properties = Vec::new();
        if let Some(location) = cause.location {
            properties.push(format!("file={}", property(&location.file)));
            properties.push(format!("line={},col={}", location.line, location.column));
        }
        properties.push(format!("title={}", property(&format!("{}: {}", cause.place(), cause.kind))));
        let message: Vec<String> =
            [Some(cause.message.to_owned()), cause.since()].into_iter().flatten().collect();
        let message = escape(&message.join("\n"));
        let _ = writeln!(commands, "::error {}::{message}", properties.join(","));
    }
    commands
}

fn escape(text: &str) -> String {
    let lines: Vec<String> = cut(text).split('\n').map(one_line).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escape(&text.replace('\n', " ")).replace(':', "%3A").replace(',', "%2C")
}
