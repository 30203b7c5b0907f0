//! What the shop knows: orders, stock, and which orders it mistreated.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use uuid::Uuid;

use crate::order::Order;

/// Orders kept, and ids kept of each fault; beyond, the oldest order makes room and ids are only counted.
const KEPT_MAX: usize = 1_000_000;

/// Orders, stock and counters in memory, shared by front and worker.
pub(crate) struct State {
    stock_at_start: i64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    orders: HashMap<Uuid, Order>,
    oldest_first: VecDeque<Uuid>,
    sold: HashMap<String, i64>,
    stats: Stats,
}

/// Body of `GET /stats`. Every accepted order is settled once
/// `accepted == fulfilled + dropped.len() + repeated`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Stats {
    /// Orders that Kafka acknowledged; their answer is 202.
    pub(crate) accepted: u64,
    /// Orders that are in all sinks and all of whose events Kafka acknowledged.
    pub(crate) fulfilled: u64,
    /// Records on `orders.placed` whose order was stored before; they are ignored.
    pub(crate) repeated: u64,
    /// Answers 400.
    pub(crate) bad_requests: u64,
    /// Answers 503 because Kafka could not be reached.
    pub(crate) unavailable: u64,
    /// Events that Kafka did not take, other than the dropped ones.
    pub(crate) unpublished: u64,
    /// Rows, cache entries and messages that their server refuses for ever.
    pub(crate) unwritten: u64,
    /// Ids whose event was never sent.
    pub(crate) dropped: Vec<Uuid>,
    /// Ids whose event was sent twice.
    pub(crate) duplicated: Vec<Uuid>,
    /// Ids whose event was sent late.
    pub(crate) late: Vec<Uuid>,
    /// Ids whose event had a wrong quantity.
    pub(crate) wrong: Vec<Uuid>,
    /// Ids with an undecodable record besides their event.
    pub(crate) garbage: Vec<Uuid>,
    /// Ids answered 503 on purpose.
    pub(crate) rejected: Vec<Uuid>,
    /// Ids never answered on purpose.
    pub(crate) hung: Vec<Uuid>,
    /// Ids whose row was never written.
    pub(crate) rows_dropped: Vec<Uuid>,
    /// Ids whose row has a wrong quantity.
    pub(crate) rows_wrong: Vec<Uuid>,
    /// Ids that came to the database late.
    pub(crate) rows_late: Vec<Uuid>,
    /// Ids that were never cached.
    pub(crate) cache_dropped: Vec<Uuid>,
    /// Ids whose event never went to the exchange.
    pub(crate) messages_dropped: Vec<Uuid>,
    /// Ids whose event went to the exchange twice.
    pub(crate) messages_duplicated: Vec<Uuid>,
    /// Ids that are missing above because a list was full.
    pub(crate) ids_left_out: u64,
}

/// A list of ids in [`Stats`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    Dropped,
    Duplicated,
    Late,
    Wrong,
    Garbage,
    Rejected,
    Hung,
    RowDropped,
    RowWrong,
    RowLate,
    CacheDropped,
    MessageDropped,
    MessageDuplicated,
}

/// Body of `GET /stock/{product}`, in pieces.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Stock {
    pub(crate) product: String,
    pub(crate) start: i64,
    pub(crate) sold: i64,
    pub(crate) stock: i64,
}

impl State {
    pub(crate) fn new(stock_at_start: i64) -> Self {
        Self { stock_at_start, inner: Mutex::default() }
    }

    /// Stores the order and takes its pieces from the stock; false if it was stored before.
    pub(crate) fn store(&self, order: Order) -> bool {
        let mut inner = self.lock();
        if inner.orders.contains_key(&order.id) {
            inner.stats.repeated += 1;
            return false;
        }
        if inner.orders.len() == KEPT_MAX
            && let Some(oldest) = inner.oldest_first.pop_front()
        {
            inner.orders.remove(&oldest);
        }
        *inner.sold.entry(order.product.clone()).or_default() += i64::from(order.quantity);
        inner.oldest_first.push_back(order.id);
        inner.orders.insert(order.id, order);
        true
    }

    /// The order, once the worker has stored it.
    pub(crate) fn order(&self, id: Uuid) -> Option<Order> {
        self.lock().orders.get(&id).cloned()
    }

    pub(crate) fn stock(&self, product: &str) -> Stock {
        let sold = self.lock().sold.get(product).copied().unwrap_or(0);
        let start = self.stock_at_start;
        Stock { product: product.to_owned(), start, sold, stock: start - sold }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats.clone()
    }

    /// Changes counters; short, as everyone else waits.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.lock().stats);
    }

    /// Notes that a fault hit the order.
    pub(crate) fn mark(&self, mark: Mark, id: Uuid) {
        self.count(|stats| {
            let ids = match mark {
                Mark::Dropped => &mut stats.dropped,
                Mark::Duplicated => &mut stats.duplicated,
                Mark::Late => &mut stats.late,
                Mark::Wrong => &mut stats.wrong,
                Mark::Garbage => &mut stats.garbage,
                Mark::Rejected => &mut stats.rejected,
                Mark::Hung => &mut stats.hung,
                Mark::RowDropped => &mut stats.rows_dropped,
                Mark::RowWrong => &mut stats.rows_wrong,
                Mark::RowLate => &mut stats.rows_late,
                Mark::CacheDropped => &mut stats.cache_dropped,
                Mark::MessageDropped => &mut stats.messages_dropped,
                Mark::MessageDuplicated => &mut stats.messages_duplicated,
            };
            if ids.len() < KEPT_MAX {
                ids.push(id);
            } else {
                stats.ids_left_out += 1;
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters stay usable after a panic elsewhere; the panic itself is on stderr.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_order_from_the_stock_once() {
        let state = State::new(100);
        let order = Order {
            id: Uuid::from_u128(1),
            product: "pen".to_owned(),
            quantity: 3,
            customer: "ada".to_owned(),
        };
        assert!(state.store(order.clone()));
        assert!(!state.store(order.clone()));
        assert_eq!(state.stats().repeated, 1);
        assert_eq!(state.order(order.id), Some(order));
        assert_eq!(state.stock("pen"), Stock { product: "pen".to_owned(), start: 100, sold: 3, stock: 97 });
        assert_eq!(state.stock("ink").stock, 100);
    }
}
