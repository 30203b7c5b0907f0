//! Steps and joins in memory, from the results of the benchmarks.

use crate::criterion_results::nanoseconds;
use crate::table::{Figure, Goal, Row};

/// Elements of one iteration in `benches/`.
const ELEMENTS: f64 = 1_000.0;

pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let of = |id| nanoseconds(id, ELEMENTS);
    let overhead = |name: &str, full: f64, bare: f64, goal| Row {
        measure: format!("overhead of {name}"),
        result: Figure { value: full - bare, unit: "ns" },
        reference: Some(("bare future".to_owned(), Figure { value: bare, unit: "ns" })),
        goal,
    };
    let matches = |name: &str, ns: f64, goal| Row {
        measure: format!("join matches per core-second, {name}"),
        result: Figure { value: 1e9 / ns, unit: "/s" },
        reference: None,
        goal,
    };
    let goal = Some(Goal::AtMost(150.0));
    let matched = Some(Goal::AtLeast(1_000_000.0));
    Ok(vec![
        overhead("a step, ready at once", of("step/ready")?, of("step/ready-bare")?, goal),
        overhead("a verification", of("step/verify")?, 0.0, goal).without_reference(),
        overhead("a step with timeout, pending once", of("step/pending")?, of("step/pending-bare")?, None),
        matches("key u64", of("join/u64")?, matched),
        matches("key Uuid", of("join/uuid")?, matched),
        matches("key Uuid, awaited before", of("join/uuid-awaited")?, None),
    ])
}
