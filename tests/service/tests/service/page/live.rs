//! Campaigns that are started, followed and controlled in the browser.

use super::browser::Browser;
use crate::head::Head;

/// Starts a scenario from its form, with this name.
fn start(browser: &mut Browser, scenario: &str, name: &str) {
    browser.go("/");
    browser.follow("Start a campaign");
    browser.follow(scenario);
    browser.fill("#name", name);
    browser.follow("Start");
}

#[test]
fn a_form_says_what_is_wrong_beside_its_field_and_starts_a_campaign() {
    let head = Head::start(&[]);
    let mut browser = Browser::open(&head, "/start?scenario=configured", 1200);
    browser.fill("#name", "x");
    browser.fill("[name='property.pause']", "soon");
    browser.fill("[name='property.token']", "hunter2-hunter2");
    browser.click("Another profile");
    browser.value("document.querySelector('[value=REGULAR]').click()");
    browser.fill("[name='profile.REGULAR.periodInMs']", "10ms");
    browser.fill("[name='profile.REGULAR.minionsCountProLaunch']", "0");
    browser.follow("Start");
    assert!(browser.text().contains("The campaign was not started"), "{}", browser.text());
    let wrong = |browser: &mut Browser, field: &str| {
        browser.texts(&format!(".field:has([name='{field}']) > .wrong")).join("; ")
    };
    assert_eq!(wrong(&mut browser, "name"), "must be a text of 3 to 300 characters");
    assert!(browser.text().contains("must be a whole number from 1"), "{}", browser.text());
    assert_eq!(browser.value("document.querySelector('[name=\"property.pause\"]').value"), "soon");
    assert_eq!(browser.value("document.querySelector('[name=\"property.token\"]').type"), "password");
    assert!(!browser.value("document.documentElement.outerHTML").as_str().unwrap().contains("hunter2"));

    browser.fill("#name", "from <script>alert(1)</script> the form");
    browser.fill("[name='profile.REGULAR.minionsCountProLaunch']", "1");
    browser.follow("Start");
    assert!(browser.text().contains("The campaign was not started"), "{}", browser.text());
    let pause = wrong(&mut browser, "property.pause");
    assert!(pause.contains("pause") && pause.contains("soon"), "{pause}: {}", browser.text());
    browser.fill("[name='property.pause']", "2ms");
    browser.follow("Start");
    browser.until_shown("SUCCESSFUL");
    assert!(browser.path().starts_with("/campaigns/"), "{}", browser.path());
    assert_eq!(browser.value("[...document.scripts].every((one) => one.src && !one.textContent)"), true);
    let key = head.get("/campaigns").json()["campaigns"][0]["key"].as_str().unwrap().to_owned();
    let configuration = head.get(&format!("/campaigns/{key}/configuration")).json();
    assert_eq!(configuration["scenarios.configured.properties.pause"], "2ms", "{configuration}");
    browser.page.until("document.body.dataset.events === undefined");
    // What is wrong with a form is a status of its own, which the browser notes.
    let noted = browser.page.complaints();
    assert!(noted.iter().all(|line| line.contains("422")), "{noted:?}");
}

#[test]
fn a_running_campaign_is_followed_without_losing_what_the_reader_did_and_is_controlled() {
    let head = Head::start(&[]);
    let mut browser = Browser::open(&head, "/", 1200);
    start(&mut browser, "long", "to be followed");
    browser.page.until("document.querySelectorAll('.over-time path.line').length > 4");
    browser.value(
        "window.loaded = true; document.querySelector('details.step').open = false;
        document.querySelector('.over-time > svg').focus(); window.kept = document.querySelector('#facts');
        scrollTo(0, 300)",
    );
    browser.value("document.querySelector('[name=label]').value = 'half typed'");
    browser.value("(() => { const search = document.querySelector('[data-tools] input'); search.value = 'check'; search.dispatchEvent(new Event('input')); })()");
    let drawing = "document.querySelector('.over-time path.line').getAttribute('d')";
    let elements = "document.querySelectorAll('*:not(svg *)').length";
    browser.value("window.scrolled = scrollY");
    let mut count = None;
    for _ in 0..3 {
        let before = browser.value(drawing);
        browser.page.until(&format!("{drawing} !== {before}"));
        let elements = browser.value(elements).as_u64().unwrap();
        // A line of warnings may come, but not the page a second time.
        let first = *count.get_or_insert(elements);
        assert!(elements < first + 50, "{first} elements have become {elements}");
    }
    let kept = browser.value(
        "[window.loaded, window.kept === document.querySelector('#facts'), scrollY > 50 && scrollY === window.scrolled, document.querySelector('details.step').open,
        document.querySelector('[name=label]').value, document.activeElement === document.querySelector('.over-time > svg')]",
    );
    assert_eq!(kept, serde_json::json!([true, true, true, false, "half typed", true]));
    assert_eq!(browser.texts("#steps-0 + .wide tbody > tr:not([hidden]) > td:first-child"), ["check"]);

    browser.fill("[name=label]", "new <b>version</b>");
    browser.follow("Mark");
    browser.until_shown("1 new <b>version</b>");
    browser.follow("Pause");
    browser.until_shown("PAUSED");
    browser.follow("Resume");
    browser.page.until("document.querySelector('.progress').textContent.startsWith('RUNNING')");
    browser.follow("Abort");
    browser.until_shown("summary.json");
    assert_eq!(browser.texts("h1"), ["ABORTED"]);
    assert_eq!(browser.texts("#controls"), [""; 0]);
    browser.page.until("document.body.dataset.events === undefined");
    browser.is_fine();
}

#[test]
fn hidden_tabs_fetch_nothing_and_small_dark_windows_show_everything_to_the_keyboard() {
    let head = Head::start(&[]);
    let mut browser = Browser::open(&head, "/", 400);
    browser.page.show_as("screen", "dark");
    let press_until = |browser: &mut Browser, wanted: &str| {
        for _ in 0..80 {
            browser.page.press("Tab", false);
            let at = browser
                .value("(document.activeElement.id || document.activeElement.textContent || '').trim()");
            if at == wanted {
                return;
            }
        }
        panic!("the keyboard does not reach {wanted}: {}", browser.text());
    };
    browser.is_narrow();
    press_until(&mut browser, "Start a campaign");
    browser.page.press("Enter", false);
    browser.until_shown("Of which scenario?");
    browser.is_narrow();
    press_until(&mut browser, "red");
    browser.page.press("Enter", false);
    browser.until_shown("Start red");
    browser.is_narrow();
    press_until(&mut browser, "name");
    browser.page.write("with keys alone");
    browser.page.press("Enter", false);
    browser.until_shown("summary.json");
    assert_eq!(browser.texts("h1"), ["FAILED"]);
    let paper = browser.value("getComputedStyle(document.body).backgroundColor");
    assert_eq!(paper, "rgb(18, 22, 29)");
    browser.is_fine();

    // The list looks for news every five seconds, unless nobody sees it.
    browser.go("/");
    browser.value("document.body.dataset.every = '0.2'; Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
    browser.value("document.dispatchEvent(new Event('visibilitychange'))");
    let asked = browser.page.requests().len();
    browser.value("new Promise((done) => setTimeout(done, 1500))");
    assert_eq!(browser.page.requests().len(), asked);
    browser.value("Object.defineProperty(document, 'hidden', { value: false }); document.dispatchEvent(new Event('visibilitychange'))");
    browser.value("new Promise((done) => setTimeout(done, 1500))");
    assert!(browser.page.requests().len() > asked);
}
