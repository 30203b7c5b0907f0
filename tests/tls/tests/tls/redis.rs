use crate::{assert_one_of, refusal};
use qalipsis_core::fault::Fault;
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use qalipsis_testkit::certificates::{Authority, Identity};
use tempfile::TempDir;

fn start(authority: &Authority, identity: &Identity, mutual: bool) -> (TempDir, RedisServer) {
    let directory = tempfile::tempdir().unwrap();
    let files = identity.write(authority, directory.path()).unwrap();
    let server = match mutual {
        true => RedisServer::start_with_client_certificates(&files),
        false => RedisServer::start_with_tls(&files.certificate, &files.key),
    };
    (directory, server.unwrap())
}

async fn connect(
    server: &RedisServer,
    authority: Option<&Authority>,
    identity: Option<&Identity>,
) -> Result<(), Fault> {
    let mut connector = Redis::at(server.url());
    if let Some(authority) = authority {
        connector = connector.root_certificate(authority.pem());
    }
    if let Some(identity) = identity {
        connector = connector.identity_pem(identity.pem());
    }
    connector.connect().await?.save("k", "v").await.map(drop)
}

#[tokio::test]
async fn d10_redis_with_a_private_authority() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let identity = authority.identity(&["127.0.0.1"]).unwrap();
    let (_files, server) = start(&authority, &identity, false);
    connect(&server, Some(&authority), None).await.unwrap();
    for trusted in [None, Some(&other)] {
        let message = refusal(connect(&server, trusted, None).await, server.address());
        assert!(message.ends_with("UnknownIssuer; trust its authority with root_certificate"), "{message}");
    }
}

#[tokio::test]
async fn d10_redis_with_a_wrong_name() {
    let authority = Authority::new().unwrap();
    let (_files, server) = start(&authority, &authority.identity(&["shop.example"]).unwrap(), false);
    let message = refusal(connect(&server, Some(&authority), None).await, server.address());
    assert!(message.contains("tls was refused: invalid peer certificate: certificate not valid for name"));
    assert!(message.contains("shop.example"), "{message}");
}

#[tokio::test]
async fn d10_redis_with_an_expired_certificate() {
    let authority = Authority::new().unwrap();
    let (_files, server) = start(&authority, &authority.expired_identity(&["127.0.0.1"]).unwrap(), false);
    let message = refusal(connect(&server, Some(&authority), None).await, server.address());
    assert!(message.contains("tls was refused: invalid peer certificate: certificate expired"), "{message}");
}

#[tokio::test]
async fn d10_redis_that_asks_for_a_client_certificate() {
    let authority = Authority::new().unwrap();
    let (_files, server) = start(&authority, &authority.identity(&["127.0.0.1"]).unwrap(), true);
    let known = authority.identity(&["minion"]).unwrap();
    connect(&server, Some(&authority), Some(&known)).await.unwrap();
    let stranger = Authority::new().unwrap().identity(&["minion"]).unwrap();
    for identity in [None, Some(&stranger)] {
        let message = refusal(connect(&server, Some(&authority), identity).await, server.address());
        // The alert of the server, unless it was overtaken by the end of the connection.
        assert_one_of(&message, &["received fatal alert", "client certificate (identity_pem)"]);
    }
}
