//! What is shown of an exchange when its step, or a later one, fails.

use crate::redaction;
use crate::response::Timings;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri, Version};
use qalipsis_core::execution::Exchanged;
use qalipsis_core::model::duration::human;
use std::fmt;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// The bytes of a body that are kept.
const BODY_LIMIT: usize = 2048;

/// Method, address and headers of a request that was sent. Shown without secrets.
pub struct RequestHead {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// The client's own headers, shared by all requests.
    pub(crate) common: Arc<HeaderMap>,
    /// The headers of this request.
    pub(crate) own: Vec<(HeaderName, HeaderValue)>,
}

impl RequestHead {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The whole address, without user information and secrets in the query.
    pub fn url(&self) -> String {
        redaction::url(&self.uri.to_string())
    }

    /// What was sent, with `***` for secrets.
    pub fn headers(&self) -> HeaderMap {
        redaction::headers(&self.merged())
    }

    /// What goes out: a header of the request replaces the client's of that name.
    pub(crate) fn merged(&self) -> HeaderMap {
        let mut headers = HeaderMap::clone(&self.common);
        for (index, (name, value)) in self.own.iter().enumerate() {
            if self.own[..index].iter().any(|(earlier, _)| earlier == name) {
                headers.append(name.clone(), value.clone());
            } else {
                headers.insert(name.clone(), value.clone());
            }
        }
        headers
    }
}

/// Method and address in one line.
impl fmt::Display for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url())
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An exchange as it goes on: what is known so far is shown when its step is cut off.
#[derive(Debug)]
pub(crate) struct Transcript {
    head: Arc<RequestHead>,
    body: Excerpt,
    answer: OnceLock<Answer>,
    end: OnceLock<End>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    version: Version,
    /// Copied, because the values of a received map hold on to the connection's read buffer.
    headers: String,
    text: bool,
}

#[derive(Debug)]
enum End {
    Complete { body: Excerpt, timings: Timings },
    Failed(String),
}

impl Transcript {
    pub(crate) fn new(head: Arc<RequestHead>, body: &Bytes) -> Self {
        let content_type = head.own.iter().find(|(name, _)| name == CONTENT_TYPE).map(|(_, value)| value);
        let body = Excerpt::of_sent(body, is_text(content_type));
        Self { head, body, answer: OnceLock::new(), end: OnceLock::new() }
    }

    pub(crate) fn answered(&self, status: u16, version: Version, headers: &HeaderMap) {
        let text = is_text(headers.get(CONTENT_TYPE));
        let answer = Answer { status, version, headers: redaction::lines(headers), text };
        // Set once: an exchange has one answer.
        let _first = self.answer.set(answer);
    }

    pub(crate) fn completed(&self, body: &Bytes, timings: Timings) {
        let text = self.answer.get().is_none_or(|answer| answer.text);
        let _first = self.end.set(End::Complete { body: Excerpt::of_received(body, text), timings });
    }

    pub(crate) fn failed(&self, cause: &str) {
        let _first = self.end.set(End::Failed(cause.to_owned()));
    }

    /// The request alone.
    pub(crate) fn input(&self) -> String {
        let mut text = String::new();
        let _infallible = self.write_request(&mut text);
        text
    }

    fn write_request(&self, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "{}", self.head)?;
        out.write_str(&redaction::lines(&self.head.merged()))?;
        self.body.write(out)
    }
}

impl Exchanged for Transcript {
    fn summary(&self) -> String {
        let outcome = match (self.answer.get(), self.end.get()) {
            (Some(answer), Some(End::Complete { timings, .. })) => {
                format!("{} in {}", answer.status, human(timings.last_byte))
            }
            (Some(answer), Some(End::Failed(cause))) => format!("{}, then: {cause}", answer.status),
            (Some(answer), None) => format!("{}, body not complete yet", answer.status),
            (None, Some(End::Failed(cause))) => format!("no answer: {cause}"),
            (None, _) => "no answer yet".to_owned(),
        };
        format!("{} → {outcome}", self.head)
    }

    fn details(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_request(f)?;
        f.write_str("\n")?;
        match self.answer.get() {
            Some(answer) => {
                writeln!(f, "{:?} {}", answer.version, answer.status)?;
                f.write_str(&answer.headers)?;
            }
            None if self.end.get().is_none() => return f.write_str("(no answer yet)"),
            None => f.write_str("(no answer) ")?,
        }
        match self.end.get() {
            None => f.write_str("(body not complete yet)"),
            Some(End::Failed(cause)) => write!(f, "({cause})"),
            Some(End::Complete { body, timings }) => {
                body.write(f)?;
                if let Some(connect) = timings.connect {
                    write!(f, "connect {connect:.1?}, ")?;
                }
                if let Some(tls) = timings.tls {
                    write!(f, "TLS {tls:.1?}, ")?;
                }
                write!(f, "first byte {:.1?}, last byte {:.1?}", timings.first_byte, timings.last_byte)
            }
        }
    }
}

/// The beginning of a body.
#[derive(Debug)]
struct Excerpt {
    start: Bytes,
    length: usize,
    text: bool,
}

impl Excerpt {
    /// A body that was sent is memory of its own, which may be shared when it is small.
    fn of_sent(body: &Bytes, text: bool) -> Self {
        let start = if body.len() <= BODY_LIMIT { body.clone() } else { start(body) };
        Self { start, length: body.len(), text }
    }

    /// One that was received is a slice of the connection's read buffer, which must be let go.
    fn of_received(body: &Bytes, text: bool) -> Self {
        Self { start: start(body), length: body.len(), text }
    }

    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        if !self.text {
            return writeln!(out, "\n({} bytes)", self.length);
        }
        writeln!(out, "\n{}", String::from_utf8_lossy(&self.start))?;
        match self.length - self.start.len() {
            0 => Ok(()),
            more => writeln!(out, "({more} more bytes)"),
        }
    }
}

fn start(body: &Bytes) -> Bytes {
    Bytes::copy_from_slice(&body[..body.len().min(BODY_LIMIT)])
}

/// Whether a body of this type is worth showing; of no type: yes.
fn is_text(content_type: Option<&HeaderValue>) -> bool {
    let Some(value) = content_type else { return true };
    let Ok(value) = value.to_str() else { return false };
    value.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded", "multipart"]
            .iter()
            .any(|word| value.contains(word))
}
