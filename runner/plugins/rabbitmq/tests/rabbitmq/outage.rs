//! A broker that is killed and started again in the middle of a campaign.

use crate::opened::open;
use crate::{Admin, WAIT_LIMIT, connect, server};
use qalipsis_core::model::join::JoinFigures;
use qalipsis_core::probe::Probe;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::{Proxy, RabbitMq as Server};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_counted_twice_and_what_is_gone_at_the_end_has_failed() {
    let server = Server::start_own().unwrap();
    let admin = Admin::new(&server).await;
    let (queue, exchange) = (admin.durable_queue().await, admin.exchange().await);
    drop(admin);
    let rabbit = RabbitMq::builder(server.url()).timeout(WAIT_LIMIT).connect().await.unwrap();
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

    let deadline = Instant::now() + WAIT_LIMIT;
    while !confirmed.iter().all(|text| seen.contains_key(text)) {
        assert!(Instant::now() < deadline, "{} of {} came", seen.len(), confirmed.len());
        *seen.entry(reader.next().await.value).or_default() += 1;
    }
    assert_eq!(depth.read().await.unwrap().total, 0.0, "the probe has recovered");
    // The temporary queue is there again.
    let deadline = Instant::now() + WAIT_LIMIT;
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

/// A connection through a proxy that the test can break.
async fn proxied() -> (Proxy, RabbitMq) {
    let proxy = Proxy::to(server().address()).unwrap();
    let url = format!("amqp://guest:guest@{}?heartbeat=2", proxy.address());
    let rabbit = RabbitMq::builder(url).timeout(WAIT_LIMIT).connect().await.unwrap();
    (proxy, rabbit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_the_time_without_a_connection_is_an_interval() {
    let (proxy, rabbit) = proxied().await;
    let admin = Admin::new(server()).await;
    let (queue, exchange) = (admin.queue().await, admin.exchange().await);
    let direct = RabbitMq::connect(&server().url()).await.unwrap();
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    let mut listener = open(rabbit.consume_exchange(&exchange, "#").string()).await.ready().await;
    for break_it in ["cut", "pause"] {
        match break_it {
            "cut" => {
                proxy.refuse(true);
                proxy.cut();
            }
            // Noticed by the heartbeat.
            _ => proxy.pause(),
        }
        let open = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.to.is_none());
        reader.until("an open gap", open).await;
        listener.until("an open gap", open).await;
        direct.publish("", &queue).text(format!("kept after {break_it}")).await.unwrap();
        direct.publish(&exchange, "a").text("lost").await.unwrap();
        proxy.refuse(false);
        proxy.resume();
        let ended = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.to.is_some());
        let kept = reader.until("its end", ended).await;
        assert!(kept.gaps.iter().all(|gap| gap.to.is_none() || !gap.lossy), "{kept:?}");
        let lost = listener.until("its end", ended).await;
        assert!(lost.gaps.iter().any(|gap| gap.to.is_some() && gap.lossy), "{lost:?}");
        assert!(!lost.gaps[0].cause.contains("rabbitmq"), "{lost:?}");
        assert_eq!(reader.next().await.value, format!("kept after {break_it}"));
        direct.publish(&exchange, "a").text("after").await.unwrap();
        // What was published to the queue of the lost connection may still have come.
        while listener.next().await.value != "after" {}
    }
    reader.end().await;
    listener.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_queue_or_exchange_that_is_deleted_fails_the_source_by_name() {
    let rabbit = connect().await;
    let admin = Admin::new(server()).await;
    let (queue, exchange) = (admin.queue().await, admin.exchange().await);
    let reader = open(rabbit.consume(&queue).string()).await.ready().await;
    let listener = open(rabbit.consume_exchange(&exchange, "#").string()).await.ready().await;
    admin.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
    admin.channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
    let (fault, other) = (reader.failure().await, listener.failure().await);
    let place = format!("rabbitmq queue {queue} at {}", server().address());
    assert!(fault.message.starts_with(&place), "{fault}");
    assert!(fault.message.contains("no queue"), "{fault}");
    let place = format!("rabbitmq exchange {exchange} routing key '#' at {}", server().address());
    assert!(other.message.starts_with(&place), "{other}");
    assert!(other.message.contains("no exchange"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_a_queue_that_is_declared_again_is_read_and_the_gap_may_have_lost_messages() {
    let rabbit = connect().await;
    let admin = Admin::new(server()).await;
    let queue = admin.queue().await;
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    admin.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
    admin.declare(&queue, Default::default(), Default::default()).await;
    rabbit.publish("", &queue).mandatory().text("again").await.unwrap();
    assert_eq!(reader.next().await.value, "again");
    let figures = reader.until("its end", |figures| figures.gaps.iter().any(|gap| gap.to.is_some())).await;
    assert!(figures.gaps.iter().any(|gap| gap.lossy && gap.cause.contains("was deleted")), "{figures:?}");
    reader.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn law1_a_restart_may_lose_messages_that_are_not_persistent() {
    let server = Server::start_own().unwrap();
    let admin = Admin::new(&server).await;
    let (transient, persistent) = (admin.durable_queue().await, admin.durable_queue().await);
    drop(admin);
    let rabbit = RabbitMq::builder(server.url()).timeout(WAIT_LIMIT).connect().await.unwrap();
    let mut risky = open(rabbit.consume(&transient).string()).await.ready().await;
    let mut safe = open(rabbit.consume(&persistent).string()).await.ready().await;
    rabbit.publish("", &transient).text("x").await.unwrap();
    rabbit.publish("", &persistent).persistent().text("x").await.unwrap();
    risky.next().await;
    safe.next().await;
    let server = tokio::task::spawn_blocking(move || {
        server.stop().unwrap();
        server.restart().unwrap();
        server
    });
    let server = server.await.unwrap();
    let ended = |figures: &JoinFigures| figures.gaps.iter().any(|gap| gap.to.is_some());
    let figures = risky.until("its end", ended).await;
    assert!(figures.gaps.iter().any(|gap| gap.to.is_some() && gap.lossy), "{figures:?}");
    let figures = safe.until("its end", ended).await;
    assert!(figures.gaps.iter().all(|gap| gap.to.is_none() || !gap.lossy), "{figures:?}");
    risky.end().await;
    safe.end().await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn law1_a_broker_that_answers_late_is_an_interval() {
    let proxy = Proxy::to(server().address()).unwrap();
    let url = format!("amqp://guest:guest@{}", proxy.address());
    let rabbit = RabbitMq::builder(url).timeout(WAIT_LIMIT).connect().await.unwrap();
    let admin = Admin::new(server()).await;
    let (queue, exchange) = (admin.queue().await, admin.exchange().await);
    let reader = open(rabbit.consume(&queue).string()).await.ready().await;
    let listener = open(rabbit.consume_exchange(&exchange, "#").string()).await.ready().await;
    proxy.pause();
    sleep(Duration::from_millis(2500)).await;
    proxy.resume();
    let late = |figures: &JoinFigures| {
        figures
            .gaps
            .iter()
            .any(|gap| !gap.lossy && gap.to.is_some() && gap.cause.starts_with("the broker took "))
    };
    reader.until("a gap", late).await;
    listener.until("a gap", late).await;
    reader.end().await;
    listener.end().await;
}

#[tokio::test]
async fn b1_a_message_shows_coordinates_body_and_headers() {
    use qalipsis_core::source::Source;
    let rabbit = connect().await;
    let admin = Admin::new(server()).await;
    let queue = admin.queue().await;
    let source = rabbit.consume(&queue).named("orders").string();
    let mut reader = open(source).await.ready().await;
    assert_eq!(reader.name, format!("orders at {}", server().address()));
    rabbit.publish("", &queue).header("kind", "new").header("x-token", "hunter2").text("body").await.unwrap();
    let message = reader.next().await;
    let shown = qalipsis_rabbitmq::Consume::<String>::evidence(&message).expect("evidence");
    let line = format!("rabbitmq queue {queue} exchange (default) routing key '{queue}' delivery tag 1");
    assert_eq!(shown.summary(), line);
    let details = shown.details();
    assert!(details.starts_with(&format!("{line}\n\nbody\n")), "{details}");
    assert!(details.contains("\nkind: \"new\"") && details.contains("\nx-token: ***"), "{details}");
    reader.end().await;
}

#[tokio::test]
async fn d8_no_limit_is_the_longest_duration() {
    let rabbit = RabbitMq::builder(server().url()).timeout(Duration::MAX).connect().await.unwrap();
    let admin = Admin::new(server()).await;
    let queue = admin.queue().await;
    rabbit.publish("", &queue).text("x").await.unwrap();
    let mut depth = rabbit.queue(&queue).depth().every(Duration::MAX);
    admin.until_depth(&queue, 1).await;
    assert_eq!(depth.read().await.unwrap().total, 1.0);
}
