//! A broker that is killed and started again in the middle of a campaign.

use crate::opened::open;
use crate::{Admin, PATIENCE};
use qalipsis_core::gauge::Gauge;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::RabbitMq as Server;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_counted_twice_and_what_is_gone_at_the_end_has_failed() {
    let server = Server::start_own().unwrap();
    let admin = Admin::new(&server).await;
    let (queue, exchange) = (admin.durable_queue().await, admin.exchange().await);
    drop(admin);
    let rabbit = RabbitMq::builder(server.url()).timeout(PATIENCE).connect().await.unwrap();
    // Slow enough that much is on its way when the broker is killed.
    let slow = rabbit.consume(&queue).prefetch(200).decode(|message| {
        std::thread::sleep(Duration::from_micros(500));
        std::str::from_utf8(message.body()).map(str::to_owned)
    });
    let mut reader = open(slow).await.ready().await;
    let mut listener = open(rabbit.consume_exchange(&exchange, "#").string()).await.ready().await;
    let mut depth = rabbit.queue(&queue).depth();
    depth.read().await.unwrap();
    rabbit.publish(&exchange, "a").text("before").await.unwrap();
    assert_eq!(listener.next().await.value, "before");

    // Published without a break while the broker dies and comes back. Whatever was confirmed must come; what
    // was on its way when the connection broke may.
    let publisher = tokio::spawn({
        let (rabbit, queue) = (rabbit.clone(), queue.clone());
        async move {
            let (mut confirmed, mut unknown, mut after) = (Vec::new(), Vec::new(), 0);
            let mut round = 0_u32;
            while after < 20 {
                let messages = (0..50).map(|index| {
                    let text = format!("{round}-{index}");
                    let message = rabbit.publish("", &queue).persistent().mandatory().text(text.as_str());
                    async move { (text, message.await) }
                });
                for (text, result) in futures::future::join_all(messages).await {
                    match result {
                        Ok(_) => confirmed.push(text),
                        Err(fault) => {
                            assert_eq!(fault.code, "connection-lost", "{fault}");
                            unknown.push(text);
                        }
                    }
                }
                round += 1;
                after += u32::from(!unknown.is_empty());
            }
            (confirmed, unknown)
        }
    });
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for message in reader.take(500).await {
        *seen.entry(message.value).or_default() += 1;
    }
    let server = tokio::task::spawn_blocking(move || {
        server.stop().unwrap();
        server.restart().unwrap();
        server
    });
    let server = server.await.unwrap();
    let (confirmed, unknown) = publisher.await.unwrap();
    assert!(!unknown.is_empty(), "the outage hit nothing");

    let deadline = Instant::now() + PATIENCE;
    while !confirmed.iter().all(|text| seen.contains_key(text)) {
        assert!(Instant::now() < deadline, "{} of {} came", seen.len(), confirmed.len());
        *seen.entry(reader.next().await.value).or_default() += 1;
    }
    assert_eq!(depth.read().await.unwrap().total, 0.0, "the gauge has recovered");
    // The temporary queue is there again.
    let deadline = Instant::now() + PATIENCE;
    while rabbit.publish(&exchange, "a").mandatory().text("after").await.is_err() {
        assert!(Instant::now() < deadline, "the temporary queue did not come back");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(listener.next().await.value, "after");

    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    let fault = depth.read().await.unwrap_err();
    assert!(fault.message.contains("connection refused"), "{fault}");
    sleep(Duration::from_millis(1500)).await;
    let (left, ended) = reader.stop().await;
    for message in left {
        *seen.entry(message.value).or_default() += 1;
    }
    let fault = ended.expect_err("the broker was away at the end");
    assert_eq!(fault.code, "unreachable");
    assert!(fault.message.starts_with("nothing was read for the last "), "{fault}");
    assert!(fault.message.ends_with(": connection refused"), "{fault}");
    listener.stop().await.1.expect_err("so was its broker");

    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "counted twice: {twice:?}");
    let invented = seen.keys().filter(|text| !confirmed.contains(text) && !unknown.contains(text)).count();
    assert_eq!(invented, 0);
}
