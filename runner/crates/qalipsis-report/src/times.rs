//! Which durations stand for a step: the same in every output, and each output names them.
//!
//! Response times run from the intended start, so that a generator that queues is seen. A step that awaits records
//! shows the latency from the trigger to the arrival instead: how long it waited says nothing about the system.

use qalipsis_model::duration::human_ns;
use qalipsis_model::histogram::Histogram;
use qalipsis_model::snapshot::StepFigures;

/// Percentiles in tables, beside the maximum.
pub const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// What the durations of a step are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// From the intended start to the end.
    Response,
    /// From the trigger to the arrival of the record.
    Latency,
    /// From the actual start to the end.
    Service,
}

impl Measure {
    /// The durations that stand for a step.
    pub fn of(figures: &StepFigures) -> Self {
        if figures.is_join() { Self::Latency } else { Self::Response }
    }

    /// In a cell of a table.
    pub fn short(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Latency => "latency",
            Self::Service => "service",
        }
    }

    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Response => "response time",
            Self::Latency => "latency",
            Self::Service => "service time",
        }
    }
}

/// What a reader of a table must know about its times.
pub const LEGEND: &str = "Response times run from the intended start of each execution. Steps that await records \
    show the latency from the trigger to the arrival of the record, late ones included.";

/// `response time p50 1 ms, p95 2 ms, p99 2 ms, max 3 ms`; nothing when nothing was timed.
pub(crate) fn line(figures: &StepFigures) -> Option<String> {
    let times = figures.times_shown();
    let max = times.max_ns()?;
    let shown = |percent: f64| Some(format!("p{percent} {}", human_ns(times.percentile_ns(percent)?)));
    let percentiles: Vec<String> = PERCENTILES.into_iter().filter_map(shown).collect();
    Some(format!("{} {}, max {}", Measure::of(figures).name(), percentiles.join(", "), human_ns(max)))
}

/// The percentiles of [`PERCENTILES`], then the maximum; `–` where there is none.
pub(crate) fn cells(times: &Histogram) -> impl Iterator<Item = String> + use<> {
    let percentiles = PERCENTILES.map(|percent| times.percentile_ns(percent));
    percentiles.into_iter().chain([times.max_ns()]).map(|ns| ns.map_or_else(|| "–".to_owned(), human_ns))
}
