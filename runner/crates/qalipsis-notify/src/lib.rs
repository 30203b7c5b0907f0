//! Notifications: the outputs that tell people where they are, Slack and mail.
//!
//! Both show what [`digest`](qalipsis_report::digest) tells, try again when a server fails, and give up before the
//! time of all outputs is over. No token, password or address of a webhook is in any error.

mod mail;
mod retry;
mod slack;
mod smtp;
mod text;
mod webhook;

pub use mail::Mail;
pub use qalipsis_config::{MailSettings, Secret, SlackSettings, Statuses};
pub use slack::Slack;
