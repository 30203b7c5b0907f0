//! Publishing: what is confirmed, what is refused, and that one message does not fail for another.

use crate::opened::{in_step, open};
use crate::{Admin, connect, server, unique};
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use qalipsis_core::fault::Fault;
use qalipsis_rabbitmq::Confirmed;
use std::collections::HashMap;
use std::time::Duration;

#[tokio::test]
async fn a_message_is_confirmed_and_carries_all_that_was_given() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let mut reader = open(rabbit.consume(&queue).json::<u32>()).await.ready().await;
    let message = rabbit
        .publish("", &queue)
        .json(&7)
        .header("kind", "test")
        .message_id("m")
        .correlation_id("c")
        .reply_to("answers")
        .persistent()
        .mandatory();
    let Confirmed { routed, .. } = message.await.unwrap();
    assert_eq!(routed, Some(true));
    let message = reader.next().await;
    assert_eq!((message.value, message.header_text("kind")), (7, Some("test")));
    let properties = &message.properties;
    assert_eq!(properties.content_type.as_deref(), Some("application/json"));
    assert_eq!(properties.message_id.as_deref(), Some("m"));
    assert_eq!(properties.correlation_id.as_deref(), Some("c"));
    assert_eq!(properties.reply_to.as_deref(), Some("answers"));
    assert!(properties.persistent);
    assert_eq!(message.traceparent(), None, "nobody was in a step");
    assert_eq!(rabbit.publish("", &queue).text("8").await.unwrap().routed, None);
    assert_eq!(reader.next().await.value, 8);
    reader.end().await;
}

#[tokio::test]
async fn a_mandatory_message_without_a_queue_fails_and_another_does_not() {
    let admin = Admin::new(server()).await;
    let (rabbit, exchange) = (connect().await, admin.exchange().await);
    let fault = rabbit.publish(&exchange, "nobody.here").mandatory().text("x").await.unwrap_err();
    let place = format!("rabbitmq exchange {exchange} routing key 'nobody.here' at {}", server().address());
    assert_eq!(fault.message, format!("{place}: returned as unroutable: NO_ROUTE (312)"));
    assert_eq!(fault.code, "returned");
    rabbit.publish(&exchange, "nobody.here").text("x").await.expect("it is not mandatory");
}

/// Returns and refusals must hit the messages that they are for, also with many on their way.
#[tokio::test]
async fn failures_reach_the_messages_that_they_are_for() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue, exchange) = (connect().await, admin.queue().await, admin.exchange().await);
    let missing = unique("missing");
    let messages = (0..900).map(|index| {
        let message = match index % 3 {
            0 => rabbit.publish("", &queue).mandatory(),
            1 => rabbit.publish(&exchange, "nobody.here").mandatory(),
            _ => rabbit.publish(&missing, "any"),
        };
        let message = message.text(index.to_string()).into_future();
        async move { (index % 3, message.await) }
    });
    let mut outcomes: HashMap<_, u32> = HashMap::new();
    for (kind, result) in futures::future::join_all(messages).await {
        let code = result.map_or_else(|fault| fault.code.clone().into_owned(), |_| "confirmed".to_owned());
        *outcomes.entry((kind, code)).or_default() += 1;
    }
    let expected = [((0, "confirmed"), 300), ((1, "returned"), 300), ((2, "not-found"), 300)];
    assert_eq!(outcomes, expected.map(|((kind, code), count)| ((kind, code.to_owned()), count)).into());
    assert_eq!(admin.figures(&queue).await.0, 300);
}

#[tokio::test]
async fn what_the_broker_refuses_fails_with_its_reason() {
    let admin = Admin::new(server()).await;
    let rabbit = connect().await;
    let missing = unique("missing");
    let fault = rabbit.publish(&missing, "a").text("x").await.unwrap_err();
    assert!(fault.message.ends_with(&format!("no exchange '{missing}' in vhost '/'")), "{fault}");
    assert_eq!(fault.code, "not-found");

    let full = unique("full");
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    admin.declare(&full, QueueDeclareOptions::default(), arguments).await;
    rabbit.publish("", &full).text("1").await.unwrap();
    let fault = rabbit.publish("", &full).text("2").await.unwrap_err();
    assert_eq!(fault.code, "nack");
    assert!(
        fault.message.contains("routing key '") && fault.message.contains("refused it (nack)"),
        "{fault}"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_fails_before_it_is() {
    let rabbit = connect().await;
    let fault = rabbit.publish("", "k".repeat(256)).text("x").await.unwrap_err();
    assert_eq!(fault.code, "too-long");
    assert!(fault.message.ends_with("the routing key has 256 bytes, AMQP allows 255"), "{fault}");
    let unjson: HashMap<(u8, u8), u8> = [((1, 2), 3)].into();
    let fault = rabbit.publish("", "q").json(&unjson).await.unwrap_err();
    assert_eq!(fault.code, "json");
    rabbit.publish("", "q").text("x").await.expect("the connection is none the worse");
}

#[tokio::test]
async fn in_a_step_the_trace_goes_on_and_a_failure_shows_what_was_sent() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    assert!(in_step(rabbit.publish("", &queue).text("a")).await.is_none());
    let trace = reader.next().await.traceparent().expect("a trace").to_owned();
    assert!(trace.starts_with("00-") && trace.len() == 55, "{trace}");
    assert!(in_step(rabbit.publish("", &queue).header("traceparent", "own").text("b")).await.is_none());
    assert_eq!(reader.next().await.traceparent(), Some("own"));
    reader.end().await;

    let missing = unique("missing");
    let message = rabbit.publish(&missing, "a.b").header("x-secret-token", "hunter2").text("the body");
    let evidence = in_step(message).await.expect("it fails");
    let shown = format!("{evidence:?}");
    assert!(shown.contains("the body") && shown.contains(&missing), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Minions live on one current-thread runtime per core, and share the connection of the world.
#[test]
fn several_runtimes_publish_at_once() {
    let worlds = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (admin, rabbit, queue) = worlds.block_on(async {
        let admin = Admin::new(server()).await;
        let queue = admin.queue().await;
        (admin, connect().await, queue)
    });
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (rabbit, queue) = (rabbit.clone(), queue.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let messages =
                        (0..500).map(|_| rabbit.publish("", &queue).mandatory().text("x").into_future());
                    for published in futures::future::join_all(messages).await {
                        published.expect("it is confirmed");
                    }
                });
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    worlds.block_on(async { assert_eq!(admin.figures(&queue).await.0, 2000) });
}

#[tokio::test]
async fn a_cancelled_message_leaves_nothing_behind() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue, exchange) = (connect().await, admin.queue().await, admin.exchange().await);
    for round in 0..1000 {
        // Unroutable ones as well: their returns must not reach those that come after them.
        let message = if round % 2 == 0 {
            rabbit.publish("", &queue).text("cancelled")
        } else {
            rabbit.publish(&exchange, "nobody.here").mandatory().text("cancelled")
        };
        let limit = Duration::from_micros(round % 700);
        let _: Result<Result<Confirmed, Fault>, _> = tokio::time::timeout(limit, message.into_future()).await;
    }
    let messages = (0..300).map(|_| rabbit.publish("", &queue).mandatory().text("kept").into_future());
    for published in futures::future::join_all(messages).await {
        assert_eq!(published.expect("it is confirmed").routed, Some(true));
    }
}
