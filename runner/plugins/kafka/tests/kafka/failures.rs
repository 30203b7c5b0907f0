//! What is reported when something is wrong with brokers, topics or properties.

use crate::opened::open;
use crate::{broker, mock, topic, unique};
use qalipsis_kafka::Kafka;
use qalipsis_testkit::{KafkaBroker, free_port};
use std::time::Duration;

#[tokio::test]
async fn a_dead_broker_is_named_with_the_reason() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let (fault, after) = open(Kafka::new(&address).consume("orders")).await.refusal().await;
    let expected = format!("kafka at {address}: no broker answered within 10 s: ");
    assert!(fault.message.starts_with(&expected), "{fault}");
    assert!(fault.message.ends_with("Connection refused"), "{fault}");
    assert_eq!(fault.code, "unreachable");
    assert!(after < Duration::from_secs(12), "reported after {after:?}");
}

#[tokio::test]
async fn a_check_names_what_is_wrong() {
    Kafka::new(broker().bootstrap()).check().await.expect("a broker that runs");
    let fault = Kafka::new("qalipsis.invalid:9092").check().await.unwrap_err();
    assert!(fault.message.starts_with("kafka at qalipsis.invalid:9092: no broker answered"), "{fault}");
    assert!(fault.message.contains("Failed to resolve"), "{fault}");
    let fault = Kafka::new("127.0.0.1:9092").property("client.idd", "x").check().await.unwrap_err();
    assert!(fault.message.ends_with("did you mean 'client.id'?"), "{fault}");
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_named_with_the_nearest() {
    let topic = topic(1);
    let kafka = Kafka::new(broker().bootstrap());
    let wrong = format!("{topic}x");
    let (fault, after) = open(kafka.consume(&wrong)).await.refusal().await;
    assert_eq!(
        fault.message,
        format!("no topic '{wrong}' at {}, did you mean '{topic}'?", broker().bootstrap())
    );
    assert!(after < Duration::from_secs(10), "reported after {after:?}");
    let (fault, _) = open(kafka.consume(&wrong).group(unique("group"))).await.refusal().await;
    assert!(fault.message.starts_with("no topic '"), "{fault}");
    let (fault, _) = open(kafka.consume_matching("^nothing-is-called-so")).await.refusal().await;
    assert!(fault.message.starts_with("no topic matches '^nothing-is-called-so' at "), "{fault}");
}

#[tokio::test]
async fn wrong_arguments_are_refused_at_once() {
    let kafka = Kafka::new(broker().bootstrap());
    let (fault, _) = open(kafka.consume_matching("(")).await.refusal().await;
    assert!(fault.message.starts_with("'(' is not a pattern: "), "{fault}");
    let (fault, _) = open(kafka.consume([""; 0])).await.refusal().await;
    assert_eq!(fault.message, "no topic was named");
    let (fault, _) = open(kafka.consume("a").property("fetch.wait.max.ms", "soon")).await.refusal().await;
    assert!(fault.message.starts_with("kafka property 'fetch.wait.max.ms': "), "{fault}");
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let address = format!("127.0.0.1:{}", free_port().unwrap());
    let kafka = Kafka::new(&address)
        .property("security.protocol", "sasl_plaintext")
        .property("sasl.mechanism", "PLAIN")
        .property("sasl.username", "alice")
        .property("sasl.password", "hunter2");
    let consume = kafka.consume("orders");
    let producer = kafka.clone().property("message.timeout.ms", "1500").producer().unwrap();
    let shown = format!("{kafka:?} {consume:?} {producer:?}");
    let refused = producer.send("orders").text("x").await.unwrap_err();
    let (unready, _) = open(consume).await.refusal().await;
    let all = format!("{shown} {refused:?} {unready:?}");
    assert!(!all.contains("hunter2"), "{all}");
    assert!(all.contains("alice"), "{all}");
}

/// A broker that speaks no SASL refuses who insists on it; waiting does not help.
#[tokio::test]
async fn a_refused_login_is_reported_early() {
    let kafka = Kafka::new(broker().bootstrap())
        .property("security.protocol", "sasl_plaintext")
        .property("sasl.mechanism", "PLAIN")
        .property("sasl.username", "alice")
        .property("sasl.password", "hunter2");
    let began = std::time::Instant::now();
    let fault = kafka.check().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(8), "reported after {:?}", began.elapsed());
    assert_eq!(fault.code, "rejected");
    assert!(fault.message.contains("SASL PLAIN mechanism handshake failed"), "{fault}");
    assert!(!fault.message.contains("hunter2"), "{fault}");
}

#[tokio::test]
async fn reading_goes_on_after_an_outage_of_the_mock() {
    let cluster = mock("orders", 1);
    // Records alone must show that it is over: statistics come late, here never.
    let kafka = Kafka::new(cluster.bootstrap_servers()).property("statistics.interval.ms", "600000");
    let producer = kafka.producer().unwrap();
    let mut reader = open(kafka.consume("orders").string()).await.ready().await;
    producer.send("orders").text("before").await.unwrap();
    assert_eq!(reader.next().await.value, "before");
    cluster.broker_down(1).unwrap();
    let during = tokio::spawn(producer.send("orders").text("during").into_future());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    cluster.broker_up(1).unwrap();
    during.await.unwrap().expect("the producer outlasts it as well");
    assert_eq!(reader.next().await.value, "during");
    reader.end().await;
}

#[tokio::test]
async fn reading_goes_on_after_a_broker_was_killed_and_started_again() {
    let own = KafkaBroker::start_own().unwrap();
    own.create_topic("orders", 2).unwrap();
    let kafka = Kafka::new(own.bootstrap());
    let producer = kafka.clone().property("message.timeout.ms", "60000").producer().unwrap();
    let mut reader = open(kafka.consume("orders").string()).await.ready().await;
    producer.send("orders").partition(0).text("before").await.unwrap();
    assert_eq!(reader.next().await.value, "before");
    let own = tokio::task::spawn_blocking(move || {
        own.stop().unwrap();
        own.restart().unwrap();
        own
    });
    let own = own.await.unwrap();
    producer.send("orders").partition(1).text("after").await.unwrap();
    assert_eq!(reader.next().await.value, "after");

    tokio::task::spawn_blocking(move || drop(own)).await.unwrap();
    // Until the client has noticed and the outage counts.
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let (left, ended) = reader.stop().await;
    let fault = ended.expect_err("the brokers were away at the end");
    assert!(left.is_empty());
    assert!(fault.message.contains("no broker was reachable for the last "), "{fault}");
    assert_eq!(fault.code, "unreachable");
}
