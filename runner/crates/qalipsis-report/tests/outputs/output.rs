//! The list of outputs: whatever one of them does, the others are shown and nobody waits for ever.

use crate::sample::Campaign;
use qalipsis_judge::report::Report;
use qalipsis_report::output::{Output, show};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

enum Sample {
    Good,
    Failing,
    Panicking,
    Hanging,
}

impl Output for Sample {
    fn label(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Failing => "failing",
            Self::Panicking => "panicking",
            Self::Hanging => "hanging",
        }
    }

    fn show(&self, report: &Report) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
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
fn one_that_fails_panics_or_hangs_is_a_warning_and_the_others_are_shown() {
    let report = Arc::new(Campaign::failing().report());
    let outputs: Vec<Box<dyn Output>> = vec![
        Box::new(Sample::Hanging),
        Box::new(Sample::Failing),
        Box::new(Sample::Panicking),
        Box::new(Sample::Good),
        Box::new(Sample::Hanging),
        Box::new(Sample::Hanging),
    ];
    let begin = Instant::now();
    let shown = show(&report, outputs, Duration::from_secs(2));
    assert!(begin.elapsed() < Duration::from_secs(5), "the limit is for all of them together");
    let warnings: Vec<Option<String>> = shown.iter().map(qalipsis_report::output::Shown::warning).collect();
    assert_eq!(warnings[0].as_deref(), Some("hanging: not finished within 2 s"));
    assert_eq!(warnings[1].as_deref(), Some("failing: the disk is full"));
    assert!(warnings[2].as_deref().is_some_and(|w| w.starts_with("panicking: it panicked")));
    assert_eq!(shown[3].outcome, Ok(vec![report.key.clone()]));
}
