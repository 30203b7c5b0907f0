//! How large heads may be, how addresses are written, and how long things may take.

mod common;

use common::server;
use qalipsis_http::{Http, Version};
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn d3_heads_as_browsers_take_them() {
    let server = server::plain().await;
    for version in [Version::Http1, Version::Http2] {
        let http = Http::builder(server.url()).version(version).build().unwrap();
        for (lines, bytes) in [(102, 10), (240, 1000), (20, 12_000)] {
            let answer = http.get(format!("/headers/{lines}/{bytes}")).await.unwrap();
            let own = answer.headers.keys().filter(|name| name.as_str().starts_with("x-")).count();
            assert_eq!((answer.status, own), (200, lines), "{version:?}");
        }
    }
}

#[tokio::test]
async fn d3_the_limit_of_heads_is_named_and_can_be_set() {
    let server = server::plain().await;
    let url = server.url();
    let http1 = Http::builder(&url).build().unwrap();
    for path in ["/headers/257/1", "/headers/30/10000"] {
        let fault = http1.get(path).await.unwrap_err();
        assert_eq!(
            fault.message,
            format!(
                "GET {url}{path}: the head of the answer is larger than allowed: more than 256 header lines or \
                 262144 bytes (raise `max_header_lines` or `max_header_bytes`)"
            )
        );
        assert_eq!(fault.code, "protocol");
    }
    let http2 = Http::builder(&url).version(Version::Http2).build().unwrap();
    let fault = http2.get("/headers/30/10000").await.unwrap_err();
    let expected =
        "the answer is malformed, or has more than 262144 bytes of headers (raise `max_header_bytes`)";
    assert!(fault.message.ends_with(expected), "{fault}");
    // The connection goes on.
    assert_eq!(http2.get("/headers/1/1").await.unwrap().status, 200);

    for version in [Version::Http1, Version::Http2] {
        let http = Http::builder(&url).version(version).max_header_lines(2000).max_header_bytes(1 << 20);
        let http = http.build().unwrap();
        for path in ["/headers/1900/1", "/headers/30/10000"] {
            assert_eq!(http.get(path).await.unwrap().status, 200, "{version:?} {path}");
        }
        let small = Http::builder(&url).version(version).max_header_lines(10).max_header_bytes(0);
        let small = small.build().unwrap();
        small.get("/headers/30/1000").await.unwrap_err();
        assert_eq!(small.get("/headers/5/10").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn d2_what_arrives_is_encoded() {
    let server = server::plain().await;
    for version in [Version::Http1, Version::Http2] {
        let http = Http::builder(format!("{}/echo/", server.url())).version(version).build().unwrap();
        for (path, expected, query) in [
            ("münchen", "/echo/m%C3%BCnchen", None),
            (
                "a b/%C3%BC%20?q=größe x&r=%20#top",
                "/echo/a%20b/%C3%BC%20",
                Some("q=gr%C3%B6%C3%9Fe%20x&r=%20"),
            ),
            ("😀[0]?[a]=😀", "/echo/%F0%9F%98%80[0]", Some("[a]=%F0%9F%98%80")),
            ("go?to=http://other/ü", "/echo/go", Some("to=http://other/%C3%BC")),
        ] {
            let answer = http.get(path).await.unwrap();
            let seen: Value = answer.json().unwrap();
            assert_eq!((seen["path"].as_str(), seen["query"].as_str()), (Some(expected), query), "{path}");
        }
        // An address of its own is written alike.
        let seen: Value = http.get(format!("{}/echo/ü?q=ü#x", server.url())).await.unwrap().json().unwrap();
        assert_eq!((&seen["path"], &seen["query"]), (&"/echo/%C3%BC".into(), &"q=%C3%BC".into()));
    }
}

#[tokio::test]
async fn d2_hosts_are_written_as_the_net_knows_them() {
    let listener = tokio::net::TcpListener::bind("[::1]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(axum::serve(listener, axum::Router::new().fallback(|| async { "ok" })).into_future());
    let http = Http::new(format!("http://[::1]:{port}/ü")).unwrap();
    let answer = http.get("a").await.unwrap();
    assert_eq!(answer.request.url(), format!("http://[::1]:{port}/%C3%BC/a"));
    assert_eq!(answer.text(), "ok");

    let fault = Http::new("http://bücher.invalid/").unwrap().get("/").await.unwrap_err();
    assert!(fault.message.starts_with("GET http://xn--bcher-kva.invalid/: cannot resolve"), "{fault}");
}

#[tokio::test]
async fn d8_no_limit_is_a_limit_too() {
    let server = server::plain().await;
    let http =
        Http::builder(server.url()).timeout(Duration::MAX).connect_timeout(Duration::MAX).build().unwrap();
    http.check().await.unwrap();
    assert_eq!(http.get("/echo").await.unwrap().status, 200);
    assert_eq!(http.get("/echo").timeout(Duration::MAX).await.unwrap().status, 200);
}
