use crate::{assert_one_of, refusal};
use qalipsis_core::fault::Fault;
use qalipsis_rabbitmq::RabbitMq;
use qalipsis_testkit::certificates::{Authority, Identity};

type Server = qalipsis_testkit::RabbitMq;

async fn connect(
    server: &Server,
    authority: Option<&Authority>,
    identity: Option<&Identity>,
) -> Result<(), Fault> {
    let mut builder = RabbitMq::builder(&server.tls().unwrap().url);
    if let Some(authority) = authority {
        builder = builder.ca_pem(authority.pem());
    }
    if let Some(identity) = identity {
        builder = builder.identity_pem(identity.pem());
    }
    builder.connect().await.map(drop)
}

/// `127.0.0.1:5671` of the URL.
fn address(server: &Server) -> String {
    let url = &server.tls().unwrap().url;
    let after_login = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest);
    after_login.split('/').next().unwrap_or_default().to_owned()
}

// A server of RabbitMQ takes nine seconds to start, so each has several causes.

#[tokio::test]
async fn d10_rabbitmq_with_a_private_authority_asks_for_a_client_certificate() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let server = Server::start_as(&authority, &authority.identity(&["127.0.0.1"]).unwrap(), true).unwrap();
    let known = authority.identity(&["minion"]).unwrap();
    connect(&server, Some(&authority), Some(&known)).await.unwrap();
    let stranger = other.identity(&["minion"]).unwrap();
    for identity in [None, Some(&stranger)] {
        let message = refusal(connect(&server, Some(&authority), identity).await, &address(&server));
        assert_one_of(&message, &["received fatal alert", "certificate of this client (identity_pem)"]);
    }
    for trusted in [None, Some(&other)] {
        let message = refusal(connect(&server, trusted, Some(&known)).await, &address(&server));
        let expected =
            "TLS handshake: invalid peer certificate: UnknownIssuer; trust its authority with ca_pem";
        assert!(message.ends_with(expected), "{message}");
    }
}

#[tokio::test]
async fn d10_rabbitmq_with_an_expired_certificate_and_with_a_wrong_name() {
    let authority = Authority::new().unwrap();
    let identity = authority.expired_identity(&["127.0.0.1"]).unwrap();
    let server = Server::start_as(&authority, &identity, false).unwrap();
    let message = refusal(connect(&server, Some(&authority), None).await, &address(&server));
    assert!(message.contains("TLS handshake: invalid peer certificate: certificate expired"), "{message}");

    let identity = authority.identity(&["shop.example"]).unwrap();
    drop(server);
    let server = Server::start_as(&authority, &identity, false).unwrap();
    let message = refusal(connect(&server, Some(&authority), None).await, &address(&server));
    assert!(message.contains("invalid peer certificate: certificate not valid for name"), "{message}");
    assert!(message.contains("shop.example"), "{message}");
}
