//! A server that is restarted while it is read from and written to.

use crate::opened::open;
use crate::{database, server};
use qalipsis_core::probe::Probe;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer, Proxy};
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
    let mut probe = db.count("select count(*) from events");
    probe.read().await.unwrap();

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
    let figures =
        reader.until("the outages", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    assert!(figures.gaps.iter().all(|gap| gap.to.is_none() || !gap.lossy), "{figures:?}");
    let read = reader.take(stored.len()).await;
    let distinct: HashSet<i64> = read.iter().map(|event| event.id).collect();
    assert_eq!(distinct, stored.iter().map(|event| event.id).collect());
    assert_eq!(probe.read().await.unwrap().total, stored.len() as f64);
    // Longer than the pause between two polls, so that a row read twice would be seen here.
    tokio::time::sleep(Duration::from_millis(500)).await;
    reader.end().await;
}

/// Terminated by an administrator, and too slow for the limit of the server.
#[tokio::test]
async fn a4_a_poll_that_is_interrupted_says_so_and_goes_on() {
    let db = database(EVENTS).await;
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_millis(20));
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() \
                and pid <> pg_backend_pid()";
    db.search(kill, &[]).rows::<serde_json::Value>().await.unwrap();
    db.execute("insert into events values (1)", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1);
    let figures = reader.until("its end", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    let gap = figures.gaps.iter().find(|gap| gap.to.is_some()).unwrap();
    assert!(
        !gap.lossy && (gap.cause.contains("terminating connection") || gap.cause == "connection closed"),
        "{figures:?}"
    );
    reader.end().await;
}

#[tokio::test]
async fn a4_a_slow_poll_is_a_notice() {
    let db = database("create table events (id bigint, at timestamp)").await;
    let slow = "select e.* from events e, lateral (select pg_sleep(0.3)) s";
    let poll = db.poll(slow).after(["at", "id"]).every(Duration::from_millis(20));
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    db.execute("insert into events values (1, now())", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1);
    reader.until("a notice", |figures| figures.notices.contains_key("slow-poll")).await;
    reader.end().await;
}

/// They are counted at the end, for which a source has half a second: the statement is quick.
#[tokio::test]
async fn a4_rows_without_a_place_are_counted() {
    let db = database("create table events (id bigint, at timestamp)").await;
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_millis(20));
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    // A row before them: what sorts before anything that was read has no place.
    db.execute("insert into events values (1, now())", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1);
    db.execute("insert into events values (2, null), (3, '-infinity'), (4, now())", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 4);
    let figures = reader.end().await;
    let notice = &figures.notices["unreadable-rows"];
    let expected = "2 rows have null or -infinity in (at, id) and cannot be read, for example ";
    assert!(notice.message.starts_with(expected), "{notice:?}");
}

/// A database by a way that the test can stop.
async fn proxied() -> (Proxy, Postgres) {
    let url = server().create_database().unwrap();
    let proxy = Proxy::to(server().address()).unwrap();
    let db = Postgres::connect(url.replace(server().address(), proxy.address())).await.unwrap();
    db.execute(EVENTS, &[]).await.unwrap();
    (proxy, db)
}

#[tokio::test]
async fn law1_rows_without_a_place_that_cannot_be_counted_are_a_notice() {
    let (proxy, db) = proxied().await;
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_millis(20));
    let reader = open(poll.rows::<Event>()).await.ready().await;
    proxy.pause();
    let figures = reader.end().await;
    let notice = &figures.notices["unreadable-rows"];
    let expected = "rows with null or -infinity in (at, id) were not counted within 500 ms";
    assert_eq!(notice.message, expected);
    proxy.resume();
}

#[tokio::test]
async fn law1_a_server_that_answers_late_is_an_interval() {
    let (proxy, db) = proxied().await;
    let poll = db.poll("select * from events").after(["at", "id"]).every(Duration::from_millis(20));
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    proxy.pause();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    proxy.resume();
    db.execute("insert into events values (1)", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1);
    let figures = reader.until("a gap", |figures| !figures.gaps.is_empty()).await;
    let gap = &figures.gaps[0];
    assert!(!gap.lossy && gap.to.is_some() && gap.cause.starts_with("the server took "), "{gap:?}");
    reader.end().await;
}

#[tokio::test]
async fn d8_no_limit_is_the_longest_duration() {
    let url = server().create_database().unwrap();
    let db =
        Postgres::builder(&url).pool_timeout(Duration::MAX).statement_timeout(Duration::MAX).build().await;
    let db = db.unwrap();
    db.execute(EVENTS, &[]).await.unwrap();
    let poll = db.poll("select * from events").after(["at", "id"]).overlap(Duration::MAX);
    let mut reader = open(poll.rows::<Event>()).await.ready().await;
    db.execute("insert into events values (1)", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1);
    reader.end().await;
    let never = db.poll("select * from events").after(["at", "id"]).every(Duration::MAX);
    open(never.rows::<Event>()).await.ready().await.end().await;
}
