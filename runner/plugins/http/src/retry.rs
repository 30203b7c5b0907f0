//! Which requests go out again, and how often.
//!
//! One that the server cannot have processed goes out again whatever its method: it never left this machine,
//! or its stream is above the last one of a GOAWAY, or was refused
//! (<https://www.rfc-editor.org/rfc/rfc9113#section-8.7>). One that met a kept connection of HTTP/1.1 which
//! the server closed at that moment may have been processed, so it goes out again only if its method is
//! idempotent (<https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>). Nothing else is repeated.

use crate::error::{ErrorKind, Failure};
use crate::host::NO_HTTP2;
use crate::watch::Watch;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::Method;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// How many kept connections that are closed by now a request may meet before it gets a new one.
const STALE: u32 = 3;

/// How many connections in a row may end without any request having been processed on them.
const USELESS: u32 = 4;

/// How often the server may refuse the stream.
const REFUSALS: u32 = 16;

/// The pauses before a stream that was refused goes out again, once it was refused several times.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(8))
    .with_max_delay(Duration::from_millis(128))
    .without_max_times();

/// Far more than are needed where each connection takes at least one request.
const ATTEMPTS: u32 = 5_000;

/// A server that closes a kept connection because it was idle does so before it sees the request, so that is
/// seen at once. What is closed later was closed by who worked on the request.
const IDLE_CLOSE: Duration = Duration::from_millis(250);

/// What one request met so far.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// How often it went out again though it had been sent.
    pub(crate) resent: u32,
    attempts: u32,
    stale: u32,
    useless: u32,
    refusals: u32,
    // In a box, because it is seldom needed, and a request is moved.
    pauses: Option<Box<ExponentialBackoff>>,
}

/// Why a request over HTTP/2 was not processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unprocessed {
    /// The connection ended before the request went out, or the stream is above the last one of a GOAWAY.
    Ended,
    /// The server refused the stream.
    Refused,
}

impl Unprocessed {
    /// Reads the failure of a stream; `None` if the request may have been processed.
    pub(crate) fn read(error: &hyper::Error) -> Option<Self> {
        // The library forgets one request when a connection ends: the one that waits until the server takes
        // another stream, so that it has not been sent.
        if error.is_user() && error.to_string() == "dispatch task is gone" {
            return Some(Self::Ended);
        }
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(current) = next {
            if let Some(error) = current.downcast_ref::<h2::Error>() {
                // The library gives this error to no stream that the server may have processed.
                let ended = error.is_remote() && error.is_go_away();
                let refused = error.is_remote()
                    && error.is_reset()
                    && error.reason() == Some(h2::Reason::REFUSED_STREAM);
                return match (ended, refused) {
                    (true, _) => Some(Self::Ended),
                    (_, true) => Some(Self::Refused),
                    _ => None,
                };
            }
            next = current.source();
        }
        None
    }
}

impl Retries {
    /// Whether kept connections are not to be trusted any more.
    pub(crate) fn wants_new(&self) -> bool {
        self.stale >= STALE
    }

    /// HTTP/1.1: the request never left, because the kept connection is closed.
    pub(crate) fn met_stale(&mut self) {
        self.stale += 1;
    }

    /// HTTP/1.1: a kept connection was closed after the request was sent. Whether it goes out again; if not,
    /// the failure says why.
    pub(crate) fn met_closed(&mut self, method: &Method, sent: Instant, failure: &mut Failure) -> bool {
        if failure.kind != ErrorKind::Closed || sent.elapsed() > IDLE_CLOSE {
            return false;
        }
        if method.is_idempotent() {
            self.stale += 1;
            self.resent += 1;
            return true;
        }
        failure.cause = format!(
            "{}: the kept connection was closed as the request went out, and a {method} that may have been \
             processed is not sent again",
            failure.cause
        );
        false
    }

    /// HTTP/2: whether the request goes out again, and whether on a new connection.
    pub(crate) async fn met_unprocessed(&mut self, why: Unprocessed, watch: &Watch) -> Result<bool, Failure> {
        self.attempts += 1;
        match why {
            Unprocessed::Ended => {
                self.resent += 1;
                self.useless = if watch.was_useful() { 0 } else { self.useless + 1 };
                if self.useless < USELESS && self.attempts < ATTEMPTS {
                    return Ok(true);
                }
                let hint = match watch.goaway() {
                    Some(goaway) => format!(" ({goaway})"),
                    None if watch.has_spoken() => String::new(),
                    None => NO_HTTP2.to_owned(),
                };
                let cause = format!(
                    "the server ended {} connections before it processed the request{hint}",
                    self.attempts
                );
                Err(Failure::new(ErrorKind::Closed, cause))
            }
            Unprocessed::Refused => {
                self.resent += 1;
                self.refusals += 1;
                if self.refusals >= REFUSALS {
                    let cause = format!(
                        "the server refused the stream {} times (RST_STREAM REFUSED_STREAM)",
                        self.refusals
                    );
                    return Err(Failure::new(ErrorKind::Closed, cause));
                }
                if self.refusals > 2 {
                    let pauses = self.pauses.get_or_insert_with(|| Box::new(PAUSES.build()));
                    tokio::time::sleep(pauses.next().expect("the pauses have no end")).await;
                }
                // In turns: a connection that is being closed refuses all streams, and one whose limit of
                // streams was not known yet takes the next.
                Ok(self.refusals % 2 == 1)
            }
        }
    }
}
