//! A source ends within 1 s of being stopped, whatever it is doing.

use crate::database;
use crate::opened::open;
use qalipsis_testkit::PostgresServer;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

const EVENTS: &str =
    "create table events (id bigserial primary key, at timestamptz default clock_timestamp())";

#[tokio::test]
async fn while_there_is_nothing_to_read() {
    let db = database(EVENTS).await;
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_secs(600));
    open(poll.rows::<Value>()).await.ready().await.end().await;
}

#[tokio::test]
async fn while_its_statement_takes_long() {
    let db = database(EVENTS).await;
    db.execute("insert into events default values", &[]).await.unwrap();
    let slow = "select id, at, pg_sleep(60)::text from events";
    let reader = open(db.poll(slow).after(["at", "id"]).rows::<Value>()).await;
    sleep(Duration::from_millis(500)).await;
    reader.stop().await.1.expect("it was not ready, so it failed nobody");
    // Its connection ends with what it was doing.
    let busy = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                and query like '%pg_sleep%' and state = 'active'";
    let deadline = tokio::time::Instant::now() + crate::WAIT_LIMIT;
    while db.search(busy, &[]).row::<Value>().await.unwrap()["count"] != 0 {
        assert!(tokio::time::Instant::now() < deadline, "the statement still runs");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn while_rows_flow_without_end() {
    let db = database(EVENTS).await;
    db.execute("insert into events select from generate_series(1, 200000)", &[]).await.unwrap();
    let poll = db.poll("select * from events").after(["at", "id"]).from_start().page(100);
    let mut reader = open(poll.rows::<Value>()).await;
    reader.next().await;
    let (left, ended) = reader.stop().await;
    ended.unwrap();
    assert!(left.len() < 199_999, "it read on to the end");
}

#[tokio::test]
async fn while_the_server_is_away() {
    let server = PostgresServer::start_own().unwrap();
    let db = qalipsis_postgres::Postgres::connect(server.url()).await.unwrap();
    db.execute(EVENTS, &[]).await.unwrap();
    let poll = || db.poll("select * from events").after(["at", "id"]).rows::<Value>();
    let (short, long) = (open(poll()).await.ready().await, open(poll()).await.ready().await);
    server.stop().unwrap();
    sleep(Duration::from_millis(300)).await;
    short.stop().await.1.expect("an outage that short is none");
    sleep(Duration::from_millis(1500)).await;
    let fault = long.stop().await.1.expect_err("it could not read");
    assert!(fault.message.starts_with("nothing could be read for the last "), "{fault}");
    assert!(fault.message.ends_with("Connection refused (os error 111)"), "{fault}");
    assert!(!format!("{fault:?}").contains(qalipsis_testkit::POSTGRES_PASSWORD), "{fault:?}");
}
