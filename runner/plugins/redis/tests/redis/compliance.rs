//! The contract of plugins.

use crate::opened::compliance::{self, ActionKit, Doomed, Interruptible, ProbeKit, SECRET, SourceKit};
use crate::{connect, run, server, unique};
use qalipsis_core::fault::Fault;
use qalipsis_redis::{Backlog, ConsumeStream, Message, Redis, Save, StreamRecord, Subscribe};
use qalipsis_testkit::Proxy;
use std::sync::Arc;

struct Stream {
    redis: Redis,
    name: String,
}

impl Stream {
    async fn new() -> Self {
        Self { redis: connect().await, name: unique("stream") }
    }
}

type Switch = Box<dyn Fn() + Send + Sync>;

/// A connection that can be cut, how, and how it is let through again.
async fn interruptible() -> (Redis, Switch, Switch) {
    let proxy = Arc::new(Proxy::to(server().address()).unwrap());
    let redis = Redis::connect(format!("redis://{}", proxy.address())).await.unwrap();
    let way = Arc::clone(&proxy);
    let begin = move || {
        way.refuse(true);
        way.cut();
    };
    (redis, Box::new(begin), Box::new(move || proxy.refuse(false)))
}

async fn away(address: &str) -> Result<Redis, Fault> {
    Redis::connect(format!("redis://:{SECRET}@{address}/0")).await
}

impl SourceKit for Stream {
    type Source = ConsumeStream<u64>;
    const REPORTS_LAG: bool = true;
    const DECODES: bool = true;

    async fn source(&self) -> ConsumeStream<u64> {
        self.redis.consume_stream(&self.name).json_field("number")
    }

    async fn unreachable(&self, address: String) -> Result<ConsumeStream<u64>, Fault> {
        Ok(away(&address).await?.consume_stream(&self.name).json_field("number"))
    }

    async fn produce(&self, number: u64) {
        let entry = [("number", number.to_string())];
        self.redis.add_to_stream(&self.name, entry).await.expect("it is added");
    }

    async fn produce_garbage(&self) {
        self.redis.add_to_stream(&self.name, [("number", "none")]).await.expect("it is added");
    }

    fn number(record: &StreamRecord<u64>) -> u64 {
        record.value
    }

    fn place(&self) -> String {
        self.name.clone()
    }

    async fn interruptible(&self) -> Option<Interruptible<ConsumeStream<u64>>> {
        let (redis, begin, end) = interruptible().await;
        Some(Interruptible { source: redis.consume_stream(&self.name).json_field("number"), begin, end })
    }

    async fn doomed(&self) -> Option<Doomed<ConsumeStream<u64>>> {
        let stream = unique("stream");
        let source = self.redis.consume_stream(&stream).group("g").json_field("number");
        let doom = Box::pin(async move {
            let _: i64 = run(&["XGROUP", "DESTROY", &stream, "g"]);
        });
        Some(Doomed { source, doom, address: server().address().to_owned() })
    }
}

impl ActionKit for Stream {
    type Action = Save;

    fn action(&self) -> Save {
        self.redis.save(&self.name, "x")
    }

    async fn unreachable(&self, address: String) -> Result<Save, Fault> {
        Ok(away(&address).await?.save(&self.name, "x"))
    }
}

impl ProbeKit for Stream {
    type Probe = Backlog;

    fn probe(&self) -> Backlog {
        self.redis.length_of_stream(&self.name)
    }

    async fn unreachable(&self, address: String) -> Result<Backlog, Fault> {
        Ok(away(&address).await?.length_of_stream(&self.name))
    }
}

struct Channel(Stream);

impl SourceKit for Channel {
    type Source = Subscribe<u64>;
    // A channel keeps nothing that could wait.
    const REPORTS_LAG: bool = false;
    const DECODES: bool = true;

    async fn source(&self) -> Subscribe<u64> {
        self.0.redis.subscribe(&self.0.name).json()
    }

    async fn unreachable(&self, address: String) -> Result<Subscribe<u64>, Fault> {
        Ok(away(&address).await?.subscribe(&self.0.name).json())
    }

    async fn produce(&self, number: u64) {
        self.0.redis.publish(&self.0.name, number.to_string()).await.expect("it is published");
    }

    async fn produce_garbage(&self) {
        self.0.redis.publish(&self.0.name, "none").await.expect("it is published");
    }

    fn number(record: &Message<u64>) -> u64 {
        record.value
    }

    fn place(&self) -> String {
        self.0.name.clone()
    }
}

#[tokio::test]
async fn reading_a_stream_keeps_the_contract() {
    compliance::assert_source(&Stream::new().await).await;
}

#[tokio::test]
async fn subscribing_keeps_the_contract() {
    compliance::assert_source(&Channel(Stream::new().await)).await;
}

#[tokio::test]
async fn saving_keeps_the_contract() {
    compliance::assert_action(&Stream::new().await).await;
}

#[tokio::test]
async fn measuring_a_stream_keeps_the_contract() {
    let stream = Stream::new().await;
    stream.produce(1).await;
    compliance::assert_probe(&stream).await;
}
