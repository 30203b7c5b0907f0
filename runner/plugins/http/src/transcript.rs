//! What is shown of an exchange when its step, or a later one, fails.

use crate::redaction;
use crate::response::Timings;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri, Version};
use parking_lot::Mutex;
use qalipsis_core::execution::Exchanged;
use qalipsis_core::model::duration::human;
use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

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
        let mut headers = match self.common.is_empty() {
            // One more for the host.
            true => HeaderMap::with_capacity(self.own.len() + 1),
            false => HeaderMap::clone(&self.common),
        };
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
///
/// There is one for each request and few are ever shown, so it keeps bytes and leaves all else to who shows it.
#[derive(Debug)]
pub(crate) struct Transcript {
    head: Arc<RequestHead>,
    sent: Excerpt,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Answer>,
    end: Option<End>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    version: Version,
    /// Copied, because the values of a received map hold on to the connection's read buffer. With its secrets.
    headers: HeaderLines,
}

#[derive(Debug)]
enum End {
    Complete { body: Excerpt, timings: Timings, resent: u32 },
    Failed(String),
}

impl Transcript {
    pub(crate) fn new(head: Arc<RequestHead>, body: &Bytes) -> Self {
        Self { head, sent: Excerpt::of_sent(body), state: Mutex::default() }
    }

    pub(crate) fn answered(&self, status: u16, version: Version, headers: &HeaderMap) {
        let answer = Answer { status, version, headers: HeaderLines::copy(headers) };
        self.state.lock().answer = Some(answer);
    }

    pub(crate) fn completed(&self, body: &Bytes, timings: Timings, resent: u32) {
        let end = End::Complete { body: Excerpt::of_received(body), timings, resent };
        self.state.lock().end = Some(end);
    }

    pub(crate) fn failed(&self, cause: &str) {
        self.state.lock().end = Some(End::Failed(cause.to_owned()));
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
        let content_type = self.head.own.iter().find(|(name, _)| name == CONTENT_TYPE);
        self.sent.write(out, is_text(content_type.map(|(_, value)| value.as_bytes())))
    }

    fn write_answer(&self, State { answer, end }: &State, out: &mut dyn Write) -> fmt::Result {
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
                body.write(out, is_text(answer.headers.get(CONTENT_TYPE)))
            }
        }
    }
}

impl Exchanged for Transcript {
    /// `POST http://shop/orders → 202 in 3.1 ms`
    fn summary(&self) -> String {
        let State { answer, end } = &*self.state.lock();
        let outcome = match (answer, end) {
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
        let state = self.state.lock();
        self.write_request(f)?;
        f.write_str("\n")?;
        self.write_answer(&state, f)?;
        write!(f, "\nrequest headers:\n{}", redaction::lines(&self.head.merged()))?;
        match &state.answer {
            Some(answer) => write!(f, "\nanswer headers:\n{}", answer.headers),
            None => Ok(()),
        }
    }
}

/// Headers as one piece of memory, one line for each.
struct HeaderLines(Box<[u8]>);

impl HeaderLines {
    const SEPARATOR: &[u8] = b": ";

    fn copy(headers: &HeaderMap) -> Self {
        let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 3;
        let mut lines = Vec::with_capacity(headers.iter().map(length).sum());
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.extend_from_slice(Self::SEPARATOR);
            lines.extend_from_slice(value.as_bytes());
            lines.push(b'\n');
        }
        Self(lines.into_boxed_slice())
    }

    /// Names have no colon, and values no end of a line.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let lines = self.0.split(|byte| *byte == b'\n');
        lines.filter_map(|line| {
            let end = line.windows(2).position(|two| two == Self::SEPARATOR)?;
            Some((&line[..end], &line[end + 2..]))
        })
    }

    fn get(&self, name: HeaderName) -> Option<&[u8]> {
        self.iter().find(|(own, _)| *own == name.as_str().as_bytes()).map(|(_, value)| value)
    }
}

/// Without secrets.
impl fmt::Display for HeaderLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
        });
        f.write_str(&redaction::lines(&headers.collect()))
    }
}

/// Without secrets.
impl fmt::Debug for HeaderLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The beginning of a body.
#[derive(Debug)]
struct Excerpt {
    start: Bytes,
    length: usize,
}

impl Excerpt {
    /// A body that was sent is memory of its own, which may be shared when it is small.
    fn of_sent(body: &Bytes) -> Self {
        let start = if body.len() <= SENT { body.clone() } else { start(body, SENT) };
        Self { start, length: body.len() }
    }

    /// One that was received is a slice of the connection's read buffer, which must be let go.
    fn of_received(body: &Bytes) -> Self {
        Self { start: start(body, RECEIVED), length: body.len() }
    }

    fn write(&self, out: &mut dyn Write, is_text: bool) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        if !is_text {
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
fn is_text(content_type: Option<&[u8]>) -> bool {
    let Some(value) = content_type else { return true };
    let Ok(value) = std::str::from_utf8(value) else { return false };
    value.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded", "multipart"]
            .iter()
            .any(|word| value.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_headers_are_shown_in_order_and_without_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("location", HeaderValue::from_static("http://shop: 1"));
        headers.append("set-cookie", HeaderValue::from_static("id=abc"));
        headers.append("set-cookie", HeaderValue::from_static("other=abc"));
        headers.insert("x-empty", HeaderValue::from_static(""));
        headers.insert("x-bytes", HeaderValue::from_bytes(b"\xfc").unwrap());
        let lines = HeaderLines::copy(&headers);
        assert_eq!(lines.to_string(), redaction::lines(&headers));
        assert!(!format!("{lines:?}").contains("abc"));
        assert_eq!(lines.get(CONTENT_TYPE), Some(&b"application/json"[..]));
        assert_eq!(lines.get(http::header::ETAG), None);
    }
}
