//! The causes of a verdict, each with what belongs to it. Every output takes them from here, none looks for them itself.

use crate::text::{counted, number};
use crate::zones;
use qalipsis_judge::report::{Reason, Report, ScenarioReport, StepFailure};
use qalipsis_model::duration::human;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;

/// One cause of the verdict.
#[derive(Debug, Clone)]
pub struct Cause<'a> {
    /// The scenario; `None` for the campaign.
    pub scenario: Option<&'a str>,
    /// The step or meter.
    pub step: Option<&'a str>,
    /// The kind of the failure, `aborted` or `invalid`.
    pub kind: &'static str,
    /// One line that a person understands without the rest.
    pub message: &'a str,
    /// Failures by kind, most frequent first; empty for criteria.
    pub failures: &'a [StepFailure],
    /// How often, for what failed outside of any step; `None` for steps and criteria.
    pub occurrences: Option<u64>,
    /// When it first failed.
    pub first: Option<Timestamp>,
    /// When it last failed.
    pub last: Option<Timestamp>,
    /// Distinct minions that failed, and all that tried.
    pub minions: Option<(u64, u64)>,
    /// Which zones are concerned, in words, when the campaign has several: `only in zone us: 37 of its 400 minions`.
    pub zones: Option<String>,
    /// The failures that were kept with their evidence.
    pub evidence: Vec<&'a Evidence>,
    /// In the scenario's source; `None` when no line of it explains anything, as for a slow generator.
    pub location: Option<&'a SourceLocation>,
    /// Whether the campaign has several scenarios.
    several: bool,
}

impl Cause<'_> {
    /// `checkout › place`.
    pub fn place(&self) -> String {
        self.place_within("›")
    }

    /// As [`place`](Self::place), with another sign between scenario and step.
    pub fn place_within(&self, sign: &str) -> String {
        match (self.scenario, self.step) {
            (Some(scenario), Some(step)) => format!("{scenario} {sign} {step}"),
            (Some(scenario), None) => scenario.to_owned(),
            (None, _) => "campaign".to_owned(),
        }
    }

    /// `first at 05:06:07.089, last at 05:06:09.000 UTC`, when known.
    pub fn since(&self) -> Option<String> {
        let first = self.first?;
        Some(match self.last.filter(|last| *last != first) {
            Some(last) => format!("first at {}, last at {} UTC", first.time_of_day(), last.time_of_day()),
            None => format!("first at {} UTC", first.time_of_day()),
        })
    }

    /// `3 times`, when it happened more than once outside of any step.
    pub fn times(&self) -> Option<String> {
        let occurrences = self.occurrences.filter(|occurrences| *occurrences > 1)?;
        Some(format!("{} times", number(occurrences)))
    }

    /// The first failure of each kind but the most frequent, which the message shows: `late record: it came 2 s late`.
    pub fn others(&self) -> impl Iterator<Item = String> {
        self.failures.iter().skip(1).map(|failure| format!("{}: {}", failure.kind.noun(), failure.message))
    }

    /// `12 of 1000 minions`, when minions are concerned and the message does not say so.
    pub fn share(&self) -> Option<String> {
        let (failed, all) = self.minions?;
        let share = format!("{} of {}", number(failed), counted(all, "minion"));
        (!self.message.starts_with(&share)).then_some(share)
    }

    /// Which minions, how often and since when, as far as known: in every output, in this order.
    pub fn extent(&self) -> impl Iterator<Item = String> {
        [self.share(), self.zones.clone(), self.times(), self.since()].into_iter().flatten()
    }

    /// The command that runs one of the failed iterations again, when one is known.
    pub fn replay(&self) -> Option<String> {
        let first = self.evidence.iter().find(|evidence| evidence.minion.is_some())?;
        let scenario =
            self.scenario.filter(|_| self.several).map_or_else(String::new, |name| format!(" -s {name}"));
        let iteration = match first.iteration {
            0 => String::new(),
            iteration => format!(" --iteration {iteration}"),
        };
        let minion = first.minion?;
        Some(format!("qalipsis replay --campaign summary.json{scenario} --minion {minion}{iteration}"))
    }

    /// `at tests/checkout.rs:87:9`, when a line explains something.
    pub fn at(&self) -> Option<String> {
        self.location.map(|location| format!("at {location}"))
    }
}

/// The causes of the verdict, most important first.
pub fn causes(report: &Report) -> Vec<Cause<'_>> {
    report.reasons.iter().map(|reason| cause(report, reason)).collect()
}

fn cause<'a>(report: &'a Report, reason: &'a Reason) -> Cause<'a> {
    let kind = match reason.kind {
        Some(kind) => kind.name(),
        None if report.status == Status::Aborted => "aborted",
        None => "invalid",
    };
    let mut cause = Cause {
        scenario: reason.scenario.as_deref(),
        step: reason.step.as_deref(),
        kind,
        message: &reason.message,
        failures: &[],
        occurrences: None,
        first: None,
        last: None,
        minions: None,
        zones: None,
        evidence: Vec::new(),
        location: None,
        several: report.scenarios.len() > 1,
    };
    let scenario = report.scenarios.iter().find(|s| Some(&s.name) == reason.scenario.as_ref());
    if let Some(scenario) = scenario {
        fill(&mut cause, scenario, reason);
    }
    cause
}

fn fill<'a>(cause: &mut Cause<'a>, scenario: &'a ScenarioReport, reason: &Reason) {
    let Some(name) = &reason.step else {
        let said = |name: &str| reason.message.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
        let problem = scenario.problems.iter().find(|p| said(&p.name).is_some_and(|rest| rest == p.message));
        if let Some(problem) = problem {
            cause.evidence = problem.evidence.iter().collect();
            cause.occurrences = Some(problem.count);
            cause.first = problem.evidence.first().map(|e| e.at);
            cause.location = problem.evidence.first().and_then(|e| e.location.as_ref());
        }
        // What a source could not read has the evidence of the steps that it made fail.
        if reason.kind.is_none() && reason.message.contains("could not be observed") {
            let folded = scenario.steps.iter().filter(|step| step.cause.is_some() && step.headline.is_none());
            cause.evidence = folded.flat_map(|step| &step.failures).flat_map(|f| &f.evidence).collect();
        }
        // A reason without a kind is about the run, not about the scenario.
        cause.location = cause.location.or(reason.kind.map(|_| &scenario.location));
        return;
    };
    let missed = |c: &&'a qalipsis_judge::report::CriterionReport| {
        c.is_breached() && c.criterion.subject.name() == name && c.message() == reason.message
    };
    if let Some(criterion) = scenario.criteria.iter().find(missed) {
        cause.location = Some(&criterion.criterion.location);
        cause.zones = zones::behind(scenario, criterion);
    } else if let Some(step) = scenario.steps.iter().find(|s| &s.name == name) {
        cause.failures = &step.failures;
        cause.first = step.figures.first_failure;
        cause.last = step.figures.last_failure;
        cause.minions =
            (step.figures.failed_minions > 0).then_some((step.figures.failed_minions, step.figures.minions));
        cause.zones = zones::failing(scenario, name);
        cause.evidence = step.failures.iter().flat_map(|f| &f.evidence).collect();
        cause.location = Some(step.location_or(&scenario.location));
    }
}

/// `nightly: 1000 minions, 3249 executions, 86 failed, in 19.3 s`.
pub fn headline(report: &Report) -> String {
    let steps = || report.scenarios.iter().flat_map(|s| &s.steps);
    format!(
        "{}: {}, {}, {} failed, in {}",
        report.name,
        counted(report.scenarios.iter().map(|s| s.released).sum(), "minion"),
        counted(steps().map(|s| s.figures.executions()).sum(), "execution"),
        number(steps().map(|s| s.figures.failures()).sum()),
        human(report.duration),
    )
}

/// Warnings, and factories that were lost, unless a cause says it.
pub fn warnings(report: &Report) -> Vec<String> {
    let is_said = |why: &str| report.reasons.iter().any(|reason| reason.message.contains(why));
    let lost = report.factories.iter().filter_map(|factory| {
        let why = factory.lost.as_deref().filter(|why| !is_said(why))?;
        Some(format!("factory {} was lost: {why}", factory.name))
    });
    report.warnings.iter().cloned().chain(lost).collect()
}

/// Whether a warning is about this scenario, whose name it then begins with.
pub(crate) fn is_of(warning: &str, scenario: &str) -> bool {
    warning.strip_prefix(scenario).is_some_and(|rest| rest.starts_with(": "))
}

/// The warnings that concern this scenario: its own and those of the campaign.
pub fn warnings_of(report: &Report, scenario: &str) -> Vec<String> {
    let others = || report.scenarios.iter().filter(|other| other.name != scenario);
    warnings(report)
        .into_iter()
        .filter(|warning| is_of(warning, scenario) || !others().any(|other| is_of(warning, &other.name)))
        .collect()
}

/// What a run that did not come to its end must be marked with, in every output.
pub fn incomplete(report: &Report) -> Option<&'static str> {
    match report.status {
        Status::Running => {
            return Some(
                "The campaign is still running: all figures are those until now, and there is no verdict yet.",
            );
        }
        Status::Aborted => {}
        Status::Successful | Status::Warning | Status::Failed | Status::Invalid => return None,
    }
    Some(match report.scenarios.iter().any(|scenario| scenario.released > 0) {
        true => "The campaign was ended early: the figures are those until then.",
        false => "No load was started: nothing was judged.",
    })
}
