//! Without flags nothing goes wrong.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Headers as _;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::json;

use crate::outside::{Customer, embedded, events, id, ids, order, post, read_all};

#[tokio::test]
async fn fulfils_every_order_once_and_unchanged() {
    let shop = embedded(&["--stock", "10000"]);
    let customer = Customer::of(&shop);
    for (number, answer) in (0..300).zip(customer.place_all(300).await) {
        assert_eq!(answer.status, 202);
        assert_eq!(answer.body, json!({ "id": id(number), "status": "accepted" }));
    }

    let stats = customer.settled().await;
    assert_eq!((&stats["accepted"], &stats["fulfilled"]), (&json!(300), &json!(300)));
    for list in ["dropped", "duplicated", "late", "wrong", "garbage", "rejected", "hung"] {
        assert!(ids(&stats, list).is_empty(), "{list}: {stats}");
    }

    let (events, garbage) = events(shop.kafka());
    assert_eq!((events.len(), garbage), (300, 0));
    for number in 0..300 {
        let order = order(number);
        let [event] = events[&id(number)].as_slice() else { panic!("not one event of order {number}") };
        for field in ["product", "quantity", "customer"] {
            assert_eq!(event[field], order[field]);
        }
        assert!(event["fulfilled_at"].as_u64().is_some_and(|at| at > 1_600_000_000_000), "{event}");
        let stored = customer.get(&format!("/orders/{}", id(number))).await;
        assert_eq!((stored.status, stored.body), (200, order));
    }
    let stock = customer.get("/stock/pen").await;
    assert_eq!(stock.body, json!({ "product": "pen", "start": 10_000, "sold": 900, "stock": 9_100 }));
}

#[tokio::test]
async fn carries_the_trace_from_request_to_event() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let shop = embedded(&[]);
    let customer = Customer::of(&shop);
    let traced = post().header("traceparent", TRACE);
    assert_eq!(customer.send(traced, "/orders", order(1).to_string().into_bytes()).await.status, 202);
    assert_eq!(customer.place(&order(2)).await.status, 202);
    customer.settled().await;

    for topic in ["orders.placed", "orders.fulfilled"] {
        let records = read_all(shop.kafka(), topic);
        assert_eq!(records.len(), 2);
        for record in records {
            let headers =
                record.headers().map(|headers| headers.iter().collect::<Vec<_>>()).unwrap_or_default();
            let headers: Vec<_> = headers.iter().map(|header| (header.key, header.value)).collect();
            if record.key() == Some(id(1).to_string().as_bytes()) {
                assert_eq!(headers, [("traceparent", Some(TRACE.as_bytes()))], "{topic}");
            } else {
                assert_eq!(headers, [], "{topic}");
            }
        }
    }
}

#[tokio::test]
async fn refuses_bad_requests_with_a_reason() {
    let shop = embedded(&["--base-delay", "0"]);
    let customer = Customer::of(&shop);
    let mut no_quantity = order(1);
    no_quantity["quantity"] = json!(0);
    let mut no_product = order(1);
    no_product["product"] = json!("");
    let mut bad_id = order(1);
    bad_id["id"] = json!("seven");
    for (body, reason) in [
        ("{".to_owned(), "EOF while parsing"),
        (no_quantity.to_string(), "quantity must be at least 1"),
        (no_product.to_string(), "product must not be empty"),
        (bad_id.to_string(), "UUID parsing failed"),
    ] {
        let answer = customer.send(post(), "/orders", body.clone().into_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        let error = answer.body["error"].as_str().expect("a reason");
        assert!(error.starts_with("bad order: ") && error.contains(reason), "{error}");
    }
    for (path, status) in [
        (format!("/orders/{}", id(1)), 404),
        ("/orders/seven".to_owned(), 400),
        ("/nowhere".to_owned(), 404),
        ("/health".to_owned(), 200),
    ] {
        assert_eq!(customer.get(&path).await.status, status, "{path}");
    }
    let stats = customer.settled().await;
    assert_eq!((&stats["accepted"], &stats["bad_requests"]), (&json!(0), &json!(4)));
    assert!(read_all(shop.kafka(), "orders.placed").is_empty());
}

#[tokio::test]
async fn fulfils_a_repeated_order_once() {
    let shop = embedded(&[]);
    let customer = Customer::of(&shop);
    for _ in 0..2 {
        assert_eq!(customer.place(&order(1)).await.status, 202);
    }
    // The second record is read after the first, as both have the same key.
    let stats =
        customer.stats_once(|stats| stats["repeated"] == json!(1) && stats["fulfilled"] == json!(1)).await;
    assert_eq!(stats["accepted"], json!(2));
    assert_eq!(events(shop.kafka()).0[&id(1)].len(), 1);
}

#[tokio::test]
async fn commits_what_it_has_handled() {
    let shop = embedded(&["--partitions", "2"]);
    let customer = Customer::of(&shop);
    customer.place_all(40).await;
    customer.settled().await;

    let watcher: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", shop.kafka())
        .set("group.id", "fulfilment")
        .create()
        .expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    for partition in 0..2 {
        partitions.add_partition("orders.placed", partition);
    }
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < Duration::from_secs(10), "offsets were never committed");
        let committed =
            watcher.committed_offsets(partitions.clone(), Duration::from_secs(5)).expect("offsets");
        let offsets = committed.elements().into_iter().map(|element| match element.offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        });
        if offsets.sum::<i64>() == 40 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
