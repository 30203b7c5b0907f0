//! Outputs: each shows the one [`Report`](qalipsis_judge::report::Report) of a campaign to somebody.
//!
//! None of them computes a figure or a verdict; what they show is in the report already. Every text
//! that comes from outside (names, messages, payloads) passes through [`text`], so that no output can
//! be broken by it.

pub mod comparison;
pub mod console;
mod controls;
pub mod digest;
pub mod events;
pub mod evidence;
mod gaps;
pub mod github;
pub mod html;
pub mod junit;
pub mod ledger;
pub mod list;
pub mod markup;
mod measured;
pub mod output;
pub mod progress;
pub mod summary;
pub mod text;
pub mod times;
mod zones;

/// The outputs that need nothing but a folder: files, and the summary of a job.
pub const OUTPUTS: &[&output::OutputDefinition] =
    &[&junit::output::OUTPUT, &summary::OUTPUT, &html::output::OUTPUT, &github::output::OUTPUT];

/// The example of the page on outputs, to be compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/outputs.md")]
struct OutputsPage;
