//! The page: it holds what was measured, in markup that nothing from outside can leave.

use crate::sample::{Campaign, hostile};
use base64::Engine as _;
use qalipsis_report::html;
use qalipsis_testkit::browse;
use sha2::Digest as _;
use std::path::PathBuf;

/// The page as a tree; fails when it is not well formed, or has another script than the one that it allows.
fn checked(page: &str) -> String {
    let script = format!("<script type=\"module\">{}</script>", *qalipsis_chart::SCRIPT);
    let (before, after) = page.split_once(&script).expect("the script is in it as it was written");
    let page = &format!("{before}{after}");
    let mut parts = page.strip_prefix("<!DOCTYPE html>").expect("it is HTML 5").split("<meta ");
    let mut xml = parts.next().unwrap_or_default().to_owned();
    // The only elements without an end.
    for part in parts {
        let (attributes, rest) = part.split_once('>').unwrap();
        xml.push_str(&format!("<meta {attributes}/>{rest}"));
    }
    let tree = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    for node in tree.descendants().filter(roxmltree::Node::is_element) {
        assert!(!matches!(node.tag_name().name(), "script" | "img" | "link" | "iframe"), "{node:?}");
        let is_inside =
            |link: &str| link.starts_with('#') && page.contains(&format!(" id=\"{}\"", &link[1..]));
        assert!(node.attribute("href").is_none_or(is_inside), "{node:?}");
        let loads = ["src", "onerror", "onload", "style"];
        assert!(loads.iter().all(|name| node.attribute(*name).is_none()), "{node:?}");
    }
    let body = tree.descendants().find(|node| node.has_tag_name("body")).expect("it has a body");
    body.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect()
}

#[test]
fn it_says_which_step_why_for_which_minions_and_since_when() {
    let text = checked(&html::render(&Campaign::failing().report()));
    for shown in [
        "FAILED",
        "checkout › order-accepted",
        "assertion",
        "37 of 1000 minions",
        "checkout › order-fulfilled",
        "join-missing",
        "first at 05:06:07.839",
        "scenarios/checkout/src/lib.rs:91:9",
        "kafka topic orders.fulfilled",
        "The load generator itself",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
}

#[test]
fn flaky_executions_and_tolerated_failures_are_shown() {
    let text = checked(&html::render(&Campaign::forgiven().report()));
    for shown in
        ["of these tolerated", "flaky", "connection refused", "5 % are tolerated", "only after a retry"]
    {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    let text = checked(&html::render(&Campaign::healthy().report()));
    assert!(!text.contains("tolerated") && !text.contains("laky"), "{text}");
}

#[test]
fn every_executed_step_has_its_distribution() {
    let page = html::render(&Campaign::healthy().report());
    let bars = |label: &str| {
        let chart = page.split("<svg").find(|svg| svg.contains(&format!("aria-label=\"{label}\"")));
        chart.unwrap_or_else(|| panic!("{label}")).matches("<rect").count()
    };
    assert!(bars("place-order") > 20);
    assert!(bars("order-fulfilled: from trigger to arrival") > 10);
    assert!(!page.contains("aria-label=\"refund\""), "it was never executed");
}

#[test]
fn b12_how_long_checks_took_is_a_row_and_no_chart() {
    let page = html::render(&Campaign::healthy().report());
    let (_, after) = page.split_once("<table class=\"checks\">").expect("they have a table");
    let table = after.split("</table>").next().unwrap();
    assert!(table.contains("<td>order-accepted</td><td class=\"number\">1000</td>"), "{table}");
    let line = table.split("<svg class=\"spark\"").nth(1).unwrap();
    assert!(line.contains("aria-label=\"how long it took, from the shortest to the longest\""), "{line}");
    assert!(line.matches('-').count() > 50, "its distribution is a line: {line}");
    assert!(!page.contains("aria-label=\"order-accepted\"") && page.contains("aria-label=\"place-order\""));
}

#[test]
fn the_page_allows_its_own_script_and_nothing_else() {
    let page = html::render(&Campaign::healthy().report());
    let script = page.split("<script type=\"module\">").nth(1).unwrap().split("</script>").next().unwrap();
    assert_eq!(script, *qalipsis_chart::SCRIPT);
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script));
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'");
    assert!(page.contains(&policy), "{policy}");
}

#[test]
fn each_failure_is_in_the_contents() {
    let report = crate::busy::BUSY.clone();
    let text = checked(&html::render(&report));
    let page = html::render(&report);
    let contents = page.split("<nav").nth(1).unwrap().split("</nav>").next().unwrap();
    assert!(contents.contains("<a href=\"#why\">Why (50)</a>"), "{contents}");
    for number in 1..=50 {
        assert!(contents.contains(&format!("<a href=\"#failure-{number}\">")), "{number}");
        assert!(page.contains(&format!("id=\"failure-{number}\"")), "{number}");
    }
    assert!(text.contains("step-099") || text.contains("check-099"), "{text}");
}

#[test]
fn a_healthy_campaign_has_no_cause() {
    let text = checked(&html::render(&Campaign::healthy().report()));
    assert!(text.contains("SUCCESSFUL") && !text.contains("Why"), "{text}");
}

#[test]
fn nothing_from_outside_becomes_markup() {
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</style></title><b>]]>&lt;&#x0;",
        "' onload='x",
        "\u{0}\u{1b}[2J\u{202e}\u{fffe}é🎉",
    ] {
        checked(&html::render(&hostile(text)));
    }
}

#[test]
fn its_parts_are_all_that_it_shows() {
    for text in ["plain", "</header></main></nav><nav aria-label=\"Contents\"><main><header"] {
        let page = html::render(&hostile(text));
        let parts = html::parts(&page).expect("it is a page of a report");
        let joined = format!("{}<main>{}{}</main>", parts.contents.0, parts.verdict.0, parts.details.0);
        assert!(page.contains(&joined), "{joined}");
        assert!(
            parts.verdict.0.starts_with("<header class=\"bad\"><h1>")
                && parts.verdict.0.ends_with("</header>")
        );
        assert!(parts.contents.0.ends_with("</nav>") && parts.details.0.contains("Where and with what"));
    }
    assert!(html::parts("<!DOCTYPE html><main>something else</main>").is_none());
}

#[test]
fn campaigns_without_steps_and_with_hundreds_have_a_page() {
    let mut none = Campaign::not_ready().report();
    none.scenarios[0].steps.clear();
    none.scenarios[0].joins.clear();
    assert!(checked(&html::render(&none)).contains("refuses connections"));
    let page = html::render(&many());
    assert!(page.len() < 5_000_000, "{}", page.len());
    assert!(checked(&page).contains("step-199"));
}

const ZONES: [&str; 5] = ["africa", "asia", "eu", "oceania", "us"];

#[test]
fn zones_are_side_by_side_and_the_worst_is_named() {
    let page = html::render(&Campaign::in_zones(&ZONES).report());
    let text = checked(&page);
    for shown in [
        "zone us is slowest: place-order response time p95 2.05 s, 46.4 ms in zone africa",
        "zone us fails most: order-accepted error rate 3.85 %, 0 % in zone africa",
        "only in zone us: 40 of its 1000 minions",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    let chart = page
        .split("<svg")
        .find(|svg| svg.contains("aria-label=\"place-order: response time by zone\""))
        .unwrap();
    for zone in ZONES {
        assert!(chart.contains(&format!(">{zone}, 1000<")), "{zone}\n{chart}");
    }
    let one = html::render(&Campaign::in_zones(&ZONES[..1]).report());
    assert!(!one.contains("by zone") && !one.contains("<h3>Zones"), "one zone is the whole");
}

/// 200 steps in five zones.
fn many() -> qalipsis_judge::report::Report {
    let mut report = Campaign::in_zones(&ZONES).report();
    let scenario = &mut report.scenarios[0];
    for zone in &mut scenario.by_zone {
        let figures = zone.figures.steps[&1].clone();
        zone.figures.steps.extend((4..200).map(|index| (index, figures.clone())));
    }
    let step = scenario.steps[0].clone();
    scenario.steps.extend((4..200).map(|n| {
        let mut step = step.clone();
        step.name = format!("step-{n}");
        step
    }));
    report
}

/// The pages are kept for eyes when a folder is named.
#[test]
fn pages_are_written_below_the_folder_of_their_campaign_and_shown_without_a_complaint() {
    let kept = std::env::var_os("QALIPSIS_TEST_PAGES").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let mut none = Campaign::not_ready().report();
    none.scenarios[0].steps.clear();
    let reports = [
        ("failing", Campaign::failing().report()),
        ("unread", Campaign::unread().report()),
        ("healthy", Campaign::healthy().report()),
        ("none", none),
        ("many", many()),
        ("busy", crate::busy::BUSY.clone()),
        ("zones", Campaign::in_zones(&ZONES).report()),
        ("hostile", hostile("<script>document.title='broken'</script>\"'&\u{202e}")),
    ];
    for (name, mut report) in reports {
        report.key = name.to_owned();
        let path = html::write(&report, &folder).unwrap();
        assert_eq!(path, folder.join(name).join("report.html"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), html::render(&report));
        let shown = browse(&["--dump-dom"], &path);
        let complaint = shown.stderr.lines().find(|line| line.contains(":CONSOLE"));
        assert_eq!(complaint, None, "{name}: {shown}");
        assert!(shown.stdout.contains("Where and with what"), "{name}: {shown}");
    }
    let error = html::write(&Campaign::healthy().report(), std::path::Path::new("/dev/null")).unwrap_err();
    assert!(error.to_string().starts_with("failed to write /dev/null/"), "{error}");
}

#[test]
fn meters_of_the_scenario_have_their_figures() {
    let page = html::render(&Campaign::measuring().report());
    let _well_formed = checked(&page);
    for part in [
        "<h3>Meters</h3>",
        "<td>baskets</td><td>counter</td><td>12,345 in total",
        "<td>accepted</td><td>rate</td><td>75 %, 750 of 1000</td><td>Offers &lt;taken&gt;.</td>",
        "<td>refund</td><td>timer</td><td>no data</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("aria-label=\"payment\"") && !page.contains("aria-label=\"refund\""));
}
