//! What came out of a comparison, in sentences.

use super::location::DistributionPart;
use super::result::{Change, Figures, SubjectComparison, Verdict};
use super::run::{Measure, SubjectKind};
use qalipsis_model::duration::human_ns;

impl SubjectKind {
    /// What it is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Source => "source",
        }
    }

    pub(super) fn happened(self) -> &'static str {
        match self {
            Self::Step => "was executed",
            Self::Source => "had records",
        }
    }
}

impl SubjectComparison {
    /// What got worse, or better, in one line; `None` when nothing did.
    pub fn sentence(&self, verdict: Verdict) -> Option<String> {
        let all: Vec<&Change> = self.of(verdict).collect();
        let moved = |measure, part| all.iter().any(|c| c.measure == measure && c.part == Some(part));
        let sentences: Vec<String> = all
            .iter()
            // The service time is in the response time, and what moved in its body moved in its tail too.
            .filter(|change| match change.part {
                Some(DistributionPart::Body) => {
                    change.measure != Measure::ServiceTime
                        || !moved(Measure::ResponseTime, DistributionPart::Body)
                }
                Some(DistributionPart::Tail) => !Measure::TIMES.iter().any(|m| {
                    moved(*m, DistributionPart::Body)
                        || (*m == Measure::ResponseTime
                            && *m != change.measure
                            && moved(*m, DistributionPart::Tail))
                }),
                None => true,
            })
            .map(|change| self.describe(change))
            .collect();
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }

    fn describe(&self, change: &Change) -> String {
        match (change.measure, change.part) {
            (Measure::ResponseTime | Measure::ServiceTime | Measure::Latency, part) => {
                let what = match part {
                    Some(DistributionPart::Tail) => format!("{} of the slowest tenth", change.measure.name()),
                    Some(DistributionPart::Body) | None => change.measure.name().to_owned(),
                };
                let percents = if part == Some(DistributionPart::Tail) { [95.0, 99.0] } else { [50.0, 95.0] };
                let figures = percents.map(|percent| {
                    let figure = |figures: &Figures| {
                        let ns = figures.times(change.measure).and_then(|t| t.percentile_ns(percent));
                        ns.map_or_else(|| "none".to_owned(), human_ns)
                    };
                    format!("p{percent} {}, now {}", figure(&self.before), figure(&self.after))
                });
                format!("{what} {} the baseline's: {}", change.times(), figures.join("; "))
            }
            (Measure::Throughput, _) => format!(
                "throughput {} the baseline's: {}, now {}",
                change.times(),
                per_second(change.before),
                per_second(change.after)
            ),
            (measure, _) => {
                let hits = self.after.share(measure).unwrap_or_default();
                format!(
                    "{} {} in the baseline, now {} ({} of {})",
                    measure.name(),
                    percent(change.before),
                    percent(change.after),
                    hits.hits,
                    hits.of
                )
            }
        }
    }
}

impl Change {
    /// `1.31 times`.
    fn times(&self) -> String {
        let factor = self.after / self.before.max(f64::MIN_POSITIVE);
        if factor < 9.95 { format!("{factor:.2} times") } else { format!("{factor:.0} times") }
    }

    /// What is judged: `response time`, `response time, slowest tenth`.
    pub fn what(&self) -> String {
        match self.part {
            Some(DistributionPart::Tail) => format!("{}, slowest tenth", self.measure.name()),
            Some(DistributionPart::Body) | None => self.measure.name().to_owned(),
        }
    }

    /// A figure of this measure with its unit.
    pub fn show(&self, value: f64) -> String {
        match self.measure {
            Measure::ResponseTime | Measure::ServiceTime | Measure::Latency => human_ns(value.round() as u64),
            Measure::Throughput => per_second(value),
            _ => percent(value),
        }
    }

    /// How much it changed: `+31 %`, of a share in percentage points: `+1.2 pp`.
    pub fn change_text(&self) -> String {
        match self.measure {
            Measure::ResponseTime | Measure::ServiceTime | Measure::Latency | Measure::Throughput => {
                let percent = (self.after / self.before.max(f64::MIN_POSITIVE) - 1.0) * 100.0;
                // No sign where the change rounds to nothing.
                if percent.abs() < 0.5 { "0 %".to_owned() } else { format!("{percent:+.0} %") }
            }
            _ => {
                let points = (self.after - self.before) * 100.0;
                if points.abs() < 0.005 { "0 pp".to_owned() } else { format!("{points:+.2} pp") }
            }
        }
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent == 0.0 || percent >= 99.995 {
        0
    } else if percent < 10.0 {
        2
    } else {
        1
    };
    format!("{percent:.digits$} %")
}

fn per_second(value: f64) -> String {
    if value < 9.95 {
        format!("{value:.2}/s")
    } else if value < 99.5 {
        format!("{value:.1}/s")
    } else {
        format!("{value:.0}/s")
    }
}
