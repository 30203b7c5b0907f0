//! Searching, changing and saving.

use crate::database;
use crate::opened::in_step_within;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_postgres::Postgres;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const ORDERS: &str =
    "create table orders (id bigint primary key, quantity int not null default 1, note text)";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    id: i64,
    quantity: i32,
    note: Option<String>,
}

fn order(id: i64) -> Order {
    Order { id, quantity: 3, note: Some("fragile".to_owned()) }
}

fn message(fault: &Fault, postgres: &Postgres) -> String {
    let target = format!("{postgres:?}").split("target: ").nth(1).unwrap().replace(", .. }", "");
    fault.message.strip_prefix(&target).unwrap_or_else(|| panic!("{fault} does not name {target}")).to_owned()
}

#[tokio::test]
async fn values_are_saved_found_and_changed() {
    let db = database(ORDERS).await;
    assert_eq!(*db.save("orders", &order(1)).await.unwrap(), 1);
    assert_eq!(*db.save("public.orders", &[order(2), order(3)]).await.unwrap(), 2);
    assert_eq!(*db.save("orders", &Vec::<Order>::new()).await.unwrap(), 0);
    // What a value does not have has its default.
    assert_eq!(*db.save("orders", &json!({"id": 4})).await.unwrap(), 1);

    let all = db.search("select * from orders order by id;", &[]).rows::<Order>().await.unwrap();
    assert_eq!(all.value[..3], [order(1), order(2), order(3)]);
    assert_eq!(all[3], Order { id: 4, quantity: 1, note: None });
    let one = "select * from orders where id = $1 and quantity >= $2 -- the last";
    assert_eq!(db.search(one, &[&2_i64, &3_i32]).row::<Order>().await.unwrap().value, order(2));
    assert_eq!(db.search(one, &[&9_i64, &3_i32]).optional_row::<Order>().await.unwrap().value, None);

    let changed = db.execute("update orders set quantity = $1 where id > $2", &[&7_i32, &1_i64]).await;
    assert_eq!(*changed.unwrap(), 3);
    // A search may change what it finds.
    let deleted = "delete from orders where id = $1 returning quantity";
    assert_eq!(db.search(deleted, &[&4_i64]).row::<Value>().await.unwrap().value, json!({"quantity": 7}));
    assert_eq!(db.search("select * from orders", &[]).rows::<Order>().await.unwrap().into_iter().count(), 3);
}

#[tokio::test]
async fn failures_name_the_statement_and_hide_the_parameters() {
    let db = database(ORDERS).await;
    db.save("orders", &order(123_456)).await.unwrap();
    let found = db.search("select * from orders where id < $1", &[&0_i64]);
    let fault = found.row::<Order>().await.unwrap_err();
    assert_eq!(
        message(&fault, &db),
        ": expected one row, observed none, in: select * from orders where id < $1"
    );
    let fault = db.save("orders", &order(123_456)).await.unwrap_err();
    assert!(
        message(&fault, &db).starts_with(
            ": duplicate key value violates unique constraint \"orders_pkey\", in: insert into \"orders\""
        ),
        "{fault}"
    );
    assert_eq!(fault.code, "23505");
    assert!(!format!("{fault:?}").contains("123456"), "{fault:?}");

    let fault = db.execute("select $1::text::uuid", &[&"swordfish"]).await.unwrap_err();
    assert_eq!(
        message(&fault, &db),
        ": invalid input syntax for type uuid: \"***\", in: select $1::text::uuid"
    );
    assert!(!format!("{fault:?}").contains("swordfish"), "{fault:?}");
    assert!(fault.input.as_ref().unwrap().contains("parameters: 1 (hidden)"), "{fault:?}");
    let fault = db.save("orders", &json!({"id": "swordfish"})).await.unwrap_err();
    assert!(message(&fault, &db).starts_with(": invalid input syntax for type bigint: \"***\""), "{fault}");

    let fault = db.execute("delete from orders where id = $1", &[&7_i32]).await.unwrap_err();
    assert_eq!(
        message(&fault, &db),
        ": parameter $1: cannot convert between the Rust type 'i32' and the Postgres type 'int8', \
         in: delete from orders where id = $1"
    );
    let fault = db.execute("delete from orders where id = $1", &[]).await.unwrap_err();
    assert_eq!(
        message(&fault, &db),
        ": expected 1 parameters but got 0, in: delete from orders where id = $1"
    );
    let fault = db.search("select * from order_s", &[]).rows::<Value>().await.unwrap_err();
    assert_eq!(message(&fault, &db), ": relation \"order_s\" does not exist, in: select * from order_s");
    assert_eq!(fault.code, "42P01");
    let fault = db.search("select id, note from orders", &[]).rows::<Order>().await.unwrap_err();
    assert!(
        message(&fault, &db).starts_with(": row 1 can't be decoded: missing field `quantity`"),
        "{fault}"
    );
    let fault = db.search("select generate_series(1, 100001) as n", &[]).rows::<Value>().await.unwrap_err();
    assert!(message(&fault, &db).starts_with(": more than 100000 rows, ask for fewer, in: "), "{fault}");
    // None of these has cost the pool a connection, or left one that does not work.
    for _ in 0..20 {
        assert_eq!(db.search("select * from orders", &[]).rows::<Value>().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_wait_for_the_pool_is_measured_on_its_own() {
    let url = crate::server().create_database().unwrap();
    let db = Postgres::builder(&url).pool_size(1).build().await.unwrap();
    let sleep = || db.execute("select pg_sleep(0.4)", &[]).into_future();
    let (first, second) = futures::join!(sleep(), sleep());
    let (first, second) = (first.unwrap().timings, second.unwrap().timings);
    assert!(first.pool_wait < Duration::from_millis(200), "{first:?}");
    assert!(second.pool_wait >= Duration::from_millis(350), "{second:?}");
    for timings in [first, second] {
        assert!(timings.query >= Duration::from_millis(400), "{timings:?}");
        assert!(timings.query < Duration::from_millis(750), "{timings:?}");
    }

    let short = Postgres::builder(&url).pool_size(1).pool_timeout(Duration::from_millis(100));
    let db = short.build().await.unwrap();
    let running = db.execute("select pg_sleep(0.5)", &[]).into_future();
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        db.execute("select 1", &[]).await
    };
    let (ran, waited) = futures::join!(running, waiting);
    ran.unwrap();
    let fault = waited.unwrap_err();
    assert_eq!(message(&fault, &db), ": no connection of the pool was free within 100 ms (pool_size is 1)");
    assert_eq!((fault.kind, fault.code.as_ref()), (FailureKind::Timeout, "pool"));
}

/// Waits until the server runs `count` statements that sleep.
async fn await_sleepers(db: &Postgres, count: i64) {
    let running = "select count(*) from pg_stat_activity \
                   where datname = current_database() and state = 'active' and query like '%pg_sleep%' \
                   and pid <> pg_backend_pid()";
    let deadline = Instant::now() + crate::WAIT_LIMIT;
    while db.search(running, &[]).row::<Value>().await.unwrap()["count"] != count {
        assert!(Instant::now() < deadline, "not {count} statements sleep");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_step_that_times_out_leaves_nothing_behind() {
    let db = database("").await;
    for _ in 0..10 {
        let failed = in_step_within(db.execute("select pg_sleep(60)", &[]), Duration::from_millis(100)).await;
        assert_eq!(failed.unwrap().kind, FailureKind::Timeout);
    }
    // The server was asked to cancel, and the pool is complete.
    await_sleepers(&db, 0).await;
    let sleepers: Vec<_> = (0..8).map(|_| db.execute("select pg_sleep(1)", &[]).into_future()).collect();
    let began = Instant::now();
    futures::future::try_join_all(sleepers).await.unwrap();
    // Side by side: one after the other they would take 8 s.
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout() {
    let url = crate::server().create_database().unwrap();
    let db = Postgres::builder(&url).statement_timeout(Duration::from_millis(100)).build().await.unwrap();
    let fault = db.execute("select pg_sleep(60)", &[]).await.unwrap_err();
    assert_eq!(
        message(&fault, &db),
        ": canceling statement due to statement timeout, in: select pg_sleep(60)"
    );
    assert_eq!(fault.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn the_trace_of_a_step_reaches_the_server() {
    let db = database("create table traces (id serial primary key, name text)").await;
    let insert = "insert into traces (name) values (current_setting('application_name'))";
    // The second time, the statement is prepared already.
    for _ in 0..2 {
        assert!(in_step_within(db.execute(insert, &[]), crate::WAIT_LIMIT).await.is_none());
    }
    let names = db.search("select name from traces order by id", &[]).rows::<Value>().await.unwrap();
    assert_eq!(names.len(), 2);
    for row in &*names {
        let name = row["name"].as_str().unwrap();
        assert!(name.len() == 55 && name.starts_with("00-") && name.ends_with("-01"), "{name}");
    }
    let url = crate::server().create_database().unwrap();
    let db = Postgres::builder(&url).trace(false).build().await.unwrap();
    let failing = db.search("select current_setting('application_name') as name", &[]).row::<Uuid>();
    let evidence = in_step_within(failing, crate::WAIT_LIMIT).await.unwrap();
    assert!(evidence.message.contains(r#"row {"name":"qalipsis"}"#), "{}", evidence.message);
}

/// Statements that cannot stand inside another one run as they are written.
#[tokio::test]
async fn d4_any_statement_runs_as_written() {
    let db = database(
        "create type grade as enum ('low', 'high'); \
         create table stock (id bigint primary key, amount numeric, at timestamptz, grade grade, more int[]); \
         create procedure settle(inout id bigint, inout note text) language sql \
         as 'select id + 1, upper(note)'",
    )
    .await;
    let rows = async |statement: &str| {
        db.search(statement, &[])
            .rows::<Value>()
            .await
            .unwrap_or_else(|fault| panic!("{statement}: {fault}"))
            .value
    };
    let insert = "insert into stock values (1, 1.50, '2026-01-01 12:00:00+00', 'high', '{1,null,2}'), \
                  (2, 'NaN', 'infinity', null, null)";
    db.execute(insert, &[]).await.unwrap();
    let plain = rows("select * from stock order by id").await;
    assert_eq!(plain.len(), 2);
    // The same rows, whichever way they come.
    let deleted = "with d as (delete from stock returning *) select * from d order by id";
    assert_eq!(rows(deleted).await, plain);
    assert_eq!(rows("select * from stock").await, Vec::<Value>::new());
    let with =
        "with d as (insert into stock (id) values ($1) returning id) select id, $2::text as note from d";
    let row = db.search(with, &[&7_i64, &"x".to_owned()]).row::<Value>().await.unwrap().value;
    assert_eq!(row, json!({"id": 7, "note": "x"}));
    assert_eq!(rows("show server_encoding").await, [json!({"server_encoding": "UTF8"})]);
    assert!(rows("explain select 1").await[0]["QUERY PLAN"].as_str().unwrap().starts_with("Result"));
    let plan = rows("explain (format json) select 1").await;
    assert_eq!(plan[0]["QUERY PLAN"][0]["Plan"]["Node Type"], "Result");
    assert_eq!(rows("values (1, 'a'), (2, 'b')").await[1], json!({"column1": 2, "column2": "b"}));
    assert_eq!(rows("call settle(1, 'done')").await, [json!({"id": 2, "note": "DONE"})]);
    assert_eq!(rows("table stock").await.len(), 1);
    assert_eq!(rows("insert into stock (id) values (8)").await, Vec::<Value>::new());
    let fault = db.search("with d as (delete from nowhere) select 1", &[]).rows::<Value>().await.unwrap_err();
    assert!(message(&fault, &db).starts_with(": relation \"nowhere\" does not exist, in: with d"), "{fault}");
    // In a transaction, a first try that fails would end it.
    let count = db
        .transaction(qalipsis_postgres::Isolation::ReadCommitted, |tx| async move {
            tx.search("show server_encoding", &[]).rows::<Value>().await?;
            let delete = "with d as (delete from stock returning id) select id from d";
            Ok::<_, Fault>(tx.search(delete, &[]).rows::<Value>().await?.len())
        })
        .await;
    assert_eq!(count.unwrap().value, 2);
}
