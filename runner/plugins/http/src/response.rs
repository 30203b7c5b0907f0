//! What came back.

use crate::error::HttpError;
use crate::transcript::RequestHead;
use bytes::Bytes;
use http::{HeaderMap, Version};
use qalipsis_core::fault::Fault;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// 200 and the like.
    pub status: u16,
    /// As received.
    pub headers: HeaderMap,
    /// As received: contents that the request asked to be compressed are still so.
    pub body: Bytes,
    /// The version that was spoken.
    pub version: Version,
    /// How long its parts took.
    pub timings: Timings,
    /// Head and body of the request, redirects included; the head as HTTP/1.1 writes it, so
    /// what HTTP/2 saves and TLS adds is not seen.
    pub bytes_sent: u64,
    /// Head and body of the answer, counted alike.
    pub bytes_received: u64,
    /// How many redirects led here.
    pub redirects: u8,
    /// How often it went out again, because the server had not processed it: see the README on what is
    /// repeated and what is not.
    pub resent: u32,
    /// What was answered: the last request, if redirects were followed.
    pub request: Arc<RequestHead>,
}

/// How long the parts of an exchange took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Name resolution and TCP. `None` when an open connection was used.
    pub connect: Option<Duration>,
    /// The TLS handshake. `None` when an open connection was used, and without TLS.
    pub tls: Option<Duration>,
    /// From the start of the request, waiting for a connection included, to the head of the answer.
    pub first_byte: Duration,
    /// From the start of the request to the end of the answer.
    pub last_byte: Duration,
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// It is not, or not of that type; the message names the request and shows the beginning.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_slice(&self.body).map_err(|source| JsonError {
            request: self.request.to_string(),
            status: self.status,
            excerpt: excerpt(&self.body),
            source,
            hint: self.header("content-encoding").map_or_else(String::new, |encoding| {
                format!("; the body is compressed ({encoding}) and is not decompressed here")
            }),
        })
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value as text; `None` when it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A body that is not the JSON that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{request} answered {status}: cannot read body '{excerpt}' as the expected JSON: {source}{hint}")]
pub struct JsonError {
    request: String,
    status: u16,
    excerpt: String,
    source: serde_json::Error,
    hint: String,
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        Fault::error(error.to_string()).code(error.kind().code())
    }
}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        Fault::undecodable(error.to_string())
    }
}

/// The beginning of a body, in one line.
fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(LENGTH)]).replace(['\n', '\r'], " ");
    let more = if body.len() > LENGTH { "…" } else { "" };
    format!("{text}{more}")
}
