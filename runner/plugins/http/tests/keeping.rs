//! HTTP/1.1: connections that are kept, those that the server closes, and answers that are not as usual.

mod common;

use common::server;
use futures::stream::{self, StreamExt as _};
use qalipsis_http::{Http, Response};
use qalipsis_testkit::Nginx;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers the first request of each connection. The second is read, and after `worked` the connection is
/// closed without an answer. Counts the requests.
async fn closing(worked: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                head(&mut stream).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(OK).await.unwrap();
                if head(&mut stream).await.is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(worked).await;
                }
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn d1_an_idempotent_request_on_a_closing_connection_goes_out_again() {
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let (address, seen) = closing(Duration::ZERO).await;
        let http = Http::new(format!("http://{address}")).unwrap();
        http.get("/").await.unwrap();
        let answer = http.request(method.parse().unwrap(), "/").await.unwrap();
        assert_eq!((answer.status, answer.resent), (200, 1), "{method}");
        assert_eq!(seen.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn d1_a_post_that_went_out_is_not_sent_twice() {
    for method in ["POST", "PATCH"] {
        let (address, seen) = closing(Duration::ZERO).await;
        let http = Http::new(format!("http://{address}")).unwrap();
        http.get("/").await.unwrap();
        let fault = http.request(method.parse().unwrap(), "/orders").await.unwrap_err();
        let start = format!("{method} http://{address}/orders: connection ");
        let end = format!(
            ": the kept connection was closed as the request went out, and a {method} that may have been \
             processed is not sent again"
        );
        assert!(fault.message.starts_with(&start) && fault.message.ends_with(&end), "{fault}");
        assert_eq!(fault.code, "closed");
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn d1_who_closes_after_having_worked_on_a_request_gets_it_once() {
    let (address, seen) = closing(Duration::from_millis(400)).await;
    let http = Http::new(format!("http://{address}")).unwrap();
    http.get("/").await.unwrap();
    let fault = http.get("/").await.unwrap_err();
    assert!(fault.message.contains(": connection "), "{fault}");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn d1_a_new_connection_that_is_closed_is_a_failure() {
    let address = server::raw(b"").await;
    let fault = Http::new(format!("http://{address}")).unwrap().get("/").await.unwrap_err();
    assert_eq!(fault.code, "closed");
}

#[tokio::test]
async fn d1_nginx_closes_kept_connections() {
    for directives in [
        "keepalive_requests 10; location / { return 200 ok; }",
        "keepalive_timeout 0; location / { return 200 ok; }",
    ] {
        let nginx = Nginx::start("", directives).unwrap();
        let http = Http::new(format!("http://127.0.0.1:{}", nginx.port())).unwrap();
        let requests = (0..600).map(|index| match index % 2 {
            0 => http.get("/").into_future(),
            _ => http.post("/").text("once").into_future(),
        });
        let answers: Vec<Result<Response, _>> = stream::iter(requests).buffer_unordered(20).collect().await;
        for answer in answers {
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.resent), (200, 0), "{directives}");
        }
    }
}

/// The status and body of an answer, or the failure.
async fn answered(method: &str, bytes: &'static [u8]) -> Result<(u16, String), String> {
    let http = Http::new(format!("http://{}", server::raw(bytes).await)).unwrap();
    let answer = http.request(method.parse().unwrap(), "/").await;
    answer.map(|answer| (answer.status, answer.text())).map_err(|fault| fault.message.clone())
}

#[tokio::test]
async fn d1_answers_without_a_body_and_before_the_last_one() {
    for (method, bytes, status, body) in [
        ("GET", &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"[..], 200, "ok"),
        (
            "POST",
            b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\na",
            201,
            "a",
        ),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n", 304, ""),
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", 200, ""),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n2\r\nok\r\n0\r\nx: y\r\n\r\n",
            200,
            "ok",
        ),
        // Without a length the end of the connection is that of the body.
        ("GET", b"HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", 200, "ok"),
    ] {
        assert_eq!(answered(method, bytes).await, Ok((status, body.to_owned())), "{method}");
    }
}

#[tokio::test]
async fn d1_answers_that_end_early_are_failures() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nbegin",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n0\r\n",
    ] {
        let failure = answered("GET", bytes).await.unwrap_err();
        assert!(failure.ends_with(" after 5 bytes of the body"), "{failure}");
    }
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-le"[..],
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok",
    ] {
        answered("GET", bytes).await.unwrap_err();
    }
}

#[tokio::test]
async fn d1_what_is_compressed_is_as_received_and_says_so() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b";
    let http = Http::new(format!("http://{}", server::raw(bytes).await)).unwrap();
    let answer = http.get("/").await.unwrap();
    assert_eq!(&answer.body[..], b"\x1f\x8b");
    let error = answer.json::<u32>().unwrap_err().to_string();
    assert!(error.ends_with("; the body is compressed (gzip) and is not decompressed here"), "{error}");
}

/// Answers whatever comes with these bytes, and reads on.
async fn stranger(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let mut answered = false;
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if !answered {
                        stream.write_all(answer).await.unwrap();
                        stream.shutdown().await.unwrap();
                        answered = true;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn d1_the_wrong_protocol_is_a_hint() {
    let http1 = |address| Http::new(format!("http://{address}")).unwrap();
    let http2 = |address| {
        Http::builder(format!("http://{address}")).version(qalipsis_http::Version::Http2).build().unwrap()
    };
    let alert = stranger(b"\x15\x03\x03\x00\x02\x02\x16").await;
    let fault = http1(alert).get("/").await.unwrap_err();
    assert!(fault.message.contains("does that port want TLS (https)"), "{fault}");
    let fault = http2(alert).get("/").await.unwrap_err();
    assert!(fault.message.ends_with("the server answered in TLS: does that port want https?"), "{fault}");
    let old = stranger(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let fault = http2(old).get("/").await.unwrap_err();
    let expected = "the server answered in HTTP/1.1: it does not speak HTTP/2 on that port";
    assert!(fault.message.ends_with(expected), "{fault}");
    let silent = stranger(b"").await;
    let fault = http2(silent).get("/").await.unwrap_err();
    assert!(fault.message.ends_with("; does that port speak HTTP/2?"), "{fault}");
}
