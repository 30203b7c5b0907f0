//! Every failure is one line that names method, address and cause, and has a code.

mod common;

use common::server;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_http::{ErrorKind, Http, Request};
use std::time::Duration;

async fn failure(request: Request) -> (String, String, FailureKind) {
    let fault = request.await.unwrap_err();
    (fault.message.clone(), fault.code.to_string(), fault.kind)
}

/// A port on which nobody listens.
fn dead_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_dead_port_is_named() {
    let address = format!("http://127.0.0.1:{}", dead_port());
    let http = Http::new(&address).unwrap();
    let expected = format!("POST {address}/orders: connection refused");
    assert_eq!(failure(http.post("/orders")).await, (expected, "connect".to_owned(), FailureKind::Error));

    let error = http.check().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{address}: connection refused"));
    assert_eq!(error.kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn c9_what_cannot_be_reached_is_named_with_its_addresses() {
    let port = dead_port();
    let error = Http::new(format!("http://localhost:{port}/shop")).unwrap().check().await.unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with(&format!("http://localhost:{port}/shop (")), "{message}");
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
    assert!(message.ends_with("): connection refused"), "{message}");
}

#[tokio::test]
async fn an_unknown_host_is_distinguished_from_a_refused_connection() {
    let http = Http::new("http://no-such-host.invalid").unwrap();
    let (message, code, kind) = failure(http.get("/")).await;
    let expected = "GET http://no-such-host.invalid/: cannot resolve 'no-such-host.invalid': ";
    assert!(message.starts_with(expected) && message.len() > expected.len(), "{message}");
    assert_eq!((code.as_str(), kind), ("dns", FailureKind::Error));
    assert_eq!(http.check().await.unwrap_err().kind(), ErrorKind::Dns);
}

#[tokio::test]
async fn a_check_of_a_living_server_succeeds_without_a_request() {
    let server = server::plain().await;
    Http::new(server.url()).unwrap().check().await.unwrap();
    server.accepted(1).await;
    server.all_closed().await;
}

#[tokio::test]
async fn a_connection_that_ends_within_the_body_is_closed() {
    let address = server::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin").await;
    let fault = Http::new(format!("http://{address}")).unwrap().get("/a").await.unwrap_err();
    assert_eq!(
        fault.message,
        format!(
            "GET http://{address}/a: connection closed before message completed after 5 bytes of the body"
        )
    );
    assert_eq!(fault.code, "closed");
    let exchange = fault.exchange.as_deref().unwrap();
    assert!(
        exchange.contains("HTTP/1.1 200 (connection closed") && exchange.ends_with("\ncontent-length: 100\n"),
        "{exchange}"
    );
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_closed() {
    let address = server::raw(b"").await;
    let (message, code, _) = failure(Http::new(format!("http://{address}")).unwrap().get("/a")).await;
    assert_eq!(message, format!("GET http://{address}/a: connection closed before message completed"));
    assert_eq!(code, "closed");
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let address = server::raw(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let (message, code, _) = failure(Http::new(format!("http://{address}")).unwrap().get("/a")).await;
    assert!(message.starts_with(&format!("GET http://{address}/a: invalid HTTP")), "{message}");
    assert_eq!(code, "protocol");
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_the_timeout() {
    let server = server::plain().await;
    let http = Http::builder(server.url()).timeout(Duration::from_secs(60)).build().unwrap();
    let (message, code, kind) = failure(http.get("/hang").timeout(Duration::from_millis(30))).await;
    assert_eq!(message, format!("GET {}/hang: no complete answer within 30 ms", server.url()));
    assert_eq!((code.as_str(), kind), ("timeout", FailureKind::Timeout));
    server.all_closed().await;
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_is_left_after_the_connect_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let http = Http::builder(&address)
        .accept_any_certificate()
        .connect_timeout(Duration::from_millis(30))
        .build()
        .unwrap();
    let (message, code, kind) = failure(http.get("/")).await;
    assert_eq!(message, format!("GET {address}/: no connection within 30 ms"));
    assert_eq!((code.as_str(), kind), ("connect", FailureKind::Timeout));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let server = server::plain().await;
    let http = Http::builder(server.url()).max_body(1000).build().unwrap();
    assert_eq!(http.get("/big/1000").await.unwrap().body.len(), 1000);
    let (message, code, _) = failure(http.get("/big/1001")).await;
    let url = server.url();
    assert_eq!(
        message,
        format!("GET {url}/big/1001: body of the answer is larger than 1000 bytes (raise `max_body`)")
    );
    assert_eq!(code, "body");
}

#[tokio::test]
async fn what_cannot_be_sent_is_reported_without_secrets() {
    let http = Http::new("http://ann:pw@127.0.0.1:1").unwrap();
    let unserialisable = std::collections::HashMap::from([((1, 2), 3)]);
    for (request, message, code) in [
        (
            http.get("/a").header("bad name", "x"),
            "GET http://127.0.0.1:1/a: header: invalid HTTP header name",
            "header",
        ),
        (
            http.get("/a").header("x", "s3cret\n"),
            "GET http://127.0.0.1:1/a: header 'x': failed to parse header value",
            "header",
        ),
        (
            http.post("/a?token=s3cret").json(&unserialisable),
            "POST http://127.0.0.1:1/a?token=***: body is not valid JSON: key must be a string",
            "body",
        ),
        (
            http.get("ftp://bob:s3cret@files/a"),
            "GET ftp://files/a: 'ftp://files/a' is not an address: scheme 'ftp' is neither http nor https",
            "url",
        ),
        (http.get("/a?token=s3cret"), "GET http://127.0.0.1:1/a?token=***: connection refused", "connect"),
    ] {
        let fault = request.await.unwrap_err();
        assert_eq!((fault.message.as_str(), &*fault.code), (message, code));
        assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
    }
}

#[test]
fn clients_that_cannot_work_are_not_built() {
    for (builder, message) in [
        (Http::builder("shop:80"), "'shop:80' is not a base address: it must begin with http:// or https://"),
        (Http::builder("http://shop").header("x", "\n"), "header 'x': failed to parse header value"),
        (Http::builder("https://shop").ca_pem("nothing"), "ca_pem: no certificate in PEM form"),
        (Http::builder("https://shop").identity_pem("nothing"), "identity_pem: no certificate in PEM form"),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), message);
    }
}
