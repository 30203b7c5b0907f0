//! A window of a campaign, selected in a chart.

use super::browser::Browser;
use crate::client::send;
use crate::head::Head;
use qalipsis_model::duration::human_ns;
use serde_json::{Value, json};

#[test]
fn a_window_that_is_dragged_shows_exactly_what_the_timeline_gives() {
    let head = Head::start(&[]);
    let key = head.start_campaign(&json!({ "name": "windows", "scenarios": { "warms-up": {} } }));
    head.until_ended(&key);
    let mut browser = Browser::open(&head, &format!("/campaigns/{key}"), 1200);
    let place = browser.value(
        "(() => { const svg = document.querySelector('.over-time > svg'); svg.scrollIntoView({block: 'center'});
        const at = svg.getBoundingClientRect(); return [at.x, at.y, at.width, at.height]; })()",
    );
    let [x, y, width, height]: [f64; 4] = serde_json::from_value(place).unwrap();
    browser.page.drag((x + width * 0.5, y + height / 2.0), (x + width * 0.8, y + height / 2.0));
    browser.page.until("document.querySelector('#window table') !== null");
    assert!(browser.path().contains("?from="), "{}", browser.path());
    shows_the_timeline(&head, &mut browser, &["act", "check"]);

    // The same without a script, from its address.
    let path = browser.path();
    browser.go(&path);
    shows_the_timeline(&head, &mut browser, &["act", "check"]);
    browser.click("All of the time");
    browser.page.until("document.querySelector('#window table') === null");
    browser.is_fine();
}

/// The first table of the window has the figures of the JSON that it links to.
fn shows_the_timeline(head: &Head, browser: &mut Browser, steps: &[&str]) {
    let link = browser.value("document.querySelector('#window a[href*=timeline]').getAttribute('href')");
    let timeline = send(head.address, "GET", link.as_str().unwrap(), &[], b"").json();
    let rows = browser.value(
        "[...document.querySelector('#window tbody').rows].map((row) => [...row.cells].map((cell) => cell.textContent))",
    );
    let rows: Vec<Vec<String>> = serde_json::from_value(rows).unwrap();
    let expected: Vec<&Value> = timeline["parts"][0]["steps"].as_array().unwrap().iter().collect();
    assert_eq!((rows.len(), expected.len()), (steps.len(), steps.len()), "{timeline}");
    for (row, step) in rows.iter().zip(expected) {
        let figures = &step["figures"];
        let times = ["p50Ms", "p95Ms", "p99Ms", "maxMs"].map(|name| {
            let ms = figures["times"][name].as_f64().unwrap();
            human_ns((ms * 1e6).round() as u64)
        });
        assert_eq!(row[0], step["name"].as_str().unwrap());
        assert_eq!(row[1].replace(',', ""), figures["executions"].to_string());
        assert!(figures["executions"].as_u64().unwrap() > 0, "{timeline}");
        assert_eq!(row[4..8], times, "{row:?}");
    }
}
