//! Numbers that statements compute.

use crate::database;
use qalipsis_core::probe::{Probe, Reading};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_count_is_read_as_a_whole_or_in_parts() {
    let db = database(
        "create table outbox (id serial, topic text, age float8); \
         insert into outbox (topic, age) values ('a', 1.5), ('a', 2.5), ('b', 3.25)",
    )
    .await;
    let mut probe = db.count("select count(*) from outbox;").every(Duration::from_secs(5)).unit("rows");
    assert!(probe.name().starts_with("select count(*) from outbox; at postgres at 127.0.0.1:"));
    assert_eq!((probe.period(), Probe::unit(&probe)), (Duration::from_secs(5), "rows"));
    assert_eq!(probe.read().await.unwrap(), Reading::from(3.0));
    db.execute("delete from outbox where topic = 'b'", &[]).await.unwrap();
    assert_eq!(probe.read().await.unwrap(), Reading::from(2.0));

    let mut parts = db.count("select topic, max(age) from outbox group by topic");
    let reading = parts.read().await.unwrap();
    assert_eq!(reading, Reading { total: 2.5, parts: vec![("a".to_owned(), 2.5)] });
    let mut none = db.count("select max(age) from outbox where topic = 'c'");
    assert_eq!(none.read().await.unwrap(), Reading::from(0.0));
}

#[tokio::test]
async fn what_can_not_be_read_is_reported_and_tried_again() {
    let db = database("").await;
    let mut probe = db.count("select count(*) from outbox");
    let fault = probe.read().await.unwrap_err();
    assert!(
        fault.message.ends_with(": relation \"outbox\" does not exist, in: select count(*) from outbox"),
        "{fault}"
    );
    db.execute("create table outbox (id int)", &[]).await.unwrap();
    assert_eq!(probe.read().await.unwrap(), Reading::from(0.0));

    let fault = db.count("delete from outbox").read().await.unwrap_err();
    assert!(fault.message.contains("cannot execute DELETE in a read-only transaction"), "{fault}");
    let fault = db.count("select 'many'").read().await.unwrap_err();
    assert!(fault.message.contains("expected a number, observed 'many'"), "{fault}");
    let fault = db.count("select 1, 2, 3").read().await.unwrap_err();
    assert!(fault.message.contains("expected one column, or two, observed 3"), "{fault}");

    let began = Instant::now();
    let mut slow = db.count("select pg_sleep(60)").every(Duration::from_millis(200));
    let fault = slow.read().await.unwrap_err();
    assert!(fault.message.contains("no answer within 200 ms, in: select pg_sleep(60)"), "{fault}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
