//! Campaigns found in the list, and compared.

use super::browser::Browser;
use crate::head::Head;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn campaigns_are_filtered_and_compared_with_a_reference() {
    let head = Head::start(&[]);
    let start = |name: &str, scenario: &str| {
        let key = head.start_campaign(&json!({ "name": name, "scenarios": { scenario: {} } }));
        head.until_ended(&key);
        key
    };
    let [reference, second, third] = ["first", "second", "third"].map(|name| start(name, "red"));
    start("another", "green");
    let mut browser = Browser::open(&head, "/?scenario=red&status=FAILED", 1200);
    assert_eq!(browser.texts(".campaigns tbody td:nth-child(4)"), ["third", "second", "first"]);
    assert_eq!(browser.value("document.querySelectorAll('.trend rect.bad').length"), 3);
    browser.value(&format!("document.querySelector('[name=reference][value=\"{reference}\"]').click()"));
    for key in [&second, &third] {
        browser.value(&format!("document.querySelector('[name=current][value=\"{key}\"]').click()"));
    }
    browser.follow("Compare");
    assert_eq!(browser.texts("h1"), ["Compared with first"]);
    let compared = browser.texts("main > ul > li");
    assert_eq!(compared.len(), 2, "{compared:?}");
    assert!(compared[0].starts_with("third: ") && compared[1].starts_with("second: "), "{compared:?}");
    let heads = browser.texts(".compared th");
    assert_eq!(heads, ["step or source", "measure", "reference", "third", "second"]);
    assert!(compared.iter().all(|one| one.contains(": no worse, ")), "{compared:?}");
    // The same figures as over REST, each in one row for all that are compared.
    let changes = |current: &str| -> BTreeSet<String> {
        let answer = head.get(&format!("/compare?baseline={reference}&current={current}")).json();
        let list = |of: &Value, name: &str| of[name].as_array().unwrap().clone();
        let mut found = BTreeSet::new();
        for scenario in list(&answer, "scenarios") {
            for subject in list(&scenario, "subjects") {
                for change in list(&subject, "changes") {
                    found.insert(
                        [&scenario["name"], &subject["name"], &change["measure"]]
                            .map(Value::to_string)
                            .join(" "),
                    );
                }
            }
        }
        found
    };
    let all: BTreeSet<String> = changes(&second).union(&changes(&third)).cloned().collect();
    assert!(!all.is_empty());
    assert_eq!(browser.texts(".compared tbody tr").len(), all.len(), "{all:?}");
    browser.is_fine();
}
