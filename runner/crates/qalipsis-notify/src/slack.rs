//! A message in a channel of Slack, with the details in its thread.

use crate::retry::{Backoff, Failed};
use crate::text::{CAUSES, cut, example, facts, title};
use crate::webhook;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use qalipsis_config::keys::Kind;
use qalipsis_config::{Secret, Section, SectionDefinition, SectionKey, Statuses};
use qalipsis_judge::report::Report;
use qalipsis_model::verdict::Status;
use qalipsis_report::digest::{self, Cause};
use qalipsis_report::evidence;
use qalipsis_report::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings};
use qalipsis_report::text::one_line;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;
use std::future::Future;

/// Where Slack's methods are.
const ADDRESS: &str = "https://slack.com/api";

/// Slack refuses a section of more than 3000 characters.
const SECTION: usize = 2_900;

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition {
        name: "report.export.slack",
        keys: &[
            SectionKey::new("channel", Kind::Text, "Name or id of the channel. Must be set with a token."),
            SectionKey::new(
                "enabled",
                Kind::Switch,
                "Whether the report is posted to Slack: the verdict in the channel, the details in its thread.",
            )
            .or("false"),
            SectionKey::new("status", Kind::Statuses, "Which verdicts are posted to Slack.").or("ALL"),
            SectionKey::new(
                "token",
                Kind::Text,
                "Token of a bot that may write to the channel; better written as `${SLACK_TOKEN}`. It is never shown.",
            )
            .secret(),
            SectionKey::new(
                "url",
                Kind::Address,
                "With a token: another base address of Slack's methods than `https://slack.com/api`. Without one: the \
                 address of an incoming webhook. It is never shown.",
            )
            .secret(),
        ],
        check: |section| {
            let is_set = |key| section.text(key).is_some();
            match (is_set("token"), is_set("channel"), is_set("url")) {
                _ if !section.is_on("enabled") => None,
                (true, false, _) => Some(section.missing("channel")),
                (false, _, false) => Some(section.missing("token")),
                _ => None,
            }
        },
    },
    kind: OutputKind::Notification,
    build: |section, Surroundings { link, .. }| {
        section.is_on("enabled").then(|| {
            Box::new(Slack::new(SlackSettings::from(section), link.map(str::to_owned))) as Box<dyn Output>
        })
    },
    printed: None,
};

/// Where a report is posted to Slack, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// Of a bot that may write to the channel.
    pub token: Option<Secret>,
    /// Name or id of the channel, with a token.
    pub channel: Option<String>,
    /// Another base address of Slack's methods, with a token; without one the address of an incoming webhook.
    pub url: Option<Secret>,
    /// Which verdicts are posted.
    pub status: Statuses,
}

impl From<&Section<'_>> for SlackSettings {
    fn from(section: &Section<'_>) -> Self {
        Self {
            token: section.secret("token"),
            channel: section.text("channel").map(str::to_owned),
            url: section.secret("url"),
            status: section.statuses("status"),
        }
    }
}

/// Posts a report on Slack.
#[derive(Debug)]
pub struct Slack {
    settings: SlackSettings,
    link: Option<String>,
}

type Connector = SlackClientHyperHttpsConnector;

impl Slack {
    /// `link` leads to the report.
    pub fn new(settings: SlackSettings, link: Option<String>) -> Self {
        Self { settings, link }
    }

    async fn send(&self, report: &Report) -> Result<(), String> {
        let mut backoff = Backoff::new();
        let Some(token) = &self.settings.token else {
            let hook = self.settings.url.as_ref().ok_or("report.export.slack.token is not set")?;
            // A webhook does not say where its message is, so there is no thread.
            let mut content = self.verdict(report);
            content.blocks.get_or_insert_default().extend(details(report).unwrap_or_default());
            let body = serde_json::to_string(&SlackApiPostWebhookMessageRequest::new(content))
                .map_err(|error| format!("the message cannot be written: {error}"))?;
            let https = https()?;
            return again(&mut backoff, || webhook::post(https.clone(), hook.reveal(), body.clone())).await;
        };
        let client = SlackClient::new(self.connector()?);
        let token = SlackApiToken::new(SlackApiTokenValue(token.reveal().to_owned()));
        let session = client.open_session(&token);
        let channel = SlackChannelId(self.settings.channel.clone().unwrap_or_default());
        let request = SlackApiChatPostMessageRequest::new(channel, self.verdict(report));
        let answer = again(&mut backoff, || explained(session.chat_post_message(&request))).await?;
        let Some(details) = details(report) else { return Ok(()) };
        let content = SlackMessageContent::new().with_text("Details".to_owned()).with_blocks(details);
        let request = SlackApiChatPostMessageRequest::new(answer.channel, content).with_thread_ts(answer.ts);
        again(&mut backoff, || explained(session.chat_post_message(&request))).await.map(|_| ())
    }

    fn connector(&self) -> Result<Connector, String> {
        let address = match (&self.settings.token, &self.settings.url) {
            (Some(_), Some(url)) => url.reveal().trim_end_matches('/'),
            _ => ADDRESS,
        };
        Ok(Connector::with_connector(https()?).with_slack_api_url(address))
    }

    /// The first message: all that one must know.
    fn verdict(&self, report: &Report) -> SlackMessageContent {
        let mark = match report.status {
            Status::Running => "⏳",
            Status::Successful => "✅",
            Status::Warning => "⚠️",
            Status::Failed | Status::Aborted | Status::Invalid => "❌",
        };
        let title = title(report);
        let header = format!("{mark} {}", report.verdict());
        let mut blocks = vec![
            SlackHeaderBlock::new(SlackBlockPlainText::new(header).into()).into(),
            section(&escape(&digest::headline(report))),
        ];
        blocks.extend(digest::incomplete(report).map(|incomplete| section(&format!("*{incomplete}*"))));
        let causes = digest::causes(report);
        blocks.extend(causes.iter().take(CAUSES).map(|one| section(&cause(one))));
        if causes.len() > CAUSES {
            blocks.push(section(&format!("and {} more", causes.len() - CAUSES)));
        }
        let mut last = format!("campaign {}, started {}", escape(&report.key), report.started.rfc3339());
        if let Some(link) = &self.link {
            last.push_str(&format!(" · <{}|report>", escape(link).replace('|', "%7C")));
        }
        blocks.push(section(&last));
        SlackMessageContent::new().with_text(cut(&escape(&title), SECTION)).with_blocks(blocks)
    }
}

fn https() -> Result<HttpsConnector<HttpConnector>, String> {
    let provider = rustls::crypto::ring::default_provider();
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(|error| format!("failed to read the certificates of this machine: {error}"))?;
    Ok(https.https_or_http().enable_http1().build())
}

/// The thread: evidence and warnings; `None` when there is none.
fn details(report: &Report) -> Option<Vec<SlackBlock>> {
    let mut blocks = Vec::new();
    for cause in digest::causes(report).iter().take(CAUSES) {
        let Some(first) = cause.evidence.first() else { continue };
        let mut text = format!("*{}*\n{}", escape(&cause.place()), escape(&first.message));
        for line in example(first) {
            text.push_str(&format!("\n{}", escape(&cut(&line, 300))));
        }
        if let Some(details) = first.exchanges.last().and_then(evidence::details) {
            let lines = escape_lines(&cut(details, 900)).replace('`', "'");
            text.push_str(&format!("\n```{lines}```"));
        }
        blocks.push(section(&text));
    }
    let warnings = digest::warnings(report);
    blocks.extend(warnings.iter().take(CAUSES).map(|warning| section(&format!("⚠️ {}", escape(warning)))));
    (!blocks.is_empty()).then_some(blocks)
}

fn cause(cause: &Cause<'_>) -> String {
    let mut text =
        format!("*{}* `{}`\n{}", escape(&cause.place()), cause.kind, escape(&cut(cause.message, 1_000)));
    for fact in facts(cause).iter().take(8) {
        text.push_str(&format!("\n{}", escape(&cut(fact, 300))));
    }
    text
}

fn section(text: &str) -> SlackBlock {
    SlackSectionBlock::new().with_text(SlackBlockMarkDownText::new(cut(text, SECTION)).into()).into()
}

/// Text that Slack shows as it is: no mention, no link; formatting characters cannot harm.
fn escape(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// Asks until Slack takes it, or the time is over.
async fn again<T, F>(backoff: &mut Backoff, ask: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, Failed>>,
{
    loop {
        let answer_timeout = backoff.answer_timeout();
        let failed = match tokio::time::timeout(answer_timeout, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failed)) => failed,
            Err(_) => Failed::passing(format!(
                "Slack did not answer within {}",
                qalipsis_model::duration::human(answer_timeout)
            )),
        };
        tokio::time::sleep(backoff.next(failed)?).await;
    }
}

async fn explained<T>(answer: impl Future<Output = ClientResult<T>>) -> Result<T, Failed> {
    answer.await.map_err(|error| explain(&error))
}

/// Refusals that are over in a moment; all others, as `channel_not_found` and `invalid_auth`, last.
const PASSING: [&str; 6] =
    ["fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable", "timeout"];

/// In our words: the client's own may hold the address of a webhook, which is a secret.
fn explain(error: &SlackClientError) -> Failed {
    match error {
        SlackClientError::ApiError(error) => {
            let why = format!("Slack refused the message: {}", one_line(&error.code));
            if PASSING.contains(&error.code.as_str()) { Failed::passing(why) } else { Failed::permanent(why) }
        }
        SlackClientError::HttpError(error) => webhook::refused(error.status_code, &Default::default(), ""),
        SlackClientError::RateLimitError(error) => {
            let why = "Slack has had too many messages (429)".to_owned();
            Failed { why, after: error.retry_after, permanent: false }
        }
        SlackClientError::HttpProtocolError(_) => Failed::passing("Slack cannot be reached".to_owned()),
        // It may have been taken all the same.
        _ => Failed::permanent("Slack's answer was not understood".to_owned()),
    }
}

impl Output for Slack {
    fn wants(&self, report: &Report) -> bool {
        self.settings.status.contains(report.status)
    }

    fn publish(&self, report: &Report) -> PublishResult {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.send(report))?;
        let channel = self.settings.channel.as_ref().filter(|_| self.settings.token.is_some());
        Ok(vec![channel.map_or_else(
            || "posted to the webhook".to_owned(),
            |channel| format!("posted to {}", one_line(channel)),
        )])
    }
}
