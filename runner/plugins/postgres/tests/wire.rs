//! The plugin keeps what of the contract shows on the wire.

use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use qalipsis_postgres::{PollRows, Postgres};
use qalipsis_testkit::plugin::wire::{
    Decoding, SECRET, Sources, Targets, Times, VALUE_BYTES, check_sources, check_targets,
};
use qalipsis_testkit::{PostgresServer, Proxy};
use serde::{Deserialize, Deserializer};
use std::sync::Mutex;
use std::time::Duration;

struct Plugin {
    /// Of the database, by a way of its own.
    direct: Postgres,
    url: String,
    through_proxy: Postgres,
    proxy: Proxy,
}

/// What a row calls while it is decoded: one source at a time reads here.
static DECODING: Mutex<Option<Decoding>> = Mutex::new(None);

#[derive(Clone)]
struct Row;

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let decoding = DECODING.lock().unwrap().clone().unwrap();
        decoding();
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Targets for Plugin {
    type Target = Postgres;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<Postgres, Fault> {
        Postgres::connect(&self.url).await
    }

    fn act(&self, postgres: &Postgres) -> BoxFuture<'static, Result<(), Fault>> {
        let execute = postgres.execute("select 1", &[]);
        Box::pin(async { execute.await.map(drop) })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        Postgres::connect(&format!("postgres://alice:{SECRET}@{address}/shop")).await.err()
    }
}

impl Sources for Plugin {
    type Source = PollRows<Row>;
    /// What was not read of a table yet is not known without reading it.
    const REPORTS_LAG: bool = false;

    async fn source(&self, decoding: Decoding) -> Self::Source {
        *DECODING.lock().unwrap() = Some(decoding);
        let poll = self.through_proxy.poll("select id, value from orders").after(["id"]);
        poll.every(Duration::from_millis(20)).rows()
    }

    async fn fill(&self, count: usize) {
        let (bytes, count) = (VALUE_BYTES as i32, count as i64);
        let insert = "insert into orders (value) select repeat('x', $1) from generate_series(1, $2::bigint)";
        self.direct.execute(insert, &[&bytes, &count]).await.unwrap();
    }

    /// Rows are what their tables make them; those of the join are stamped as they are read.
    fn times(_: &Row) -> Times {
        Times { received: None, server: None }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_plugin_complies_on_the_wire() {
    let server = PostgresServer::shared().unwrap();
    let direct_url = server.create_database().unwrap();
    let proxy = Proxy::to(server.address()).unwrap();
    let url = direct_url.replace(server.address(), proxy.address());
    let direct = Postgres::connect(&direct_url).await.unwrap();
    direct.execute("create table orders (id bigserial primary key, value text)", &[]).await.unwrap();
    let through_proxy = Postgres::connect(&url).await.unwrap();
    let plugin = Plugin { direct, url, through_proxy, proxy };
    check_targets(&plugin).await.unwrap();
    check_sources(&plugin).await.unwrap();
}
