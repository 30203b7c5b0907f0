//! Orders in PostgreSQL, Redis and RabbitMQ, on real servers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use qalipsis_testkit::{PostgresServer, RabbitMq, RedisServer};
use serde_json::{Value, json};
use shop::Running;
use uuid::Uuid;

use crate::outside::{Customer, embedded, id, ids};
use crate::servers::{Bound, Cached, Queue, Rows};

const ORDERS: u32 = 200;

/// An order whose product belongs to one test alone, because all tests share the exchange.
fn order(product: &str, number: u32) -> Value {
    json!({ "id": id(number), "product": product, "quantity": number % 5 + 1, "customer": format!("customer {number}") })
}

/// Pieces in the orders `0..count`.
fn pieces(count: u32) -> i32 {
    (0..count).map(|number| number as i32 % 5 + 1).sum()
}

async fn place(customer: &Customer, product: &str, numbers: std::ops::Range<u32>) {
    let placing = futures::stream::iter(numbers)
        .map(async |number| (number, customer.place(&order(product, number)).await));
    let mut placing = placing.buffer_unordered(100);
    while let Some((number, answer)) = placing.next().await {
        assert_eq!(answer.status, 202, "order {number}: {answer:?}");
    }
}

/// A shop with all sinks, the customer, and what the sinks hold.
struct All {
    shop: Running,
    customer: Customer,
    rows: Rows,
    cached: Cached,
    queue: Queue,
}

impl All {
    async fn start(product: &str, redis_database: u8, flags: &[&str]) -> Self {
        let database = PostgresServer::shared().expect("a server").create_database().expect("a database");
        let redis = RedisServer::shared().expect("a server");
        let redis = format!("redis://{}/{redis_database}", redis.address());
        let rabbitmq = RabbitMq::shared().expect("a server").url();
        let sinks = ["--postgres", &database, "--redis", &redis, "--rabbitmq", &rabbitmq];
        let shop = embedded(&[&sinks, flags, &["--base-delay", "0", "--stock", "10000"]].concat());
        let queue = Queue::bind(&rabbitmq, &format!("orders.fulfilled.{product}")).await;
        let customer = Customer::of(&shop);
        Self { shop, customer, rows: Rows::of(&database).await, cached: Cached::of(&redis).await, queue }
    }
}

#[tokio::test]
async fn writes_every_order_everywhere_once() {
    let all = All::start("pen", 1, &[]).await;
    place(&all.customer, "pen", 0..ORDERS).await;
    let stats = all.customer.settled().await;
    assert_eq!((&stats["fulfilled"], &stats["unwritten"]), (&json!(ORDERS), &json!(0)));

    let rows = all.rows.all().await;
    let messages = all.queue.take(ORDERS as usize).await;
    assert_eq!(rows.len(), ORDERS as usize);
    for number in 0..ORDERS {
        let expected = order("pen", number);
        let quantity = (number % 5 + 1) as i32;
        let customer = format!("customer {number}");
        assert_eq!(rows[&id(number)], ("pen".to_owned(), quantity, customer, "fulfilled".to_owned()));
        let (hash, expires_in_s) = all.cached.order(id(number)).await;
        assert_eq!(hash["quantity"], quantity.to_string());
        assert_eq!((&hash["product"][..], &hash["status"][..], hash.len()), ("pen", "fulfilled", 4));
        assert!((3_000..=3_600).contains(&expires_in_s), "{expires_in_s}");
        let [Bound { body, persistent: true, message_id }] = &messages[&id(number)][..] else {
            panic!("not one persistent message of order {number}: {:?}", messages[&id(number)])
        };
        assert_eq!(*message_id, id(number).to_string());
        for field in ["product", "quantity", "customer"] {
            assert_eq!(body[field], expected[field]);
        }
    }
    assert_eq!(all.rows.stock("pen").await, (10_000, 10_000 - pieces(ORDERS)));
    assert_eq!(all.shop.end().expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn keeps_its_tables_until_asked_to_reset_them() {
    let database = PostgresServer::shared().expect("a server").create_database().expect("a database");
    let rows = Rows::of(&database).await;
    let flags = ["--postgres", &database, "--stock", "1000"];
    for (more, numbers, expected_rows, expected_stock) in [
        (&[][..], 0..10, 10, 1_000 - pieces(10)),
        // A new shop knows no orders, but the table does: five of these are there already.
        (&[], 5..15, 15, 1_000 - pieces(15)),
        (&["--reset"], 0..5, 5, 1_000 - pieces(5)),
    ] {
        let shop = embedded(&[&flags, more].concat());
        let customer = Customer::of(&shop);
        place(&customer, "pen", numbers).await;
        customer.settled().await;
        assert_eq!(rows.all().await.len(), expected_rows, "{more:?}");
        assert_eq!(rows.stock("pen").await, (1_000, expected_stock), "{more:?}");
    }
    let shop = embedded(&["--postgres", &database, "--stock", "50", "--reset"]);
    assert_eq!((rows.all().await.len(), rows.stock("pen").await), (0, (50, 50)));
    drop(shop);
}

#[tokio::test]
async fn mistreats_exactly_the_orders_that_its_account_names() {
    let faults = [
        ["--seed", "3", "--drop-row", "10", "--wrong-row", "10", "--late-row", "10"].as_slice(),
        &["--late-by", "1500", "--drop-cache", "10", "--drop-message", "10", "--duplicate-message", "10"],
    ];
    let all = All::start("ink", 2, &faults.concat()).await;
    let start = Instant::now();
    place(&all.customer, "ink", 0..ORDERS).await;
    let none_late = |stats: &Value| {
        stats["fulfilled"].as_u64() == Some(u64::from(ORDERS) - ids(stats, "rows_late").len() as u64)
    };
    let early = all.customer.stats_once(none_late).await;
    let rows_in_time = all.rows.all().await;
    assert!(start.elapsed() < Duration::from_millis(1_500), "too slow to distinguish late rows from others");
    let stats = all.customer.settled().await;
    assert!(start.elapsed() >= Duration::from_millis(1_500), "{:?}", start.elapsed());
    assert_eq!(stats["fulfilled"], json!(ORDERS));
    let some = |list: &str| {
        let ids = ids(&stats, list);
        assert!((1..ORDERS as usize).contains(&ids.len()), "{list}: {} of {ORDERS}", ids.len());
        ids
    };
    let which = |holds: &dyn Fn(Uuid, u32) -> bool| -> Vec<Uuid> {
        (0..ORDERS).filter(|number| holds(id(*number), *number)).map(id).collect()
    };

    let rows = all.rows.all().await;
    assert_eq!(which(&|id, _| !rows.contains_key(&id)), some("rows_dropped"));
    let wrong =
        |id, number| rows.get(&id).is_some_and(|row: &crate::servers::Row| row.1 != number as i32 % 5 + 1);
    assert_eq!(which(&wrong), some("rows_wrong"));
    let late = some("rows_late");
    assert_eq!(which(&|id, _| rows.contains_key(&id) && !rows_in_time.contains_key(&id)), late);
    assert_eq!(ids(&early, "rows_late"), late);
    assert_eq!(all.rows.stock("ink").await, (10_000, 10_000 - pieces(ORDERS)), "the stock is right");

    let mut missing = Vec::new();
    for number in 0..ORDERS {
        if all.cached.order(id(number)).await.0.is_empty() {
            missing.push(id(number));
        }
    }
    assert_eq!(missing, some("cache_dropped"));

    let (dropped, duplicated) = (some("messages_dropped"), some("messages_duplicated"));
    let messages = all.queue.take(ORDERS as usize - dropped.len() + duplicated.len()).await;
    assert_eq!(which(&|id, _| !messages.contains_key(&id)), dropped);
    assert_eq!(which(&|id, _| messages.get(&id).is_some_and(|messages| messages.len() == 2)), duplicated);
}

#[tokio::test]
async fn loses_updates_of_the_stock_only_without_a_lock() {
    let database = PostgresServer::shared().expect("a server").create_database().expect("a database");
    let rows = Rows::of(&database).await;
    let flags = ["--postgres", &database, "--reset", "--base-delay", "0"];
    for (more, right) in [
        (&["--workers", "8"][..], true),
        (&["--stale-stock"], false),
        // One writer alone reads no stale stock.
        (&["--stale-stock", "--workers", "1"], true),
    ] {
        let shop = embedded(&[&flags, more].concat());
        let customer = Customer::of(&shop);
        place(&customer, "pen", 0..1_000).await;
        assert_eq!(customer.settled().await["fulfilled"], json!(1_000), "{more:?}");
        assert_eq!(rows.all().await.len(), 1_000, "{more:?}");
        let (start, stock) = rows.stock("pen").await;
        assert_eq!(start, 1_000_000, "{more:?}");
        if right {
            assert_eq!(start - stock, 3_000, "{more:?}");
        } else {
            assert!((1..2_900).contains(&(start - stock)), "{more:?}: {} of 3000 sold", start - stock);
        }
    }
}

#[tokio::test]
async fn gives_up_only_what_a_server_never_takes() {
    let long = "x".repeat(250);
    let all = All::start("cup", 3, &[]).await;
    let mut nul = order("cup", 0);
    nul["customer"] = json!("no\u{0}text");
    assert_eq!(all.customer.place(&nul).await.status, 202);
    // Its routing key is too long.
    assert_eq!(all.customer.place(&order(&long, 1)).await.status, 202);
    place(&all.customer, "cup", 2..100).await;
    let stats = all.customer.stats_once(|stats| stats["fulfilled"] == json!(98)).await;
    assert_eq!(stats["unwritten"], json!(2));
    let rows = all.rows.all().await;
    assert_eq!(rows.len(), 99);
    // The order without a row went everywhere else.
    assert_eq!(all.queue.take(99).await[&id(0)][0].body["customer"], "no\u{0}text");
    assert!(!rows.contains_key(&id(0)));
    assert_eq!(all.rows.stock("cup").await.1, 10_000 - (pieces(100) - 1 - 2));
    assert_eq!(all.shop.log().matches("refuses an order for ever").count(), 2, "{}", all.shop.log());
}

#[tokio::test]
async fn writes_all_when_lost_servers_are_back() {
    let postgres = PostgresServer::start_own().expect("a server");
    let redis = RedisServer::start_own().expect("a server");
    let rabbitmq = RabbitMq::start_own().expect("a server");
    let sinks = ["--postgres", postgres.url(), "--redis", &redis.url(), "--rabbitmq", &rabbitmq.url()];
    let shop = embedded(&sinks);
    let customer = Customer::of(&shop);
    place(&customer, "pen", 0..50).await;
    customer.settled().await;

    for outage in 0..3 {
        let first = 50 + outage * 300;
        // The servers go while orders are on their way.
        let stop = async {
            customer.stats_once(|stats| stats["accepted"].as_u64() >= Some(u64::from(first) + 30)).await;
            match outage {
                0 => postgres.stop(),
                1 => redis.stop(),
                _ => rabbitmq.stop(),
            }
            .expect("it stops");
        };
        tokio::join!(place(&customer, "pen", first..first + 200), stop);
        place(&customer, "pen", first + 200..first + 300).await;
        let stats = customer.get("/stats").await.body;
        assert!(stats["fulfilled"].as_u64() < stats["accepted"].as_u64(), "{stats}");
        match outage {
            0 => postgres.restart(),
            1 => redis.restart(),
            _ => rabbitmq.restart(),
        }
        .expect("it starts");
        let stats = customer.settled().await;
        assert_eq!((&stats["fulfilled"], &stats["unwritten"]), (&json!(first + 300), &json!(0)));
    }
    let rows = Rows::of(postgres.url()).await;
    assert_eq!(rows.all().await.len(), 950);
    assert_eq!(rows.stock("pen").await, (1_000_000, 1_000_000 - pieces(950)));
    let cached = Cached::of(&redis.url()).await;
    let missing: HashMap<_, _> = futures::stream::iter(0..950)
        .then(async |number| (number, cached.order(id(number)).await.0))
        .filter(|(_, hash)| std::future::ready(hash.is_empty()))
        .collect()
        .await;
    assert!(missing.is_empty(), "{missing:?}");
    let log = shop.log();
    for name in ["postgres", "redis", "rabbitmq"] {
        assert_eq!(log.matches(&format!("shop: lost {name} at 127.0.0.1:")).count(), 1, "{log}");
        assert_eq!(log.matches(&format!("shop: {name} at 127.0.0.1:")).count(), 1, "{log}");
    }
}
