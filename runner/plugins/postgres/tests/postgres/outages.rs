//! A server that is restarted while it is read from and written to.

use crate::opened::open;
use qalipsis_core::gauge::Gauge;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer};
use serde::Deserialize;
use std::collections::HashSet;
use std::time::Duration;

#[derive(Debug, Clone, Deserialize)]
struct Event {
    id: i64,
}

const EVENTS: &str = "create table events (id bigint primary key, at timestamptz default clock_timestamp())";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice() {
    let server = std::sync::Arc::new(PostgresServer::start_own().unwrap());
    let db = Postgres::connect(server.url()).await.unwrap();
    db.execute(EVENTS, &[]).await.unwrap();
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_millis(20)).page(7);
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    let mut gauge = db.count("select count(*) from events");
    gauge.read().await.unwrap();

    let restarting = std::sync::Arc::clone(&server);
    let restarts = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(500));
            restarting.stop().unwrap();
            std::thread::sleep(Duration::from_millis(300));
            restarting.restart().unwrap();
        }
    });
    let (mut written, mut refused) = (HashSet::new(), 0);
    let mut id = 0_i64;
    while !restarts.is_finished() || id < 500 {
        id += 1;
        // On conflict: the answer to an insert that was committed may have been lost.
        match db.execute("insert into events (id) values ($1) on conflict do nothing", &[&id]).await {
            Ok(_) => {
                written.insert(id);
            }
            Err(fault) => {
                refused += 1;
                assert!(!format!("{fault:?}").contains(POSTGRES_PASSWORD), "{fault:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    restarts.await.unwrap();
    assert!(refused > 0, "the server was never away");
    let stored: Vec<Event> = db.search("select id from events", &[]).rows().await.unwrap().value;
    assert!(written.len() > 400 && stored.len() >= written.len(), "{} of {id}", written.len());
    let read = reader.take(stored.len()).await;
    let distinct: HashSet<i64> = read.iter().map(|event| event.id).collect();
    assert_eq!(distinct, stored.iter().map(|event| event.id).collect());
    assert_eq!(gauge.read().await.unwrap().total, stored.len() as f64);
    // Longer than the pause between two polls, so that a row read twice would be seen here.
    tokio::time::sleep(Duration::from_millis(500)).await;
    reader.end().await;
}
