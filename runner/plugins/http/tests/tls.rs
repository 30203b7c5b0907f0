//! TLS: who is trusted, and which version is spoken.

mod common;

use common::server::{self, TlsSettings};
use qalipsis_http::{Http, HttpBuilder, Version};
use qalipsis_testkit::Nginx;
use qalipsis_testkit::certificates::{Authority, Identity};
use serde_json::Value;

const BOTH: &[&str] = &["h2", "http/1.1"];

#[tokio::test]
async fn a_server_of_the_own_authority_is_trusted_and_http_2_is_negotiated() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["localhost"]).unwrap();
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
    let identity = Authority::new().unwrap().identity(&["localhost"]).unwrap();
    let server = server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: BOTH }).await;
    let http = Http::builder(server.https_url()).ca_pem(Authority::new().unwrap().pem()).build().unwrap();
    let fault = http.get("/echo").await.unwrap_err();
    let url = server.https_url();
    assert!(
        fault.message.starts_with(&format!("GET {url}/echo: TLS handshake: invalid peer certificate")),
        "{}",
        fault.message
    );
    assert_eq!(fault.code, "tls");
    let error = http.check().await.unwrap_err().to_string();
    assert!(error.starts_with(&url) && error.contains("): TLS handshake: "), "{error}");

    let careless = Http::builder(server.https_url()).accept_any_certificate().build().unwrap();
    assert_eq!(careless.get("/echo").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["shop.example"]).unwrap();
    let server = server::tls(TlsSettings { identity: &identity, client_authority: None, alpn: BOTH }).await;
    let http = Http::builder(server.https_url()).ca_pem(authority.pem()).build().unwrap();
    let fault = http.get("/echo").await.unwrap_err();
    assert!(fault.message.contains("certificate not valid for name \"localhost\""), "{}", fault.message);
}

#[tokio::test]
async fn a_client_certificate_is_presented_where_one_is_required() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["localhost"]).unwrap();
    let settings = TlsSettings { identity: &identity, client_authority: Some(authority.pem()), alpn: BOTH };
    let server = server::tls(settings).await;
    let known = Http::builder(server.https_url())
        .ca_pem(authority.pem())
        .identity_pem(authority.identity(&["minion"]).unwrap().pem())
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
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["localhost"]).unwrap();
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

/// nginx with this identity. With `client`, that authority has to have signed the client's certificate.
fn nginx(authority: &Authority, identity: &Identity, client: bool) -> (Nginx, String) {
    let directory = tempfile::tempdir().unwrap();
    let files = identity.write(authority, directory.path()).unwrap();
    let verify = match client {
        true => format!("ssl_client_certificate {};\nssl_verify_client on;\n", files.ca.display()),
        false => String::new(),
    };
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let directives = format!(
        "ssl_certificate {certificate};\nssl_certificate_key {key};\n{verify}location / {{ return 200 ok; }}"
    );
    let nginx = Nginx::start("ssl", &directives).unwrap();
    let url = format!("https://127.0.0.1:{}", nginx.port());
    (nginx, url)
}

async fn refused(url: &str, builder: HttpBuilder) -> String {
    let http = builder.build().unwrap();
    let (error, fault) = (http.check().await.unwrap_err(), http.get("/a").await.unwrap_err());
    assert_eq!((error.kind().code(), &*fault.code), ("tls", "tls"), "{fault}");
    let cause =
        fault.message.strip_prefix(&format!("GET {url}/a: TLS handshake: ")).expect("the target").to_owned();
    assert!(error.to_string().ends_with(&cause) && error.to_string().contains(url), "{error}");
    assert!(!cause.contains('\n'), "{cause}");
    cause
}

#[tokio::test]
async fn d10_nginx_with_a_private_authority() {
    let authority = Authority::new().unwrap();
    let (_nginx, url) = nginx(&authority, &authority.identity(&["127.0.0.1"]).unwrap(), false);
    let trusting = Http::builder(&url).ca_pem(authority.pem()).build().unwrap();
    trusting.check().await.unwrap();
    assert_eq!(trusting.get("/").await.unwrap().text(), "ok");
    for builder in [Http::builder(&url), Http::builder(&url).ca_pem(Authority::new().unwrap().pem())] {
        let cause = refused(&url, builder).await;
        assert_eq!(cause, "invalid peer certificate: UnknownIssuer; trust its authority with `ca_pem`");
    }
}

#[tokio::test]
async fn d10_nginx_with_a_wrong_name() {
    let authority = Authority::new().unwrap();
    let (_nginx, url) = nginx(&authority, &authority.identity(&["shop.example"]).unwrap(), false);
    let cause = refused(&url, Http::builder(&url).ca_pem(authority.pem())).await;
    assert!(
        cause.starts_with("invalid peer certificate: certificate not valid for name \"127.0.0.1\""),
        "{cause}"
    );
    assert!(cause.contains("shop.example"), "{cause}");
}

#[tokio::test]
async fn d10_nginx_with_an_expired_certificate() {
    let authority = Authority::new().unwrap();
    let (_nginx, url) = nginx(&authority, &authority.expired_identity(&["127.0.0.1"]).unwrap(), false);
    let cause = refused(&url, Http::builder(&url).ca_pem(authority.pem())).await;
    assert!(cause.starts_with("invalid peer certificate: certificate expired"), "{cause}");
}

#[tokio::test]
async fn d10_nginx_that_asks_for_a_client_certificate() {
    let authority = Authority::new().unwrap();
    let (_nginx, url) = nginx(&authority, &authority.identity(&["127.0.0.1"]).unwrap(), true);
    let with = |identity: Option<Identity>| {
        let builder = Http::builder(&url).ca_pem(authority.pem());
        let builder = match identity {
            Some(identity) => builder.identity_pem(identity.pem()),
            None => builder,
        };
        builder.build().unwrap().get("/").into_future()
    };
    let known = with(Some(authority.identity(&["minion"]).unwrap())).await.unwrap();
    assert_eq!((known.status, known.text()), (200, "ok".to_owned()));
    // nginx lets the handshake succeed, and refuses in HTTP.
    let missing = with(None).await.unwrap();
    assert!(missing.status == 400 && missing.text().contains("No required SSL certificate was sent"));
    let stranger = with(Some(Authority::new().unwrap().identity(&["minion"]).unwrap())).await.unwrap();
    assert!(stranger.status == 400 && stranger.text().contains("The SSL certificate error"));
}

#[tokio::test]
async fn d10_the_wrong_port_is_a_hint() {
    let plain = Nginx::start("", "location / { return 200 ok; }").unwrap();
    let url = format!("https://127.0.0.1:{}", plain.port());
    let cause = refused(&url, Http::builder(&url).ca_pem(Authority::new().unwrap().pem())).await;
    assert!(cause.ends_with("; does that port speak TLS, or is it plain http?"), "{cause}");

    let authority = Authority::new().unwrap();
    let (nginx, _) = nginx(&authority, &authority.identity(&["127.0.0.1"]).unwrap(), false);
    let http = Http::new(format!("http://127.0.0.1:{}", nginx.port())).unwrap();
    let answer = http.get("/").await.unwrap();
    assert!(answer.status == 400 && answer.text().contains("plain HTTP request was sent to HTTPS port"));
}
