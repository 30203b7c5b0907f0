use crate::{assert_one_of, refusal};
use qalipsis_core::fault::Fault;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::PostgresServer;
use qalipsis_testkit::certificates::{Authority, Identity};

async fn connect(
    server: &PostgresServer,
    authority: Option<&Authority>,
    identity: Option<&Identity>,
) -> Result<(), Fault> {
    let mut builder = Postgres::builder(format!("{}?sslmode=require", server.url()));
    if let Some(authority) = authority {
        builder = builder.ca_pem(authority.pem());
    }
    if let Some(identity) = identity {
        builder = builder.identity_pem(identity.pem());
    }
    builder.build().await?.execute("select 1", &[]).await.map(drop)
}

#[tokio::test]
async fn d10_postgres_with_a_private_authority() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let identity = authority.identity(&["127.0.0.1"]).unwrap();
    let server = PostgresServer::start_as(&authority, &identity, false).unwrap();
    connect(&server, Some(&authority), None).await.unwrap();
    for trusted in [None, Some(&other)] {
        let message = refusal(connect(&server, trusted, None).await, server.address());
        assert!(message.ends_with("UnknownIssuer; trust its certificate authority by ca_pem"), "{message}");
    }
}

#[tokio::test]
async fn d10_postgres_with_a_wrong_name() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["shop.example"]).unwrap();
    let server = PostgresServer::start_as(&authority, &identity, false).unwrap();
    let message = refusal(connect(&server, Some(&authority), None).await, server.address());
    assert!(message.contains("invalid peer certificate: certificate not valid for name"), "{message}");
    assert!(message.contains("shop.example"), "{message}");
}

#[tokio::test]
async fn d10_postgres_with_an_expired_certificate() {
    let authority = Authority::new().unwrap();
    let identity = authority.expired_identity(&["127.0.0.1"]).unwrap();
    let server = PostgresServer::start_as(&authority, &identity, false).unwrap();
    let message = refusal(connect(&server, Some(&authority), None).await, server.address());
    assert!(message.contains("invalid peer certificate: certificate expired"), "{message}");
}

#[tokio::test]
async fn d10_postgres_that_asks_for_a_client_certificate() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["127.0.0.1"]).unwrap();
    let server = PostgresServer::start_as(&authority, &identity, true).unwrap();
    let known = authority.identity(&["minion"]).unwrap();
    connect(&server, Some(&authority), Some(&known)).await.unwrap();
    let message = refusal(connect(&server, Some(&authority), None).await, server.address());
    assert!(message.contains("connection requires a valid client certificate"), "{message}");
    let stranger = Authority::new().unwrap().identity(&["minion"]).unwrap();
    let message = refusal(connect(&server, Some(&authority), Some(&stranger)).await, server.address());
    assert_one_of(&message, &["received fatal alert", "client certificate (identity_pem)"]);
    // Without TLS the server lets nobody in.
    let message = refusal(Postgres::connect(server.url()).await, server.address());
    assert!(message.ends_with("for TLS add ?sslmode=require to the url"), "{message}");
}
