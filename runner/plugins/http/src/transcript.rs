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

/// The bytes of a body that was sent that are kept.
const SENT: usize = 600;

/// The bytes of a body that was received that are kept. Both leave room for headers in the evidence.
const RECEIVED: usize = 1000;

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
    Complete { body: Excerpt, timings: Timings, resent: u32 },
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

    pub(crate) fn completed(&self, body: &Bytes, timings: Timings, resent: u32) {
        let text = self.answer.get().is_none_or(|answer| answer.text);
        let _first = self.end.set(End::Complete { body: Excerpt::of_received(body, text), timings, resent });
    }

    pub(crate) fn failed(&self, cause: &str) {
        let _first = self.end.set(End::Failed(cause.to_owned()));
    }

    /// The request alone.
    pub(crate) fn input(&self) -> String {
        let mut text = String::new();
        let _infallible = self.write_request(&mut text);
        text.push_str(&redaction::lines(&self.head.merged()));
        text
    }

    fn write_request(&self, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "{}", self.head)?;
        self.body.write(out)
    }

    fn write_answer(&self, out: &mut dyn Write) -> fmt::Result {
        let (answer, end) = (self.answer.get(), self.end.get());
        let Some(answer) = answer else {
            return match end {
                Some(End::Failed(cause)) => writeln!(out, "(no answer: {cause})"),
                _ => writeln!(out, "(no answer yet)"),
            };
        };
        write!(out, "{:?} {}", answer.version, answer.status)?;
        match end {
            None => writeln!(out, " (body not complete yet)"),
            Some(End::Failed(cause)) => writeln!(out, " ({cause})"),
            Some(End::Complete { body, timings, resent }) => {
                write!(out, " in {}", human(timings.last_byte))?;
                if let Some(connect) = timings.connect {
                    write!(out, ", connect {}", human(connect))?;
                }
                if let Some(tls) = timings.tls {
                    write!(out, ", TLS {}", human(tls))?;
                }
                write!(out, ", first byte {}", human(timings.first_byte))?;
                match resent {
                    0 => writeln!(out)?,
                    count => writeln!(out, ", sent again {count} ×")?,
                }
                body.write(out)
            }
        }
    }
}

impl Exchanged for Transcript {
    /// `POST http://shop/orders → 202 in 3.1 ms`
    fn summary(&self) -> String {
        let outcome = match (self.answer.get(), self.end.get()) {
            (Some(answer), Some(End::Complete { timings, resent, .. })) => {
                let again = match resent {
                    0 => String::new(),
                    count => format!(", sent again {count} ×"),
                };
                format!("{} in {}{again}", answer.status, human(timings.last_byte))
            }
            (Some(answer), Some(End::Failed(cause))) => format!("{}, then failed: {cause}", answer.status),
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

/// The request and the answer as far as it came, each with the beginning of its body; then the headers of both,
/// because only the beginning of all this is kept as evidence.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_request(f)?;
        f.write_str("\n")?;
        self.write_answer(f)?;
        write!(f, "\nrequest headers:\n{}", redaction::lines(&self.head.merged()))?;
        match self.answer.get() {
            Some(answer) => write!(f, "\nanswer headers:\n{}", answer.headers),
            None => Ok(()),
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
        let start = if body.len() <= SENT { body.clone() } else { start(body, SENT) };
        Self { start, length: body.len(), text }
    }

    /// One that was received is a slice of the connection's read buffer, which must be let go.
    fn of_received(body: &Bytes, text: bool) -> Self {
        Self { start: start(body, RECEIVED), length: body.len(), text }
    }

    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        if !self.text {
            return writeln!(out, "({} bytes)", self.length);
        }
        writeln!(out, "{}", String::from_utf8_lossy(&self.start))?;
        match self.length - self.start.len() {
            0 => Ok(()),
            more => writeln!(out, "({more} more bytes)"),
        }
    }
}

fn start(body: &Bytes, limit: usize) -> Bytes {
    Bytes::copy_from_slice(&body[..body.len().min(limit)])
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
