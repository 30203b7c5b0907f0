//! The HTTP front.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::faults::{Fault, Faults};
use crate::order::{Order, PLACED, TRACEPARENT};
use crate::publisher::Publisher;
use crate::state::{Mark, State};

/// How long a request waits for Kafka before it is answered 503.
const PLACED_WITHIN: Duration = Duration::from_secs(2);

/// What the front needs to answer.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) state: Arc<State>,
    pub(crate) publisher: Publisher,
    pub(crate) faults: Arc<Faults>,
    pub(crate) pace: Pace,
}

impl Front {
    /// The same front, which answers so much later.
    pub(crate) fn farther(&self, by: Duration) -> Self {
        let pace = Pace { extra: self.pace.extra + by, ..self.pace };
        Self { pace, ..self.clone() }
    }
}

/// How long an answer to a placed order takes: (Kafka + base) * factor + extra.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) base: Duration,
    pub(crate) factor: f64,
    pub(crate) extra: Duration,
}

impl Pace {
    /// When a request that came at `start` is to be answered, if its work is done `now`.
    fn answer_at(&self, start: Instant, now: Instant) -> Instant {
        start + (now - start + self.base).mul_f64(self.factor) + self.extra
    }
}

/// All endpoints.
pub(crate) fn router(front: Front) -> Router {
    Router::new()
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(order))
        .route("/stock/{product}", get(stock))
        .route("/health", get(async || Json(json!({ "status": "up" }))))
        .route("/stats", get(async |front: Shared<Arc<Front>>| Json(front.state.stats())))
        .fallback(async || problem(StatusCode::NOT_FOUND, "no such endpoint"))
        .with_state(Arc::new(front))
}

async fn place_order(
    front: Shared<Arc<Front>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let start = Instant::now();
    let answer = front.place(&headers, body).await;
    sleep_until(front.pace.answer_at(start, Instant::now())).await;
    answer
}

impl Front {
    async fn place(&self, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
        let order = body
            .map_err(|rejection| (rejection.status(), rejection.body_text()))
            .and_then(|body| Order::from_json(&body).map_err(|error| (StatusCode::BAD_REQUEST, error)));
        let order = match order {
            Ok(order) => order,
            Err((status, error)) => {
                self.state.count(|stats| stats.bad_requests += 1);
                return problem(status, &error);
            }
        };
        if self.faults.hit(Fault::Error, order.id) {
            self.state.mark(Mark::Rejected, order.id);
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the shop is closed for this order");
        }
        if self.faults.hit(Fault::Hang, order.id) {
            self.state.mark(Mark::Hung, order.id);
            // Ends when the client hangs up, which drops this future.
            std::future::pending::<()>().await;
        }
        let traceparent = headers.get(TRACEPARENT).map(|value| value.as_bytes());
        let record = serde_json::to_vec(&order).expect("strings and numbers are always JSON");
        let placed = self.publisher.publish(PLACED, order.id, &record, traceparent);
        match timeout(PLACED_WITHIN, placed).await {
            Ok(Ok(())) => {
                self.state.count(|stats| stats.accepted += 1);
                let body = json!({ "id": order.id, "status": "accepted" });
                (StatusCode::ACCEPTED, Json(body)).into_response()
            }
            Ok(Err(error)) => self.unavailable(&error.to_string()),
            Err(_) => self.unavailable("no acknowledgement"),
        }
    }

    fn unavailable(&self, reason: &str) -> Response {
        self.state.count(|stats| stats.unavailable += 1);
        let limit = PLACED_WITHIN.as_secs();
        problem(StatusCode::SERVICE_UNAVAILABLE, &format!("cannot reach kafka within {limit} s: {reason}"))
    }
}

async fn order(front: Shared<Arc<Front>>, Path(id): Path<String>) -> Response {
    let Ok(id) = Uuid::parse_str(&id) else {
        return problem(StatusCode::BAD_REQUEST, "bad order id: expected a UUID");
    };
    match front.state.order(id) {
        Some(order) => Json(order).into_response(),
        None => problem(StatusCode::NOT_FOUND, "no such order"),
    }
}

async fn stock(front: Shared<Arc<Front>>, Path(product): Path<String>) -> Response {
    Json(front.state.stock(&product)).into_response()
}

fn problem(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slows_the_whole_answer_and_adds_the_rest() {
        let millis = Duration::from_millis;
        let pace = Pace { base: millis(5), factor: 10.0, extra: millis(100) };
        let start = Instant::now();
        assert_eq!(pace.answer_at(start, start + millis(3)), start + millis(180));
    }
}
