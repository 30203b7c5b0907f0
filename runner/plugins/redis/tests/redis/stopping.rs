//! A source ends within 1 s of being stopped, whatever it is doing.

use crate::opened::open;
use crate::{connect, run, unique};
use qalipsis_redis::{Position, Redis};
use qalipsis_testkit::RedisServer;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn while_the_server_has_nothing_for_it() {
    let redis = connect().await;
    let stream = open(redis.consume_stream(unique("stream"))).await.ready().await;
    let group = open(redis.consume_stream(unique("stream")).group("g")).await.ready().await;
    let channel = open(redis.subscribe(unique("channel"))).await.ready().await;
    // Until they wait for the server.
    sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    stream.end().await;
    channel.end().await;
    assert!(began.elapsed() < Duration::from_millis(100), "it took {:?}", began.elapsed());
    group.end().await;
}

#[tokio::test]
async fn while_it_connects() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    own.stop().unwrap();
    // A server that accepts and says nothing, at the same place.
    let silent = std::net::TcpListener::bind(own.address()).unwrap();
    let sources = [open(redis.consume_stream("s")).await, open(redis.consume_stream("s").group("g")).await];
    let channel = open(redis.subscribe("c")).await;
    sleep(Duration::from_millis(100)).await;
    for source in sources {
        source.stop().await.1.expect("it was not ready, so it failed nobody");
    }
    channel.stop().await.1.expect("it was not ready, so it failed nobody");
    drop(silent);
}

#[tokio::test]
async fn during_an_outage() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let stream = open(redis.consume_stream("s")).await.ready().await;
    let group = open(redis.consume_stream("s").group("g")).await.ready().await;
    let channel = open(redis.subscribe("c")).await.ready().await;
    own.stop().unwrap();
    sleep(Duration::from_millis(300)).await;
    stream.stop().await.1.expect("so short an outage fails nobody");
    group.stop().await.1.expect("so short an outage fails nobody");
    channel.stop().await.1.expect("so short an outage fails nobody");
}

#[tokio::test]
async fn while_records_flow_without_end() {
    let (redis, stream) = (connect().await, unique("stream"));
    for _ in 0..20 {
        let adding = (0..1000).map(|_| redis.add_to_stream(&stream, [("n", "x")]).into_future());
        for added in futures::future::join_all(adding).await {
            added.unwrap();
        }
    }
    let slow = || {
        redis.consume_stream(&stream).from(Position::Earliest).decode(|_| {
            std::thread::sleep(Duration::from_millis(1));
            Ok::<_, String>(())
        })
    };
    for source in [slow(), slow().group("g")] {
        let mut reader = open(source).await.ready().await;
        reader.next().await;
        let (left, ended) = reader.stop().await;
        ended.unwrap();
        assert!(left.len() < 19_999, "it read on to the end");
    }
    // What was not handed over is left for others, and nothing else.
    let (pending, ..): (u64, redis::Value, redis::Value, redis::Value) = run(&["XPENDING", &stream, "g"]);
    assert!(pending < 500, "{pending}");
}

#[tokio::test]
async fn while_messages_flow_without_end() {
    let (redis, channel) = (connect().await, unique("channel"));
    let slow = redis.subscribe(&channel).decode(|_, _| {
        std::thread::sleep(Duration::from_millis(1));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    let publishing = (0..5000).map(|_| redis.publish(&channel, "x").into_future());
    futures::future::join_all(publishing).await;
    reader.next().await;
    let (left, ended) = reader.stop().await;
    ended.unwrap();
    assert!(left.len() < 4999, "it read on to the end");
}

#[tokio::test]
async fn when_it_is_dropped() {
    let redis = connect().await;
    let reader = open(redis.consume_stream(unique("stream"))).await.ready().await;
    assert_eq!(reader.abort().await, 0);
    let reader = open(redis.consume_stream(unique("stream")).group("g")).await.ready().await;
    assert_eq!(reader.abort().await, 0);
    let reader = open(redis.subscribe(unique("channel"))).await;
    assert_eq!(reader.abort().await, 0);
}
