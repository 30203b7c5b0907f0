//! Who may see the page, and who may use its forms.

use super::browser::Browser;
use crate::client::send;
use crate::head::Head;
use serde_json::json;

const TOKENS: &str = "server.token=ci:write:writer-0123456789,wall:read:reader-0123456789";

#[test]
fn a_token_opens_a_session_with_its_right_and_no_more() {
    let head = Head::start(&["-c", TOKENS]);
    let writer = "authorization: Bearer writer-0123456789";
    let payload = json!({ "name": "watched", "scenarios": { "long": {} } }).to_string();
    let started = send(
        head.address,
        "POST",
        "/api/v1/campaigns",
        &[writer, "content-type: application/json"],
        payload.as_bytes(),
    );
    let key = started.json()["key"].as_str().unwrap().to_owned();

    let path = format!("/campaigns/{key}");
    let mut browser = Browser::open(&head, &path, 1200);
    assert!(browser.path().starts_with("/login?next="), "{}", browser.path());
    let log_in = |browser: &mut Browser, token: &str| {
        browser.fill("#token", token);
        browser.click("Log in");
    };
    log_in(&mut browser, "reader-9876543210");
    browser.until_shown("This token is wrong.");
    log_in(&mut browser, "reader-0123456789");
    browser.page.until(&format!("location.pathname === '{path}'"));
    assert_eq!(browser.value("document.cookie"), "", "no script reads the session");
    // It is followed with the session alone.
    browser.page.until("document.querySelectorAll('.over-time path.line').length > 2");
    assert_eq!(browser.value("document.querySelectorAll('#controls, a[href^=\"/start\"]').length"), 0);
    let refused =
        browser.value(&format!("fetch('{path}/abort', {{method: 'POST'}}).then((answer) => answer.status)"));
    assert_eq!(refused, 403);
    browser.click("Log out");
    browser.page.until("location.pathname === '/login'");
    browser.go(&path);
    browser.page.until("location.pathname === '/login'");
    log_in(&mut browser, "writer-0123456789");
    browser.page.until("document.querySelector('#controls') !== null");
    browser.click("Abort hard");
    browser.until_shown("summary.json");
    assert_eq!(browser.texts("h1"), ["ABORTED"]);
    assert!(!browser.value("document.documentElement.outerHTML").as_str().unwrap().contains("0123456789"));
}

#[test]
fn forms_of_other_sites_are_refused() {
    let head = Head::start(&[]);
    let key = head.start_campaign(&json!({ "name": "not from elsewhere", "scenarios": { "long": {} } }));
    let path = format!("/campaigns/{key}/abort");
    let own = format!("origin: http://{}", head.address);
    let form = "content-type: application/x-www-form-urlencoded";
    let status = |headers: &[&str]| send(head.address, "POST", &path, headers, b"hard=true").status;
    assert_eq!(status(&[form]), 403);
    assert_eq!(status(&[form, "origin: https://evil.example"]), 403);
    assert_eq!(status(&[form, "origin: null"]), 403);
    assert_eq!(status(&[form, "sec-fetch-site: cross-site"]), 403);
    assert_eq!(status(&[form, &own]), 303);
    let page = send(head.address, "GET", "/", &[], b"");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!page.text().contains("<script>"), "{}", page.text());
    head.until_ended(&key);
}
