//! What one needs to find a cause is in every output: exchanges, notes, records that warn, and when a source could not
//! be read.

use crate::sample::{Campaign, FULFILLED, at, evidence};
use qalipsis_judge::report::Report;
use qalipsis_model::evidence::{Evidence, ExchangeRecord, FailureKind};
use qalipsis_model::join::{Gap, JoinFigures};
use qalipsis_model::snapshot::ExecutionOutcome;
use qalipsis_model::verdict::Status;
use qalipsis_report::console::{self, Style};
use qalipsis_report::{github, html, junit};
use qalipsis_summary::Summary;

/// Every output as its reader sees it: without entities and line ends.
fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    let readable = |text: &str| {
        let mut text = text.to_owned();
        for c in "<>*_`[]|\\~#@!$:\"'&".chars() {
            text = text.replace(&format!("&#{};", u32::from(c)), &c.to_string());
        }
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let summary = serde_json::to_string(&Summary::from(report)).unwrap().replace("\\\"", "\"");
    vec![
        ("console", readable(&console::render(report, Style { width: 200, ..Style::default() }))),
        ("page", readable(&html::render(report))),
        ("job summary", readable(&github::summary(report, &[]))),
        ("junit", readable(&junit::files(report).unwrap().remove(0).1)),
        ("summary.json", readable(&summary)),
    ]
}

#[test]
fn b1_all_outputs_show_every_exchange_of_the_iteration_and_what_is_known_beside() {
    for (output, text) in outputs(&Campaign::unread().report()) {
        let place = "POST http://127.0.0.1:8080/orders → 202 in 3.1 ms";
        let search = "SELECT status FROM orders → 1 row in 2 ms";
        for part in [place, search, "the source could not be read 05:06:10.120-05:06:12.004 UTC", "7f3a"] {
            assert!(text.contains(part), "{output} does not show '{part}'\n{text}");
        }
        // The failing step's own comes whole, and JUnit begins with it.
        assert!(text.contains("id 7f3a, status ACCEPTED"), "{output}\n{text}");
        let in_order = text.find(place) < text.find(search);
        assert_eq!(in_order, output != "junit", "{output}\n{text}");
    }
}

#[test]
fn b2_records_that_warn_have_evidence() {
    for (output, text) in outputs(&Campaign::unread().report()) {
        // The short ones count them in a warning and leave the rest to the page.
        if matches!(output, "console" | "job summary") {
            continue;
        }
        for part in [
            "a second record of key 9c01, which was matched already",
            "kafka orders.fulfilled[0]@17, key 9c01",
        ] {
            assert!(text.contains(part), "{output} does not show '{part}'\n{text}");
        }
    }
}

#[test]
fn a3_all_outputs_say_when_a_source_could_not_be_read() {
    for (output, text) in outputs(&Campaign::unread().report()) {
        let cause = "the connection was closed by the server (320 CONNECTION_FORCED)";
        let shown = match output {
            "summary.json" => {
                vec![format!(
                    "{{\"from\":\"2026-11-23T05:06:10.12Z\",\"to\":\"2026-11-23T05:06:12.004Z\",\"lossy\":true,\"cause\":\"{cause}\"}}"
                )]
            }
            _ => vec![
                format!(
                    "could not be read 05:06:10.120-05:06:12.004 UTC (1.88 s): {cause}; records of that time may be lost"
                ),
                "2 times 05:06:09.089-05:06:16.089 UTC, first: partitions 0 and 1 were assigned".to_owned(),
            ],
        };
        for part in shown {
            assert!(text.contains(&part), "{output} does not show '{part}'\n{text}");
        }
    }
}

#[test]
fn a10_all_outputs_show_a_ledger_that_adds_up() {
    let mut campaign = Campaign::failing();
    let join = campaign.figures.joins.get_mut(&0).unwrap();
    (join.expected, join.abandoned) = (1022, 10);
    for (output, text) in outputs(&campaign.report()) {
        let shown = match output {
            "summary.json" => {
                "\"expected\":1022,\"matched\":1000,\"late\":3,\"missing\":9,\"absent\":0,\"abandoned\":10"
            }
            "job summary" => "| kafka topic orders.fulfilled | 1022 | 1000 | 3 | 9 | 10 |",
            _ => "1022 awaited = 1000 matched + 3 late + 9 missing + 10 abandoned",
        };
        assert!(text.contains(shown), "{output} does not show '{shown}'\n{text}");
    }
}

#[test]
fn b7_the_console_names_method_address_status_and_time_of_an_exchange_at_every_width() {
    for columns in [60, 80, 100, 200] {
        let style = Style { width: columns, ..Style::default() };
        let text = console::render(&Campaign::unread().report(), style);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown =
            "exchange: 05:06:07.789 order-accepted: POST http://127.0.0.1:8080/orders → 503 in 3.1 ms";
        assert!(words.contains(shown), "{columns}\n{text}");
    }
}

/// Every missing record falls into an interval in which the source could not be read.
#[test]
fn what_no_source_could_read_is_shown_once_and_is_no_failure_of_the_system() {
    let mut campaign = Campaign::healthy();
    for n in 0..9 {
        campaign.ran(FULFILLED, ExecutionOutcome::Failure, 5_000_000_000, 5_000_000_000);
        campaign.step(FULFILLED).record_failure(FailureKind::JoinMissing, at(1.5 + f64::from(n)));
    }
    (campaign.step(FULFILLED).failed_minions, campaign.step(FULFILLED).in_gap) = (9, 9);
    let join = campaign.figures.joins.get_mut(&0).unwrap();
    (join.expected, join.missing, join.in_gap) = (1009, 9, 9);
    join.add_gap(&Gap {
        from: at(1.0),
        to: Some(at(12.0)),
        lossy: true,
        cause: "the queue was deleted".into(),
    });
    let missing = evidence(1, FULFILLED, FailureKind::JoinMissing, "no record of key 7f3a");
    campaign.evidence.push(Evidence { notes: vec!["the source was away".into()], ..missing });
    let report = campaign.report();
    assert_eq!(report.status, Status::Invalid);
    for (output, text) in outputs(&report) {
        let cause = "9 of 1009 awaited records could not be observed";
        assert!(text.contains(cause), "{output}\n{text}");
        assert!(output == "junit" || text.contains("the source was away"), "{output}\n{text}");
    }
    let console = console::render(&report, Style::default());
    assert!(console.contains("– order-fulfilled") && !console.contains("✗ order-fulfilled"), "{console}");
    let junit = junit::files(&report).unwrap().remove(0).1;
    let case = junit.split("<testcase ").find(|case| case.starts_with("name=\"order-fulfilled\"")).unwrap();
    assert!(case.contains("<skipped message=\"not judged: 9 records could not be observed"), "{case}");
    assert!(html::render(&report).contains("<tr class=\"dim\"><td>order-fulfilled</td>"));
}

fn source(name: &str) -> JoinFigures {
    JoinFigures { name: name.into(), ..JoinFigures::default() }
}

#[test]
fn law_1_each_failed_source_is_counted_and_named_whatever_evidence_there_is() {
    for evidence_of in [0, 5, 8] {
        let mut campaign = Campaign::healthy();
        for n in 1..=8 {
            let name = format!("redis stream s{n}");
            let failed = Some("access refused".to_owned());
            campaign.figures.joins.insert(n, JoinFigures { failed, ..source(&name) });
            if n <= evidence_of {
                let message = format!("{name}: access refused");
                let kept = evidence(u64::from(n), 0, FailureKind::Source, &message);
                campaign.evidence.push(Evidence { step: None, source: Some(name), ..kept });
            }
        }
        let report = campaign.report();
        assert_eq!(report.status, Status::Failed, "{evidence_of}");
        let problem = &report.scenarios[0].problems[0];
        assert_eq!((problem.count, problem.evidence.len()), (8, evidence_of as usize));
        let names: Vec<String> = (1..=8).map(|n| format!("redis stream s{n}")).collect();
        let message =
            format!("8 sources failed: {}; for example: redis stream s1: access refused", names.join(", "));
        assert_eq!(report.reasons[0].message, format!("sources: {message}"));
        for (output, text) in outputs(&report) {
            assert!(text.contains(&message), "{output}\n{text}");
        }
    }
}

#[test]
fn b2_a_record_that_cannot_be_decoded_stands_with_its_own_source_whenever_it_came() {
    let mut campaign = Campaign::healthy();
    let awaited = campaign.figures.joins.get_mut(&0).unwrap();
    (awaited.undecodable, awaited.records) = (1, awaited.records + 1);
    for (n, name) in [(1, "redis stream a"), (2, "redis stream b")] {
        let figures = JoinFigures { undecodable: 1, records: 1, ..source(name) };
        campaign.figures.joins.insert(n, figures);
    }
    // All of them came before a step awaited any.
    let names = ["redis stream a", "redis stream b", "kafka topic orders.fulfilled"];
    for (n, name) in (1..).zip(names) {
        let message = format!("{name} at {n}: no JSON");
        let kept = evidence(n, 0, FailureKind::Undecodable, &message);
        campaign.evidence.push(Evidence { step: None, source: Some(name.into()), ..kept });
    }
    let report = campaign.report();
    let messages: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "source redis stream a: redis stream a at 1: no JSON",
            "source redis stream b: redis stream b at 2: no JSON",
            "1 record could not be decoded: kafka topic orders.fulfilled at 3: no JSON",
        ]
    );
    assert_eq!(report.scenarios[0].steps[FULFILLED as usize].failures[0].evidence.len(), 1);
}

/// 5000 failures of one kind with every exchange full: the page stays one that opens.
#[test]
fn a_page_of_much_evidence_is_bounded() {
    let mut report = Campaign::unread().report();
    let failure = &mut report.scenarios[0].steps[2].failures[0];
    let mut evidence = failure.evidence[0].clone();
    let exchange = evidence.exchanges[0].clone();
    evidence.exchanges = vec![ExchangeRecord { details: "x".repeat(2_000), ..exchange }; 32];
    failure.evidence = vec![evidence; 500];
    let page = html::render(&report);
    assert!(page.len() < 10_000_000, "{}", page.len());
}
