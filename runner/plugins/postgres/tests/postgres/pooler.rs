//! Behind a pooler that gives each transaction another connection.

use crate::opened::open;
use crate::server;
use qalipsis_core::fault::Fault;
use qalipsis_core::probe::Probe;
use qalipsis_postgres::{Isolation, Postgres};
use qalipsis_testkit::PgBouncer;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A pooler with two connections, and the URL of a database of this test's own behind it.
fn pooled() -> (PgBouncer, String) {
    let direct = server().create_database().expect("a database");
    let database = direct.rsplit('/').next().expect("its name");
    let pooler = PgBouncer::start(server(), 2).expect("pgbouncer");
    let (front, _) = pooler.url().rsplit_once('/').expect("a database in the URL");
    let url = format!("{front}/{database}");
    (pooler, url)
}

/// Runs a statement while a transaction keeps the connection that it was run on before.
async fn crossed(db: &Postgres, other: &Postgres) -> Result<i64, Fault> {
    const SQL: &str = "select $1::bigint + 1 as n";
    db.search(SQL, &[&1_i64]).row::<Value>().await?;
    let search = db.search(SQL, &[&1_i64]).row::<Value>().into_future();
    let crossed = other.transaction(Isolation::ReadCommitted, |tx| async move {
        tx.execute("select 1", &[]).await?;
        search.await
    });
    Ok(crossed.await?.value["n"].as_i64().expect("a number"))
}

#[tokio::test]
async fn d6_the_error_behind_a_pooler_says_what_to_do() {
    let (_pooler, url) = pooled();
    let db = Postgres::builder(&url).pool_size(1).build().await.unwrap();
    let other = Postgres::builder(&url).pool_size(2).build().await.unwrap();
    let fault = crossed(&db, &other).await.unwrap_err();
    assert!(fault.message.contains("prepared statement"), "{fault}");
    assert!(
        fault.message.ends_with("switch them off by Postgres::builder(url).prepared_statements(false)"),
        "{fault}"
    );
}

#[tokio::test]
async fn d6_without_prepared_statements_everything_works_behind_a_pooler() {
    let (_pooler, url) = pooled();
    let db = Postgres::builder(&url).prepared_statements(false).build().await.unwrap();
    let other = Postgres::builder(&url).prepared_statements(false).pool_size(2).build().await.unwrap();
    assert_eq!(crossed(&db, &other).await.unwrap(), 2);
    let table =
        "create table orders (id bigserial primary key, code uuid, note text, tags text[], seen timestamptz)";
    db.execute(table, &[]).await.unwrap();
    let poll = db.poll("select * from orders").after(["id"]).every(Duration::from_millis(20)).page(3);
    let mut reader = open(poll.rows::<Value>()).await.ready().await;
    let mut count = db.count("select count(*) from orders");
    let insert = "insert into orders (code, note, tags) values ($1, $2, $3) returning id";
    for id in 1..=8_i64 {
        let tags = vec!["a".to_owned(), id.to_string()];
        let row =
            db.search(insert, &[&Uuid::nil(), &Some("x".to_owned()), &tags]).row::<Value>().await.unwrap();
        assert_eq!(row["id"], id);
        assert_eq!(reader.next().await["tags"], json!(["a", id.to_string()]));
    }
    assert_eq!(*db.save("orders", &json!({"note": "saved"})).await.unwrap(), 1);
    assert_eq!(reader.next().await["note"], "saved");
    assert_eq!(count.read().await.unwrap().total, 9.0);
    let changed = db.execute("update orders set note = $1 where id > $2", &[&"y".to_owned(), &4_i64]).await;
    assert_eq!(*changed.unwrap(), 5);
    let deleted = "with d as (delete from orders where id = $1 returning *) select * from d";
    assert_eq!(db.search(deleted, &[&9_i64]).row::<Value>().await.unwrap()["note"], "y");
    let records = db.records::<Value>("select * from orders order by id", &[]).await.unwrap();
    assert_eq!(crate::opened::dealt(records.each_once()).await.len(), 8);
    reader.end().await;
}
