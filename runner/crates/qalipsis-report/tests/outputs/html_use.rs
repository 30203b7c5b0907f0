//! The page as people use it, in a real browser: values at an instant, windows of time, filter, keyboard, narrow, dark, paper.

use crate::busy::BUSY;
use crate::sample::Campaign;
use qalipsis_judge::report::Report;
use qalipsis_report::html;
use qalipsis_testkit::Page;

/// Media, colours and widths in which the page is used.
const VIEWS: [(&str, &str, u32); 4] =
    [("screen", "light", 1200), ("screen", "dark", 1200), ("screen", "light", 400), ("print", "light", 800)];

fn open(report: &Report, width: u32) -> (Page, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = html::write(report, folder.path()).unwrap();
    (Page::open(&file, width, 900), folder)
}

/// Whether the page neither complained nor asked for anything but itself.
fn is_quiet(page: &Page) {
    assert_eq!(page.complaints(), [] as [&str; 0]);
    let requests = page.requests();
    assert!(requests.len() == 1 && requests[0].starts_with("file://"), "{requests:?}");
}

/// The text of all elements of a selector.
fn texts(page: &mut Page, selector: &str) -> Vec<String> {
    let texts =
        page.value(&format!("[...document.querySelectorAll('{selector}')].map((one) => one.textContent)"));
    serde_json::from_value(texts).unwrap()
}

/// The n-th chart over time: its place in the window, after it is scrolled there.
fn place(page: &mut Page, chart: usize) -> [f64; 4] {
    let place = page.value(&format!(
        "(() => {{ const svg = document.querySelectorAll('.over-time > svg')[{chart}]; svg.scrollIntoView({{block: 'center'}});
        const at = svg.getBoundingClientRect(); return [at.x, at.y, at.width, at.height]; }})()"
    ));
    serde_json::from_value(place).unwrap()
}

#[test]
fn values_at_an_instant_are_shown_to_pointer_and_keyboard() {
    let (mut page, _folder) = open(&BUSY, 1200);
    let [x, y, width, height] = place(&mut page, 2);
    page.point(x + width * 0.5, y + height * 0.5);
    let shown = texts(&mut page, ".values:not([hidden]) > div");
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown[0].starts_with("at 2 min "), "{shown:?}");
    assert_eq!(
        shown[1..].iter().map(|row| row.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["max", "p95", "p50"]
    );
    assert!(shown[1..].iter().all(|row| row.ends_with(" ms")), "{shown:?}");
    let charts = texts(&mut page, ".over-time").len();
    assert_eq!(texts(&mut page, ".cursor").len(), charts, "the instant is marked in all charts");
    page.point(2.0, 2.0);
    assert_eq!(texts(&mut page, ".values:not([hidden])"), [] as [&str; 0]);

    assert_eq!(page.value("document.querySelectorAll('.over-time > svg:not([tabindex=\"0\"])').length"), 0);
    page.value("document.querySelector('.over-time > svg').focus({focusVisible: true})");
    page.press("Home", false);
    page.press("ArrowRight", false);
    let second = texts(&mut page, ".values > div");
    assert_eq!(second, ["at 1.5 s", "executions 100/s", "failures 0/s"]);
    page.press("End", false);
    assert_eq!(texts(&mut page, ".values > div")[0], "at 4 min 49.5 s");
    is_quiet(&page);
}

#[test]
fn a_window_is_selected_in_all_charts_and_cleared_again() {
    let (mut page, _folder) = open(&BUSY, 1200);
    page.value("window.windows = []; document.addEventListener('qalipsis:window', (e) => window.windows.push(e.detail))");
    let labels = "#scenario-0 > .charts > figure:first-child .times > text";
    let before = texts(&mut page, labels);
    assert_eq!(before, ["0", "1", "2", "3", "4 min"]);
    let [x, y, width, height] = place(&mut page, 3);
    let middle = y + height / 2.0;
    page.drag((x + width * 0.3, middle), (x + width * 0.35, middle));
    let windows = page.value("window.windows");
    let (from, to) = (windows[0]["from"].as_f64().unwrap(), windows[0]["to"].as_f64().unwrap());
    assert!((55.0..90.0).contains(&from) && (12.0..20.0).contains(&(to - from)), "{windows}");
    let shown = page.value("[...document.querySelectorAll('.plot')].map((plot) => plot.getAttribute('viewBox').split(' ').map(Number))");
    for view in shown.as_array().unwrap() {
        let (left, wide) = (view[0].as_f64().unwrap(), view[2].as_f64().unwrap());
        assert!((left - from).abs() < 1.0 && (wide - (to - from)).abs() < 2.0, "{view}");
    }
    let zoomed = texts(&mut page, labels);
    assert!((3..=8).contains(&zoomed.len()) && zoomed.last().unwrap().ends_with(" s"), "{zoomed:?}");
    page.press("Escape", false);
    assert_eq!(texts(&mut page, labels), before, "the script labels all of the time as it was drawn");

    page.value("document.querySelector('.over-time > svg').focus({focusVisible: true})");
    for (key, shift) in
        [("Home", false), ("ArrowRight", false), ("ArrowRight", true), ("ArrowRight", true), ("Enter", false)]
    {
        page.press(key, shift);
    }
    let windows = page.value("window.windows");
    assert_eq!(windows.as_array().unwrap().len(), 3, "{windows}");
    assert!(windows[1].is_null() && windows[2]["from"] == 1.5 && windows[2]["to"] == 3.5, "{windows}");
    page.value("document.querySelector('.clear').click()");
    assert_eq!(texts(&mut page, labels), before);
    is_quiet(&page);
}

#[test]
fn a_hundred_steps_are_filtered_ordered_and_closed() {
    let (mut page, _folder) = open(&BUSY, 1200);
    let rows = "#steps-0 + .wide tbody > tr:not([hidden]) > td:first-child";
    let all = texts(&mut page, rows);
    assert_eq!((all.len(), all[0].as_str(), all[2].as_str()), (100, "step-000", "check-002"));
    page.value("document.querySelector('.tools input').focus()");
    page.write("step-09");
    let left = texts(&mut page, rows);
    assert!(left.len() == 7 && left.iter().all(|name| name.starts_with("step-09")), "{left:?}");
    let failures = texts(&mut page, "details.cause:not([hidden]) h3");
    assert!(failures.len() == 5 && failures.iter().all(|name| name.contains("step-09")), "{failures:?}");
    page.value("document.querySelector('.tools input').select()");
    page.write("");
    page.value("document.querySelector('.tools input').value = ''; document.querySelector('.tools input').dispatchEvent(new Event('input'))");
    page.value("document.querySelector('[aria-pressed]').click()");
    assert_eq!(texts(&mut page, rows)[..2], ["step-001", "step-003"]);
    page.value("document.querySelector('[aria-pressed]').click()");
    assert_eq!(texts(&mut page, rows), all);
    let open = "document.querySelectorAll('details[data-name][open]').length";
    assert_eq!(page.value(open), 50 + 75);
    page.value("[...document.querySelectorAll('.tools button')].find((one) => one.textContent === 'Collapse').click()");
    assert_eq!(page.value(open), 0);
    is_quiet(&page);
}

#[test]
fn nothing_is_cut_on_screens_and_on_paper() {
    for report in [BUSY.clone(), Campaign::unread().report()] {
        let (mut page, _folder) = open(&report, 1200);
        for (media, colors, width) in VIEWS {
            page.resize(width, 900);
            page.show_as(media, colors);
            let wide =
                page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(wide, 0, "the page scrolls sideways: {media} {width}");
            // Labels outside of their chart, and labels below a chart that touch each other.
            let cut = page.value(
                "[...document.querySelectorAll('figure > svg')].flatMap((svg) => {
                  const box = svg.getBoundingClientRect();
                  const labels = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
                  const outside = labels.filter(([, at]) => at.left < box.left - 1 || at.right > box.right + 1 || at.bottom > box.bottom + 2);
                  const below = labels.filter(([, at]) => at.top > box.bottom - box.height * 0.15);
                  const touching = below.filter(([, at], index) => index > 0 && below[index - 1][1].right > at.left);
                  return [...outside, ...touching].map(([text]) => `${text} of ${svg.getAttribute('aria-label')}`);
                })",
            );
            assert_eq!(cut, serde_json::json!([]), "{media} {width}");
        }
        is_quiet(&page);
    }
}

#[test]
fn the_keyboard_reaches_everything() {
    let (mut page, _folder) = open(&Campaign::unread().report(), 1200);
    let mut reached = Vec::new();
    for _ in 0..60 {
        page.press("Tab", false);
        let at = page.value(
            "document.activeElement.closest('.over-time') ? 'chart' : document.activeElement.localName",
        );
        reached.push(at.as_str().unwrap().to_owned());
    }
    for wanted in ["input", "button", "a", "summary"] {
        assert!(reached.iter().any(|one| one == wanted), "{wanted}: {reached:?}");
    }
    is_quiet(&page);
}
