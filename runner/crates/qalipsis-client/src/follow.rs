//! Following a campaign to its end, also across connections that break and a head that is away for a while.

use crate::error::ClientError;
use crate::event::Event;
use crate::head::Head;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use reqwest::StatusCode;
use sse_stream::SseStream;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An event as it is sent: number, name, data.
type Sent = (Option<String>, String, String);

/// A campaign that is followed.
pub struct Following {
    head: Head,
    key: String,
    patience: Duration,
    last: Option<String>,
    stream: Option<BoxStream<'static, Result<Sent, String>>>,
    /// What is given next.
    next: Option<Event>,
    away: Option<Away>,
    is_over: bool,
}

/// A head that does not answer.
struct Away {
    since: Instant,
    pauses: ExponentialBackoff,
}

impl std::fmt::Debug for Following {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Following").field("key", &self.key).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Following {
    /// Follows the campaign of this key; the head may be away for so long.
    pub fn new(head: Head, key: String, patience: Duration) -> Self {
        Self { head, key, patience, last: None, stream: None, next: None, away: None, is_over: false }
    }

    /// What happens next; `None` after the end of the campaign. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the head refuses, or has been away for too long.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.next.take() {
            return Ok(Some(event));
        }
        while !self.is_over {
            let Some(stream) = &mut self.stream else {
                match self.connect().await? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            };
            let broken = match stream.next().await {
                Some(Ok((id, name, data))) => {
                    // A connection that brings nothing, such as that of a proxy, is no head that is back.
                    let is_back = self.away.take().is_some();
                    let event = Event::read(&name, &data).map_err(|error| ClientError::Malformed {
                        head: self.head.address(),
                        why: format!("event {name}: {error}"),
                    })?;
                    self.last = id.or(self.last.take());
                    self.is_over = matches!(event, Some(Event::Ended(_)));
                    if is_back {
                        self.next = event;
                        return Ok(Some(Event::Back));
                    }
                    match event {
                        Some(event) => return Ok(Some(event)),
                        None => continue,
                    }
                }
                Some(Err(why)) => why,
                // A head cuts off who does not read fast enough.
                None => "the connection was closed".to_owned(),
            };
            self.stream = None;
            if let Some(event) =
                self.lost(ClientError::Unreachable { head: self.head.address(), why: broken })?
            {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Opens a stream of events, after a pause when the head was away. Gives what is to be shown of that.
    async fn connect(&mut self) -> Result<Option<Event>, ClientError> {
        if let Some(away) = &mut self.away {
            sleep(away.pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
        match self.head.events(&self.key, self.last.as_deref()).await {
            // It has nothing more: the end was seen, or came while nobody listened.
            Ok(response) if response.status() == StatusCode::NO_CONTENT => {
                let campaign = self.head.campaign(&self.key).await?;
                self.is_over = true;
                Ok(Some(Event::Ended(campaign)))
            }
            Ok(response) => {
                let events = SseStream::from_bytes_stream(response.bytes_stream());
                let events = events.map_ok(|event| {
                    (event.id, event.event.unwrap_or_default(), event.data.unwrap_or_default())
                });
                self.stream = Some(events.map_err(|error| error.to_string()).boxed());
                Ok(None)
            }
            Err(error) if error.is_passing() => self.lost(error),
            Err(error) => Err(error),
        }
    }

    /// The head does not answer. Gives what is to be shown, once.
    fn lost(&mut self, error: ClientError) -> Result<Option<Event>, ClientError> {
        let why = match error {
            ClientError::Unreachable { why, .. } => why,
            error => error.to_string(),
        };
        let Some(away) = &self.away else {
            let pauses = ExponentialBuilder::default()
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .without_max_times()
                .with_jitter();
            self.away = Some(Away { since: Instant::now(), pauses: pauses.build() });
            return Ok(Some(Event::Away { why }));
        };
        if away.since.elapsed() < self.patience {
            return Ok(None);
        }
        Err(ClientError::Gone {
            head: self.head.address(),
            key: self.key.clone(),
            seconds: away.since.elapsed().as_secs(),
            why,
        })
    }
}
