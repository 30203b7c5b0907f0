//! Several statements that happen together or not at all.

use crate::opened::in_step_within;
use crate::{WAIT_LIMIT, database};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_postgres::{Isolation, Postgres};
use serde_json::{Value, json};
use std::time::Duration;

const STOCK: &str = "create table stock (item text primary key, amount int not null); \
                     insert into stock values ('tea', 10), ('cup', 10)";

async fn amount(db: &Postgres, item: &'static str) -> i64 {
    let row = db.search("select amount from stock where item = $1", &[&item]).row::<Value>().await.unwrap();
    row["amount"].as_i64().unwrap()
}

#[tokio::test]
async fn it_is_committed_or_taken_back_as_a_whole() {
    let db = database(STOCK).await;
    let sold = db
        .transaction(Isolation::RepeatableRead, |tx| async move {
            let sold = tx.execute("update stock set amount = amount - 1", &[]).await?;
            tx.save("stock", &json!({"item": "pot", "amount": 1})).await?;
            let level = tx.search("show transaction_isolation", &[]);
            drop(level);
            let level = "select current_setting('transaction_isolation') as level";
            assert_eq!(tx.search(level, &[]).row::<Value>().await?["level"], "repeatable read");
            Ok::<_, Fault>(sold.value)
        })
        .await
        .unwrap();
    assert_eq!(*sold, 2);
    assert_eq!((amount(&db, "tea").await, amount(&db, "pot").await), (9, 1));

    let fault = db
        .transaction(Isolation::default(), |tx| async move {
            tx.execute("update stock set amount = 0", &[]).await?;
            Err::<(), _>(Fault::error("changed my mind"))
        })
        .await
        .unwrap_err();
    assert_eq!(fault.message, "changed my mind");
    assert_eq!(amount(&db, "tea").await, 9);

    // A failed statement fails what follows, and is not hidden by it.
    let fault = db
        .transaction(Isolation::default(), |tx| async move {
            tx.execute("update stock set amount = 0", &[]).await?;
            tx.execute("insert into stock values ('tea', 1)", &[]).await?;
            Ok::<_, Fault>(())
        })
        .await
        .unwrap_err();
    assert_eq!(fault.code, "23505");
    assert_eq!(amount(&db, "tea").await, 9);
}

#[tokio::test]
async fn conflicts_are_identified_by_their_code() {
    let db = database(STOCK).await;
    let other = db.clone();
    let fault = db
        .transaction(Isolation::RepeatableRead, |tx| async move {
            tx.search("select * from stock", &[]).rows::<Value>().await?;
            other.execute("update stock set amount = 1 where item = 'tea'", &[]).await?;
            tx.execute("update stock set amount = 2 where item = 'tea'", &[]).await?;
            Ok::<_, Fault>(())
        })
        .await
        .unwrap_err();
    assert_eq!(fault.code, "40001");
    assert!(fault.message.contains("could not serialize access due to concurrent update"), "{fault}");
    assert_eq!(amount(&db, "tea").await, 1);
}

#[tokio::test]
async fn dropped_halfway_it_is_taken_back() {
    let db = database(STOCK).await;
    for _ in 0..10 {
        let dropped = db.transaction(Isolation::default(), |tx| async move {
            tx.execute("update stock set amount = 0 where item = 'tea'", &[]).await?;
            tx.execute("select pg_sleep(60)", &[]).await?;
            Ok::<_, Fault>(())
        });
        let failed = in_step_within(dropped, Duration::from_millis(100)).await.unwrap();
        assert_eq!(failed.kind, FailureKind::Timeout);
    }
    // The lock is free again as well.
    let update = db.execute("update stock set amount = amount - 1 where item = 'tea'", &[]).into_future();
    tokio::time::timeout(WAIT_LIMIT, update).await.unwrap().unwrap();
    assert_eq!(amount(&db, "tea").await, 9);
}

#[tokio::test]
async fn a_statement_given_up_inside_takes_all_back() {
    let db = database(STOCK).await;
    let fault = db
        .transaction(Isolation::default(), |tx| async move {
            tx.execute("update stock set amount = 0", &[]).await?;
            let slow = tx.execute("select pg_sleep(60)", &[]).into_future();
            assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
            Ok::<_, Fault>(())
        })
        .await
        .unwrap_err();
    assert!(fault.message.contains("not committed, because a statement"), "{fault}");
    assert_eq!(amount(&db, "tea").await, 10);
}

#[tokio::test]
async fn it_is_over_when_it_is_over() {
    let db = database(STOCK).await;
    let kept = db.transaction(Isolation::Serializable, |tx| async move { Ok::<_, Fault>(tx) }).await.unwrap();
    let fault = kept.execute("update stock set amount = 0", &[]).await.unwrap_err();
    assert!(fault.message.ends_with("the transaction has ended"), "{fault}");
}
