use crate::rig::{Fault, Round, disturb, run};
use qalipsis_postgres::Postgres as Client;
use qalipsis_testkit::{PostgresServer, Proxy};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub(crate) struct Postgres {
    server: PostgresServer,
    proxy: Proxy,
    tables: AtomicU64,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let server = tokio::task::block_in_place(|| PostgresServer::start_own().unwrap());
        let proxy = Proxy::to(server.address()).unwrap();
        Self { server, proxy, tables: AtomicU64::new(0) }
    }

    pub(crate) async fn round(&self, round: Round, fault: Fault) {
        let table = format!("chaos_{}", self.tables.fetch_add(1, Relaxed));
        let direct = Client::connect(self.server.url()).await.unwrap();
        let create =
            format!("create table {table} (id bigint, at timestamptz default clock_timestamp(), text text)");
        direct.execute(create.as_str(), &[]).await.unwrap();
        let through = self.server.url().replace(self.server.address(), self.proxy.address());
        let through = Client::connect(through).await.unwrap();
        let poll = through.poll(format!("select *, coalesce(text, id::text)::json as number from {table}"));
        let source = poll.after(["at", "id"]).every(Duration::from_millis(50)).rows::<Row>();
        let insert = format!("insert into {table} (id) values ($1)");
        let produce = async |index: u64| {
            direct.execute(insert.as_str(), &[&i64::try_from(index).unwrap()]).await.is_ok()
        };
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => {
                    let insert = format!("insert into {table} (id, text) values (-1, '\"garbage\"')");
                    direct.execute(insert, &[]).await.unwrap();
                }
                Fault::Delete => drop(direct.execute(format!("drop table {table}"), &[]).await.unwrap()),
                _ => tokio::task::block_in_place(|| self.server.restart().unwrap()),
            }
        };
        run(round, fault, source, |row| row.number, produce, happen).await;
    }
}

#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Row {
    number: u64,
}
