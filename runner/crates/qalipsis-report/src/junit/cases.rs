//! The test cases of a scenario.

use super::body;
use super::xml;
use super::{Limits, REASONS, campaign_reasons, explain};
use crate::digest;
use crate::text::{counted, number};
use crate::times;
use crate::zones;
use qalipsis_compare::{SubjectComparison, Verdict};
use qalipsis_judge::report::{
    CriterionReport, Outcome, Reason, Report, ScenarioProblem, ScenarioReport, StepReport,
};
use qalipsis_model::evidence::FailureKind;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::verdict::Status;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};
use std::time::Duration;

/// What ended the campaign, problems, steps in their order, criteria.
pub(super) fn all(report: &Report, scenario: &ScenarioReport, limits: Limits) -> Vec<TestCase> {
    let cases = Cases { report, scenario, limits };
    let mut all: Vec<TestCase> = cases.campaign().into_iter().collect();
    // The first passing one: it stays when some must be left out.
    all.extend(cases.warnings());
    all.extend(scenario.problems.iter().map(|problem| cases.problem(problem)));
    let times = times_of(scenario, report.duration);
    all.extend(scenario.steps.iter().zip(times).map(|(step, time)| cases.step(step, time)));
    all.extend(scenario.criteria.iter().map(|criterion| cases.criterion(criterion)));
    let comparisons = report.comparison.iter().flat_map(|c| &c.scenarios).filter(|c| c.name == scenario.name);
    all.extend(comparisons.flat_map(|c| &c.subjects).map(|subject| cases.compared(subject)));
    all
}

/// The time of each step's test case: its share of the campaign's duration, by the time that all minions together
/// spent in it. So the test cases of a suite add up to the duration of the suite, to the millisecond.
fn times_of(scenario: &ScenarioReport, duration: Duration) -> impl Iterator<Item = Duration> {
    let spent = |step: &StepReport| {
        let service = step.figures.service();
        u128::from(service.mean_ns().unwrap_or(0)) * u128::from(service.count())
    };
    let spent: Vec<u128> = scenario.steps.iter().map(spent).collect();
    let all: u128 = spent.iter().sum();
    let mut until = 0;
    let mut ended = 0;
    spent.into_iter().map(move |own| {
        until += own;
        let end = (duration.as_millis() * until + all / 2).checked_div(all).unwrap_or(0);
        let time = end.saturating_sub(ended);
        ended = end;
        Duration::from_millis(time as u64)
    })
}

/// Whether the test case may be left out first.
pub(super) fn passed(case: &TestCase) -> bool {
    !matches!(case.status, TestCaseStatus::NonSuccess { .. })
}

struct Cases<'a> {
    report: &'a Report,
    scenario: &'a ScenarioReport,
    limits: Limits,
}

impl Cases<'_> {
    /// What concerns the campaign as a whole: without it, a scenario that never ran would look green. Each reason is an
    /// error in one file: its scenario's, else the first.
    fn campaign(&self) -> Option<TestCase> {
        let kind = match self.report.status {
            Status::Aborted => "aborted",
            // What makes the figures invalid so far.
            Status::Running | Status::Invalid => "invalid",
            Status::Successful | Status::Warning | Status::Failed => "error",
        };
        if self.report.status == Status::Running
            && !campaign_reasons(self.report).any(|reason| self.shows(reason))
        {
            let why = digest::incomplete(self.report).unwrap_or_default();
            return Some(self.case("campaign", skipped(why.to_owned()), &self.scenario.location, None));
        }
        // One scenario shows a cause that stopped them all; the others say that it did.
        if let Some(cause) = self.explained_elsewhere() {
            return Some(self.case("campaign", skipped(cause), &self.scenario.location, None));
        }
        let mut reasons: Vec<String> = campaign_reasons(self.report)
            .filter(|reason| self.shows(reason))
            .take(REASONS)
            .map(|reason| xml::line(&explain(reason, Some(&self.scenario.name)), 1000))
            .collect();
        let stopped = matches!(self.report.status, Status::Aborted | Status::Invalid);
        if reasons.is_empty() && (!stopped || self.report.reasons.iter().any(|r| self.is_ours(r))) {
            return None;
        }
        let message = reasons.first().map_or_else(|| format!("the campaign is {kind}"), Clone::clone);
        reasons.extend(digest::incomplete(self.report).map(str::to_owned));
        let status = self.non_success(NonSuccessKind::Error, kind, &message, |limit| {
            body::text(&reasons.join("\n"), &self.scenario.location, limit)
        });
        Some(self.case("campaign", status, &self.scenario.location, None))
    }

    /// Passing, for a warning does not change the verdict; in the output of a test case, which every reader shows.
    fn warnings(&self) -> Option<TestCase> {
        let warnings = digest::warnings_of(self.report, &self.scenario.name);
        if warnings.is_empty() {
            return None;
        }
        let mut case = self.case("warnings", TestCaseStatus::success(), &self.scenario.location, None);
        let mut lines: Vec<String> = warnings.iter().map(|one| xml::line(one, self.limits.message)).collect();
        // Which records they were.
        lines.extend(self.scenario.join_evidence.iter().map(body::kept));
        case.set_system_out(xml::cut(&lines.join("\n"), self.limits.body));
        Some(case)
    }

    /// Why this scenario was not judged, when only others show it.
    fn explained_elsewhere(&self) -> Option<String> {
        if !matches!(self.report.status, Status::Aborted | Status::Invalid) {
            return None;
        }
        let mut reasons: Vec<&Reason> = campaign_reasons(self.report).collect();
        if reasons.is_empty() {
            // What failed in one scenario kept all of them from their start.
            reasons.extend(&self.report.reasons);
        }
        let first = reasons.first()?;
        let cause = || xml::line(&explain(first, Some(&self.scenario.name)), self.limits.message);
        let shown_here = reasons.iter().any(|reason| self.shows(reason));
        (!shown_here).then(|| format!("not judged: {}", cause()))
    }

    /// Whether this is the file in which a reason is an error.
    fn shows(&self, reason: &Reason) -> bool {
        match &reason.scenario {
            Some(_) => self.is_ours(reason),
            None => self.report.scenarios.first().is_some_and(|first| first.name == self.scenario.name),
        }
    }

    fn is_ours(&self, reason: &Reason) -> bool {
        reason.scenario.as_deref() == Some(self.scenario.name.as_str())
    }

    fn problem(&self, problem: &ScenarioProblem) -> TestCase {
        let location = problem.evidence.iter().find_map(|e| e.location.as_ref());
        let location = location.unwrap_or(&self.scenario.location);
        let kind = match problem.kind {
            FailureKind::Error => NonSuccessKind::Error,
            _ => NonSuccessKind::Failure,
        };
        let status = self.non_success(kind, problem.kind.name(), &problem.message, |limit| {
            body::problem(problem, location, limit)
        });
        self.case(&problem.name, status, location, None)
    }

    fn step(&self, step: &StepReport, time: Duration) -> TestCase {
        let location = step.location_or(&self.scenario.location);
        let executions = step.figures.executions();
        let never_executed = step.is_unreached().then(|| self.never_executed(step));
        let status = if let (Some(headline), Some(first)) = (&step.headline, step.failures.first()) {
            let zones = zones::failing(self.scenario, &step.name);
            self.non_success(NonSuccessKind::Failure, first.kind.name(), headline, |limit| {
                body::step(step, headline, zones.as_deref(), location, limit)
            })
        } else if let Some(message) = never_executed {
            self.non_success(NonSuccessKind::Failure, FailureKind::NeverExecuted.name(), &message, |limit| {
                body::text(&xml::line(&message, limit), location, limit)
            })
        } else if let (Some(cause), true) = (&step.cause, executions > 0) {
            skipped(format!("not judged: {}", xml::line(cause, self.limits.message)))
        } else if executions == 0 {
            skipped(match step.figures.cancelled {
                0 if step.cause.is_some() => {
                    let cause = step.cause.as_deref().unwrap_or_default();
                    format!("not judged: {}", xml::line(cause, self.limits.message))
                }
                0 if step.optional => "never executed, which is allowed for this step".to_owned(),
                0 => "never executed".to_owned(),
                cancelled => {
                    format!("never finished: {} cancelled before the end", counted(cancelled, "execution"))
                }
            })
        } else {
            TestCaseStatus::success()
        };
        if executions == 0 {
            return self.case(&step.name, status, location, None);
        }
        let mut case = self.case(&step.name, status, location, Some(time));
        let mut remarks = String::new();
        if let Some(tolerance) = step.figures.tolerance {
            remarks = format!(" ({tolerance} tolerated)");
        }
        if step.figures.flaky > 0 {
            remarks = format!("{remarks}, {} flaky: passed only after a retry", number(step.figures.flaky));
        }
        case.set_system_out(format!(
            "{} by {}, {} failed{remarks}{}",
            counted(executions, "execution"),
            counted(step.figures.minions, "minion"),
            number(step.figures.failures()),
            times::line(&step.figures).map_or_else(String::new, |line| format!("; {line}")),
        ));
        case
    }

    /// Why a step that was not executed fails the run.
    fn never_executed(&self, step: &StepReport) -> String {
        let reason = self.report.reasons.iter().find(|reason| {
            reason.kind == Some(FailureKind::NeverExecuted)
                && self.is_ours(reason)
                && reason.step.as_deref() == Some(step.name.as_str())
        });
        reason.map_or_else(|| "declared but never executed".to_owned(), |reason| reason.message.clone())
    }

    fn criterion(&self, criterion: &CriterionReport) -> TestCase {
        let location = &criterion.criterion.location;
        let message = criterion.message();
        let body = |limit| body::criterion(criterion, location, limit);
        let status = match &criterion.outcome {
            Outcome::Met => TestCaseStatus::success(),
            // What could not be judged is an error, what was judged a failure.
            Outcome::Breached => {
                let kind = match criterion.observed {
                    Some(_) => NonSuccessKind::Failure,
                    None => NonSuccessKind::Error,
                };
                self.non_success(kind, criterion.failure_kind().name(), &message, body)
            }
            Outcome::NotJudged { .. } | Outcome::Repeats { .. } => {
                skipped(xml::line(&message, self.limits.message))
            }
        };
        let mut case = self.case(&criterion.name, status, location, None);
        if criterion.is_met() {
            // The limit is no part of the name, so that a new limit keeps the history of the test.
            let expected = criterion.criterion.expectation();
            case.set_system_out(format!("observed {}, expected {expected}", criterion.observed_text()));
        }
        case
    }

    /// A step or source held against the baseline: a test case of its own, for it may pass while this fails.
    fn compared(&self, subject: &SubjectComparison) -> TestCase {
        let step = self.scenario.steps.iter().find(|s| s.name == subject.name);
        let location = step.map_or(&self.scenario.location, |s| s.location_or(&self.scenario.location));
        let status = match subject.sentence(Verdict::Regression) {
            Some(message) => {
                let kind = FailureKind::Regression.name();
                self.non_success(NonSuccessKind::Failure, kind, &message, |limit| {
                    body::compared(subject, &message, location, limit)
                })
            }
            None if subject.changes.is_empty() => {
                skipped("too few executions, or too short ones, to be compared".to_owned())
            }
            None => TestCaseStatus::success(),
        };
        let passed = matches!(status, TestCaseStatus::Success { .. });
        let mut case = self.case(&format!("baseline: {}", subject.name), status, location, None);
        if passed {
            case.set_system_out(body::changes(subject).join("\n"));
        }
        case
    }

    fn non_success(
        &self,
        kind: NonSuccessKind,
        ty: &str,
        message: &str,
        body: impl FnOnce(usize) -> String,
    ) -> TestCaseStatus {
        let mut status = TestCaseStatus::non_success(kind);
        // A message without words would be taken for none.
        let message = if message.trim().is_empty() { ty } else { message };
        status.set_type(ty).set_message(xml::line(message, self.limits.message));
        status.set_description(body(self.limits.body));
        status
    }

    fn case(
        &self,
        name: &str,
        status: TestCaseStatus,
        location: &SourceLocation,
        time: Option<Duration>,
    ) -> TestCase {
        let limit = self.limits.name;
        let mut case = TestCase::new(xml::name(name, limit), status);
        // Two scenarios of one beginning are still two.
        let part = |name: &str| xml::name(if name.trim().is_empty() { "unnamed" } else { name }, limit / 2);
        case.set_classname(format!("{}.{}", part(&self.scenario.crate_name), part(&self.scenario.name)));
        // Some readers make "not a number" of a missing time.
        case.set_time(time.unwrap_or_default());
        case.extra.insert("file".into(), xml::line(&location.file, limit).into());
        case.extra.insert("line".into(), location.line.to_string().into());
        case
    }
}

/// Why, in the attribute and in the content: some readers show the one, some the other.
fn skipped(why: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why.clone()).set_description(why);
    status
}
