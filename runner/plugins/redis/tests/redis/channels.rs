//! Channels as sources.

use crate::opened::open;
use crate::{connect, unique};
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Event {
    id: u32,
}

#[tokio::test]
async fn what_is_published_once_ready_is_received_and_nothing_before() {
    let (redis, channel) = (connect().await, unique("channel"));
    for round in 0..50 {
        redis.publish(&channel, "before").await.unwrap();
        let mut reader = open(redis.subscribe(&channel)).await.ready().await;
        assert_eq!(redis.publish(&channel, round.to_string()).await.unwrap(), 1);
        assert_eq!(reader.next().await.value, round.to_string(), "round {round}");
        reader.end().await;
        // Its connection is closed, which the server notices in its own time.
        let deadline = Instant::now() + crate::WAIT_LIMIT;
        while redis.publish(&channel, "after").await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "it is still subscribed");
        }
    }
}

#[tokio::test]
async fn messages_of_a_pattern_name_their_channel() {
    let (redis, family) = (connect().await, unique("family"));
    let pattern = format!("{family}.*");
    let reader = open(redis.subscribe_matching(&pattern).json::<Event>()).await;
    assert_eq!(reader.name, format!("redis channels matching {pattern} at {}", redis.target()));
    let mut reader = reader.ready().await;
    redis.publish(&family, "not of the family").await.unwrap();
    redis.publish(format!("{family}.eu"), "{\"id\":1}").await.unwrap();
    redis.publish(format!("{family}.us"), "{\"id\":2}").await.unwrap();
    let messages = reader.take(2).await;
    assert_eq!(messages[0].channel, format!("{family}.eu"));
    assert_eq!((messages[1].value.id, messages[1].pattern.as_deref()), (2, Some(&*pattern)));
    assert_eq!(reader.end().await.bytes, 2 * (family.len() as u64 + 3 + 8));
}

#[tokio::test]
async fn garbage_is_counted_with_its_channel() {
    let (redis, channel) = (connect().await, unique("channel"));
    let mut reader = open(redis.subscribe(&channel).json::<Event>()).await.ready().await;
    let mut raw = open(redis.subscribe(&channel).bytes()).await.ready().await;
    redis.publish(&channel, [b'<', 0xff]).await.unwrap();
    redis.publish(&channel, "{\"id\":2}").await.unwrap();
    assert_eq!(reader.next().await.value, Event { id: 2 });
    let evidence = reader.evidence().await;
    assert_eq!(evidence.kind, FailureKind::Undecodable);
    assert_eq!(
        evidence.message,
        format!("redis channel {channel}: expected value at line 1 column 1, message <\u{fffd}")
    );
    assert_eq!(&raw.next().await.value[..], [b'<', 0xff]);
    raw.next().await;
    raw.end().await;
    let figures = reader.end().await;
    assert_eq!((figures.records, figures.undecodable), (2, 1));
}

#[tokio::test]
async fn many_messages_arrive_in_order() {
    let channel = unique("channel");
    let mut reader = open(connect().await.subscribe(&channel)).await.ready().await;
    let numbers: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    // One after the other by one connection, as fast as it can.
    let mut publish = redis::pipe();
    for number in &numbers {
        publish.cmd("PUBLISH").arg(&channel).arg(number).ignore();
    }
    let url = crate::server().url();
    let published = tokio::task::spawn_blocking(move || {
        publish.exec(&mut redis::Client::open(url).unwrap().get_connection().unwrap())
    });
    published.await.unwrap().unwrap();
    let read: Vec<String> = reader.take(20_000).await.into_iter().map(|message| message.value).collect();
    assert!(read == numbers, "something is missing, repeated or out of order");
    reader.end().await;
}

#[tokio::test]
async fn receiving_goes_on_after_a_restart() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let mut reader = open(redis.subscribe("orders")).await.ready().await;
    redis.publish("orders", "before").await.unwrap();
    assert_eq!(reader.next().await.value, "before");
    own.stop().unwrap();
    own.restart().unwrap();
    // It is heard again once the source has subscribed again; until then nobody is.
    let deadline = Instant::now() + crate::WAIT_LIMIT;
    loop {
        assert!(Instant::now() < deadline, "nobody subscribed again");
        match redis.publish("orders", "after").await {
            Ok(1) => break,
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
    assert_eq!(reader.next().await.value, "after");
    reader.end().await;
}
