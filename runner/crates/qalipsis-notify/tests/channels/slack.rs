//! Slack: what is posted, and what becomes of its refusals.

use crate::sample::{Campaign, hostile};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use qalipsis_config::{Secret, Settings};
use qalipsis_judge::report::Report;
use qalipsis_notify::{OUTPUTS, Slack, SlackSettings};
use qalipsis_report::output::Output;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOKEN: &str = "xoxb-not-for-your-eyes";

/// How the double answers one request; without an instruction it takes the message.
enum Answer {
    Refuse(&'static str),
    TooMany(u64),
    Status(u16),
    /// A status, a content type and a body, as services have them that are Slack only for whoever posts.
    Other(u16, &'static str, &'static str),
    Hang,
}

struct Asked {
    path: String,
    authorization: Option<String>,
    body: Value,
    at: Instant,
}

#[derive(Default)]
struct Inside {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

/// Speaks the part of Slack's API that a message needs.
struct Double {
    address: String,
    inside: Arc<Inside>,
    _runtime: tokio::runtime::Runtime,
}

impl Double {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let inside =
            Arc::new(Inside { answers: Mutex::new(answers.into_iter().collect()), ..Inside::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, inside, _runtime: runtime }
    }

    fn publish(&self, report: &Report) -> Result<Vec<String>, String> {
        let settings = SlackSettings {
            token: Some(Secret::new(TOKEN)),
            channel: Some("#ci".to_owned()),
            url: Some(Secret::new(format!("{}/api/", self.address))),
            ..defaults()
        };
        publish(settings, report)
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.inside.asked.lock().unwrap()
    }
}

/// The settings of a configuration that sets nothing.
fn defaults() -> SlackSettings {
    let slack = OUTPUTS.iter().find(|output| output.label() == "slack").unwrap();
    SlackSettings::from(&Settings::default().section(&slack.section))
}

fn publish(settings: SlackSettings, report: &Report) -> Result<Vec<String>, String> {
    assert!(!format!("{settings:?}").contains(TOKEN));
    let link = Some("https://ci.example/report.html".to_owned());
    Slack::new(settings, link).publish(report).map_err(|error| error.to_string())
}

async fn answer(State(inside): State<Arc<Inside>>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let body: Value = serde_json::from_str(&body).unwrap();
    let path = uri.path().to_owned();
    inside.asked.lock().unwrap().push(Asked {
        path: path.clone(),
        authorization,
        body: body.clone(),
        at: Instant::now(),
    });
    let instruction = inside.answers.lock().unwrap().pop_front();
    let json = |status: StatusCode, value: Value| {
        (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
    };
    match instruction {
        Some(Answer::Refuse(error)) => json(StatusCode::OK, json!({"ok": false, "error": error})),
        Some(Answer::TooMany(seconds)) => {
            let mut response =
                json(StatusCode::TOO_MANY_REQUESTS, json!({"ok": false, "error": "ratelimited"}));
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        Some(Answer::Status(status)) => {
            (StatusCode::from_u16(status).unwrap(), "out of order").into_response()
        }
        Some(Answer::Other(status, content, body)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::CONTENT_TYPE, content)], body).into_response()
        }
        Some(Answer::Hang) => std::future::pending().await,
        None if path.starts_with("/services/") => (StatusCode::OK, "ok").into_response(),
        None => {
            let message =
                json!({"type": "message", "user": "U1", "ts": "1795410367.000100", "text": body["text"]});
            json(
                StatusCode::OK,
                json!({"ok": true, "channel": "C0CI", "ts": "1795410367.000100", "message": message}),
            )
        }
    }
}

#[test]
fn the_channel_gets_the_verdict_and_the_thread_the_details() {
    let slack = Double::new([]);
    assert_eq!(slack.publish(&Campaign::failing().report()), Ok(vec!["posted to #ci".to_owned()]));
    let asked = slack.asked();
    assert_eq!(asked.len(), 2);
    for one in asked.iter() {
        assert_eq!(one.path, "/api/chat.postMessage");
        assert_eq!(one.authorization.as_deref(), Some(&*format!("Bearer {TOKEN}")));
    }
    assert_eq!(asked[0].body["channel"], "#ci");
    assert!(asked[0].body["text"].as_str().unwrap().starts_with("FAILED nightly: 1000 minions"));
    let blocks = asked[0].body["blocks"].to_string();
    for posted in [
        "checkout › order-accepted",
        "`assertion`",
        "37 of 1000 minions: expected status 202, observed 503",
        "12 of 1000 minions: 9 missing records, 3 late records, for example: no record for key 7f3a",
        "first at 05:06:07.839, last at 05:06:18.639 UTC",
        "scenarios/checkout/src/lib.rs:91:9",
        "<https://ci.example/report.html|report>",
    ] {
        assert!(blocks.contains(posted), "{posted}\n{blocks}");
    }
    for once in ["9 missing records", "12 of 1000", "expected status 202", "3 late records"] {
        assert_eq!(blocks.matches(once).count(), 1, "b8: {once} is said once\n{blocks}");
    }
    let thread = asked[1].body["blocks"].to_string();
    for part in [
        "for example at 2026-11-23T05:06:07.839Z: minion 13, iteration 0, zone us, trace 4bf92f",
        "05:06:07.789 order-accepted: POST http://127.0.0.1:8080/orders → 503 in 3.1 ms",
        "<h1>overloaded</h1>",
    ] {
        let part = part.replace('<', "&lt;").replace('>', "&gt;");
        assert!(thread.contains(&part), "b1: {part}\n{thread}");
    }
    assert_eq!(asked[1].body["thread_ts"], "1795410367.000100");
    assert!(asked[1].body["blocks"].to_string().contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[test]
fn a_webhook_gets_everything_in_one_message() {
    let slack = Double::new([]);
    let hook = format!("{}/services/T0/B0/hook-not-for-your-eyes", slack.address);
    let settings = SlackSettings { url: Some(Secret::new(hook)), ..defaults() };
    publish(settings.clone(), &Campaign::failing().report()).unwrap();
    assert_eq!(slack.asked().len(), 1);
    let blocks = slack.asked()[0].body["blocks"].to_string();
    assert!(blocks.contains("order-accepted") && blocks.contains("trace 4bf92f"), "{blocks}");

    let say = |answer| slack.inside.answers.lock().unwrap().push_back(answer);
    say(Answer::Status(404));
    let error = publish(settings.clone(), &Campaign::failing().report()).unwrap_err();
    assert_eq!(error, "Slack answered 404, tried once");
    say(Answer::Other(403, "text/plain", "action_prohibited"));
    let error = publish(settings, &Campaign::failing().report()).unwrap_err();
    assert_eq!(error, "Slack answered 403: action_prohibited, tried once");
}

#[test]
fn c6_any_2xx_of_a_webhook_is_delivered_and_posted_once() {
    for (status, content, body) in [
        (200, "text/html", "ok"),
        (200, "text/plain", ""),
        (200, "application/json", "{\"success\":true}"),
        (200, "application/json", "[1, 2]"),
        (200, "application/json", "ok"),
        (200, "application/json", "{\"ok\":true,\"errors\":{}}"),
        (201, "application/json", "{\"id\":7}"),
        (202, "text/plain", "queued"),
        (204, "text/plain", ""),
    ] {
        let slack = Double::new([Answer::Other(status, content, body)]);
        let hook = Some(Secret::new(format!("{}/hooks/1", slack.address)));
        let settings = SlackSettings { url: hook, ..defaults() };
        let shown = publish(settings, &Campaign::failing().report());
        assert_eq!(shown, Ok(vec!["posted to the webhook".to_owned()]), "{status} {content} {body}");
        assert_eq!(slack.asked().len(), 1, "{status} {content} {body}");
    }
}

#[test]
fn c6_a_busy_webhook_is_asked_again_when_it_wants_and_a_broken_one_in_a_moment() {
    let slack = Double::new([Answer::TooMany(1), Answer::Status(502)]);
    let hook = Some(Secret::new(format!("{}/services/1", slack.address)));
    let settings = SlackSettings { url: hook, ..defaults() };
    publish(settings, &Campaign::failing().report()).unwrap();
    let asked = slack.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[test]
fn c6_a_refusal_that_lasts_is_not_asked_again() {
    for refusal in ["channel_not_found", "invalid_auth", "not_in_channel", "is_archived", "missing_scope"] {
        let slack = Double::new([Answer::Refuse(refusal)]);
        let error = slack.publish(&Campaign::failing().report()).unwrap_err();
        assert_eq!(error, format!("Slack refused the message: {refusal}, tried once"));
        assert_eq!(slack.asked().len(), 1);
    }
}

#[test]
fn c6_a_refusal_that_passes_is_asked_again() {
    let slack = Double::new((0..4).map(|_| Answer::Refuse("internal_error")));
    let error = slack.publish(&Campaign::failing().report()).unwrap_err();
    assert_eq!(error, "Slack refused the message: internal_error, tried 4 times");
    assert_eq!(slack.asked().len(), 4);
}

#[test]
fn a_busy_slack_is_asked_again_when_it_wants() {
    let slack = Double::new([Answer::TooMany(2)]);
    slack.publish(&Campaign::healthy().report()).unwrap();
    let asked = slack.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(2));
    assert_eq!(asked.len(), 2, "nothing failed, so there are no details");
}

#[test]
fn one_that_is_busy_for_long_is_not_waited_for() {
    let slack = Double::new([Answer::TooMany(3600)]);
    let begin = Instant::now();
    let error = slack.publish(&Campaign::healthy().report()).unwrap_err();
    assert_eq!(error, "Slack has had too many messages (429), tried once");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn one_that_fails_or_hangs_once_is_asked_again() {
    let slack = Double::new([Answer::Status(503), Answer::Hang]);
    slack.publish(&Campaign::healthy().report()).unwrap();
    assert_eq!(slack.asked().len(), 3);
}

#[test]
fn names_from_outside_mention_nobody() {
    let slack = Double::new([]);
    slack.publish(&hostile("<!channel> <@U1> & `x` <https://evil.example|report>")).unwrap();
    let posted: String = slack.asked().iter().map(|one| one.body.to_string()).collect();
    assert!(
        !posted.contains("<!channel>") && !posted.contains("<@U1>") && !posted.contains("<https://evil"),
        "{posted}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named_without_the_token() {
    let settings = SlackSettings {
        token: Some(Secret::new(TOKEN)),
        channel: Some("#ci".to_owned()),
        url: Some(Secret::new("http://127.0.0.1:1")),
        ..defaults()
    };
    let error = publish(settings, &Campaign::healthy().report()).unwrap_err();
    assert_eq!(error, "Slack cannot be reached, tried 4 times");
}
