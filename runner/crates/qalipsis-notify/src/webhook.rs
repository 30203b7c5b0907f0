//! An incoming webhook: one POST, and a status that says all.
//!
//! Not by the client of Slack's methods, which reads answers as Slack writes them: services that offer the same webhooks
//! answer as they like, and a message that they have taken must not be posted again.

use crate::retry::Failed;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// How much of an answer is read.
const ANSWER: usize = 4 * 1024;
/// The longest reason that is shown, in characters.
const REASON: usize = 60;

/// Posts `body`, a JSON document. Any 2xx means that it was taken.
///
/// # Errors
/// What became of it otherwise, without the address, which is a secret.
pub(crate) async fn post(
    https: HttpsConnector<HttpConnector>,
    address: &str,
    body: String,
) -> Result<(), Failed> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(https);
    let request = Request::post(address)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Failed::permanent("report.export.slack.url is no address".to_owned()))?;
    let answer =
        client.request(request).await.map_err(|_| Failed::passing("Slack cannot be reached".to_owned()))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status.is_success() {
        return Ok(());
    }
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let text = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
    Err(refused(status, &headers, &text))
}

/// What a status that is no success means.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &str) -> Failed {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let why = "Slack has had too many messages (429)".to_owned();
        return Failed { why, after: seconds.map(Duration::from_secs), permanent: false };
    }
    let why = match reason(body) {
        Some(reason) => format!("Slack answered {}: {reason}", status.as_u16()),
        None => format!("Slack answered {}", status.as_u16()),
    };
    let passing = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || status.as_u16() == 425;
    if passing { Failed::passing(why) } else { Failed::permanent(why) }
}

/// The word by which Slack says why: `no_service`. Anything else may be a page, or repeat what was sent.
fn reason(body: &str) -> Option<&str> {
    let word = body.trim();
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (!word.is_empty() && word.len() <= REASON && is_word).then_some(word)
}
