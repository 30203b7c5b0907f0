//! What a campaign has to show.

use qalipsis_judge::report::Report;
use qalipsis_report::console::{self, Style};
use qalipsis_report::{github, html, junit};
use qalipsis_summary::Summary;
use serde_json::Value;
use std::sync::Arc;

/// Columns of the report as text: what a log of CI shows without breaking lines.
const COLUMNS: u16 = 110;

/// What a campaign leaves.
#[derive(Debug)]
pub struct Outcome {
    /// The content of `summary.json`.
    pub summary: Value,
    /// The page.
    pub html: String,
    /// What a console would show, without colours.
    pub text: String,
    /// The summary of a job of GitHub.
    pub job_summary: String,
    /// Annotations for a job of GitHub.
    pub annotations: String,
    /// JUnit files by name.
    pub junit: Vec<(String, String)>,
}

impl Outcome {
    pub(crate) fn of(report: &Report) -> Result<Self, String> {
        Ok(Self {
            summary: summary_of(report)?,
            html: html::render(report),
            text: text_of(report),
            job_summary: github::summary(report, &[]),
            annotations: github::annotations(report),
            junit: junit_of(report)?,
        })
    }
}

/// What a campaign has to show: what it left, or what is known so far.
#[derive(Debug)]
pub enum Shown {
    /// It has ended.
    Ended(Arc<Outcome>),
    /// It runs.
    Running(Arc<Report>),
}

impl Shown {
    /// The content of `summary.json`.
    ///
    /// # Errors
    /// When it is no JSON, which is a defect.
    pub fn summary(&self) -> Result<Value, String> {
        match self {
            Self::Ended(outcome) => Ok(outcome.summary.clone()),
            Self::Running(report) => summary_of(report),
        }
    }

    /// The page.
    pub fn html(&self) -> String {
        match self {
            Self::Ended(outcome) => outcome.html.clone(),
            Self::Running(report) => html::render(report),
        }
    }

    /// What a console would show, without colours.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Ended(outcome) => outcome.text.clone(),
            Self::Running(report) => text_of(report),
        }
    }

    /// The summary of a job of GitHub.
    pub fn job_summary(&self) -> String {
        match self {
            Self::Ended(outcome) => outcome.job_summary.clone(),
            Self::Running(report) => github::summary(report, &[]),
        }
    }

    /// Annotations for a job of GitHub.
    pub fn annotations(&self) -> String {
        match self {
            Self::Ended(outcome) => outcome.annotations.clone(),
            Self::Running(report) => github::annotations(report),
        }
    }

    /// JUnit files by name.
    pub(crate) fn junit(&self) -> Result<Vec<(String, String)>, String> {
        match self {
            Self::Ended(outcome) => Ok(outcome.junit.clone()),
            Self::Running(report) => junit_of(report),
        }
    }
}

fn summary_of(report: &Report) -> Result<Value, String> {
    serde_json::to_value(Summary::from(report)).map_err(|error| error.to_string())
}

fn text_of(report: &Report) -> String {
    console::render(report, Style { color: false, unicode: true, width: COLUMNS })
}

fn junit_of(report: &Report) -> Result<Vec<(String, String)>, String> {
    junit::files(report).map_err(|error| error.to_string())
}
