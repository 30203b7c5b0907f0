//! The tables of a window of a campaign.

use maud::{Markup, html};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::{ScenarioFigures, StepFigures};
use qalipsis_report::html::{heads, percentiles, time};
use qalipsis_report::ledger;
use qalipsis_report::markup::{self, paragraph, text};
use qalipsis_report::text::{counted, number};
use qalipsis_report::times::{self, Measure, PERCENTILES};

/// The tables of one scenario in a window; the names are those of its steps, in order of declaration.
pub(crate) fn tables(figures: &ScenarioFigures, steps: &[&str]) -> Markup {
    let facts = [
        format!("{} released", counted(figures.released, "minion")),
        format!("{} ended", number(figures.ended)),
        counted(figures.iterations.executions(), "iteration"),
    ];
    let name = |index: u32| {
        steps.get(index as usize).map_or_else(|| format!("step {index}"), |name| (*name).to_owned())
    };
    let awaiting = || figures.steps.iter().filter(|(_, figures)| figures.is_join());
    html! {
        (paragraph("dim", &facts.join(" · ")))
        div.wide {
            table {
                (heads(&["step", "executions", "failed", "time", "p50", "p95", "p99", "max", "service p95"]))
                tbody data-ordered="" {
                    @for (index, figures) in &figures.steps { (step(&name(*index), figures)) }
                }
            }
        }
        (paragraph("dim", times::LEGEND))
        @if awaiting().next().is_some() {
            div.wide {
                table {
                    (heads(&["awaited by", "matched", "late", "missing", "latency p50", "p95", "p99", "max"]))
                    tbody data-ordered="" {
                        @for (index, figures) in awaiting() { (awaited(&name(*index), figures)) }
                    }
                }
            }
        }
        @for join in figures.joins.values() {
            (paragraph("", &format!("{}: {}", join.name, ledger::keys_line(join))))
            (paragraph("dim", &ledger::records_line(join)))
        }
    }
}

fn step(name: &str, figures: &StepFigures) -> Markup {
    let measure = Measure::of(figures);
    let service = figures.service().percentile_ns(95.0).filter(|_| measure == Measure::Response);
    html! {
        tr class=[class(figures)] {
            td { (text(name)) }
            @for count in [figures.executions(), figures.failures()] { (markup::number(&number(count))) }
            (markup::number(measure.short()))
            (percentiles(&figures.times_shown(), &PERCENTILES))
            (time(service))
        }
    }
}

fn awaited(name: &str, figures: &StepFigures) -> Markup {
    let [late, missing] = [FailureKind::JoinLate, FailureKind::JoinMissing].map(|kind| figures.of_kind(kind));
    let matched = figures.latency.as_deref().map_or(0, Histogram::count);
    html! {
        tr class=[class(figures)] {
            td { (text(name)) }
            @for count in [matched, late, missing] { (markup::number(&number(count))) }
            (percentiles(&figures.arrivals(), &PERCENTILES))
        }
    }
}

fn class(figures: &StepFigures) -> Option<&'static str> {
    (figures.failures() > 0).then_some("bad")
}
