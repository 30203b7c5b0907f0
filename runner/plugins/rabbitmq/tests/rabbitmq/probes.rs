//! Queues that are watched.

use crate::{Admin, connect, server, unique};
use qalipsis_core::probe::{Probe, Reading};
use std::time::Duration;

#[tokio::test]
async fn the_depth_and_the_consumers_of_a_queue() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let (mut depth, mut consumers) = (rabbit.queue(&queue).depth(), rabbit.queue(&queue).consumers());
    assert_eq!(depth.name(), format!("depth of rabbitmq queue {queue} at {}", server().address()));
    assert_eq!((depth.unit(), depth.period()), ("messages", Duration::from_secs(1)));
    assert_eq!((consumers.unit(), consumers.name().starts_with("consumers of ")), ("consumers", true));
    assert_eq!(depth.read().await.unwrap(), Reading::from(0.0));
    for _ in 0..3 {
        rabbit.publish("", &queue).text("x").await.unwrap();
    }
    assert_eq!(depth.read().await.unwrap(), Reading::from(3.0));
    assert_eq!(consumers.read().await.unwrap(), Reading::from(0.0));
    let reader = crate::opened::open(rabbit.consume(&queue)).await.ready().await;
    assert_eq!(consumers.read().await.unwrap(), Reading::from(1.0));
    admin.until_depth(&queue, 0).await;
    assert_eq!(depth.read().await.unwrap(), Reading::from(0.0));
    let _ = reader.stop().await;
    let every = rabbit.queue(&queue).depth().every(Duration::from_millis(200));
    assert_eq!(every.period(), Duration::from_millis(200));
}

#[tokio::test]
async fn a_missing_queue_is_reported_each_time_and_found_when_it_is_there() {
    let admin = Admin::new(server()).await;
    let (rabbit, missing) = (connect().await, unique("missing"));
    let (mut depth, mut other) = (rabbit.queue(&missing).depth(), rabbit.queue(&missing).consumers());
    for _ in 0..3 {
        let fault = depth.read().await.unwrap_err();
        assert!(fault.message.starts_with("depth of rabbitmq queue missing-"), "{fault}");
        assert!(fault.message.ends_with(&format!("no queue '{missing}' in vhost '/'")), "{fault}");
        other.read().await.unwrap_err();
    }
    let options = lapin::options::QueueDeclareOptions::default();
    admin.declare(&missing, options, lapin::types::FieldTable::default()).await;
    assert_eq!(depth.read().await.unwrap(), Reading::from(0.0));
}
