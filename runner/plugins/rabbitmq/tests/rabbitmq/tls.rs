//! Connections by TLS.

use crate::opened::open;
use crate::{Admin, server};
use qalipsis_core::fault::Fault;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::RabbitMqTls;

fn tls() -> &'static RabbitMqTls {
    server().tls().expect("a server of our own")
}

async fn refused(builder: qalipsis_rabbitmq::Builder) -> Fault {
    let fault = builder.connect().await.expect_err("it is refused");
    assert!(!fault.message.contains('\n') && !fault.message.contains("guest:"), "{fault}");
    fault
}

#[tokio::test]
async fn messages_go_both_ways_by_tls_and_the_wire_is_encrypted() {
    let admin = Admin::new(server()).await;
    let queue = admin.queue().await;
    let rabbit = RabbitMq::builder(&tls().url).ca_pem(tls().ca_pem.as_str()).connect().await.unwrap();
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    rabbit.publish("", &queue).mandatory().text("by tls").await.unwrap();
    assert_eq!(reader.next().await.value, "by tls");
    reader.end().await;

    // What a client sends first is a TLS handshake, and not the header of AMQP.
    let (listener, _) = crate::silent_server();
    let url = format!("amqps://guest:guest@{}", listener.local_addr().unwrap());
    let first = std::thread::spawn(move || {
        let mut first = [0; 3];
        std::io::Read::read_exact(&mut listener.accept().unwrap().0, &mut first).unwrap();
        first
    });
    let builder = RabbitMq::builder(url).ca_pem(tls().ca_pem.as_str());
    refused(builder).await;
    assert_eq!(first.join().unwrap(), [22, 3, 1]);
}

#[tokio::test]
async fn a_client_may_present_itself() {
    let builder = || RabbitMq::builder(&tls().url).ca_pem(tls().ca_pem.as_str());
    builder()
        .identity_pem(tls().identity_pem.as_str())
        .connect()
        .await
        .expect("the server knows its authority");
    let stranger = rcgen::generate_simple_self_signed(vec!["stranger".to_owned()]).unwrap();
    let identity = stranger.cert.pem() + &stranger.signing_key.serialize_pem();
    let fault = refused(builder().identity_pem(identity)).await;
    // The alert of the broker, unless it was overtaken by the end of the connection.
    let expected =
        ["TLS handshake: received fatal alert: ", "; did it refuse the certificate of this client"];
    assert!(expected.iter().any(|part| fault.message.contains(part)), "{fault}");
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let stranger = rcgen::generate_simple_self_signed(vec!["stranger".to_owned()]).unwrap();
    for builder in [RabbitMq::builder(&tls().url), RabbitMq::builder(&tls().url).ca_pem(stranger.cert.pem())]
    {
        let fault = refused(builder).await;
        assert!(
            fault.message.contains(": TLS handshake: invalid peer certificate: UnknownIssuer"),
            "{fault}"
        );
        assert_eq!(fault.code, "tls");
    }
}

#[tokio::test]
async fn the_wrong_port_is_reported() {
    let url = server().url().replace("amqp://", "amqps://");
    let fault = refused(RabbitMq::builder(url).ca_pem(tls().ca_pem.as_str())).await;
    assert_eq!(fault.code, "tls");
    assert!(fault.message.ends_with("is that the broker's port for TLS (usually 5671)?"), "{fault}");
    let url = tls().url.replace("amqps://", "amqp://");
    let fault = refused(RabbitMq::builder(url)).await;
    assert!(fault.message.ends_with("; does that port want TLS (amqps)?"), "{fault}");
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    let fault = refused(RabbitMq::builder(&tls().url).ca_pem("nonsense")).await;
    assert_eq!(fault.message, "rabbitmq TLS: ca_pem: no certificate in PEM form");
    let builder = RabbitMq::builder(&tls().url).ca_pem(tls().ca_pem.as_str());
    let fault = refused(builder.identity_pem(tls().ca_pem.as_str())).await;
    assert!(fault.message.starts_with("rabbitmq TLS: identity_pem: no private key"), "{fault}");
}
