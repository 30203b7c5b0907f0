//! Both channels against servers that speak their protocols: Slack's methods by a double, SMTP by aiosmtpd.

mod mail;
#[expect(dead_code, reason = "the samples of all outputs; not every one is needed here")]
#[path = "../../../qalipsis-report/tests/outputs/sample.rs"]
mod sample;
mod slack;
