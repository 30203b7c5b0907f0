//! What the page draws and writes is what `summary.json` says: the charts are read back, point by point.

use crate::sample::{Campaign, PLACE, at};
use qalipsis_judge::report::Report;
use qalipsis_model::control::Marker;
use qalipsis_model::duration::human_ns;
use qalipsis_model::health::CpuReport;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::join::Gap;
use qalipsis_model::snapshot::{ExecutionOutcome, ScenarioFigures};
use qalipsis_report::html;
use qalipsis_summary::{Step, StepKind, Summary, Times};

/// Where charts begin and end: on the left, on the right, at the top and at the base.
const PLACE_OF_CHARTS: (f64, f64, f64, f64) = (64.0, 632.0, 8.0, 148.0);
/// Bars of a distribution.
const BARS: usize = 60;

/// A run with a backlog that rises and drains, a slow second and failures.
fn eventful() -> Report {
    let mut campaign = Campaign::failing();
    let meter = campaign.figures.meters.entry("backlog".into()).or_default();
    (meter.gauge, meter.unit) = ("lag of group fulfilment".into(), "records".into());
    for (second, value) in [0.0, 40.0, 95.0, 300.0, 120.0, 7.0].into_iter().enumerate() {
        meter.record(at(second as f64), value);
    }
    for second in 2..9_u64 {
        let mut figures = ScenarioFigures::default();
        let step = figures.steps.entry(PLACE).or_default();
        for n in 0..20 {
            let time = if second == 5 { 1_700_000_000 } else { 11_000_000 + n * 100_000 };
            step.record(ExecutionOutcome::Success, time, time + 3_000_000);
        }
        campaign.later.push((at(second as f64 + 0.5), figures));
    }
    campaign.report()
}

/// The chart of this title.
fn chart<'a>(page: &'a str, title: &str) -> &'a str {
    let wanted = format!("aria-label=\"{title}\"");
    let chart = page.split("<figure").skip(1).find(|figure| figure.contains(&wanted));
    chart.unwrap_or_else(|| panic!("no chart {title}")).split("</figure>").next().unwrap()
}

fn attribute(element: &str, name: &str) -> String {
    let start =
        element.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("{name} in {element}")) + name.len() + 2;
    element[start..].split('"').next().unwrap().to_owned()
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ').map(|number| number.parse().unwrap_or_else(|_| panic!("{number}"))).collect()
}

/// The drawing of a chart over time: its place on the chart and the data that it shows, each from the left and the top.
fn plot(chart: &str) -> ([f64; 4], [f64; 4]) {
    let plot = chart.split("<svg class=\"plot\"").nth(1).unwrap();
    let place =
        ["x", "y", "width", "height"].map(|name| attribute(plot, &format!(" {name}")).parse().unwrap());
    (place, numbers(&attribute(plot, "viewBox")).try_into().unwrap())
}

/// The points of a line: seconds, and values in the unit of the data.
fn line(chart: &str, class: &str) -> Vec<(f64, f64)> {
    let path = chart.split("<path").find(|path| path.contains(&format!("class=\"line {class}\"")));
    let path = attribute(path.unwrap_or_else(|| panic!("no line {class}")), "d");
    let scale = if chart.contains("data-ns=") { attribute(chart, "data-ns").parse().unwrap() } else { 1.0 };
    let points = path.replace("h0", "").replace('-', " -").replace(['M', 'L'], " ");
    let points: Vec<&str> = points.split_whitespace().collect();
    points
        .chunks(2)
        .map(|pair| (pair[0].parse().unwrap(), -pair[1].parse::<f64>().unwrap() * scale))
        .collect()
}

/// Whether a line shows these points, in a chart in which the largest of all lines is `highest`, and `end` the last second.
fn shows(chart: &str, class: &str, points: &[(f64, f64)], end: f64, highest: f64) {
    let line = line(chart, class);
    assert_eq!(line.len(), points.len());
    for ((x, y), (at, value)) in line.iter().zip(points) {
        assert!((x - at).abs() < 0.001, "drawn at {x} s, it was at {at} s");
        assert!((y - value).abs() <= value.abs() * 0.0005, "drawn as {y}, it was {value}");
    }
    let (_, [left, top, width, height]) = plot(chart);
    let scale = if chart.contains("data-ns=") { attribute(chart, "data-ns").parse().unwrap() } else { 1.0 };
    // Its edge has room for the width of a line.
    let edge = |size: f64, drawing: f64| (size - drawing) / 2.0;
    let (across, up) = (edge(width, end), edge(height * scale, highest));
    assert!(across > 0.0 && across < end * 0.01 && (left + across).abs() < end * 1e-3, "{left} {width}");
    assert!(
        up > 0.0 && up < highest * 0.03 && (top * scale + highest + up).abs() < highest * 1e-3,
        "{top} {height}"
    );
}

#[test]
fn the_limit_on_the_times_of_a_step_is_in_its_chart() {
    let page = html::render(&eventful());
    let chart = chart(&page, "place-order: response time over time");
    let limit = chart.split("<line class=\"limit\"").nth(1).unwrap();
    let scale: f64 = attribute(chart, "data-ns").parse().unwrap();
    let drawn: f64 = attribute(limit, "y1").parse().unwrap();
    assert!((drawn * scale + 130e6).abs() < 1.0, "{limit}");
    assert!(limit.contains("response time p95 below 130 ms"), "{limit}");
    assert_eq!(chart.matches("class=\"limit\"").count(), 1, "an error rate is no time");
}

/// How many samples belong to each bar of an axis over `all`.
fn bars(times: &Histogram, all: &[&Histogram]) -> Vec<u64> {
    let ln = |ns: u64| (ns as f64).ln();
    let low = ln(all.iter().filter_map(|h| h.min_ns()).min().unwrap());
    let high = ln(all.iter().filter_map(|h| h.max_ns()).max().unwrap());
    let mut bars = vec![0; BARS];
    for (ns, count) in times.counts() {
        let share = ((ln(ns) - low) / (high - low)).clamp(0.0, 1.0);
        bars[((share * BARS as f64) as usize).min(BARS - 1)] += count;
    }
    bars
}

/// The counts that the filled bars of a chart show.
fn filled(chart: &str, class: &str) -> Vec<u64> {
    let (left, right, ..) = PLACE_OF_CHARTS;
    let mut counts = vec![0; BARS];
    let group = chart.split(&format!("<g class=\"bar {class}\">")).nth(1).unwrap_or_default();
    for bar in group.split("</g>").next().unwrap_or_default().split("<rect").skip(1) {
        let x: f64 = attribute(bar, "x").parse().unwrap();
        let index = ((x - left) / ((right - left) / BARS as f64)).round() as usize;
        let shown = bar.split("<title>").nth(1).unwrap().split(' ').next().unwrap().replace(',', "");
        counts[index] = shown.parse().unwrap();
    }
    counts
}

#[test]
fn the_table_of_steps_has_the_figures_of_the_summary() {
    let report = eventful();
    let (page, summary) = (html::render(&report), Summary::from(&report));
    let latency = summary.scenarios[0].joins[0].awaited_by[0].latency_time.as_ref().unwrap();
    for step in summary.scenarios[0].steps.iter().filter(|step| !step.skipped) {
        let figures = &step.figures;
        let (response, service) =
            (figures.response_time.as_ref().unwrap(), figures.service_time.as_ref().unwrap());
        let is_join = step.kind == Some(StepKind::Join);
        let (name, times) = if is_join { ("latency", latency) } else { ("response", response) };
        let counts = [figures.executions, figures.failed, figures.failed_minions].map(|n| n.to_string());
        let counts = counts.into_iter().chain([name.to_owned()]);
        let service = if is_join { "–".to_owned() } else { human_ns(service.p95_ns) };
        let times = [times.p50_ns, times.p95_ns, times.p99_ns, times.max_ns].map(human_ns);
        let times = times.into_iter().chain([service]);
        let cells: String =
            counts.chain(times).map(|cell| format!("<td class=\"number\">{cell}</td>")).collect();
        let row = format!("<td>{}</td>{cells}</tr>", step.name);
        assert!(page.contains(&row), "{row}");
    }
    let awaiting = &summary.scenarios[0].joins[0].awaited_by[0];
    let latency = awaiting.latency_time.as_ref().unwrap();
    assert_eq!(latency.max_ns, 5_400_000_000, "a late record belongs to it");
    let row = [awaiting.matched, awaiting.late, awaiting.missing].map(|n| n.to_string()).into_iter();
    let row = row.chain([latency.p50_ns, latency.p95_ns, latency.p99_ns, latency.max_ns].map(human_ns));
    let row: String = row.map(|cell| format!("<td class=\"number\">{cell}</td>")).collect();
    assert!(page.contains(&format!("<td>{}</td>{row}</tr>", awaiting.step)), "{row}");
}

#[test]
fn distributions_are_those_of_the_summary_bar_by_bar() {
    let report = eventful();
    let (page, summary) = (html::render(&report), Summary::from(&report));
    let (_, _, top, base) = PLACE_OF_CHARTS;
    let acting = |step: &&Step| !step.skipped && step.kind == Some(StepKind::Action);
    for step in summary.scenarios[0].steps.iter().filter(acting) {
        let (response, service) = (step.figures.outcomes.response(), step.figures.outcomes.service());
        let (expected, outlined) =
            (bars(&response, &[&response, &service]), bars(&service, &[&response, &service]));
        let chart = chart(&page, &step.name);
        assert_eq!(filled(chart, "a"), expected, "{}", step.name);
        let tallest = *expected.iter().chain(&outlined).max().unwrap() as f64;
        let path = chart.split("<path").find(|path| path.contains("class=\"line b\"")).unwrap();
        let heights: Vec<f64> = attribute(path, "d")
            .split('V')
            .skip(1)
            .map(|part| base - part.split('H').next().unwrap().parse::<f64>().unwrap())
            .collect();
        for (count, height) in outlined.iter().zip(heights) {
            let wanted = if *count == 0 { 0.0 } else { (*count as f64 / tallest * (base - top)).max(1.5) };
            assert!((height - wanted).abs() < 0.1, "{}: {count} drawn {height} high", step.name);
        }
    }
    let awaiting = &summary.scenarios[0].joins[0].awaited_by[0];
    let chart = chart(&page, &format!("{}: from trigger to arrival", awaiting.step));
    let both = [&awaiting.latency, &awaiting.lateness];
    assert_eq!(filled(chart, "c"), bars(&awaiting.latency, &both));
    assert_eq!(filled(chart, "bad"), bars(&awaiting.lateness, &both));
}

#[test]
fn lines_over_time_are_those_of_the_summary_point_by_point() {
    let report = eventful();
    let (page, summary) = (html::render(&report), Summary::from(&report));
    let scenario = &summary.scenarios[0];

    let meter = &scenario.meters[0];
    let series: Vec<(f64, f64)> = meter.series.iter().map(|(ms, value)| (*ms as f64 / 1e3, *value)).collect();
    assert_eq!((series.len(), meter.max), (6, Some(300.0)));
    shows(chart(&page, "backlog (records)"), "b", &series, 5.0, 300.0);

    let timeline = &scenario.timeline;
    let width = timeline.width_ns as f64 / 1e9;
    let at = |index: usize| (index as f64 + 0.5) * width;
    let end = at(timeline.executions.len() - 1);
    let rates = |counts: &[u64]| -> Vec<(f64, f64)> {
        counts.iter().enumerate().map(|(i, n)| (at(i), *n as f64 / width)).collect()
    };
    let executions = rates(&timeline.executions);
    let highest = executions.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let load = chart(&page, "Executions over time");
    shows(load, "a", &executions, end, highest);
    shows(load, "bad", &rates(&timeline.failed), end, highest);

    let step = &timeline.steps[PLACE as usize];
    let highest = step.max_ns.iter().flatten().max().copied().unwrap() as f64;
    let times = chart(&page, "place-order: response time over time");
    for (class, values) in [("c", &step.max_ns), ("a", &step.p95_ns), ("b", &step.p50_ns)] {
        let points: Vec<(f64, f64)> =
            values.iter().enumerate().filter_map(|(i, ns)| Some((at(i), (*ns)? as f64))).collect();
        shows(times, class, &points, end, highest);
    }
}

#[test]
fn a3_intervals_without_reading_are_drawn_where_they_were() {
    let mut report = eventful();
    let gap = |from: f64, to: Option<f64>| Gap {
        from: at(from),
        to: to.map(at),
        lossy: false,
        cause: "<gone>".to_owned(),
    };
    report.scenarios[0].joins[0].gaps = vec![gap(2.0, Some(4.0)), gap(7.5, None)];
    let page = html::render(&report);
    let load = chart(&page, "Executions over time");
    let end = Summary::from(&report).scenarios[0].timeline.executions.len() as f64 - 0.5;
    let drawn: Vec<(f64, f64)> = load
        .split("<rect class=\"band gap\"")
        .skip(1)
        .map(|rect| {
            let number = |name| attribute(rect, name).parse::<f64>().unwrap();
            (number(" x"), number(" x") + number(" width"))
        })
        .collect();
    let wanted = [(2.0, 4.0), (7.5, end)];
    assert_eq!(drawn.len(), wanted.len(), "{load}");
    for ((from, to), (begin, finish)) in drawn.iter().zip(wanted) {
        assert!((from - begin).abs() < 0.02 && (to - finish).abs() < 0.02, "{drawn:?}");
    }
    for other in ["Minions over time", "place-order: response time over time", "backlog (records)"] {
        assert_eq!(chart(&page, other).matches("<rect class=\"band gap\"").count(), 2, "{other}");
    }
    assert!(load.contains("could not be read 05:06:09.089-05:06:11.089 UTC (2 s): &lt;gone&gt;"), "{load}");
}

#[test]
fn markers_are_drawn_in_every_chart_over_time() {
    let mut report = eventful();
    report.controls.mark(Marker { label: "deploy <2>".to_owned(), at: at(3.25) });
    let page = html::render(&report);
    for title in [
        "Executions over time",
        "Minions over time",
        "place-order: response time over time",
        "backlog (records)",
    ] {
        let chart = chart(&page, title);
        assert!(chart.contains("<line class=\"marker\" x1=\"3.25\" x2=\"3.25\""), "{chart}");
        assert!(chart.contains("<span class=\"key marker\">1 deploy &lt;2&gt;</span>"), "{chart}");
    }
}

#[test]
fn the_load_generator_has_the_release_lag_of_the_summary() {
    let report = eventful();
    let (page, summary) = (html::render(&report), Summary::from(&report));
    let scenario = &summary.scenarios[0];
    let lag = Times::of(&scenario.release_lag).unwrap();
    let said = format!(
        "Minions were released {} late in the middle, {} at the 99th percentile, {} at most; {} of {} ended.",
        human_ns(lag.p50_ns),
        human_ns(lag.p99_ns),
        human_ns(lag.max_ns),
        scenario.ended,
        scenario.released,
    );
    assert!(page.contains(&said), "{said}");
    assert_eq!(
        filled(chart(&page, "Release lag"), "c"),
        bars(&scenario.release_lag, &[&scenario.release_lag])
    );
}

#[test]
fn the_factories_have_the_health_of_the_summary() {
    let mut report = eventful();
    report.factories[0].cpu = Some(CpuReport { own_mean: 34, own_max: 61, machine_max: 78 });
    report.factories[0].clock_jump_ns = -7_000_000_000;
    report.factories[1].clock_jump_ns = 999_999;
    let (page, summary) = (html::render(&report), Summary::from(&report));
    let factory = &summary.factories[0];
    let cpu = factory.cpu.unwrap();
    let said = format!(
        "{}, zone {}; had {} % of the CPU on average and {} % at most, of which {} % at most was in use; its wall \
         clock jumped backward by 7 s<",
        factory.name,
        factory.zone.as_ref().unwrap(),
        cpu.own_mean_percent,
        cpu.own_max_percent,
        cpu.machine_max_percent,
    );
    assert!(page.contains(&said), "{said}");
    assert_eq!((cpu.own_mean_percent, cpu.own_max_percent, cpu.machine_max_percent), (34, 61, 78));
    assert_eq!(factory.clock_jump_ns, -7_000_000_000);
    let other = &summary.factories[1];
    assert!(page.contains(&format!("{}, zone {}<", other.name, other.zone.as_ref().unwrap())), "no noise");
}

/// What stands beside the axis of a chart, from the bottom up.
fn beside(chart: &str) -> Vec<&str> {
    let labels = chart.split("<text").filter(|text| text.contains("x=\"58.0\""));
    labels.map(|text| text.split('>').nth(1).unwrap().split('<').next().unwrap()).collect()
}

#[test]
fn axes_of_few_samples_have_no_label_twice_and_one_point_is_no_course() {
    let mut campaign = Campaign::healthy();
    campaign.figures.steps.remove(&PLACE);
    campaign.ran(PLACE, ExecutionOutcome::Success, 5_000_000, 5_000_000);
    let nothing = (at(2.5), ScenarioFigures::default());
    campaign.later.push(nothing);
    let page = html::render(&campaign.report());
    assert_eq!(beside(chart(&page, "place-order")), ["0", "1"]);
    let executions = chart(&page, "Executions over time");
    assert!(executions.contains(">0</text>") && executions.contains(">2.5 s</text></g>"), "{executions}");
    assert!(!page.contains("place-order: response time over time"));
    let failing = html::render(&Campaign::failing().report());
    assert_eq!(beside(chart(&failing, "order-fulfilled: from trigger to arrival")), ["0", "20", "40", "60"]);
}
