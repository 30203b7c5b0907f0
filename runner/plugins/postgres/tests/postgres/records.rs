//! Rows as data.

use crate::database;
use qalipsis_core::data::Records;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer};
use serde::Deserialize;

const ACCOUNTS: &str = "create table accounts (id bigint primary key, name text, note json);\
     insert into accounts select n, 'account ' || n, '{\"a\":\n1}' from generate_series(1, 5000) n";

#[derive(Debug, Clone, Deserialize)]
struct Account {
    id: i64,
}

async fn refusal(db: &Postgres, statement: &str) -> String {
    let read: Result<Records<Account>, _> = db.records(statement, &[&7_i64]).await;
    let message = read.expect_err("it is refused").to_string();
    assert!(!message.contains('\n') && !message.contains(POSTGRES_PASSWORD), "{message}");
    message
}

#[tokio::test]
async fn all_rows_are_read_in_their_order() {
    let db = database(ACCOUNTS).await;
    let statement = "select * from accounts where id > $1 order by id desc;";
    let records: Records<Account> = db.records(statement, &[&10_i64]).await.unwrap();
    assert_eq!(records.count(), 4_990);
    let read = qalipsis_testkit::plugin::dealt(records.each_once()).await;
    let ids: Vec<i64> = read.iter().map(|account| account.id).collect();
    assert_eq!(ids, Vec::from_iter((11..=5_000).rev()));
}

#[tokio::test]
async fn what_is_wrong_is_named_without_parameters() {
    let db = database(ACCOUNTS).await;
    let target = format!("{db:?}").split("target: ").nth(1).unwrap().replace(", .. }", "");
    let select = "select id from accounts where id < $1 and id > 5000 order by id";
    assert_eq!(refusal(&db, select).await, format!("rows of {select} at {target}: has no record"));
    let select = "select id from accounts where id > $1";
    assert_eq!(
        refusal(&db, select).await,
        format!(
            "{target}: there is no 'order by', which makes all factories and replays read the same, in: {select}"
        )
    );
    let select = "select id from account where id > $1 order by id";
    assert_eq!(
        refusal(&db, select).await,
        format!("{target}: relation \"account\" does not exist, in: {select}")
    );
    let select = "select name as id from accounts where id > $1 order by accounts.id";
    assert_eq!(
        refusal(&db, select).await,
        format!(
            "rows of {select} at {target}, record 1: invalid type: string \"account 8\", expected i64, at column 17"
        )
    );
    let select = "select 1 / (4000 - id) as id from accounts where id > $1 order by accounts.id";
    assert_eq!(
        refusal(&db, select).await,
        format!("rows of {select} at {target}, record 1: division by zero")
    );
    let delete = "delete from accounts where id > $1 returning id -- order by";
    assert_eq!(
        refusal(&db, delete).await,
        format!("rows of {delete} at {target}, record 1: cannot execute SELECT in a read-only transaction")
    );
}

#[tokio::test]
async fn a_server_that_is_gone_is_named() {
    let own = PostgresServer::start_own().expect("a PostgreSQL server");
    let db = Postgres::connect(own.create_database().unwrap()).await.unwrap();
    let address = own.address().to_string();
    drop(own);
    let message = refusal(&db, "select 1 as id order by $1").await;
    assert!(message.contains(&address) && message.contains("Connection refused"), "{message}");
}
