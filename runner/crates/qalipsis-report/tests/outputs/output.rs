//! The list of outputs: whatever one of them does, the others are published and nobody waits for ever.

use crate::sample::Campaign;
use qalipsis_judge::report::Report;
use qalipsis_report::output::{Labelled, Output, PublishResult, Published, publish};
use std::sync::Arc;
use std::time::{Duration, Instant};

enum Sample {
    Good,
    Failing,
    Panicking,
    Hanging,
}

impl Output for Sample {
    fn publish(&self, report: &Report) -> PublishResult {
        match self {
            Self::Good => Ok(vec![report.key.clone()]),
            Self::Failing => Err("the disk is full".into()),
            Self::Panicking => panic!("on purpose"),
            Self::Hanging => loop {
                std::thread::park();
            },
        }
    }
}

#[test]
fn one_that_fails_panics_or_hangs_is_a_warning_and_the_others_are_published() {
    let report = Arc::new(Campaign::failing().report());
    let labelled = |label, sample| -> Labelled { (label, Box::new(sample)) };
    let outputs = vec![
        labelled("hanging", Sample::Hanging),
        labelled("failing", Sample::Failing),
        labelled("panicking", Sample::Panicking),
        labelled("good", Sample::Good),
        labelled("hanging", Sample::Hanging),
        labelled("hanging", Sample::Hanging),
    ];
    let begin = Instant::now();
    let published = publish(&report, outputs, Duration::from_secs(2));
    assert!(begin.elapsed() < Duration::from_secs(5), "the limit is for all of them together");
    let warnings: Vec<Option<String>> = published.iter().map(Published::warning).collect();
    assert_eq!(warnings[0].as_deref(), Some("hanging: not finished within 2 s"));
    assert_eq!(warnings[1].as_deref(), Some("failing: the disk is full"));
    assert!(warnings[2].as_deref().is_some_and(|w| w.starts_with("panicking: it panicked")));
    assert_eq!(published[3].outcome, Ok(vec![report.key.clone()]));
}
