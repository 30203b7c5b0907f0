//! The fulfilment worker: reads placed orders, takes them from the stock, announces their fulfilment.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::faults::{Fault, Faults};
use crate::kafka;
use crate::order::{FULFILLED, Fulfilled, GROUP, Order, PLACED, TRACEPARENT, now_epoch_ms};
use crate::publisher::Publisher;
use crate::sinks::Sinks;
use crate::state::{Mark, State};

/// How long a broker may take to assign partitions: its rebalance delay, plus the session of a worker
/// that was killed shortly before.
const ASSIGNED_WITHIN: Duration = Duration::from_secs(30);

/// How far a paced worker may catch up, so that the timer's resolution of 1 ms does not lower its rate.
const CATCH_UP: Duration = Duration::from_millis(10);

/// Orders that may be on their way to the sinks at the same time; beyond, the worker waits and its lag grows.
const IN_FLIGHT_MAX: u32 = 2_000;

/// No JSON text, and no UTF-8 either.
const GARBAGE: &[u8] = b"{\"order_id\": \xff\xfe garbage";

/// What the worker needs to turn an order into an event.
#[derive(Clone)]
pub(crate) struct Fulfilment {
    pub(crate) state: Arc<State>,
    pub(crate) publisher: Publisher,
    pub(crate) sinks: Arc<Sinks>,
    pub(crate) faults: Arc<Faults>,
    /// How much later than the others a late event is sent, and a late row is written.
    pub(crate) late_by: Duration,
    pub(crate) in_flight: InFlight,
}

/// The orders that are on their way to the sinks, without those whose fault is to be late.
#[derive(Clone)]
pub(crate) struct InFlight(Arc<Semaphore>);

impl InFlight {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(IN_FLIGHT_MAX as usize)))
    }

    /// Waits until there is room for one more.
    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }

    /// Waits until none is left.
    pub(crate) async fn drained(&self) {
        let _ = self.0.acquire_many(IN_FLIGHT_MAX).await;
    }
}

/// How fast the worker is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// Spent on each order.
    pub(crate) delay: Duration,
    /// Shortest time from one order to the next.
    pub(crate) period: Duration,
}

/// The consumer of `orders.placed`.
pub(crate) struct Worker {
    consumer: StreamConsumer<Assignment>,
    assigned: watch::Receiver<bool>,
}

/// Prints when the group has assigned partitions.
struct Assignment(watch::Sender<bool>);

impl ClientContext for Assignment {}

impl ConsumerContext for Assignment {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Assign(_)) {
            self.0.send_replace(true);
        }
    }
}

impl Worker {
    /// A worker on a real broker, in a group with whoever else fulfils orders.
    pub(crate) fn subscribe(bootstrap: &str) -> anyhow::Result<Self> {
        // A real broker answers a waiting fetch as soon as a record arrives, so it may wait long.
        let worker = Self::connect(bootstrap, Duration::from_millis(100))?;
        worker.consumer.subscribe(&[PLACED]).with_context(|| format!("cannot subscribe to {PLACED}"))?;
        Ok(worker)
    }

    /// A worker on the embedded Kafka: it takes all partitions itself, because a group would only
    /// assign them after a rebalance delay of 3 s. Offsets are still committed for the group.
    pub(crate) fn assign(bootstrap: &str, partitions: i32) -> anyhow::Result<Self> {
        // The embedded Kafka lets a fetch wait its whole time, whatever arrives meanwhile.
        let worker = Self::connect(bootstrap, Duration::from_millis(2))?;
        let mut all = TopicPartitionList::new();
        for partition in 0..partitions {
            all.add_partition_offset(PLACED, partition, Offset::Offset(0))?;
        }
        worker.consumer.assign(&all).with_context(|| format!("cannot assign the partitions of {PLACED}"))?;
        worker.consumer.context().0.send_replace(true);
        Ok(worker)
    }

    fn connect(bootstrap: &str, fetch_wait: Duration) -> anyhow::Result<Self> {
        let (sender, assigned) = watch::channel(false);
        let consumer = kafka::client(bootstrap)
            .set("group.id", GROUP)
            // Only matters for the group's very first start: orders placed before are fulfilled too.
            .set("auto.offset.reset", "earliest")
            // An offset is stored when its order is handled, so that the group's lag counts what waits.
            .set("enable.auto.offset.store", "false")
            .set("auto.commit.interval.ms", "100")
            .set("fetch.wait.max.ms", fetch_wait.as_millis().to_string())
            .set("fetch.error.backoff.ms", "20")
            // A worker that was killed holds its partitions no longer than a broker allows to set.
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1000")
            .create_with_context(Assignment(sender))
            .with_context(|| format!("cannot use kafka {bootstrap}"))?;
        Ok(Self { consumer, assigned })
    }

    /// A signal that becomes true when partitions are assigned; needs [`Worker::run`] running.
    pub(crate) fn assigned(&self) -> watch::Receiver<bool> {
        self.assigned.clone()
    }

    /// Fulfils orders for ever. Whoever drops this future stops the worker.
    pub(crate) async fn run(&self, fulfilment: Fulfilment, speed: Speed) {
        let mut next = Instant::now();
        let mut failing = false;
        loop {
            let record = match self.consumer.recv().await {
                Ok(record) => record,
                Err(error) => {
                    // One line for an outage, not one for each attempt to end it.
                    if !failing {
                        eprintln!("shop: worker cannot read {PLACED}, keeps trying: {error}");
                    }
                    failing = true;
                    continue;
                }
            };
            failing = false;
            if !speed.period.is_zero() {
                sleep_until(next).await;
                next = (next + speed.period).max(Instant::now() - CATCH_UP);
            }
            if !speed.delay.is_zero() {
                sleep(speed.delay).await;
            }
            fulfilment.handle(&record).await;
            if let Err(error) = self.consumer.store_offset_from_message(&record) {
                // After a rebalance the partition may be another's; its worker reads the record again.
                eprintln!("shop: worker cannot store an offset: {error}");
            }
        }
    }
}

/// Waits for the first assignment.
pub(crate) async fn wait_for(mut assigned: watch::Receiver<bool>) -> anyhow::Result<()> {
    match timeout(ASSIGNED_WITHIN, assigned.wait_for(|assigned| *assigned)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => bail!("the worker ended before partitions of {PLACED} were assigned"),
        Err(_) => bail!(
            "group {GROUP} got no partitions of {PLACED} within {} s; check the broker's group coordinator",
            ASSIGNED_WITHIN.as_secs()
        ),
    }
}

impl Fulfilment {
    /// Stores the order; writes it to the sinks and sends its events in the background, so that the next
    /// order need not wait.
    async fn handle(&self, record: &BorrowedMessage<'_>) {
        let order = match Order::from_json(record.payload().unwrap_or_default()) {
            Ok(order) => order,
            Err(error) => {
                let (partition, offset) = (record.partition(), record.offset());
                eprintln!("shop: worker skips record {partition}:{offset} of {PLACED}: {error}");
                return;
            }
        };
        if !self.state.store(order.clone()) {
            return;
        }
        let headers = record.headers();
        let traceparent = headers.and_then(|headers| headers.iter().find(|header| header.key == TRACEPARENT));
        let traceparent = traceparent.and_then(|header| header.value).map(<[u8]>::to_vec);
        let entered = self.in_flight.enter().await;
        tokio::spawn(self.clone().fulfil(order, traceparent, entered));
    }

    async fn fulfil(self, order: Order, traceparent: Option<Vec<u8>>, entered: Option<OwnedSemaphorePermit>) {
        let traceparent = traceparent.as_deref();
        let late_row = self.sinks.is_late(&order);
        let row_in_time = async { late_row || self.sinks.write_row(&order).await };
        // Whoever reads an event finds the order everywhere.
        let (row, cached) = tokio::join!(row_in_time, self.sinks.write_cache(&order));
        let row_late = async {
            if !late_row {
                return true;
            }
            sleep(self.late_by).await;
            self.sinks.write_row(&order).await
        };
        let message = async {
            let event = event(&order, order.quantity);
            let sent = self.sinks.write_message(&order, &event, traceparent).await;
            drop(entered);
            sent
        };
        let dropped = self.faults.hit(Fault::Drop, order.id);
        let events = self.announce(&order, dropped, traceparent);
        let (row_late, message, events) = tokio::join!(row_late, message, events);
        // At the end, because the order is settled now.
        if dropped {
            self.state.mark(Mark::Dropped, order.id);
        } else if row && cached && row_late && message && events {
            self.state.count(|stats| stats.fulfilled += 1);
        }
    }

    /// Sends what goes to Kafka; false if Kafka did not take all of it.
    async fn announce(&self, order: &Order, dropped: bool, traceparent: Option<&[u8]>) -> bool {
        if self.faults.hit(Fault::Garbage, order.id) {
            self.state.mark(Mark::Garbage, order.id);
            self.publish(order.id, GARBAGE, traceparent).await;
        }
        if dropped {
            return true;
        }
        if self.faults.hit(Fault::Late, order.id) {
            self.state.mark(Mark::Late, order.id);
            sleep(self.late_by).await;
        }
        let mut quantity = order.quantity;
        if self.faults.hit(Fault::WrongQuantity, order.id) {
            self.state.mark(Mark::Wrong, order.id);
            quantity = quantity.wrapping_add(1);
        }
        let event = event(order, quantity);
        let mut all_sent = self.publish(order.id, &event, traceparent).await;
        if self.faults.hit(Fault::Duplicate, order.id) {
            self.state.mark(Mark::Duplicated, order.id);
            all_sent &= self.publish(order.id, &event, traceparent).await;
        }
        all_sent
    }

    async fn publish(&self, id: uuid::Uuid, value: &[u8], traceparent: Option<&[u8]>) -> bool {
        let result = self.publisher.publish(FULFILLED, id, value, traceparent).await;
        if let Err(error) = &result {
            self.state.count(|stats| stats.unpublished += 1);
            eprintln!("shop: worker cannot publish {FULFILLED} for order {id}: {error}");
        }
        result.is_ok()
    }
}

/// The fulfilled event of the order, as JSON.
fn event(order: &Order, quantity: u32) -> Vec<u8> {
    let event = Fulfilled {
        order_id: order.id,
        product: &order.product,
        quantity,
        customer: &order.customer,
        fulfilled_at: now_epoch_ms(),
    };
    serde_json::to_vec(&event).expect("strings and numbers are always JSON")
}
