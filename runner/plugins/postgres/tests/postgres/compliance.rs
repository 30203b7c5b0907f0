//! The contract of plugins.

use crate::opened::compliance::{self, ActionKit, Doomed, Interruptible, ProbeKit, SECRET, SourceKit};
use crate::{database, server};
use qalipsis_core::fault::Fault;
use qalipsis_postgres::{Count, Execute, PollRows, Postgres};
use qalipsis_testkit::Proxy;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

const SELECT: &str = "select id, at, number from records";

struct Table(Postgres);

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    number: u64,
}

impl Table {
    async fn new() -> Self {
        let columns = "id serial primary key, at timestamptz default clock_timestamp(), number bigint";
        Self(database(&format!("create table records ({columns})")).await)
    }

    async fn away(address: &str) -> Result<Postgres, Fault> {
        Postgres::connect(format!("postgres://alice:{SECRET}@{address}/shop")).await
    }

    fn poll(database: &Postgres) -> PollRows<Row> {
        database.poll(SELECT).after(["at", "id"]).every(Duration::from_millis(20)).rows()
    }
}

impl SourceKit for Table {
    type Source = PollRows<Row>;
    // What a poll has not read yet is not known without reading it.
    const REPORTS_LAG: bool = false;
    const DECODES: bool = true;

    async fn source(&self) -> PollRows<Row> {
        Self::poll(&self.0)
    }

    async fn unreachable(&self, address: String) -> Result<PollRows<Row>, Fault> {
        Ok(Self::poll(&Self::away(&address).await?))
    }

    async fn produce(&self, number: u64) {
        let number = i64::try_from(number).expect("a small number");
        self.0.execute("insert into records (number) values ($1)", &[&number]).await.expect("it is written");
    }

    async fn produce_garbage(&self) {
        self.0.execute("insert into records (number) values (null)", &[]).await.expect("it is written");
    }

    fn number(record: &Row) -> u64 {
        record.number
    }

    fn place(&self) -> String {
        SELECT.to_owned()
    }

    async fn interruptible(&self) -> Option<Interruptible<PollRows<Row>>> {
        let proxy = Arc::new(Proxy::to(server().address()).unwrap());
        let name = self.0.search("select current_database() as name", &[]).row::<Name>().await.unwrap();
        let (front, _) = server().url().rsplit_once('/').unwrap();
        let url = format!("{}/{}", front.replace(server().address(), proxy.address()), name.name);
        let source = Self::poll(&Postgres::connect(url).await.unwrap());
        let way = Arc::clone(&proxy);
        let begin = Box::new(move || {
            way.refuse(true);
            way.cut();
        });
        Some(Interruptible { source, begin, end: Box::new(move || proxy.refuse(false)) })
    }

    async fn doomed(&self) -> Option<Doomed<PollRows<Row>>> {
        let db = self.0.clone();
        db.execute("create table doomed (id bigint, at timestamptz, number bigint)", &[]).await.unwrap();
        let poll = db.poll("select * from doomed").after(["at", "id"]).every(Duration::from_millis(20));
        let doom = Box::pin(async move {
            db.execute("drop table doomed", &[]).await.unwrap();
        });
        Some(Doomed { source: poll.rows(), doom, address: server().address().to_owned() })
    }
}

impl ActionKit for Table {
    type Action = Execute;

    fn action(&self) -> Execute {
        self.0.execute("select 1", &[])
    }

    async fn unreachable(&self, address: String) -> Result<Execute, Fault> {
        Ok(Self::away(&address).await?.execute("select 1", &[]))
    }
}

impl ProbeKit for Table {
    type Probe = Count;

    fn probe(&self) -> Count {
        self.0.count("select count(*) from records").every(Duration::from_secs(10))
    }

    async fn unreachable(&self, address: String) -> Result<Count, Fault> {
        Ok(Self::away(&address).await?.count("select count(*) from records"))
    }
}

#[tokio::test]
async fn polling_keeps_the_contract() {
    compliance::assert_source(&Table::new().await).await;
}

#[tokio::test]
async fn executing_keeps_the_contract() {
    compliance::assert_action(&Table::new().await).await;
}

#[tokio::test]
async fn counting_keeps_the_contract() {
    let table = Table::new().await;
    table.produce(1).await;
    compliance::assert_probe(&table).await;
}
