//! Which rows a poll reads.

use crate::opened::open;
use crate::{WAIT_LIMIT, database};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_postgres::{Isolation, Postgres};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::oneshot;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Order {
    id: i64,
    quantity: i32,
}

/// Transactions stamp their rows with the time of their beginning, as applications do.
const ORDERS: &str = "create table orders (id bigserial primary key, quantity int not null default 1, \
                      updated_at timestamptz not null default now())";

const ALL: &str = "select id, quantity, updated_at from orders";

const SOON: Duration = Duration::from_millis(20);

async fn insert(db: &Postgres, count: i64) -> Vec<i64> {
    let insert =
        "insert into orders select nextval('orders_id_seq') from generate_series(1, $1::bigint) returning id";
    let rows = db.search(insert, &[&count]).rows::<Value>().await.unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Begins a transaction that inserts an order; it is committed when the sender is used.
async fn long_transaction(db: &Postgres) -> (oneshot::Sender<()>, tokio::task::JoinHandle<i64>) {
    let (commit, committed) = oneshot::channel::<()>();
    let (began, begun) = oneshot::channel();
    let transaction = db.transaction(Isolation::ReadCommitted, |tx| async move {
        let insert = "insert into orders default values returning id";
        let id = tx.search(insert, &[]).row::<Value>().await?["id"].as_i64().unwrap();
        began.send(()).unwrap();
        committed.await.unwrap();
        Ok::<_, Fault>(id)
    });
    let task = tokio::spawn(async { transaction.await.unwrap().value });
    begun.await.unwrap();
    (commit, task)
}

#[tokio::test]
async fn what_is_inserted_once_it_is_ready_comes_once() {
    let db = database(ORDERS).await;
    insert(&db, 25).await;
    for keys in [&["updated_at", "id"][..], &["id"]] {
        let poll = db.poll(ALL).after(keys.iter().copied()).every(SOON).page(10);
        let mut reader = open(poll.rows::<Order>()).await.ready().await;
        assert!(reader.name.starts_with(
            "rows of select id, quantity, updated_at from orders, polled every 20 ms at postgres at "
        ));
        for _ in 0..20 {
            let ids = insert(&db, 1).await;
            assert_eq!(reader.next().await.id, ids[0]);
        }
        // Several pages at once.
        let ids = insert(&db, 35).await;
        let read: Vec<i64> = reader.take(35).await.into_iter().map(|order| order.id).collect();
        assert_eq!(read, ids);
        // Longer than the overlap of 2 s, so that what would come twice does.
        tokio::time::sleep(Duration::from_millis(2300)).await;
        let figures = reader.end().await;
        assert!(figures.bytes > 0);
    }
}

#[tokio::test]
async fn from_the_start_it_reads_what_is_there() {
    let db = database(ORDERS).await;
    let mut ids = insert(&db, 25).await;
    for keys in [&["updated_at", "id"][..], &["id"]] {
        let poll = db.poll(format!("{ALL};")).after(keys.iter().copied()).every(SOON).page(10).from_start();
        let mut reader = open(poll.rows::<Order>()).await.ready().await;
        let more = insert(&db, 15).await;
        ids.extend(more);
        let read: Vec<i64> = reader.take(ids.len()).await.into_iter().map(|order| order.id).collect();
        assert_eq!(read, ids);
        tokio::time::sleep(Duration::from_millis(300)).await;
        reader.end().await;
    }
}

#[tokio::test]
async fn a_row_committed_late_is_not_missed() {
    let db = database(ORDERS).await;
    for keys in [&["updated_at", "id"][..], &["id"]] {
        // Begun before the source is ready, and after.
        let (commit, task) = long_transaction(&db).await;
        insert(&db, 3).await;
        let poll = db.poll(ALL).after(keys.iter().copied()).every(SOON).overlap(WAIT_LIMIT);
        let mut reader = open(poll.rows::<Order>()).await.ready().await;
        commit.send(()).unwrap();
        let early = task.await.unwrap();
        if keys.len() == 2 {
            assert_eq!(reader.next().await.id, early);
        }

        let (commit, task) = long_transaction(&db).await;
        let others = insert(&db, 3).await;
        assert_eq!(reader.take(3).await.into_iter().map(|order| order.id).collect::<Vec<_>>(), others);
        tokio::time::sleep(Duration::from_millis(300)).await;
        commit.send(()).unwrap();
        let late = task.await.unwrap();
        assert!(late < others[0]);
        assert_eq!(reader.next().await.id, late);
        tokio::time::sleep(Duration::from_millis(300)).await;
        reader.end().await;
    }
}

/// Takes 0.1 s to be decoded.
#[derive(Debug, Clone)]
struct Slow(i64);

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let order = Order::deserialize(deserializer)?;
        std::thread::sleep(Duration::from_millis(100));
        Ok(Self(order.id))
    }
}

/// What is committed during a scan must not move the end of what was read past what is behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_committed_behind_a_slow_scan_is_not_missed() {
    let both = &["updated_at", "id"][..];
    for (keys, time) in [(both, "timestamp"), (both, "timestamptz"), (&["id"], "timestamptz")] {
        let db = database(ORDERS).await;
        db.execute(format!("alter table orders alter updated_at type {time}"), &[]).await.unwrap();
        db.execute("select nextval('orders_id_seq')", &[]).await.unwrap();
        let poll =
            db.poll(ALL).after(keys.iter().copied()).every(SOON).page(1).overlap(Duration::from_secs(1));
        let mut reader = open(poll.rows::<Slow>()).await.ready().await;
        let ids = insert(&db, 20).await;
        assert_eq!(reader.next().await.0, ids[0]);
        let late = "insert into orders select 1, 1, min(updated_at) - interval '0.1 s' from orders";
        db.execute(late, &[]).await.unwrap();
        for id in &ids[1..15] {
            assert_eq!(reader.next().await.0, *id);
        }
        let newer = insert(&db, 1).await[0];
        let mut rest: Vec<i64> = reader.take(7).await.into_iter().map(|order| order.0).collect();
        rest.sort_unstable();
        let mut expected = [&[1], &ids[15..], &[newer]].concat();
        expected.sort_unstable();
        assert_eq!(rest, expected);
        tokio::time::sleep(Duration::from_millis(1300)).await;
        reader.end().await;
    }
}

#[tokio::test]
async fn each_change_of_a_row_comes_once() {
    let db = database(ORDERS).await;
    let poll = db.poll(ALL).after(["updated_at", "id"]).every(SOON);
    let mut reader = open(poll.rows::<Order>()).await.ready().await;
    let id = insert(&db, 1).await[0];
    assert_eq!(reader.next().await, Order { id, quantity: 1 });
    db.execute("update orders set quantity = 2, updated_at = now()", &[]).await.unwrap();
    assert_eq!(reader.next().await, Order { id, quantity: 2 });
    // Not visible by the key columns.
    db.execute("update orders set quantity = 3", &[]).await.unwrap();
    // What is deleted does not bring back what was before it.
    let ids = insert(&db, 10).await;
    reader.take(10).await;
    db.execute("delete from orders where id > $1", &[&ids[2]]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2300)).await;
    let ids = insert(&db, 1).await;
    assert_eq!(reader.next().await.id, ids[0]);
    reader.end().await;
}

/// A row that some clock has stamped wrong must not hide those after it.
#[tokio::test]
async fn a_row_of_the_future_hides_nothing() {
    let db = database(ORDERS).await;
    let poll = db.poll(ALL).after(["updated_at", "id"]).every(SOON).overlap(Duration::from_millis(300));
    let mut reader = open(poll.rows::<Order>()).await.ready().await;
    db.execute("insert into orders values (1000000, 1, now() + interval '1 day')", &[]).await.unwrap();
    assert_eq!(reader.next().await.id, 1_000_000);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let ids = insert(&db, 1).await;
        assert_eq!(reader.next().await.id, ids[0]);
    }
    reader.end().await;
}

/// 8 writers, transactions of up to 40 rows that take up to some 30 ms and partly fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_10_000_rows_by_concurrent_writers_each_comes_once() {
    for (keys, stamp) in [
        (&["updated_at", "id"][..], "now()"),
        (&["id"], "now()"),
        (&["updated_at", "id"], "clock_timestamp()"),
    ] {
        let db = database(ORDERS).await;
        db.execute(format!("alter table orders alter updated_at set default {stamp}"), &[]).await.unwrap();
        let poll = db.poll(ALL).after(keys.iter().copied()).every(SOON).page(100);
        let mut reader = open(poll.rows::<Order>()).await.ready().await;
        let writers = (0..8_u64).map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut written = 0;
                let mut round = writer;
                while written < 1250 {
                    round += 1;
                    let rows = (round * 7 % 40 + 1).min(1250 - written);
                    let (pause, fails) = (Duration::from_millis(round * 13 % 30), round.is_multiple_of(5));
                    let ended = db
                        .transaction(Isolation::ReadCommitted, move |tx| async move {
                            for _ in 0..rows / 2 {
                                tx.execute("insert into orders default values", &[]).await?;
                            }
                            tokio::time::sleep(pause).await;
                            for _ in rows / 2..rows {
                                tx.execute("insert into orders default values", &[]).await?;
                            }
                            if fails { Err(Fault::error("on purpose")) } else { Ok(()) }
                        })
                        .await;
                    assert_eq!(ended.is_err(), fails, "{ended:?}");
                    written += if fails { 0 } else { rows };
                }
            })
        });
        futures::future::try_join_all(writers).await.unwrap();
        let stored = db.search("select id from orders", &[]).rows::<Value>().await.unwrap();
        let mut times: HashMap<i64, u32> =
            stored.iter().map(|row| (row["id"].as_i64().unwrap(), 0)).collect();
        assert_eq!(times.len(), 10_000);
        for order in reader.take(10_000).await {
            *times.get_mut(&order.id).expect("it was committed") += 1;
        }
        assert!(times.values().all(|times| *times == 1), "some came twice");
        tokio::time::sleep(Duration::from_millis(2300)).await;
        reader.end().await;
    }
}

#[tokio::test]
async fn what_can_not_be_decoded_is_reported_with_its_key() {
    let db = database(ORDERS).await;
    let poll = db.poll("select id, quantity + 0.5 as quantity from orders").after(["id"]).every(SOON);
    let mut reader = open(poll.rows::<Order>()).await.ready().await;
    insert(&db, 1).await;
    let evidence = reader.evidence().await;
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    assert!(
        evidence
            .message
            .contains(": the row with (id) = (1) can't be decoded: invalid type: floating point `1.5`"),
        "{}",
        evidence.message
    );
    reader.end().await;
}

#[tokio::test]
async fn wrong_statements_and_columns_are_named_at_warm_up() {
    let db = database(ORDERS).await;
    let refusal = async |statement: &str, keys: &[&str]| {
        let poll = db.poll(statement).after(keys.iter().copied());
        let (fault, after) = open(poll.rows::<Value>()).await.refusal().await;
        assert!(after < Duration::from_secs(5), "reported after {after:?}");
        fault.message.split_once(" as postgres: ").expect("it names the target").1.to_owned()
    };
    assert_eq!(refusal("select * from order_s", &["id"]).await, "relation \"order_s\" does not exist");
    let text = refusal("select id from orders", &["updated_at", "id"]).await;
    assert_eq!(text, "column qalipsis_row.updated_at does not exist");
    assert_eq!(refusal("select id from orders", &[]).await, "no key columns, name them by .after([...])");
    let text = refusal("selec id", &["id"]).await;
    assert!(text.starts_with("syntax error at or near "), "{text}");
    insert(&db, 2).await;
    let poll = db.poll("select 7 as n from orders").after(["n"]).from_start();
    let (fault, _) = open(poll.rows::<Value>()).await.refusal().await;
    assert!(
        fault.message.ends_with("two rows have the same (n), (7); name one more column by .after([...])"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_table_that_disappears_ends_it() {
    let db = database(ORDERS).await;
    let reader = open(db.poll(ALL).after(["id"]).every(SOON).rows::<Order>()).await.ready().await;
    db.execute("drop table orders", &[]).await.unwrap();
    let fault = reader.failure().await;
    assert!(fault.message.contains("relation \"orders\" does not exist"), "{fault}");
}

#[tokio::test]
async fn keys_can_be_of_many_types() {
    let db = database(
        "create type grade as enum ('low', 'high'); \
         create table mixed (at timestamp, day date, name text, grade grade, amount numeric, code uuid)",
    )
    .await;
    let row = json!({"at": "2026-01-01T00:00:00", "day": "2026-01-02", "name": "a'b", "grade": "low",
                     "amount": 1.5, "code": "00000000-0000-0000-0000-000000000001"});
    db.save("mixed", &row).await.unwrap();
    for keys in [["at", "grade"], ["day", "name"], ["name", "amount"], ["amount", "code"], ["code", "at"]] {
        let poll = db.poll("select * from mixed").after(keys).every(SOON);
        let mut reader = open(poll.rows::<Value>()).await.ready().await;
        let next = "insert into mixed select max(at) + interval '1 s', max(day) + 1, max(name) || 'x', 'high', \
                    max(amount) + 1, lpad((count(*) + 1)::text, 32, '0')::uuid from mixed returning name";
        let name = db.search(next, &[]).row::<Value>().await.unwrap().value;
        assert_eq!(reader.next().await["name"], name["name"]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        reader.end().await;
    }
}

/// A key that is above all later ones must not hide them.
#[tokio::test]
async fn a4_a_row_at_infinity_hides_nothing() {
    const DAY: &str = "date '2026-01-01' + $1::int";
    for (kind, top, value) in [
        ("timestamp", "infinity", DAY),
        ("timestamptz", "infinity", DAY),
        ("date", "infinity", DAY),
        ("numeric", "NaN", "$1::int"),
        ("double precision", "Infinity", "$1::int"),
        ("real", "NaN", "$1::int"),
    ] {
        let db = database(&format!("create table events (at {kind}, id bigint primary key)")).await;
        let insert = format!("insert into events select {value}, $2::bigint");
        let add = async |id: i64| {
            db.execute(insert.as_str(), &[&i32::try_from(id).unwrap(), &id]).await.unwrap();
        };
        add(1).await;
        let poll = db.poll("select id, at::text as shown, at from events").after(["at", "id"]).every(SOON);
        let mut reader = open(poll.overlap(Duration::ZERO).page(3).rows::<Value>()).await.ready().await;
        add(2).await;
        assert_eq!(reader.next().await["id"], 2, "{kind}");
        db.execute(format!("insert into events values ('{top}', 1000)"), &[]).await.unwrap();
        assert_eq!(reader.next().await["id"], 1000, "{kind}");
        for id in 3..12 {
            add(id).await;
            assert_eq!(reader.next().await["id"], id, "{kind}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        reader.end().await;
    }
}

#[tokio::test]
async fn a4_the_first_row_at_infinity_hides_nothing() {
    let db = database("create table events (at timestamp, id bigint primary key)").await;
    db.execute("insert into events values ('infinity', 1)", &[]).await.unwrap();
    let poll = db.poll("select * from events").after(["at", "id"]).every(SOON);
    let mut reader = open(poll.rows::<Value>()).await.ready().await;
    db.execute("insert into events values ('0044-03-15 BC', 2)", &[]).await.unwrap();
    assert_eq!(reader.next().await["id"], 2);
    db.execute("insert into events values (now(), 3)", &[]).await.unwrap();
    assert_eq!(reader.next().await["id"], 3);
    reader.end().await;
}

/// Without a column that a change moves on, a poll sees the state only by reading all rows again.
#[tokio::test]
async fn b3_each_state_of_a_row_comes_once() {
    let db = database("create table payments (id bigint primary key, status text not null)").await;
    db.execute("insert into payments values (1, 'OLD'), (2, 'PENDING')", &[]).await.unwrap();
    let poll = db.poll("select * from payments").after(["id"]).every(SOON).page(2).changes();
    let mut reader = open(poll.rows::<Value>()).await.ready().await;
    let set = async |id: i64, status: &str| {
        let upsert = "insert into payments values ($1, $2) on conflict (id) do update set status = $2";
        db.execute(upsert, &[&id, &status.to_owned()]).await.unwrap();
    };
    for (id, status) in
        [(2, "SETTLED"), (3, "PENDING"), (4, "PENDING"), (3, "SETTLED"), (3, "PENDING"), (3, "SETTLED")]
    {
        set(id, status).await;
        assert_eq!(reader.next().await, json!({"id": id, "status": status}));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    reader.end().await;
}

#[tokio::test]
async fn e12_a_named_poll_is_called_so_and_its_statement_is_a_detail() {
    let db = database(ORDERS).await;
    let poll = db.poll(ALL).after(["id"]).every(SOON).named("settled payments");
    let reader = open(poll.rows::<Order>()).await.ready().await;
    assert!(
        reader.name.starts_with("settled payments, polled every 20 ms at postgres at "),
        "{}",
        reader.name
    );
    assert!(!reader.name.contains("select"), "{}", reader.name);
    db.execute("drop table orders", &[]).await.unwrap();
    let fault = reader.failure().await;
    assert!(fault.message.ends_with(": relation \"orders\" does not exist"), "{fault}");
    assert_eq!(fault.exchange.as_deref(), Some(ALL));
}
