//! HTTP/2: what goes out again when a server ends a connection or a stream, and what does not.

mod common;

use common::frames::{
    CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, Listener, MAX_CONCURRENT_STREAMS, NO_ERROR, REFUSED_STREAM,
};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use qalipsis_http::{Http, Response, Version};
use qalipsis_testkit::Nginx;
use qalipsis_testkit::certificates::Authority;
use std::net::SocketAddr;
use std::time::Duration;

/// What a client and a server do, which has to end.
async fn join<A: Future, B: Future>(client: A, server: B) -> (A::Output, B::Output) {
    let both = futures::future::join(client, server);
    tokio::time::timeout(Duration::from_secs(30), both).await.expect("both end")
}

fn client(address: SocketAddr) -> Http {
    Http::builder(format!("http://{address}")).version(Version::Http2).build().unwrap()
}

/// Sends so many requests, 200 at a time, and gives how many of them went out again.
async fn send(http: &Http, count: usize) -> u32 {
    let answers = stream::iter(0..count).map(|index| match index % 2 {
        0 => http.get("/").into_future(),
        _ => http.post("/").text("once").into_future(),
    });
    let answers: Vec<_> = answers.buffer_unordered(200).collect().await;
    let failed: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} of {count} failed, the first: {}", failed.len(), failed[0]);
    answers
        .iter()
        .flatten()
        .map(|answer: &Response| {
            assert_eq!(answer.status, 200);
            answer.resent
        })
        .sum()
}

#[tokio::test]
async fn d1_nginx_ends_connections_after_a_thousand_requests() {
    let nginx = Nginx::start("http2", "location / { return 200 ok; }").unwrap();
    let http = client(([127, 0, 0, 1], nginx.port()).into());
    let resent = send(&http, 5000).await;
    assert!(resent > 0, "no GOAWAY was met");
}

#[tokio::test]
async fn d1_nginx_ends_connections_after_ten_requests() {
    let nginx = Nginx::start("http2", "keepalive_requests 10; location / { return 200 ok; }").unwrap();
    send(&client(([127, 0, 0, 1], nginx.port()).into()), 1000).await;
}

#[tokio::test]
async fn d1_nginx_over_tls_ends_connections_after_a_thousand_requests() {
    let authority = Authority::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let identity = authority.identity(&["localhost"]).unwrap();
    let files = identity.write(&authority, directory.path()).unwrap();
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let directives = format!(
        "ssl_certificate {certificate};\nssl_certificate_key {key};\nlocation / {{ return 200 ok; }}"
    );
    let nginx = Nginx::start("ssl http2", &directives).unwrap();
    let url = format!("https://localhost:{}", nginx.port());
    let http = Http::builder(url).ca_pem(authority.pem()).build().unwrap();
    send(&http, 2500).await;
}

#[tokio::test]
async fn d1_streams_above_the_last_one_go_out_again() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let served = async {
        let mut first = listener.accept(&[]).await;
        let ids = [first.request().await, first.request().await, first.request().await].map(Option::unwrap);
        assert_eq!(ids, [1, 3, 5]);
        first.answer(1, true).await;
        first.goaway(1, NO_ERROR, "").await;
        let mut second = listener.accept(&[]).await;
        for _ in 0..2 {
            let id = second.request().await.unwrap();
            second.answer(id, true).await;
        }
        assert_eq!(second.request().await, None, "each went out once more, and no more");
    };
    let sent = async {
        let answers = join_all((0..3).map(|_| http.post("/").text("order").into_future())).await;
        drop(http);
        answers.into_iter().map(|answer| answer.unwrap().resent).sum::<u32>()
    };
    assert_eq!(join(sent, served).await.0, 2);
}

#[tokio::test]
async fn d1_a_stream_that_may_have_been_processed_is_not_sent_again() {
    for (code, name) in [(NO_ERROR, "NO_ERROR"), (ENHANCE_YOUR_CALM, "ENHANCE_YOUR_CALM 'too many'")] {
        let (listener, address) = Listener::new().await;
        let http = client(address);
        let served = async {
            let mut first = listener.accept(&[]).await;
            assert_eq!(first.request().await, Some(1));
            first.goaway(1, code, if code == NO_ERROR { "" } else { "too many" }).await;
            drop(first);
            let mut second = listener.accept(&[]).await;
            let id = second.request().await.unwrap();
            second.answer(id, true).await;
            assert_eq!(second.request().await, None);
        };
        let sent = async {
            let fault = http.post("/orders").text("order").await.unwrap_err();
            let start = format!("POST http://{address}/orders: ");
            let end =
                format!(" after GOAWAY {name}; the POST may have been processed, so it is not sent again");
            assert!(fault.message.starts_with(&start) && fault.message.ends_with(&end), "{fault}");
            assert_eq!(fault.code, "closed");
            // The connection that goes away is not used for another.
            assert_eq!(http.get("/").await.unwrap().resent, 0);
            drop(http);
        };
        join(sent, served).await;
    }
}

#[tokio::test]
async fn d1_a_body_that_is_cut_off_after_goaway_names_it() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let served = async {
        let mut first = listener.accept(&[]).await;
        first.request().await.unwrap();
        first.answer(1, false).await;
        first.data(1, b"begin").await;
        first.goaway(1, NO_ERROR, "").await;
    };
    let (fault, ()) = join(http.get("/").into_future(), served).await;
    let message = fault.unwrap_err().message.clone();
    assert!(message.contains(" after 5 bytes of the body after GOAWAY NO_ERROR"), "{message}");
}

#[tokio::test]
async fn d1_a_refused_stream_goes_out_again() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let served = async {
        let mut first = listener.accept(&[]).await;
        first.request().await.unwrap();
        first.reset(1, REFUSED_STREAM).await;
        let mut second = listener.accept(&[]).await;
        let id = second.request().await.unwrap();
        second.answer(id, true).await;
    };
    let (answer, ()) = join(http.post("/").text("order").into_future(), served).await;
    assert_eq!(answer.unwrap().resent, 1);
}

#[tokio::test]
async fn d1_a_server_that_refuses_every_stream_is_named() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let refusing = async {
        let (mut refused, mut connections) = (0, Vec::new());
        loop {
            let mut connection = listener.accept(&[]).await;
            connections.push(tokio::spawn(async move {
                while let Some(id) = connection.request().await {
                    connection.reset(id, REFUSED_STREAM).await;
                }
            }));
            refused += 1;
            assert!(refused < 20, "it goes on for ever");
        }
    };
    let fault = tokio::select! {
        answer = http.post("/").into_future() => answer.unwrap_err(),
        () = refusing => unreachable!(),
    };
    let expected = "the server refused the stream 16 times (RST_STREAM REFUSED_STREAM)";
    assert!(fault.message.ends_with(expected), "{fault}");
}

#[tokio::test]
async fn d1_a_server_that_ends_every_connection_is_named() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let ending = async {
        loop {
            let mut connection = listener.accept(&[]).await;
            connection.goaway(0, ENHANCE_YOUR_CALM, "go").await;
            while connection.request().await.is_some() {}
        }
    };
    let fault = tokio::select! {
        answer = http.post("/").into_future() => answer.unwrap_err(),
        () = ending => unreachable!(),
    };
    let expected =
        "the server ended 4 connections before it processed the request (GOAWAY ENHANCE_YOUR_CALM 'go')";
    assert!(fault.message.ends_with(expected), "{fault}");
    assert_eq!(fault.code, "closed");
}

#[tokio::test]
async fn d1_other_resets_are_named_and_not_sent_again() {
    for (code, name, after) in [
        (INTERNAL_ERROR, "INTERNAL_ERROR", None),
        (CANCEL, "CANCEL", None),
        (INTERNAL_ERROR, "INTERNAL_ERROR", Some("begin")),
        (CANCEL, "CANCEL", Some("begin")),
        // The library takes these two for the end of the body.
        (NO_ERROR, "NO_ERROR", Some("begin")),
        (NO_ERROR, "NO_ERROR", Some("")),
    ] {
        let (listener, address) = Listener::new().await;
        let http = client(address);
        let served = async {
            let mut connection = listener.accept(&[]).await;
            connection.request().await.unwrap();
            if let Some(body) = after {
                connection.answer(1, false).await;
                connection.data(1, body.as_bytes()).await;
            }
            connection.reset(1, code).await;
            assert_eq!(connection.request().await, None);
        };
        let sent = async {
            let fault = http.get("/").await.unwrap_err();
            drop(http);
            fault
        };
        let (fault, ()) = join(sent, served).await;
        assert!(fault.message.contains(": the server reset the stream ("), "{fault}");
        assert!(fault.message.contains(name), "{fault}");
        let body = after.map_or(String::new(), |body| format!(" after {} bytes of the body", body.len()));
        assert!(fault.message.ends_with(&body), "{fault}");
        assert_eq!(fault.code, "closed");
    }
}

#[tokio::test]
async fn d1_requests_beyond_the_limit_of_streams_wait() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let served = async {
        let mut connection = listener.accept(&[(MAX_CONCURRENT_STREAMS, 1)]).await;
        let mut answered = 0;
        while let Some(id) = connection.request().await {
            match id {
                // The limit was not known yet when these went out.
                3.. if answered == 0 => connection.reset(id, REFUSED_STREAM).await,
                _ => {
                    connection.answer(id, true).await;
                    answered += 1;
                }
            }
        }
        answered
    };
    let sent = async {
        http.get("/").await.unwrap();
        let answers = join_all((0..50).map(|_| http.get("/").into_future())).await;
        drop(http);
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.resent == 0)));
    };
    assert_eq!(join(sent, served).await.1, 51);
}

#[tokio::test]
async fn d1_settings_as_large_as_they_come_are_taken() {
    let (listener, address) = Listener::new().await;
    let http = client(address);
    let served = async {
        // Table of headers, push, streams, window, frame, list of headers.
        let settings = [
            (1, u32::MAX),
            (2, 0),
            (MAX_CONCURRENT_STREAMS, u32::MAX),
            (4, u32::MAX >> 1),
            (5, (1 << 24) - 1),
            (6, u32::MAX),
            (0x99, 7),
        ];
        let mut connection = listener.accept(&settings).await;
        let mut answered = 0;
        while let Some(id) = connection.request().await {
            connection.answer(id, true).await;
            answered += 1;
        }
        answered
    };
    let sent = async {
        let answers = join_all((0..300).map(|_| http.post("/").text("x".repeat(100)).into_future())).await;
        drop(http);
        answers.into_iter().for_each(|answer| assert_eq!(answer.unwrap().status, 200));
    };
    assert_eq!(join(sent, served).await.1, 300);
}
