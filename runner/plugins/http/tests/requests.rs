//! What arrives at a server, and what comes back.

mod common;

use axum::http::Method;
use common::server;
use qalipsis_http::{Http, Multipart, Redirects};
use serde_json::{Value, json};

async fn echoed(request: qalipsis_http::Request) -> Value {
    request.await.unwrap().json().unwrap()
}

#[tokio::test]
async fn every_method_reaches_the_server() {
    let server = server::plain().await;
    let http = Http::new(server.url()).unwrap();
    for (request, expected) in [
        (http.get("/echo"), "GET"),
        (http.post("/echo"), "POST"),
        (http.put("/echo"), "PUT"),
        (http.patch("/echo"), "PATCH"),
        (http.delete("/echo"), "DELETE"),
        (http.options("/echo"), "OPTIONS"),
        (http.request(Method::from_bytes(b"PURGE").unwrap(), "/echo"), "PURGE"),
    ] {
        assert_eq!(echoed(request).await["method"], expected);
    }
    let head = http.head("/echo").await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(server.connections(), 1, "all on one connection");
}

#[tokio::test]
async fn headers_query_and_length_are_right() {
    let server = server::plain().await;
    let http = Http::builder(format!("{}/echo/", server.url()))
        .header("x-tenant", "a")
        .header("x-both", "client")
        .bearer("s3cret")
        .build()
        .unwrap();
    let seen = echoed(
        http.post("orders?page=1")
            .query([("name", "a b&c"), ("ü", "1")])
            .header("x-both", "request")
            .json(&json!({ "id": 1 })),
    )
    .await;
    assert_eq!(seen["path"], "/echo/orders");
    assert_eq!(seen["query"], "page=1&name=a+b%26c&%C3%BC=1");
    assert_eq!(seen["body"], r#"{"id":1}"#);
    assert_eq!(
        seen["headers"],
        json!({
            "accept": "*/*",
            "authorization": "Bearer s3cret",
            "content-length": "8",
            "content-type": "application/json",
            "host": server.address.to_string(),
            "user-agent": concat!("qalipsis/", env!("CARGO_PKG_VERSION")),
            "x-both": "request",
            "x-tenant": "a",
        }),
        "and no traceparent outside of a step"
    );
    let empty = echoed(http.post("")).await;
    assert_eq!(empty["headers"]["content-length"], "0");
    let replaced = echoed(http.get("").header("host", "shop.example").header("user-agent", "me")).await;
    assert_eq!(
        (&replaced["headers"]["host"], &replaced["headers"]["user-agent"]),
        (&json!("shop.example"), &json!("me"))
    );
}

#[tokio::test]
async fn bodies_carry_their_type() {
    let server = server::plain().await;
    let http = Http::builder(server.url()).basic("ann", "pw").build().unwrap();
    for (request, body, content_type) in [
        (
            http.post("/echo").form([("a", "1 2"), ("b", "&")]),
            "a=1+2&b=%26",
            "application/x-www-form-urlencoded",
        ),
        (http.post("/echo").text("grüezi"), "grüezi", "text/plain; charset=utf-8"),
        (http.put("/echo").body("<a/>", "text/xml"), "<a/>", "text/xml"),
        (
            http.put("/echo").header("content-type", "application/vnd.a+json").json(&1),
            "1",
            "application/vnd.a+json",
        ),
    ] {
        let seen = echoed(request).await;
        assert_eq!((&seen["body"], &seen["headers"]["content-type"]), (&json!(body), &json!(content_type)));
        assert_eq!(seen["headers"]["authorization"], "Basic YW5uOnB3");
    }
    let form = Multipart::new().text("ti\"tle", "a\r\nb").file(
        "data",
        "a.bin",
        "image/png",
        vec![0_u8, 13, 10, 255],
    );
    let answer = http.post("/multipart").multipart(form).await.unwrap();
    assert_eq!(
        answer.text(),
        "true|ti%22tle,None,None,b\"a\\r\\nb\"|data,Some(\"a.bin\"),Some(\"image/png\"),b\"\\0\\r\\n\\xff\""
    );
}

#[tokio::test]
async fn ten_megabytes_go_both_ways_and_are_counted() {
    let server = server::plain().await;
    let http = Http::new(server.url()).unwrap();
    const SIZE: usize = 10 << 20;
    let down = http.get(format!("/big/{SIZE}")).await.unwrap();
    assert_eq!(down.body.len(), SIZE);
    assert!(down.body.iter().all(|byte| *byte == b'x'));
    assert!((SIZE as u64..SIZE as u64 + 500).contains(&down.bytes_received), "{}", down.bytes_received);
    assert!(down.timings.first_byte <= down.timings.last_byte);

    // Axum's own limit for bodies is 2 MB, so a status shows whether it read all of it.
    let up = http.post("/echo").body(vec![b'y'; SIZE], "application/octet-stream").await.unwrap();
    assert_eq!(up.status, 200);
    assert_eq!(up.json::<Value>().unwrap()["body"].as_str().unwrap().len(), SIZE);
    assert!((SIZE as u64..SIZE as u64 + 500).contains(&up.bytes_sent), "{}", up.bytes_sent);
}

#[tokio::test]
async fn sizes_are_those_of_http_1() {
    let address = server::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok").await;
    let answer = Http::new(format!("http://{address}")).unwrap().get("/").await.unwrap();
    assert_eq!(answer.bytes_received, 48);
    let sent = format!(
        "GET / HTTP/1.1\r\nuser-agent: qalipsis/{}\r\naccept: */*\r\nhost: {address}\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(answer.bytes_sent, sent.len() as u64);
}

#[tokio::test]
async fn redirects_are_followed_as_browsers_do() {
    let server = server::plain().await;
    let other = server::plain().await;
    let http = Http::builder(server.url()).bearer("s3cret").build().unwrap();
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")]
    {
        let answer = http.post(format!("/to/{status}")).text("x").await.unwrap();
        let seen: Value = answer.json().unwrap();
        assert_eq!((&seen["method"], &seen["body"]), (&json!(method), &json!(body)), "{status}");
        assert_eq!(seen["headers"]["authorization"], "Bearer s3cret");
        assert_eq!(answer.redirects, 1);
        assert_eq!(answer.request.url(), format!("{}/echo", server.url()));
    }
    let away = http
        .get(format!("/to/302?{}/echo", other.url()))
        .header("cookie", "a=b")
        .header("x-api", "kept")
        .await
        .unwrap();
    let seen: Value = away.json().unwrap();
    assert_eq!(seen["headers"]["host"], other.address.to_string());
    assert_eq!((&seen["headers"]["authorization"], &seen["headers"]["cookie"]), (&Value::Null, &Value::Null));
    assert_eq!(seen["headers"]["x-api"], "kept");

    let error = http.get("/loop").await.unwrap_err();
    assert_eq!(error.message, format!("GET {}/loop: more than 10 redirects", server.url()));
    assert_eq!(error.code, "redirect");
    let none = Http::builder(server.url()).redirects(Redirects::None).build().unwrap();
    let answer = none.get("/to/302").await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("/echo")));
}

#[tokio::test]
async fn credentials_go_to_the_base_address_only() {
    let server = server::plain().await;
    let other = server::plain().await;
    let http = Http::new(server.url().replace("http://", "http://ann:pw@")).unwrap();
    assert_eq!(echoed(http.get("/echo")).await["headers"]["authorization"], "Basic YW5uOnB3");
    assert_eq!(
        echoed(http.get(format!("{}/echo", other.url()))).await["headers"]["authorization"],
        Value::Null
    );
    assert_eq!(
        echoed(http.get(format!("{}/echo", server.url()))).await["headers"]["authorization"],
        "Basic YW5uOnB3"
    );
}

#[tokio::test]
async fn json_that_is_not_as_expected_is_shown() {
    let server = server::plain().await;
    let http = Http::new(server.url()).unwrap();
    let answer = http.get("/login").await.unwrap();
    let error = answer.json::<Value>().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "GET {}/login answered 200: cannot read body 'in' as the expected JSON: expected value at line 1 column 1",
            server.url()
        )
    );
}
