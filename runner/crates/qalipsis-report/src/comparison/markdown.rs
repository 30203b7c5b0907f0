//! A comparison in Markdown: for job summaries and pull requests.

use super::outcome;
use crate::text::{counted, one_line};
use qalipsis_compare::{Change, Comparison, ScenarioComparison, SubjectComparison, Verdict};

/// The comparison as Markdown that ends with a line end. Names and notes are text, whatever they hold.
pub fn markdown(comparison: &Comparison) -> String {
    let head =
        if comparison.regressed() { "❌ Worse than the baseline" } else { "✅ No worse than the baseline" };
    let mut text = format!(
        "## {head}\n\n{} against {}: {}.\n",
        escaped(&comparison.current),
        counted(comparison.baselines.len() as u64, "baseline"),
        outcome(comparison)
    );
    let found = |verdict: Verdict, sign: &str| {
        let lines = comparison.subjects().filter_map(move |(scenario, subject)| {
            Some(format!(
                "- {sign} **{}**: {}\n",
                place(scenario, subject),
                escaped(&subject.sentence(verdict)?)
            ))
        });
        lines.collect::<String>()
    };
    for (verdict, sign) in [(Verdict::Regression, "❌"), (Verdict::Improvement, "✅")] {
        let lines = found(verdict, sign);
        if !lines.is_empty() {
            text.push('\n');
            text.push_str(&lines);
        }
    }
    let notes: Vec<&String> =
        comparison.notes.iter().chain(comparison.scenarios.iter().flat_map(|s| &s.notes)).collect();
    if !notes.is_empty() {
        text.push('\n');
        notes.iter().for_each(|note| text.push_str(&format!("- ⚠️ {}\n", escaped(note))));
    }
    for scenario in &comparison.scenarios {
        text.push_str(&format!(
            "\n### {}, {}\n\n",
            escaped(&scenario.name),
            counted(scenario.baselines as u64, "baseline")
        ));
        text.push_str("| | Step or source | Measure | Baseline | Now | Change | Worse from |\n");
        text.push_str("|---|---|---|--:|--:|--:|--:|\n");
        for subject in &scenario.subjects {
            subject.changes.iter().for_each(|change| text.push_str(&row(subject, change)));
        }
    }
    text
}

fn row(subject: &SubjectComparison, change: &Change) -> String {
    let sign = match change.verdict {
        Verdict::Regression => "❌",
        Verdict::Improvement => "✅",
        Verdict::Unchanged => "",
    };
    format!(
        "| {sign} | {} | {} | {} | {} | {} | {} |\n",
        escaped(&subject.name),
        change.what(),
        change.show(change.before),
        change.show(change.after),
        change.change_text(),
        change.show(change.noticed_from),
    )
}

fn place(scenario: &ScenarioComparison, subject: &SubjectComparison) -> String {
    format!("{} › {}", escaped(&scenario.name), escaped(&subject.name))
}

/// Text of others on one line, without any markup of its own.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => {
                shown.push('\\');
                shown.push(c);
            }
            c => shown.push(c),
        }
    }
    shown
}
