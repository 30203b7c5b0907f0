//! Why a request failed.

use qalipsis_core::fault::Fault;
use std::error::Error;
use std::fmt;
use std::io;

const CLOSED: &str = "the server closed the connection";

/// What went wrong, for grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: refused, unreachable, or not within the connect timeout.
    Connect,
    /// The host name has no address.
    Dns,
    /// The TLS handshake failed: unknown authority, wrong name, client certificate required.
    Tls,
    /// The request did not end within its own timeout.
    Timeout,
    /// The server closed the connection, or reset the stream, before the answer was complete.
    Closed,
    /// What the server sent is not HTTP, or its head is larger than allowed.
    Protocol,
    /// A body could not be written as asked, or the answer's is larger than allowed.
    Body,
    /// The address is not one.
    Url,
    /// A header name or value is not one.
    Header,
    /// More redirects than allowed, or one that leads nowhere.
    Redirect,
    /// The client is configured wrongly.
    Configuration,
}

impl ErrorKind {
    /// The stable word that reports group by.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Body => "body",
            Self::Url => "url",
            Self::Header => "header",
            Self::Redirect => "redirect",
            Self::Configuration => "configuration",
        }
    }
}

/// A request, or a client, that cannot work. One line that names the target; secrets are left out.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    kind: ErrorKind,
    message: String,
}

impl HttpError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What went wrong, for grouping.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// A failure without the request that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// Whether a limit of time was hit.
    pub(crate) timed_out: bool,
    /// The deepest cause.
    pub(crate) cause: String,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self { kind, timed_out: false, cause: cause.into() }
    }

    pub(crate) fn timeout(kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self { kind, timed_out: true, cause: cause.into() }
    }

    /// Reads an error of the client library: a [`Failure`] of the connector, or what happened to
    /// an open connection.
    pub(crate) fn from_chain(error: &(dyn Error + 'static)) -> Self {
        let mut kind = ErrorKind::Protocol;
        let mut cause = cause_text(error);
        let mut next = Some(error);
        while let Some(current) = next {
            if let Some(failure) = current.downcast_ref::<Self>() {
                return failure.clone();
            }
            if let Some(error) = current.downcast_ref::<h2::Error>() {
                if let Some(reason) = error.reason() {
                    return Self::of_http2(error, reason);
                }
                if error.get_io().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                    return Self::new(ErrorKind::Closed, CLOSED);
                }
            }
            if let Some(error) = current.downcast_ref::<hyper::Error>()
                && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            {
                kind = ErrorKind::Closed;
            }
            if let Some(error) = current.downcast_ref::<io::Error>() {
                // With TLS 1.3 a server refuses a client's certificate after the handshake only.
                // HTTP/2 keeps no more than the text of that error.
                let is_alert = error.to_string().starts_with("received fatal alert");
                kind = if is_alert { ErrorKind::Tls } else { ErrorKind::Closed };
            }
            cause = cause_text(current);
            next = current.source();
        }
        Self::new(kind, cause)
    }

    /// A stream or a connection that one side of HTTP/2 gave up.
    fn of_http2(error: &h2::Error, reason: h2::Reason) -> Self {
        match (error.is_remote(), error.is_go_away()) {
            (true, true) => {
                let cause = format!("the server ended the connection (GOAWAY {reason:?})");
                Self::new(ErrorKind::Closed, cause)
            }
            (true, false) => {
                let cause = format!("the server reset the stream (RST_STREAM {reason:?})");
                Self::new(ErrorKind::Closed, cause)
            }
            (false, _) => {
                Self::new(ErrorKind::Protocol, format!("the server does not keep to HTTP/2 ({reason:?})"))
            }
        }
    }

    pub(crate) fn into_fault(self, request: impl fmt::Display) -> Fault {
        let message = format!("{request}: {}", self.cause);
        let fault = if self.timed_out { Fault::timeout(message) } else { Fault::error(message) };
        fault.code(self.kind.code())
    }

    pub(crate) fn into_error(self, target: impl fmt::Display) -> HttpError {
        HttpError::new(self.kind, format!("{target}: {}", self.cause))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl Error for Failure {}

/// The deepest cause of a failed attempt to connect.
pub(crate) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    cause_text(deepest)
}

fn cause_text(error: &(dyn Error + 'static)) -> String {
    let Some(error) = error.downcast_ref::<io::Error>() else {
        return error.to_string();
    };
    match (error.kind(), error.raw_os_error()) {
        // The library's word for an HTTP/2 connection that the server closed.
        (io::ErrorKind::BrokenPipe, None) => CLOSED.to_owned(),
        (io::ErrorKind::UnexpectedEof, _) => "connection closed before message completed".to_owned(),
        // The standard library's own words are lower case and without the number of the system.
        (kind, Some(_)) if kind.to_string() != "uncategorized error" => kind.to_string(),
        _ => error.to_string(),
    }
}
