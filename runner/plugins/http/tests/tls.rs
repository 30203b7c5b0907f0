//! TLS: who is trusted, and which version is spoken.

mod common;

use common::certificates::Authority;
use common::server::{self, TlsSettings};
use qalipsis_http::{Http, Version};
use serde_json::Value;

const BOTH: &[&str] = &["h2", "http/1.1"];

#[tokio::test]
async fn a_server_of_the_own_authority_is_trusted_and_http_2_is_negotiated() {
    let authority = Authority::new();
    let identity = authority.identity("localhost");
    let server = server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: BOTH }).await;
    for (version, is_http2) in [(Version::Auto, true), (Version::Http1, false), (Version::Http2, true)] {
        let http =
            Http::builder(server.https_url()).ca_pem(authority.pem()).version(version).build().unwrap();
        http.check().await.unwrap();
        let first = http.get("/echo").await.unwrap();
        assert_eq!(first.json::<Value>().unwrap()["http2"], is_http2, "{version:?}");
        assert_eq!(first.version == axum::http::Version::HTTP_2, is_http2);
        let (connect, tls) = (first.timings.connect.unwrap(), first.timings.tls.unwrap());
        assert!(!connect.is_zero() && !tls.is_zero() && connect + tls <= first.timings.first_byte);
        let second = http.get("/echo").await.unwrap();
        assert_eq!((second.timings.connect, second.timings.tls), (None, None), "reused");
    }
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let identity = Authority::new().identity("localhost");
    let server = server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: BOTH }).await;
    let http = Http::builder(server.https_url()).ca_pem(Authority::new().pem()).build().unwrap();
    let fault = http.get("/echo").await.unwrap_err();
    let url = server.https_url();
    assert!(
        fault.message.starts_with(&format!("GET {url}/echo: TLS handshake: invalid peer certificate")),
        "{}",
        fault.message
    );
    assert_eq!(fault.code, "tls");
    assert!(http.check().await.unwrap_err().to_string().starts_with(&format!("{url}: TLS handshake: ")));

    let careless = Http::builder(server.https_url()).accept_any_certificate().build().unwrap();
    assert_eq!(careless.get("/echo").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let identity = authority.identity("shop.example");
    let server = server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: BOTH }).await;
    let http = Http::builder(server.https_url()).ca_pem(authority.pem()).build().unwrap();
    let fault = http.get("/echo").await.unwrap_err();
    assert!(fault.message.contains("certificate not valid for name \"localhost\""), "{}", fault.message);
}

#[tokio::test]
async fn a_client_certificate_is_presented_where_one_is_required() {
    let authority = Authority::new();
    let identity = authority.identity("localhost");
    let settings = TlsSettings { identity: &identity, client_authority: Some(authority.pem()), alpn: BOTH };
    let server = server::tls(settings).await;
    let known = Http::builder(server.https_url())
        .ca_pem(authority.pem())
        .identity_pem(authority.identity("minion").pem())
        .build()
        .unwrap();
    assert_eq!(known.get("/echo").await.unwrap().status, 200);

    let unknown = Http::builder(server.https_url()).ca_pem(authority.pem()).build().unwrap();
    let fault = unknown.get("/echo").await.unwrap_err();
    assert!(fault.message.ends_with("received fatal alert: CertificateRequired"), "{}", fault.message);
    assert_eq!(fault.code, "tls");
}

#[tokio::test]
async fn http_2_only_is_an_error_where_it_is_not_offered() {
    let authority = Authority::new();
    let identity = authority.identity("localhost");
    let server =
        server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: &["http/1.1"] }).await;
    let http =
        Http::builder(server.https_url()).ca_pem(authority.pem()).version(Version::Http2).build().unwrap();
    let fault = http.get("/echo").await.unwrap_err();
    assert_eq!(fault.code, "tls", "{}", fault.message);
    let auto = Http::builder(server.https_url()).ca_pem(authority.pem()).build().unwrap();
    assert_eq!(auto.get("/echo").await.unwrap().json::<Value>().unwrap()["http2"], false);
}

#[tokio::test]
async fn http_2_with_prior_knowledge_shares_one_connection() {
    let server = server::plain().await;
    let http = Http::builder(server.url()).version(Version::Http2).build().unwrap();
    let answers = futures::future::join_all((0..20).map(|_| http.get("/echo").into_future())).await;
    for answer in answers {
        let seen: Value = answer.unwrap().json().unwrap();
        assert_eq!((&seen["http2"], &seen["authority"]), (&true.into(), &server.address.to_string().into()));
    }
    assert_eq!(server.connections(), 1);
}
