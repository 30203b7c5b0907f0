//! Requests as steps: traces, pools, cookies, evidence.

mod common;

use axum::http::Version as Spoken;
use common::server;
use common::steps::{Call, Stage};
use futures::future::BoxFuture;
use qalipsis_core::minion::Minion;
use qalipsis_core::model::evidence::FailureKind;
use qalipsis_core::step::Outcome;
use qalipsis_http::{Http, Pool};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

type Iteration = BoxFuture<'static, Outcome>;

#[tokio::test]
async fn the_trace_goes_out_unless_the_request_has_its_own() {
    let server = server::plain().await;
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move {
            let answer = minion.step(Call::First, http.get("/echo")).await?;
            assert_eq!(answer.version, Spoken::HTTP_11);
            let seen: Value = answer.json().unwrap();
            let parent = seen["headers"]["traceparent"].as_str().unwrap().to_owned();
            let parts: Vec<_> = parent.split('-').map(str::len).collect();
            assert_eq!(parts, [2, 32, 16, 2], "{parent}");
            let own = minion.step(Call::Second, http.get("/echo").header("traceparent", "own")).await?;
            assert_eq!(own.json::<Value>().unwrap()["headers"]["traceparent"], "own");
            Ok(())
        })
    };
    let stage = Stage::new(Http::new(server.url()).unwrap(), iterate).await;
    stage.iterate(&stage.minion(0)).await.unwrap();
}

#[tokio::test]
async fn connections_are_shared_by_a_factory_or_kept_by_each_minion() {
    for (pool, expected) in [(Pool::PerFactory, 1), (Pool::PerMinion, 3)] {
        let server = server::plain().await;
        let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
            Box::pin(async move {
                minion.step(Call::First, http.get("/echo")).await?;
                let again = minion.step(Call::Second, http.get("/echo")).await?;
                assert_eq!(again.timings.connect, None);
                Ok(())
            })
        };
        let stage = Stage::new(Http::builder(server.url()).pool(pool).build().unwrap(), iterate).await;
        for minion in (0..3).map(|index| stage.minion(index)) {
            stage.iterate(&minion).await.unwrap();
            stage.iterate(&minion).await.unwrap();
        }
        assert_eq!(server.connections(), expected, "{pool:?}");
    }
}

#[tokio::test]
async fn cookies_belong_to_a_minion() {
    let server = server::plain().await;
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move {
            if minion.index() == 0 {
                minion.step(Call::First, http.get("/login")).await?;
            }
            let seen: Value = minion.step(Call::Second, http.get("/to/302")).await?.json().unwrap();
            let expected = if minion.index() == 0 { Value::from("session=s3cret") } else { Value::Null };
            assert_eq!(seen["headers"]["cookie"], expected);
            Ok(())
        })
    };
    let stage = Stage::new(Http::builder(server.url()).cookies(true).build().unwrap(), iterate).await;
    stage.iterate(&stage.minion(0)).await.unwrap();
    stage.iterate(&stage.minion(1)).await.unwrap();
}

#[tokio::test]
async fn cookies_of_the_world_are_kept_outside_of_steps() {
    let server = server::plain().await;
    let http = Http::builder(server.url()).cookies(true).build().unwrap();
    http.get("/login").await.unwrap();
    let seen: Value = http.get("/echo").await.unwrap().json().unwrap();
    assert_eq!(seen["headers"]["cookie"], "session=s3cret");
}

#[tokio::test]
async fn a_later_failure_shows_the_exchange_without_secrets() {
    let server = server::plain().await;
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move {
            let login = http.post("/login?token=s3cret").bearer("s3cret").json(&[1, 2]);
            let answer = minion.step(Call::First, login).await?;
            minion.verify(Call::Second, |v| v.equal("status", answer.status, 201))
        })
    };
    let mut stage = Stage::new(Http::new(server.url()).unwrap(), iterate).await;
    assert_eq!(stage.iterate(&stage.minion(0)).await.unwrap_err().step(), "second");
    let exchange = stage.evidence().exchanged().unwrap();
    for expected in [
        &format!("POST {}/login?token=***\n", server.url()),
        "authorization: ***\n",
        "token=***\n[1,2]\n",
        "HTTP/1.1 200 in ",
        ", connect ",
        ", first byte ",
        "\nin\n",
        "\nset-cookie: ***\n",
    ] {
        assert!(exchange.contains(expected), "no {expected:?} in:\n{exchange}");
    }
    assert!(!exchange.contains("s3cret"), "{exchange}");
}

#[tokio::test]
async fn b7_an_exchange_is_one_line_and_then_bodies_before_headers() {
    let server = server::plain().await;
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move {
            let big = "y".repeat(5000);
            let answer = minion.step(Call::First, http.post("/echo").text(big)).await?;
            minion.verify(Call::Second, |v| v.equal("status", answer.status, 202))
        })
    };
    let mut stage = Stage::new(Http::new(server.url()).unwrap(), iterate).await;
    assert_eq!(stage.iterate(&stage.minion(0)).await.unwrap_err().step(), "second");
    let evidence = stage.evidence();
    let exchange = evidence.exchanges.last().unwrap();
    let start = format!("POST {}/echo → 200 in ", server.url());
    assert!(exchange.summary.starts_with(&start) && !exchange.summary.contains('\n'), "{}", exchange.summary);
    let details = &exchange.details;
    let at = |text: &str| details.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{details}"));
    let order = [
        at("POST http"),
        at("yyy"),
        at("(4400 more bytes)"),
        at("HTTP/1.1 200 in "),
        at("{\"authority\""),
        at("request headers:\nuser-agent: "),
    ];
    assert!(order.is_sorted(), "{order:?}:\n{details}");
}

#[tokio::test]
async fn a_step_that_is_cut_off_shows_its_request_and_leaves_no_connection() {
    let server = server::plain().await;
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move {
            minion.step(Call::First, http.get("/hang")).timeout(Duration::from_millis(30)).await?;
            Ok(())
        })
    };
    let mut stage = Stage::new(Http::new(server.url()).unwrap(), iterate).await;
    assert_eq!(stage.iterate(&stage.minion(0)).await.unwrap_err().step(), "first");
    let evidence = stage.evidence();
    assert_eq!(evidence.kind, FailureKind::Timeout);
    let exchange = evidence.exchanged().unwrap();
    assert!(exchange.starts_with(&format!("GET {}/hang\n", server.url())), "{exchange}");
    assert!(exchange.contains("/hang\n\n(no answer yet)\n"), "{exchange}");
    let summary = &evidence.exchanges.last().unwrap().summary;
    assert_eq!(*summary, format!("GET {}/hang → no answer yet", server.url()));
    server.all_closed().await;
}

#[tokio::test]
async fn a_failed_request_is_evidence_of_its_own() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let iterate = |minion: Minion<Call>, http: Arc<Http>| -> Iteration {
        Box::pin(async move { minion.step(Call::First, http.post("/orders").text("hello")).await.map(drop) })
    };
    let mut stage = Stage::new(Http::new(format!("http://127.0.0.1:{port}")).unwrap(), iterate).await;
    assert_eq!(stage.iterate(&stage.minion(0)).await.unwrap_err().step(), "first");
    let evidence = stage.evidence();
    assert_eq!(evidence.message, format!("POST http://127.0.0.1:{port}/orders: connection refused"));
    assert_eq!((evidence.kind, evidence.code.as_str()), (FailureKind::Error, "connect"));
    let exchange = evidence.exchanges.last().unwrap();
    assert_eq!(
        exchange.summary,
        format!("POST http://127.0.0.1:{port}/orders → no answer: connection refused")
    );
    assert!(exchange.details.contains("/orders\nhello\n\n(no answer: connection refused)\n"));
}
