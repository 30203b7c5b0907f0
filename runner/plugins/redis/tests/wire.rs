//! The plugin keeps what of the contract shows on the wire.

use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_redis::{ConsumeStream, Redis, StreamRecord};
use qalipsis_testkit::plugin::wire::{
    Decoding, SECRET, Sources, Targets, Times, VALUE_BYTES, check_sources, check_targets,
};
use qalipsis_testkit::{Proxy, RedisServer};

struct Plugin {
    /// By a way of its own.
    direct: Redis,
    through_proxy: Redis,
    proxy: Proxy,
}

impl Targets for Plugin {
    type Target = Redis;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<Redis, Fault> {
        Redis::connect(format!("redis://{}", self.proxy.address())).await
    }

    fn act(&self, redis: &Redis) -> BoxFuture<'static, Result<(), Fault>> {
        let get = redis.get("nothing");
        Box::pin(async { get.await.map(drop) })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        Redis::connect(format!("redis://:{SECRET}@{address}")).await.err()
    }
}

impl Sources for Plugin {
    type Source = ConsumeStream<()>;
    const REPORTS_LAG: bool = true;

    async fn source(&self, decoding: Decoding) -> Self::Source {
        self.through_proxy.consume_stream("compliance").decode(move |_| {
            decoding();
            Ok::<_, String>(())
        })
    }

    async fn fill(&self, count: usize) {
        let value = "x".repeat(VALUE_BYTES);
        for _ in 0..count {
            self.direct.add_to_stream("compliance", [("n", value.as_str())]).await.unwrap();
        }
    }

    fn times(record: &StreamRecord<()>) -> Times {
        let server = Timestamp(record.id.millis * 1_000_000);
        Times { received: Some(record.received), server: Some(server) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_plugin_complies_on_the_wire() {
    let server = RedisServer::start_own().unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let direct = Redis::connect(server.url()).await.unwrap();
    let through_proxy = Redis::connect(format!("redis://{}", proxy.address())).await.unwrap();
    let plugin = Plugin { direct, through_proxy, proxy };
    check_targets(&plugin).await.unwrap();
    check_sources(&plugin).await.unwrap();
}
