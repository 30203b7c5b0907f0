//! A comparison for programs.

use qalipsis_compare::{Comparison, DistributionPart, SubjectKind, Verdict};
use serde::Serialize;

/// Version of the format.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    regressed: bool,
    baselines: &'a [String],
    current: &'a str,
    /// How much noisier the baselines are than a quiet machine is.
    noise: f64,
    notes: &'a [String],
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Scenario<'a> {
    name: &'a str,
    baselines: usize,
    notes: &'a [String],
    subjects: Vec<Subject<'a>>,
}

#[derive(Serialize)]
struct Subject<'a> {
    kind: &'static str,
    name: &'a str,
    verdict: &'static str,
    regression: Option<String>,
    improvement: Option<String>,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Change {
    measure: &'static str,
    part: Option<&'static str>,
    unit: &'static str,
    before: f64,
    after: f64,
    noticed_from: f64,
    chance: f64,
    verdict: &'static str,
}

/// The comparison as one JSON document that ends with a line end.
pub fn json(comparison: &Comparison) -> String {
    let scenarios = comparison.scenarios.iter().map(|scenario| Scenario {
        name: &scenario.name,
        baselines: scenario.baselines,
        notes: &scenario.notes,
        subjects: scenario.subjects.iter().map(subject).collect(),
    });
    let document = Document {
        schema_version: SCHEMA_VERSION,
        regressed: comparison.regressed(),
        baselines: &comparison.baselines,
        current: &comparison.current,
        noise: comparison.noise,
        notes: &comparison.notes,
        scenarios: scenarios.collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data can be written");
    text.push('\n');
    text
}

fn subject(subject: &qalipsis_compare::SubjectComparison) -> Subject<'_> {
    Subject {
        kind: match subject.kind {
            SubjectKind::Step => "step",
            SubjectKind::Source => "source",
        },
        name: &subject.name,
        verdict: subject.verdict().name(),
        regression: subject.sentence(Verdict::Regression),
        improvement: subject.sentence(Verdict::Improvement),
        changes: subject.changes.iter().map(change).collect(),
    }
}

fn change(change: &qalipsis_compare::Change) -> Change {
    Change {
        measure: change.measure.name(),
        part: change.part.map(|part| match part {
            DistributionPart::Body => "p10-p90",
            DistributionPart::Tail => "p90-p99",
        }),
        unit: change.measure.unit(),
        before: change.before,
        after: change.after,
        noticed_from: change.noticed_from,
        chance: change.chance,
        verdict: change.verdict.name(),
    }
}
