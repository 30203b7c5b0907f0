use crate::{assert_one_of, refusal};
use qalipsis_core::fault::Fault;
use qalipsis_kafka::Kafka;
use qalipsis_testkit::certificates::{Authority, Identity};
use qalipsis_testkit::{KAFKA_PASSWORD, SecuredKafka};
use std::sync::LazyLock;

static SECURED: LazyLock<SecuredKafka> = LazyLock::new(|| SecuredKafka::start().unwrap());

fn tls(address: &str, authority: Option<&Authority>) -> Kafka {
    let kafka = Kafka::new(address).property("security.protocol", "ssl");
    match authority {
        Some(authority) => kafka.property("ssl.ca.pem", authority.pem()),
        None => kafka,
    }
}

fn sasl(address: &str, mechanism: &str) -> Kafka {
    tls(address, Some(&SECURED.authority))
        .property("security.protocol", "sasl_ssl")
        .property("sasl.mechanism", mechanism)
}

fn presenting(kafka: Kafka, identity: &Identity) -> Kafka {
    kafka
        .property("ssl.certificate.pem", identity.certificate.as_str())
        .property("ssl.key.pem", identity.key.as_str())
}

/// A message is produced, and acknowledged.
async fn used(kafka: Kafka) -> Result<(), Fault> {
    kafka.check().await?;
    kafka.producer()?.send("secured").key("k").text("v").await.map(drop)
}

#[tokio::test]
async fn d10_kafka_with_a_private_authority() {
    let secured = &*SECURED;
    used(tls(&secured.tls, Some(&secured.authority))).await.unwrap();
    let other = Authority::new().unwrap();
    for trusted in [None, Some(&other)] {
        let message = refusal(used(tls(&secured.tls, trusted)).await, &secured.tls);
        let expected = format!(
            "kafka at {0}: TLS handshake with {0}: invalid peer certificate: UnknownIssuer; trust its authority with \
             the property ssl.ca.pem or ssl.ca.location",
            secured.tls
        );
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn d10_kafka_with_a_wrong_name() {
    let secured = &*SECURED;
    let message =
        refusal(used(tls(&secured.wrong_name, Some(&secured.authority))).await, &secured.wrong_name);
    assert!(message.contains("invalid peer certificate: certificate not valid for name"), "{message}");
    assert!(message.contains("shop.example"), "{message}");
}

#[tokio::test]
async fn d10_kafka_with_an_expired_certificate() {
    let secured = &*SECURED;
    let message = refusal(used(tls(&secured.expired, Some(&secured.authority))).await, &secured.expired);
    assert!(message.contains("invalid peer certificate: certificate expired"), "{message}");
}

#[tokio::test]
async fn d10_kafka_that_asks_for_a_client_certificate() {
    let secured = &*SECURED;
    let client = || tls(&secured.mutual, Some(&secured.authority));
    used(presenting(client(), &secured.authority.identity(&["minion"]).unwrap())).await.unwrap();
    let stranger = Authority::new().unwrap().identity(&["minion"]).unwrap();
    for client in [client(), presenting(client(), &stranger)] {
        let message = refusal(used(client).await, &secured.mutual);
        assert_one_of(&message, &["alert", "certificate", "client authentication"]);
    }
}

#[tokio::test]
async fn d10_kafka_on_the_wrong_port() {
    let secured = &*SECURED;
    let plain = secured.broker.bootstrap();
    let message = refusal(used(tls(plain, Some(&secured.authority))).await, plain);
    assert!(message.ends_with(": connecting to a PLAINTEXT broker listener?"), "{message}");
    let message = refusal(used(Kafka::new(secured.tls.as_str())).await, &secured.tls);
    assert!(message.ends_with("; does that port want TLS (security.protocol=ssl or sasl_ssl)?"), "{message}");
}

#[tokio::test]
async fn d9_kafka_over_tls_with_scram() {
    let secured = &*SECURED;
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let client = |password: &str| {
            sasl(&secured.scram, mechanism)
                .property("sasl.username", "alice")
                .property("sasl.password", password)
        };
        used(client(KAFKA_PASSWORD)).await.unwrap();
        let message = refusal(used(client("hunter2")).await, &secured.scram);
        assert!(message.contains("uthentication failed") && !message.contains("hunter2"), "{message}");
    }
}

#[tokio::test]
async fn d9_kafka_over_tls_with_oauthbearer() {
    let secured = &*SECURED;
    let client =
        || sasl(&secured.oauth, "OAUTHBEARER").property("enable.sasl.oauthbearer.unsecure.jwt", "true");
    used(client().property("sasl.oauthbearer.config", "principal=alice")).await.unwrap();
    // A broker that offers another mechanism says which.
    let message = refusal(
        used(
            sasl(&secured.oauth, "PLAIN").property("sasl.username", "a").property("sasl.password", "hunter2"),
        )
        .await,
        &secured.oauth,
    );
    assert!(message.contains("OAUTHBEARER"), "{message}");
}
