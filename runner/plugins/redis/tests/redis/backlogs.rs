//! Backlogs as probes.

use crate::{connect, run, run_at, unique};
use qalipsis_core::probe::{Probe, Reading};
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use redis::Value;
use std::time::{Duration, Instant};

#[tokio::test]
async fn lengths_are_counted() {
    let (redis, stream, list) = (connect().await, unique("stream"), unique("list"));
    let mut entries = redis.length_of_stream(&stream);
    let mut values = redis.length_of_list(&list);
    assert_eq!(entries.read().await.unwrap(), Reading::from(0.0));
    assert_eq!(values.read().await.unwrap(), Reading::from(0.0));
    redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    run::<()>(&["RPUSH", &list, "1", "2"]);
    assert_eq!(entries.read().await.unwrap(), Reading::from(1.0));
    assert_eq!(values.read().await.unwrap(), Reading::from(2.0));
    assert_eq!(entries.name(), format!("length of redis stream {stream} at {}", redis.target()));
    assert_eq!((entries.unit(), values.unit()), ("entries", "values"));
    assert_eq!(entries.period(), Duration::from_secs(1));
    assert_eq!(entries.every(Duration::from_secs(5)).period(), Duration::from_secs(5));

    let fault = redis.length_of_list(&stream).read().await.unwrap_err();
    assert!(fault.message.contains(&format!("LLEN {stream}: WRONGTYPE")), "{fault}");
    assert!(fault.message.ends_with(", the key holds a stream"), "{fault}");
}

#[tokio::test]
async fn the_lag_of_a_group_is_what_it_has_not_finished() {
    let (redis, stream) = (connect().await, unique("stream"));
    let mut lag = redis.lag_of_group(&stream, "workers");
    let fault = lag.read().await.unwrap_err();
    assert_eq!(fault.code, "unknown-group");
    assert!(fault.message.ends_with("no group 'workers'"), "{fault}");
    run::<()>(&["XGROUP", "CREATE", &stream, "workers", "$", "MKSTREAM"]);
    assert_eq!(lag.read().await.unwrap().total, 0.0);
    for _ in 0..5 {
        redis.add_to_stream(&stream, [("n", "1")]).await.unwrap();
    }
    assert_eq!(lag.read().await.unwrap().total, 5.0);
    run::<Value>(&["XREADGROUP", "GROUP", "workers", "w", "COUNT", "2", "STREAMS", &stream, ">"]);
    let reading = lag.read().await.unwrap();
    let parts = vec![("undelivered".to_owned(), 3.0), ("pending".to_owned(), 2.0)];
    assert_eq!(reading, Reading { total: 5.0, parts });
    let first = redis.stream_range(&stream, "-", "+").count(1).await.unwrap()[0].id.to_string();
    run::<()>(&["XACK", &stream, "workers", &first]);
    assert_eq!(lag.read().await.unwrap().total, 4.0);
}

#[tokio::test]
async fn a_probe_fails_during_an_outage_and_goes_on_after_it() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let mut length = redis.length_of_stream("orders");
    length.read().await.unwrap();
    own.stop().unwrap();
    while length.read().await.is_ok() {}
    let fault = length.read().await.unwrap_err();
    assert_eq!(fault.message, format!("redis at {}: connection refused", own.address()));
    own.restart().unwrap();
    assert_eq!(length.read().await.unwrap(), Reading::from(0.0));
}

/// A server that is connected and does not answer.
#[tokio::test]
async fn a_probe_answers_within_its_period() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    let mut length = redis.length_of_stream("orders").every(Duration::from_millis(500));
    length.read().await.unwrap();
    run_at::<()>(&own, &["CLIENT", "PAUSE", "1500", "ALL"]);
    let began = Instant::now();
    let fault = length.read().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(500), "it took {:?}", began.elapsed());
    assert_eq!(fault.message, format!("redis at {}: XLEN orders: no answer within 450 ms", own.address()));
    while length.read().await.is_err() {
        assert!(began.elapsed() < crate::WAIT_LIMIT, "it never answers again");
    }
}
