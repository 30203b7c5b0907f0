use crate::sample::{ACCEPTED, Campaign, FULFILLED, REFUND, exchange, hostile};
use insta::assert_snapshot;
use proptest::prelude::*;
use qalipsis_judge::judge::Ending;
use qalipsis_judge::report::{Reason, Report, ScenarioReport, StepReport};
use qalipsis_model::criterion::{Durations, NumberFigure, Quantity};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::snapshot::{ExecutionOutcome, StepFigures, Tolerance};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use qalipsis_report::junit::{SIZE_LIMIT, write};
use roxmltree::{Document, Node};
use std::collections::HashSet;
use std::fs;
use std::time::Duration;

/// The only file that is written for `report`.
fn written(report: &Report) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = write(report, folder.path()).unwrap();
    assert_eq!(paths.len(), report.scenarios.len());
    fs::read_to_string(&paths[0]).unwrap()
}

fn case<'a, 'i>(document: &'a Document<'i>, name: &str) -> Node<'a, 'i> {
    document
        .descendants()
        .find(|n| n.has_tag_name("testcase") && n.attribute("name") == Some(name))
        .unwrap_or_else(|| panic!("no test case {name}"))
}

/// The outcome of a test case: tag, type, message.
fn outcome(document: &Document<'_>, name: &str) -> Option<(String, String, String)> {
    let result = case(document, name)
        .children()
        .find(|n| ["failure", "error", "skipped"].contains(&n.tag_name().name()))?;
    let attribute = |name| result.attribute(name).unwrap_or("").to_owned();
    Some((result.tag_name().name().to_owned(), attribute("type"), attribute("message")))
}

fn some(tag: &str, ty: &str, message: &str) -> Option<(String, String, String)> {
    Some((tag.into(), ty.into(), message.into()))
}

#[test]
fn a_passing_campaign() {
    assert_snapshot!(written(&Campaign::healthy().report()));
}

#[test]
fn a_failing_campaign() {
    assert_snapshot!(written(&Campaign::failing().report()));
}

#[test]
fn tolerated_failures_and_flaky_passes_pass_with_a_remark() {
    let mut campaign = Campaign::healthy();
    campaign.ran(ACCEPTED, ExecutionOutcome::Error, 25_000, 25_000);
    let step = campaign.step(ACCEPTED);
    step.record_failure(FailureKind::Error, Timestamp(1));
    step.failed_minions = 1;
    step.tolerate(Tolerance::share(0.01));
    step.flaky = 12;
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    assert_eq!(outcome(&document, "order-accepted"), None);
    let output = case(&document, "order-accepted").children().find(|n| n.has_tag_name("system-out"));
    assert_snapshot!(
        output.and_then(|n| n.text()).unwrap(),
        @"1001 executions by 1000 minions, 1 failed (1 % tolerated), 12 flaky: passed only after a retry; response time p50 25.1 µs, p95 29.6 µs, p99 30 µs, max 30 µs"
    );
}

#[test]
fn b6_warnings_are_the_output_of_a_passing_test_case() {
    let mut campaign = Campaign::healthy();
    let join = campaign.figures.joins.get_mut(&0).unwrap();
    (join.duplicates, join.records) = (3, join.records + 3);
    let mut report = campaign.report();
    report.warnings.push("slack: refused".to_owned());
    let mut other = report.scenarios[0].clone();
    other.name = "other".to_owned();
    report.scenarios.push(other);
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> =
        write(&report, folder.path()).unwrap().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let output = |text: &str| {
        let document = Document::parse(text).unwrap();
        assert_eq!(outcome(&document, "warnings"), None, "a warning fails nothing");
        let output = case(&document, "warnings").children().find(|n| n.has_tag_name("system-out"));
        output.and_then(|n| n.text()).unwrap().to_owned()
    };
    let own = "checkout: kafka topic orders.fulfilled: 3 duplicate records of keys already matched\n";
    assert_eq!(output(&texts[0]), format!("{own}slack: refused"));
    assert_eq!(output(&texts[1]), "slack: refused", "that of another scenario is in its own file");
    assert!(!written(&Campaign::healthy().report()).contains("warnings"));
}

#[test]
fn b13_the_test_cases_of_a_suite_take_as_long_as_the_suite() {
    for campaign in [Campaign::healthy(), Campaign::failing(), Campaign::forgiven()] {
        let text = written(&campaign.report());
        let document = Document::parse(&text).unwrap();
        let milliseconds = |node: Node<'_, '_>| {
            (node.attribute("time").unwrap().parse::<f64>().unwrap() * 1e3).round() as u64
        };
        let cases = document.descendants().filter(|n| n.has_tag_name("testcase"));
        assert_eq!(cases.map(milliseconds).sum::<u64>(), 19_250);
        let of = |name: &str| milliseconds(case(&document, name));
        assert!(of("order-fulfilled") > 10 * of("place-order"), "most of the time was spent waiting");
        assert_eq!(of("place-order response time p95"), 0);
    }
    let nothing = written(&Campaign::not_ready().report());
    assert!(!nothing.contains("NaN"), "{nothing}");
}

#[test]
fn files_lie_below_the_campaign_under_their_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = Campaign::healthy().report();
    let mut other = report.scenarios[0].clone();
    other.name = "a/b c".into();
    report.scenarios.push(other.clone());
    other.name = "CHECKOUT".into();
    report.scenarios.push(other);
    let paths = write(&report, folder.path()).unwrap();
    let paths: Vec<&str> =
        paths.iter().map(|p| p.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "20261123-050607-k3v9/TEST-checkout.xml",
            "20261123-050607-k3v9/TEST-a-b-c-ddd7d58c.xml",
            "20261123-050607-k3v9/TEST-CHECKOUT-2.xml"
        ]
    );
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write(&Campaign::healthy().report(), &file).unwrap_err().to_string();
    assert!(
        error.contains(&file.display().to_string()) && error.contains("report.export.junit.folder"),
        "{error}"
    );
}

#[test]
fn what_was_never_executed_is_skipped_unless_it_fails_the_run() {
    let mut campaign = Campaign::healthy();
    let document = written(&Campaign::healthy().report());
    let document = Document::parse(&document).unwrap();
    assert_eq!(
        outcome(&document, "refund"),
        some("skipped", "", "never executed, which is allowed for this step")
    );

    campaign.described.scenario.steps[REFUND as usize].optional = false;
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    let (tag, ty, message) = outcome(&document, "refund").unwrap();
    assert_eq!((tag.as_str(), ty.as_str()), ("failure", "never-executed"));
    assert!(message.starts_with("declared but never executed"), "{message}");
    assert_eq!(outcome(&document, "place-order"), None);
}

#[test]
fn a_step_that_was_never_executed_is_one_failure_with_its_criteria() {
    let mut campaign = Campaign::healthy();
    campaign.figures.steps.remove(&FULFILLED);
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    let why = "declared but never executed; mark it #[step(optional)] when a run may pass without it";
    assert_eq!(outcome(&document, "order-fulfilled"), some("failure", "never-executed", why));
    let message = "expected latency p95 below 2 s, observed no data: step 'order-fulfilled' was never executed; \
                   not judged: step 'order-fulfilled' was never executed";
    assert_eq!(outcome(&document, "order-fulfilled latency p95"), some("skipped", "", message));
}

#[test]
fn a_criterion_without_data_is_an_error() {
    let mut campaign = Campaign::healthy();
    campaign.described.scenario.criteria =
        vec![Durations::of("order-accepted", Quantity::Latency).p(95).below(Duration::from_secs(2))];
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    let message = "expected latency p95 below 2 s, observed no data: step 'order-accepted' awaited no record, so a \
                   criterion on latency cannot be judged there; it belongs on 'order-fulfilled'";
    assert_eq!(outcome(&document, "order-accepted latency p95"), some("error", "no-data", message));
}

#[test]
fn executions_that_never_finished_are_no_success() {
    let mut campaign = Campaign::healthy();
    campaign.figures.steps.remove(&ACCEPTED);
    campaign.step(ACCEPTED).cancelled = 3;
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        outcome(&document, "order-accepted"),
        some("skipped", "", "never finished: 3 executions cancelled before the end")
    );
}

#[test]
fn an_unreachable_target_is_an_error() {
    let text = written(&Campaign::not_ready().report());
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        outcome(&document, "warm-up"),
        some("error", "error", "http://127.0.0.1:1 refuses connections")
    );
    let not_judged = "not judged: warm-up failed: http://127.0.0.1:1 refuses connections";
    assert_eq!(outcome(&document, "place-order"), some("skipped", "", not_judged));
}

#[test]
fn a_cause_without_scenario_is_an_error_of_the_campaign() {
    let mut campaign = Campaign::not_ready();
    let Ending::NotReady(causes) = &mut campaign.ending else { unreachable!("it is not ready") };
    causes[0].scenario = None;
    let text = written(&campaign.report());
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        outcome(&document, "campaign"),
        some("error", "aborted", "http://127.0.0.1:1 refuses connections")
    );
}

#[test]
fn b5_a_target_that_is_down_at_warm_up_is_one_red_test_case() {
    let report = Campaign::not_ready().report();
    assert_eq!((report.status, report.exit_code(false)), (Status::Aborted, 5));
    assert_eq!(report.reasons.len(), 1, "{:?}", report.reasons);
    let text = written(&report);
    let document = Document::parse(&text).unwrap();
    let tags = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
    assert_eq!((tags("error"), tags("failure"), tags("skipped")), (1, 0, 7), "{text}");
    let skipped = document.descendants().filter(|node| node.has_tag_name("skipped"));
    for case in skipped {
        let message = case.attribute("message").unwrap();
        assert!(message.contains("refuses connections") || message.contains("allowed"), "{message}");
    }
}

/// A failure of `b`, why `checkout` is invalid, and why the campaign is.
#[test]
fn law_5_a_reason_of_the_campaign_or_of_another_scenario_is_red_in_one_file() {
    let reason = |scenario: Option<&str>, kind, message: &str| Reason {
        scenario: scenario.map(str::to_owned),
        step: None,
        kind,
        message: message.into(),
    };
    let errors = |reasons: &[Reason], scenarios: [&str; 2]| {
        let mut report = Campaign::healthy().report();
        report.scenarios = scenarios
            .map(|name| ScenarioReport { name: name.into(), ..report.scenarios[0].clone() })
            .to_vec();
        (report.status, report.reasons) = (Status::Invalid, reasons.to_vec());
        let folder = tempfile::tempdir().unwrap();
        let written = write(&report, folder.path()).unwrap();
        let cases = written.iter().map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let document = Document::parse(&text).unwrap();
            let (tag, _, message) = outcome(&document, "campaign").unwrap();
            format!("{tag}: {message}")
        });
        cases.collect::<Vec<String>>()
    };
    let own = reason(Some("checkout"), None, "1 of 9 records could not be observed");
    let failure = reason(Some("b"), Some(FailureKind::Error), "iteration: no route");
    let all = reason(None, None, "the load generator was out of CPU");
    let skipped = "skipped: not judged: scenario checkout: 1 of 9 records could not be observed";
    let error = "error: 1 of 9 records could not be observed";
    for others in [vec![], vec![failure.clone()]] {
        let reasons = [vec![own.clone()], others.clone()].concat();
        assert_eq!(errors(&reasons, ["checkout", "b"]), [error, skipped]);
        assert_eq!(errors(&reasons, ["b", "checkout"]), [skipped, error]);

        let reasons = [vec![all.clone()], others].concat();
        let cpu = "the load generator was out of CPU";
        let expected = [format!("error: {cpu}"), format!("skipped: not judged: {cpu}")];
        assert_eq!(errors(&reasons, ["checkout", "b"]), expected);
        assert_eq!(errors(&reasons, ["b", "checkout"]), expected);
    }
    // The first file shows that of the campaign, the other one its own.
    let reasons = [all, own, failure];
    assert_eq!(errors(&reasons, ["b", "checkout"]), ["error: the load generator was out of CPU", error]);
}

#[test]
fn b5_a_criterion_that_repeats_a_failed_join_is_skipped_and_names_it() {
    let mut campaign = Campaign::failing();
    campaign.described.scenario.criteria =
        vec![NumberFigure::of("order-fulfilled", Quantity::Missing).at_most(0)];
    let report = campaign.report();
    let causes: Vec<_> = report.reasons.iter().filter_map(|reason| reason.step.as_deref()).collect();
    assert_eq!(causes, ["order-accepted", "order-fulfilled"]);
    let text = written(&report);
    let document = Document::parse(&text).unwrap();
    let (tag, _, message) = outcome(&document, "order-fulfilled missing").unwrap();
    assert_eq!(tag, "skipped");
    let start = "expected missing at most 0, observed 9; it repeats: step 'order-fulfilled' failed: 12 of 1000 minions";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn b10_the_name_of_a_criterion_has_no_limit_and_is_unique() {
    let names = |limit: u64| {
        let mut campaign = Campaign::healthy();
        let place = || Durations::of("place-order", Quantity::ResponseTime).p(95);
        campaign.described.scenario.criteria = vec![
            place().below(Duration::from_millis(limit)),
            place().at_least(Duration::from_millis(1)),
            place().below(Duration::from_millis(limit)).in_zone("eu"),
        ];
        let report = campaign.report();
        let names: Vec<String> = report.scenarios[0].criteria.iter().map(|c| c.name.clone()).collect();
        let text = written(&report);
        let document = Document::parse(&text).unwrap();
        for name in &names {
            let cases = document.descendants().filter(|n| n.attribute("name") == Some(name)).count();
            assert_eq!(cases, 1, "{name}: {text}");
        }
        names
    };
    assert_eq!(
        names(130),
        [
            "place-order response time p95",
            "place-order response time p95 (2)",
            "place-order response time p95 in zone eu"
        ]
    );
    assert_eq!(names(130), names(90));
}

#[test]
fn an_aborted_or_invalid_campaign_never_looks_green() {
    let mut aborted = Campaign::healthy();
    aborted.figures = Default::default();
    aborted.ending = Ending::Interrupted;
    let text = written(&aborted.report());
    let document = Document::parse(&text).unwrap();
    assert_eq!(outcome(&document, "campaign"), some("error", "aborted", "stopped by the user"));
    let property = |name: &str| {
        let found = document.descendants().find(|n| n.attribute("name") == Some(name));
        found.and_then(|n| n.attribute("value")).map(str::to_owned)
    };
    assert_eq!(property("status").as_deref(), Some("ABORTED"));
    assert_eq!(property("reason").as_deref(), Some("stopped by the user"));

    let mut invalid = Campaign::healthy();
    invalid.figures.release_lag.record_n(3_000_000_000, 20);
    let text = written(&invalid.report());
    let document = Document::parse(&text).unwrap();
    let (tag, ty, message) = outcome(&document, "campaign").unwrap();
    assert_eq!((tag.as_str(), ty.as_str()), ("error", "invalid"));
    assert!(message.starts_with("the load generator was too slow"), "{message}");
}

/// Parses, and what is true of every file.
fn check(text: &str) {
    let document = Document::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(legal), "only characters of XML 1.0");
    let mut names = HashSet::new();
    let mut cases = 0;
    for case in document.descendants().filter(|n| n.has_tag_name("testcase")) {
        cases += 1;
        let name = case.attribute("name").unwrap();
        assert!(!name.is_empty() && names.insert(name), "unique: {name:?}");
        assert!(case.attribute("classname").is_some_and(|c| c.contains('.')));
        case.attribute("line").unwrap().parse::<u32>().unwrap();
        case.attribute("time").unwrap().parse::<f64>().unwrap();
        assert!(case.attribute("file").is_some());
        for result in case.children().filter(|n| ["failure", "error"].contains(&n.tag_name().name())) {
            assert!(result.text().unwrap_or("").len() <= 4096);
            assert!(!result.attribute("message").unwrap().contains('\n'));
        }
    }
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("tests"), Some(cases.to_string().as_str()));
}

#[test]
fn hostile_text_stays_text() {
    for text in [
        "",
        " ",
        "\u{0}",
        "]]><!-- & \"quoted\" 'text' --> </testsuite>",
        "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}\u{9b}31m",
        "\u{fffe}\u{ffff}\u{fffd}\u{feff}\u{85}\u{2028}\u{10ffff}",
        "../../../etc/passwd",
        "👩‍👩‍👧 日本 é \u{202e}desrever",
        "a\r\nb\tc\n\n",
        "&#0; &#x1F; &lt;",
    ] {
        check(&written(&hostile(text)));
    }
    check(&written(&hostile(&"long & \"line\" ".repeat(80_000))));
}

#[test]
fn the_body_ends_with_the_place_whatever_is_cut() {
    for text in ["short".to_owned(), "<&\"".repeat(100_000), "line\n".repeat(100_000)] {
        let mut campaign = Campaign::failing();
        for evidence in &mut campaign.evidence {
            evidence.message.clone_from(&text);
            evidence.exchanges = vec![exchange(&text)];
        }
        let xml = written(&campaign.report());
        let document = Document::parse(&xml).unwrap();
        let failure =
            case(&document, "order-accepted").children().find(|n| n.has_tag_name("failure")).unwrap();
        assert!(failure.text().unwrap().ends_with("\nscenarios/checkout/src/lib.rs:91:9"), "{failure:?}");
    }
}

/// A campaign of `scenarios` that each have 200 failing steps with everything about them as long as `text`.
fn large(scenarios: usize, text: &str) -> Report {
    let mut report = Campaign::failing().report();
    let scenario = &mut report.scenarios[0];
    let mut failing = scenario.steps[ACCEPTED as usize].clone();
    // Without figures, whose merging would be what this test spends its time on.
    failing.figures = StepFigures::default();
    failing.headline = Some(text.to_owned());
    failing.failures[0].evidence[0].exchanges = vec![exchange(text)];
    scenario.steps = (0..200).map(|n| StepReport { name: format!("step-{n}"), ..failing.clone() }).collect();
    let one = report.scenarios.remove(0);
    report.scenarios =
        (0..scenarios).map(|n| ScenarioReport { name: format!("scenario-{n}"), ..one.clone() }).collect();
    report
}

fn size_of(report: &Report) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let paths = write(report, folder.path()).unwrap();
    let texts: Vec<String> = paths.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    for text in &texts {
        check(text);
        let document = Document::parse(text).unwrap();
        let failures = document.descendants().filter(|n| n.has_tag_name("failure"));
        assert!(failures.count() >= 200, "every failure is there");
    }
    texts.iter().map(String::len).sum()
}

#[test]
fn two_hundred_steps_with_a_megabyte_each_fit() {
    let size = size_of(&large(1, &"<\"&'>".repeat(200_000)));
    assert!((SIZE_LIMIT / 20..SIZE_LIMIT).contains(&size), "{size}");
}

#[test]
fn bodies_are_cut_further_when_there_are_many() {
    let size = size_of(&large(30, &"<\"&'>".repeat(1000)));
    assert!((SIZE_LIMIT / 5..SIZE_LIMIT).contains(&size), "{size}");
}

#[test]
fn what_failed_stays_when_there_are_too_many_test_cases() {
    let mut report = Campaign::failing().report();
    let scenario = &mut report.scenarios[0];
    let skipped = scenario.steps[REFUND as usize].clone();
    for n in 0..25_000 {
        let mut step = skipped.clone();
        step.name = format!("step-{n}-of-a-generated-scenario");
        scenario.steps.insert(0, step);
    }
    let text = written(&report);
    assert!(text.len() <= SIZE_LIMIT);
    check(&text);
    let document = Document::parse(&text).unwrap();
    assert_eq!(outcome(&document, "order-accepted").unwrap().1, FailureKind::Assertion.name());
    assert!(text.contains("test-cases-left-out"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_gives_valid_xml(text in any::<String>()) {
        check(&written(&hostile(&text)));
    }

    #[test]
    fn any_character_gives_valid_xml(text in proptest::collection::vec(any::<char>(), 0..8)) {
        check(&written(&hostile(&text.into_iter().collect::<String>())));
    }
}
