//! Where fulfilled orders go besides Kafka, and what goes wrong on the way.

use std::sync::Arc;

use anyhow::Context as _;

use crate::cache::Cache;
use crate::database::{Database, Row};
use crate::exchange::{Exchange, Message};
use crate::faults::{Fault, Faults};
use crate::options::Options;
use crate::order::Order;
use crate::sink::{Sink, Target};
use crate::state::{Mark, State};

/// The sinks that the flags ask for; an order passes the others untouched.
pub(crate) struct Sinks {
    database: Option<Sink<Row>>,
    cache: Option<Sink<Order>>,
    exchange: Option<Sink<Message>>,
    faults: Arc<Faults>,
    state: Arc<State>,
    /// Name and address of each sink, for the ready line.
    pub(crate) addresses: Vec<(&'static str, String)>,
}

impl Sinks {
    /// Connects to all that the flags ask for.
    ///
    /// # Errors
    /// If one cannot be used: a line that names it, without its password.
    pub(crate) async fn open(
        options: &Options,
        faults: Arc<Faults>,
        state: Arc<State>,
    ) -> anyhow::Result<Self> {
        let mut addresses = Vec::new();
        let mut database = None;
        if let Some(url) = &options.postgres {
            let stock = i32::try_from(options.stock)
                .context("cannot use --postgres with --stock beyond 2147483647 pieces")?;
            let target = Database::new(url, stock, options.stale_stock)?;
            addresses.push((Database::NAME, target.address().to_owned()));
            database = Some(Sink::open(target, options.reset, options.writers()).await?);
        }
        let mut cache = None;
        if let Some(url) = &options.redis {
            let target = Cache::new(url)?;
            addresses.push((Cache::NAME, target.address().to_owned()));
            cache = Some(Sink::open(target, options.reset, 1).await?);
        }
        let mut exchange = None;
        if let Some(url) = &options.rabbitmq {
            let target = Exchange::new(url)?;
            addresses.push((Exchange::NAME, target.address().to_owned()));
            exchange = Some(Sink::open(target, options.reset, 1).await?);
        }
        Ok(Self { database, cache, exchange, faults, state, addresses })
    }

    /// Whether the row of the order is to be written late; its fault is noted.
    pub(crate) fn is_late(&self, order: &Order) -> bool {
        let dropped = self.faults.hit(Fault::DropRow, order.id);
        self.database.is_some() && !dropped && self.hit(Fault::LateRow, Mark::RowLate, order)
    }

    /// Takes the order from the stock and writes its row; false if the database never will.
    pub(crate) async fn write_row(&self, order: &Order) -> bool {
        let Some(database) = &self.database else { return true };
        let written = if self.hit(Fault::DropRow, Mark::RowDropped, order) {
            None
        } else if self.hit(Fault::WrongRow, Mark::RowWrong, order) {
            Some(order.quantity.saturating_add(1))
        } else {
            Some(order.quantity)
        };
        let (product, customer) = (order.product.clone(), order.customer.clone());
        self.counted(database.write(Row { id: order.id, product, customer, sold: order.quantity, written }))
            .await
    }

    /// Caches the order; false if the cache never will.
    pub(crate) async fn write_cache(&self, order: &Order) -> bool {
        let Some(cache) = &self.cache else { return true };
        if self.hit(Fault::DropCache, Mark::CacheDropped, order) {
            return true;
        }
        self.counted(cache.write(order.clone())).await
    }

    /// Publishes the event; false if the exchange never takes it.
    pub(crate) async fn write_message(
        &self,
        order: &Order,
        event: &[u8],
        traceparent: Option<&[u8]>,
    ) -> bool {
        let Some(exchange) = &self.exchange else { return true };
        if self.hit(Fault::DropMessage, Mark::MessageDropped, order) {
            return true;
        }
        let copies = if self.hit(Fault::DuplicateMessage, Mark::MessageDuplicated, order) { 2 } else { 1 };
        let mut all_sent = true;
        for _ in 0..copies {
            let (product, body) = (order.product.clone(), event.to_vec());
            let traceparent = traceparent.map(<[u8]>::to_vec);
            let message = Message { id: order.id, product, body, traceparent };
            all_sent &= self.counted(exchange.write(message)).await;
        }
        all_sent
    }

    async fn counted(&self, written: impl Future<Output = bool>) -> bool {
        let written = written.await;
        if !written {
            self.state.count(|stats| stats.unwritten += 1);
        }
        written
    }

    /// Whether the fault hits the order; notes it then.
    fn hit(&self, fault: Fault, mark: Mark, order: &Order) -> bool {
        let hit = self.faults.hit(fault, order.id);
        if hit {
            self.state.mark(mark, order.id);
        }
        hit
    }
}
