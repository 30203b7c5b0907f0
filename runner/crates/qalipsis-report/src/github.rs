//! What GitHub shows of a job: its summary in Markdown, and annotations at the lines of the scenario.

pub(crate) mod output;

pub use output::{append_to_job, is_wanted_by};

use crate::comparison;
use crate::controls;
use crate::digest::{self, Cause};
use crate::evidence;
use crate::gaps;
use crate::ledger;
use crate::measured::outcome;
use crate::text::{number, one_line};
use crate::times::{self, Measure};
use qalipsis_judge::report::{Report, ScenarioReport};
use qalipsis_model::evidence::Evidence;
use qalipsis_model::location::SourceLocation;
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

/// The summary in Markdown: verdict, causes and warnings first, then for each scenario what became of awaited records,
/// its criteria with their values, and its steps. `links` are names and addresses to go on from.
pub fn summary(report: &Report, links: &[(&str, String)]) -> String {
    let mark = match report.status {
        Status::Running => "⏳",
        Status::Successful => "✅",
        Status::Warning => "⚠️",
        Status::Failed | Status::Aborted | Status::Invalid => "❌",
    };
    let mut text =
        format!("## {mark} {}\n\n{}\n\n", plain(&report.verdict()), plain(&digest::headline(report)));
    if let Some(incomplete) = digest::incomplete(report) {
        let _ = writeln!(text, "**{incomplete}**\n");
    }
    if !links.is_empty() {
        let _ = writeln!(text, "{}\n", links.iter().map(link).collect::<Vec<_>>().join(" · "));
    }
    let mut parts: Vec<String> = digest::causes(report).iter().map(cause).collect();
    parts.extend(digest::warnings(report).iter().map(|warning| format!("- ⚠️ {}\n", plain(warning))));
    parts.push("\n".to_owned());
    parts.extend(report.scenarios.iter().flat_map(scenario));
    // Its own escaping is that of the command `compare`, whose output is for the same readers.
    parts.extend(report.comparison.iter().map(|c| format!("\n{}\n", comparison::markdown(c))));
    let controls = controls::lines(report, controls::SHOWN);
    if !controls.is_empty() {
        parts.push("\n".to_owned());
    }
    parts.extend(controls.into_iter().map(|(label, line)| format!("- {label} {}\n", plain(&line))));
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

/// An address may hold what would end a link.
fn link((name, address): &(&str, String)) -> String {
    let address: String = address
        .chars()
        .map(|c| match c {
            ' ' | '(' | ')' | '<' | '>' | '"' => format!("%{:02X}", u32::from(c)),
            c if c.is_control() => String::new(),
            c => c.to_string(),
        })
        .collect();
    format!("[{}]({address})", plain(name))
}

fn cause(cause: &Cause<'_>) -> String {
    let mut text = format!("### {} · {}\n\n{}\n\n", plain(&cause.place()), cause.kind, plain(cause.message));
    for other in cause.others() {
        let _ = writeln!(text, "- {}", plain(&other));
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
    if let Some(first) = cause.evidence.first() {
        text.push_str(&example(first));
    }
    if let Some(replay) = cause.replay() {
        let _ = writeln!(text, "One of them again: <code>{}</code>\n", plain(&replay));
    }
    text
}

/// The first failure: what is known beside it, and what its iteration exchanged, folded.
fn example(evidence: &Evidence) -> String {
    let mut text = String::new();
    for note in &evidence.notes {
        let _ = writeln!(text, "- {}", plain(note));
    }
    if evidence.exchanges.is_empty() {
        return text;
    }
    let facts = evidence::facts(evidence).join(", ");
    let _ = writeln!(text, "\n<details><summary>for example {}</summary>\n", plain(&facts));
    for line in evidence::exchanges(evidence) {
        let _ = writeln!(text, "- {}", plain(&line));
    }
    if let Some(details) = evidence.exchanges.last().and_then(evidence::details) {
        let details: Vec<String> = cut(details).lines().map(plain).collect();
        let _ = writeln!(text, "\n<pre>{}</pre>", details.join("\n"));
    }
    text.push_str("\n</details>\n\n");
    text
}

/// Tables with their heads apart from their rows, so that a limit falls between two of them.
fn scenario(scenario: &ScenarioReport) -> Vec<String> {
    let mut parts = vec![format!("\n<b>Scenario {}</b>\n", plain(&scenario.name))];
    if !scenario.joins.is_empty() {
        // Optional records are rare.
        let keys: Vec<_> = scenario.joins.iter().map(ledger::keys).collect();
        let longest = keys.iter().max_by_key(|keys| keys.len());
        let titles: Vec<&str> = longest.into_iter().flatten().map(|(title, _)| *title).collect();
        parts.push(head(&[&["awaited records"], &titles[..]].concat()));
        for (join, keys) in scenario.joins.iter().zip(keys) {
            let counts = titles.iter().map(|title| {
                keys.iter()
                    .find(|(other, _)| other == title)
                    .map_or_else(|| "0".to_owned(), |(_, n)| number(*n))
            });
            parts.push(row([plain(&join.name)].into_iter().chain(counts)));
        }
        let unread = scenario.joins.iter().flat_map(|join| {
            gaps::first_lines(join)
                .into_iter()
                .map(|line| format!("- {} {}\n", plain(&join.name), plain(&line)))
        });
        let unread: Vec<String> = unread.collect();
        if !unread.is_empty() {
            parts.push("\n".to_owned());
            parts.extend(unread);
        }
    }
    if !scenario.criteria.is_empty() {
        parts.push("\n| criterion | limit | observed | outcome |\n|---|---|---:|---|\n".to_owned());
        parts.extend(scenario.criteria.iter().map(|one| {
            let rule = &one.criterion;
            let measure = format!("{} {}", rule.subject.name(), rule.measure());
            let cells = [measure, rule.expectation(), one.observed_text(), outcome(one)];
            row(cells.iter().map(|cell| plain(cell)))
        }));
    }
    parts.push(head(&["step", "executions", "failed", "time", "p50", "p95", "p99", "max"]));
    for step in scenario.steps.iter().take(STEPS) {
        let figures = &step.figures;
        let counts = [figures.executions(), figures.failures()].map(number);
        let measure = Measure::of(figures).short().to_owned();
        let times = times::cells(&figures.times_shown());
        parts.push(row([plain(&step.name)].into_iter().chain(counts).chain([measure]).chain(times)));
    }
    if scenario.steps.len() > STEPS {
        parts.push(format!("\nand {} more steps\n", scenario.steps.len() - STEPS));
    }
    parts.push(format!("\n<sub>{}</sub>\n", times::LEGEND));
    parts
}

/// The head of a table whose first column is text and whose others are numbers.
fn head(titles: &[&str]) -> String {
    format!("\n| {} |\n|---|{}\n", titles.join(" | "), "---:|".repeat(titles.len() - 1))
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
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

/// Workflow commands, one line each, that put the first causes at the lines of the scenario, and then the first
/// warnings.
pub fn annotations(report: &Report) -> String {
    let mut commands = String::new();
    for cause in digest::causes(report).iter().take(ANNOTATIONS_LIMIT) {
        let title = format!("{}: {}", cause.place(), cause.kind);
        let message: Vec<String> =
            [Some(cause.message.to_owned()), cause.since()].into_iter().flatten().collect();
        commands.push_str(&command("error", cause.location, &title, &message.join("\n")));
    }
    for warning in digest::warnings(report).iter().take(ANNOTATIONS_LIMIT) {
        let scenario = report.scenarios.iter().find(|s| digest::is_of(warning, &s.name));
        let title =
            scenario.map_or_else(|| "campaign: warning".to_owned(), |s| format!("{}: warning", s.name));
        commands.push_str(&command("warning", scenario.map(|s| &s.location), &title, warning));
    }
    commands
}

fn command(level: &str, location: Option<&SourceLocation>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(location) = location {
        properties.push(format!("file={}", property(&location.file)));
        properties.push(format!("line={},col={}", location.line, location.column));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), escape(message))
}

fn escape(text: &str) -> String {
    let lines: Vec<String> = cut(text).split('\n').map(one_line).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escape(&text.replace('\n', " ")).replace(':', "%3A").replace(',', "%2C")
}
