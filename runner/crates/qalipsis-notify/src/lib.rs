//! Notifications: the outputs that send the report to people, Slack and mail.
//!
//! Both show what [`digest`](qalipsis_report::digest) gives, try again when a server fails, and give up before the
//! time of all outputs is over. No token, password or address of a webhook is in any error.

mod mail;
mod retry;
mod slack;
mod smtp;
mod text;
mod webhook;

pub use mail::{Mail, MailSettings};
pub use slack::{Slack, SlackSettings};

use qalipsis_report::output::OutputDefinition;

/// The outputs of this crate.
pub const OUTPUTS: &[&OutputDefinition] = &[&slack::OUTPUT, &mail::OUTPUT];
