//! Campaigns found in the list, and compared.

use super::browser::Browser;
use crate::head::Head;
use serde_json::json;

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
    // The same figures as over REST.
    let answer = head.get(&format!("/compare?baseline={reference}&current={second}")).json();
    let changes: usize = answer["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|scenario| scenario["subjects"].as_array().unwrap())
        .map(|subject| subject["changes"].as_array().unwrap().len())
        .sum();
    assert!(changes > 0);
    assert_eq!(browser.texts(".compared tbody tr").len(), changes, "{answer}");
    browser.is_fine();
}
