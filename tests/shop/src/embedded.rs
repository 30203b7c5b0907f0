//! A Kafka inside the process, so that the shop runs where no broker is installed.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use rdkafka::mocking::MockCluster;

use crate::order::{FULFILLED, PLACED};

/// "All brokers" in the interface of librdkafka's mock cluster.
const EVERY_BROKER: i32 = -1;

/// librdkafka's mock cluster with one broker. It keeps the newest 100,000 records or 5 MB of each partition.
pub(crate) struct EmbeddedKafka {
    bootstrap: String,
    // Options, so that Drop can close the channel before it waits for the thread.
    orders: Option<mpsc::Sender<Power>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Power {
    Down,
    Up,
}

impl EmbeddedKafka {
    /// Starts the broker with both topics on a free port of 127.0.0.1.
    pub(crate) fn start(partitions: i32) -> anyhow::Result<Self> {
        let (orders, received) = mpsc::channel();
        let (started, start) = mpsc::channel();
        // The cluster's handle is not Send, so one thread owns it from birth to end.
        let thread = thread::Builder::new()
            .name("embedded-kafka".to_owned())
            .spawn(move || match open(partitions) {
                Ok(cluster) => {
                    let _ = started.send(Ok(cluster.bootstrap_servers()));
                    for power in received {
                        switch(&cluster, power);
                    }
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .context("cannot start the thread of the embedded kafka")?;
        let bootstrap = start.recv().context("the embedded kafka ended while it started")??;
        Ok(Self { bootstrap, orders: Some(orders), thread: Some(thread) })
    }

    /// HOST:PORT for `bootstrap.servers`.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Closes all connections and refuses new ones; the records stay.
    pub(crate) fn down(&self) {
        self.send(Power::Down);
    }

    /// Accepts connections again.
    pub(crate) fn up(&self) {
        self.send(Power::Up);
    }

    fn send(&self, power: Power) {
        if let Some(orders) = &self.orders {
            // The thread only ends when this sender is dropped, or by a panic that was printed already.
            let _ = orders.send(power);
        }
    }
}

impl Drop for EmbeddedKafka {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(partitions: i32) -> anyhow::Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>> {
    let cluster = MockCluster::new(1).context("cannot start the embedded kafka")?;
    for topic in [PLACED, FULFILLED] {
        cluster
            .create_topic(topic, partitions, 1)
            .with_context(|| format!("cannot create topic {topic} in the embedded kafka"))?;
    }
    Ok(cluster)
}

fn switch(cluster: &MockCluster<'static, rdkafka::producer::DefaultProducerContext>, power: Power) {
    let result = match power {
        Power::Down => cluster.broker_down(EVERY_BROKER),
        Power::Up => cluster.broker_up(EVERY_BROKER),
    };
    match result {
        Ok(()) => eprintln!("shop: embedded kafka is {power:?}"),
        Err(error) => eprintln!("shop: cannot switch the embedded kafka: {error}"),
    }
}
