//! One convention for times in every output, and each output names it.

use crate::sample::{Campaign, FULFILLED, PLACE};
use qalipsis_judge::report::Report;
use qalipsis_model::duration::human_ns;
use qalipsis_report::console::{self, Style};
use qalipsis_report::{github, html, junit};

/// Every output that has a table of steps, with the word that stands for such a time in it.
fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    let junit = junit::files(report).unwrap().remove(0).1;
    vec![
        ("console", console::render(report, Style { width: 200, ..Style::default() })),
        ("page", html::render(report)),
        ("job summary", github::summary(report, &[])),
        ("junit", junit),
    ]
}

/// The row of a step's figures, as plain words.
fn row(output: &str, text: &str, step: &str) -> String {
    let row = match output {
        "console" => {
            text.lines().find(|line| line.contains(step) && !line.contains("p95") && !line.contains('›'))
        }
        "page" => text.lines().find(|line| line.contains(&format!("<td>{step}</td>"))),
        "junit" => text
            .split("<testcase ")
            .find(|case| case.starts_with(&format!("name=\"{step}\"")))
            .and_then(|case| case.lines().find(|line| line.contains("<system-out>"))),
        _ => text.lines().find(|line| line.starts_with(&format!("| {step} |"))),
    };
    let row = row.unwrap_or_else(|| panic!("{output} has no row of {step}\n{text}"));
    let words = row.replace("</td>", " ").replace("<td class=\"number\">", " ").replace('|', " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a11_all_outputs_show_the_response_time_and_say_so() {
    let report = Campaign::failing().report();
    let figures = &report.scenarios[0].steps[PLACE as usize].figures;
    let p95 = |times: &qalipsis_model::histogram::Histogram| human_ns(times.percentile_ns(95.0).unwrap());
    let (response, service) = (p95(&figures.response()), p95(&figures.service()));
    assert_ne!(response, service, "they differ in the sample");
    for (output, text) in outputs(&report) {
        let row = row(output, &text, "place-order");
        assert!(row.contains("response") && row.contains(&response), "{output}: {row}");
        // The page names it in the head of the column.
        assert!(output == "page" || !row.contains(&service), "{output}: {row}");
    }
}

#[test]
fn a13_a_step_that_awaits_shows_its_latency_and_nowhere_how_long_it_waited() {
    let report = Campaign::failing().report();
    let figures = &report.scenarios[0].steps[FULFILLED as usize].figures;
    let p = |times: &qalipsis_model::histogram::Histogram, percent| {
        human_ns(times.percentile_ns(percent).unwrap())
    };
    for (output, text) in outputs(&report) {
        let row = row(output, &text, "order-fulfilled");
        assert!(row.contains("latency"), "{output}: {row}");
        for percent in [50.0, 95.0, 99.0] {
            assert!(row.contains(&p(&figures.arrivals(), percent)), "{output}: {row}");
        }
        for waited in [p(&figures.response(), 50.0), p(&figures.response(), 95.0)] {
            assert!(!row.contains(&waited), "{output}: {waited} in {row}");
        }
    }
    let page = html::render(&report);
    assert!(!page.contains("aria-label=\"order-fulfilled\""), "no distribution of the time it waited");
}
