//! What travels: an order as it is placed, and the event of its fulfilment.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Topic with one record for each accepted order, key = order id.
pub(crate) const PLACED: &str = "orders.placed";
/// Topic with one record for each fulfilled order, key = order id.
pub(crate) const FULFILLED: &str = "orders.fulfilled";
/// Consumer group of the fulfilment worker.
pub(crate) const GROUP: &str = "fulfilment";
/// W3C trace context, the name of both the HTTP header and the Kafka record header.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Body of `POST /orders` and value of a record on `orders.placed`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Order {
    /// Chosen by the customer; an id that was fulfilled once is not fulfilled again.
    pub(crate) id: Uuid,
    pub(crate) product: String,
    /// Pieces, at least 1.
    pub(crate) quantity: u32,
    pub(crate) customer: String,
}

impl Order {
    /// Reads and checks the body of a request.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, String> {
        let order: Self = serde_json::from_slice(body).map_err(|error| format!("bad order: {error}"))?;
        if order.quantity == 0 {
            return Err("bad order: quantity must be at least 1".to_owned());
        }
        if order.product.is_empty() {
            return Err("bad order: product must not be empty".to_owned());
        }
        Ok(order)
    }
}

/// Value of a record on `orders.fulfilled`.
#[derive(Debug, Serialize)]
pub(crate) struct Fulfilled<'a> {
    pub(crate) order_id: Uuid,
    pub(crate) product: &'a str,
    pub(crate) quantity: u32,
    pub(crate) customer: &'a str,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) fulfilled_at: u64,
}

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
