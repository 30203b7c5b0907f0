//! Following a campaign: server-sent events that can be resumed.

use super::Api;
use super::campaigns::stored;
use crate::events::Event;
use crate::problem::{Failure, ProblemDetails};
use crate::service::CampaignService;
use crate::view::{CampaignItem, Phase};
use axum::extract::{Path, State};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use utoipa::ToSchema;

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Digits of the number of an event.
const MOST_DIGITS: usize = 20;

const LAST_EVENT: &str = "last-event-id";

/// An event as it is sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct SentEvent {
    /// Its number, for `Last-Event-ID`.
    id: String,
    /// What kind of event it is.
    event: String,
    /// A JSON object.
    data: String,
}

/// Follows a campaign: its state, and from then on what happens, until it ends.
///
/// Events are `state`, `planned`, `factory-ready`, `factory-lost`, `phase`, `started`, `second`, `evidence`, `notice`,
/// `breach`, `gap` and `ended`; the data of each is a JSON object. With `Last-Event-ID` a client gets what it missed; when
/// that is no longer known, `gap` says how many events are lost, and has the state of the campaign. A campaign that has
/// ended answers 204 to a client that has seen its end.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/events",
    tag = "campaigns",
    params(
        ("key" = String, Path, description = "The campaign's key"),
        ("last-event-id" = Option<String>, Header, description = "The number of the last event that the client has seen", pattern = "^[0-9]{0,20}$"),
    ),
    responses(
        (status = 200, description = "The events", body = SentEvent, content_type = "text/event-stream"),
        (status = 204, description = "The client has seen the end"),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(api): State<Api>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let after = match headers.get(LAST_EVENT).map(HeaderValue::as_bytes) {
        None | Some(b"") => None,
        Some(id) => {
            let wrong = || Failure::bad_request("Last-Event-ID must be the number of an event");
            Some(number(id).ok_or_else(wrong)?)
        }
    };
    let Some(campaign) = api.service.campaign(&key) else {
        return past(&stored(&api, &key).await?, after);
    };
    let subscription = campaign.events().subscribe(after);
    if subscription.is_over && after.is_some_and(|after| after >= subscription.last) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut waiting = VecDeque::new();
    if after.is_none() {
        waiting.push_back(sent(subscription.last, "state", &json!(campaign.item())));
    } else if subscription.lost > 0 {
        let first = subscription.missed.first().map_or(subscription.last, |event| event.id - 1);
        let data = json!({ "lost": subscription.lost, "campaign": campaign.item() });
        waiting.push_back(sent(first, "gap", &data));
    }
    waiting.extend(subscription.missed.iter().map(|event| sent(event.id, event.name, &event.data)));
    let following =
        Following { waiting, next: subscription.next, is_over: subscription.is_over, service: api.service };
    Ok(Sse::new(following.into_stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// The number of an event: digits, and nothing else.
fn number(id: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(id).ok()?;
    let is_number = digits.len() <= MOST_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// The events of a campaign that only the store knows: how it is, and that it has ended.
fn past(campaign: &CampaignItem, after: Option<u64>) -> Result<Response, Failure> {
    if campaign.phase != Phase::Ended {
        return Err(Failure::conflict("the campaign runs on another head: follow it there"));
    }
    if after.is_some() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = ["state", "ended"].map(|name| Ok::<_, Infallible>(sent(0, name, &json!(campaign))));
    Ok(Sse::new(stream::iter(events)).into_response())
}

fn sent(id: u64, name: &str, data: &Value) -> sse::Event {
    sse::Event::default().id(id.to_string()).event(name).data(data.to_string())
}

/// One client that follows.
struct Following {
    waiting: VecDeque<sse::Event>,
    next: broadcast::Receiver<Arc<Event>>,
    is_over: bool,
    service: CampaignService,
}

impl Following {
    fn into_stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut following| async {
            let event = following.next().await?;
            Some((Ok(event), following))
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        if let Some(event) = self.waiting.pop_front() {
            return Some(event);
        }
        if self.is_over {
            return None;
        }
        match self.next.recv().await {
            Ok(event) => {
                self.is_over = event.name == "ended";
                Some(sent(event.id, event.name, &event.data))
            }
            Err(RecvError::Lagged(_)) => {
                // It can come back with the last event that it has read.
                self.service.count_cut_off();
                None
            }
            Err(RecvError::Closed) => None,
        }
    }
}
