//! Which servers it connects to, and what is reported when that is refused.

use crate::server;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer, free_port};
use serde_json::Value;

/// Connects to `url`, which must fail, and returns the message, of one line, and the code.
async fn refusal(url: &str) -> (String, String) {
    let fault = Postgres::connect(url).await.expect_err("it is refused");
    let shown = format!("{fault:?} {:?}", Postgres::builder(url));
    for secret in [POSTGRES_PASSWORD, "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!fault.message.contains('\n'), "{fault}");
    (fault.message.clone(), fault.code.to_string())
}

#[tokio::test]
async fn a_dead_server_is_named_with_the_reason() {
    let port = free_port().unwrap();
    let (message, code) = refusal(&format!("postgres://alice:hunter2@127.0.0.1:{port}/shop")).await;
    assert_eq!(
        message,
        format!(
            "postgres at 127.0.0.1:{port}/shop as alice: error connecting to server: \
             Connection refused (os error 111)"
        )
    );
    assert_eq!(code, "connect");
    let (message, _) = refusal("postgres://alice:hunter2@qalipsis.invalid/shop").await;
    assert!(message.starts_with("postgres at qalipsis.invalid:5432/shop as alice: error connecting"));
    assert!(message.contains("failed to lookup address information"), "{message}");
}

#[tokio::test]
async fn a_wrong_password_or_database_is_named() {
    let address = server().address();
    let (message, code) = refusal(&format!("postgres://postgres:hunter2@{address}/postgres")).await;
    assert_eq!(
        message,
        format!(
            "postgres at {address}/postgres as postgres: password authentication failed for user \"postgres\""
        )
    );
    assert_eq!(code, "28P01");
    let (message, code) =
        refusal(&format!("postgres://postgres:{POSTGRES_PASSWORD}@{address}/no_such")).await;
    assert_eq!(
        message,
        format!("postgres at {address}/no_such as postgres: database \"no_such\" does not exist")
    );
    assert_eq!(code, "3D000");
    let (message, _) = refusal(&format!("postgres://postgres@{address}/postgres")).await;
    assert_eq!(
        message,
        format!("postgres at {address}/postgres as postgres: invalid configuration: password missing")
    );
    // The server does not reveal whether there is such a user.
    let (message, _) = refusal(&format!("postgres://nobody:hunter2@{address}/postgres")).await;
    assert!(message.ends_with("password authentication failed for user \"nobody\""), "{message}");
}

async fn encrypted(postgres: &Postgres) -> bool {
    let used = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    postgres.search(used, &[]).row::<Value>().await.unwrap()["ssl"] == true
}

#[tokio::test]
async fn tls_is_used_when_asked_for_and_checked() {
    let own = PostgresServer::start_own().unwrap();
    let ca = own.ca_pem().unwrap();
    assert!(!encrypted(&Postgres::connect(own.url()).await.unwrap()).await);
    let trusting = Postgres::builder(own.url()).ca_pem(ca).build().await.unwrap();
    assert!(encrypted(&trusting).await);
    let careless = Postgres::builder(own.url()).accept_any_certificate().build().await.unwrap();
    assert!(encrypted(&careless).await);

    let file = std::env::temp_dir().join(format!("qalipsis-ca-{}.pem", own.pid().unwrap()));
    std::fs::write(&file, ca).unwrap();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", own.url(), file.display());
    assert!(encrypted(&Postgres::connect(&url).await.unwrap()).await);
    std::fs::remove_file(&file).unwrap();
    let (message, _) = refusal(&url).await;
    assert!(message.contains("sslrootcert") && message.contains("No such file"), "{message}");

    // An authority that certified another server.
    let other = PostgresServer::start_own().unwrap();
    let untrusted = Postgres::builder(own.url()).ca_pem(other.ca_pem().unwrap()).build().await.unwrap_err();
    let place = format!("postgres at {}/postgres as postgres: ", own.address());
    assert!(untrusted.message.starts_with(&place), "{untrusted}");
    assert!(
        untrusted.message.contains("error performing TLS handshake: invalid peer certificate"),
        "{untrusted}"
    );
    assert_eq!(untrusted.code, "tls");
    let fault = Postgres::builder(own.url()).ca_pem("no certificate").build().await.unwrap_err();
    assert_eq!(fault.message, "postgres: ca_pem: no certificate in PEM form");

    // A server that has none.
    other.execute("alter system set ssl = off").unwrap();
    other.restart().unwrap();
    let unoffered = Postgres::builder(other.url()).ca_pem(other.ca_pem().unwrap()).build().await.unwrap_err();
    assert_eq!(
        unoffered.message,
        format!(
            "postgres at {}/postgres as postgres: error performing TLS handshake: \
             server does not support TLS; without TLS the url has ?sslmode=disable",
            other.address()
        )
    );
    let shown = format!("{untrusted:?} {unoffered:?} {trusting:?}");
    assert!(!shown.contains(POSTGRES_PASSWORD), "{shown}");
}
