//! What the page contains, with a link to each failure.

use crate::digest::Cause;
use crate::markup::text;
use maud::{Markup, html};
use qalipsis_judge::report::Report;

/// The contents, which stay in sight, and room for the controls that the script adds.
pub(super) fn contents(report: &Report, causes: &[Cause<'_>]) -> Markup {
    html! {
        nav aria-label="Contents" {
            div.tools data-tools="" {}
            ol {
                @if !causes.is_empty() {
                    li {
                        a href="#why" { "Why (" (causes.len()) ")" }
                        ol {
                            @for (number, cause) in (1..).zip(causes) {
                                li { a href={ "#failure-" (number) } { (text(&cause.place())) } }
                            }
                        }
                    }
                }
                @if report.comparison.is_some() { li { a href="#compared" { "Baseline" } } }
                @for (index, scenario) in report.scenarios.iter().enumerate() {
                    li {
                        a href={ "#scenario-" (index) } { (text(&scenario.name)) }
                        @if !scenario.steps.is_empty() {
                            ol {
                                li { a href={ "#steps-" (index) } { "Steps" } }
                                @if scenario.steps.iter().any(|step| step.figures.executions() > 0) {
                                    li { a href={ "#times-" (index) } { "Times" } }
                                }
                            }
                        }
                    }
                }
                li { a href="#facts" { "Where and with what" } }
            }
        }
    }
}
