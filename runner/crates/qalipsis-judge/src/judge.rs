//! From what was measured to the report and its verdict.

mod cause;
mod consequence;
mod criteria;
#[cfg(test)]
mod gates;
mod headline;
mod invalid;
mod joins;
mod load_generator;
mod measured;
mod observe;
mod strain;

pub use criteria::{Breach, breach};

use crate::aggregate::Aggregate;
use crate::described::Described;
use crate::report::{
    FactoryReport, Reason, Report, ScenarioProblem, ScenarioReport, StepFailure, StepReport,
};
use crate::zone;
use cause::Causes;
use qalipsis_model::description::StepDescription;
use qalipsis_model::duration::human;
use qalipsis_model::environment::Environment;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::join::JoinFigures;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::not_ready::NotReady;
use qalipsis_model::plan::{CampaignPlan, ScenarioPlan};
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use std::time::Duration;

/// How a campaign came to its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It goes on: what is known so far is judged.
    Running,
    /// All minions ended and the sources drained.
    Completed,
    /// A factory could not get ready; no load was started.
    NotReady(Vec<NotReady>),
    /// The user stopped it.
    Interrupted,
    /// The user stopped it before the load; says what was still being opened.
    InterruptedWarmUp(Vec<String>),
    /// It ran into its own timeout.
    TimedOut(Duration),
    /// It ran into the timeout after which nothing of it is waited for.
    Cancelled(Duration),
    /// A factory was lost; says which and why.
    Lost(String),
    /// A criterion that stops the campaign was breached.
    Breached(Box<Breach>),
}

/// Everything that the verdict follows from.
#[derive(Debug)]
pub struct JudgeInput<'a> {
    /// What was to be done.
    pub plan: &'a CampaignPlan,
    /// What the scenarios say about themselves; those of the plan.
    pub described: &'a [Described],
    /// Whether a single minion of the plan ran, as an iteration is replayed.
    pub replay: bool,
    /// What was measured.
    pub aggregate: &'a Aggregate,
    /// How it ended.
    pub ending: &'a Ending,
    /// When the load started.
    pub started: Timestamp,
    /// When everything had ended.
    pub ended: Timestamp,
    /// What the report is to say about figures that are missing.
    pub notes: Vec<String>,
    /// Who hosted the minions.
    pub factories: Vec<FactoryReport>,
    /// Commit of the working directory.
    pub git_revision: Option<String>,
    /// The machine, the programs and the configuration.
    pub environment: Environment,
}

/// Judges a campaign.
pub fn judge(input: JudgeInput<'_>) -> Report {
    let zones: Vec<String> = {
        let mut zones: Vec<String> = input.factories.iter().filter_map(|f| f.zone.clone()).collect();
        zones.sort();
        zones.dedup();
        zones
    };
    let scenarios: Vec<ScenarioReport> = input
        .plan
        .scenarios
        .iter()
        .filter_map(|planned| {
            let described = input.described.iter().find(|d| d.scenario.name == planned.name)?;
            Some(scenario(&input, planned, described, zones.clone()))
        })
        .collect();

    let mut failures: Vec<Reason> = Vec::new();
    let mut warnings = Vec::new();
    for scenario in &scenarios {
        failures.extend(failing(scenario));
        warnings.extend(warning(scenario));
        warnings.extend(load_generator::late(scenario, input.ended.since(input.started)));
    }
    if let Ending::Breached(breach) = input.ending {
        failures.sort_by_key(|reason| reason.scenario.as_ref() != Some(&breach.scenario));
    }
    if let Ending::NotReady(causes) = input.ending {
        // Causes that name no scenario have no place in the scenarios' own reports.
        failures.extend(causes.iter().filter(|c| c.scenario.is_none()).map(|c| Reason {
            scenario: None,
            step: None,
            kind: Some(FailureKind::Error),
            message: c.message.clone(),
        }));
    }
    if input.aggregate.evidence_lost() > 0 {
        warnings.push(format!("{} failures were counted without evidence", input.aggregate.evidence_lost()));
    }

    warnings.extend(input.notes.iter().cloned());
    let unlisted = input.aggregate.unlisted_failures();
    if !unlisted.is_none() {
        warnings.push(format!(
            "{} failed executions are not in failures.jsonl, which lists at most {} (report.export.failures.limit)",
            unlisted.count(),
            input.plan.limits.failures
        ));
    }
    let dropped = input.aggregate.events().dropped;
    if dropped > 0 {
        warnings.push(format!("{dropped} events were dropped because a buffer was full"));
    }

    let aborted = aborted(input.ending).or_else(|| {
        let (scenario, active) = overloaded(&input)?;
        Some(Reason {
            scenario: Some(scenario.to_owned()),
            step: None,
            kind: None,
            message: format!(
                "stopped by its overload policy: {active} minions were active when one more was to be released; \
                 release fewer, or find out why they do not end"
            ),
        })
    });
    let internal_errors = joins::imbalances(&input);
    let has_internal_errors = !internal_errors.is_empty();
    let mut invalid = internal_errors;
    // What failed while the sources could read is certain, whatever else could not be observed.
    let unread = scenarios.iter().flat_map(joins::unread);
    if scenarios.iter().any(joins::is_certain_to_fail) {
        failures.extend(unread);
    } else {
        invalid.extend(unread);
    }
    invalid.extend(invalid::reasons(&scenarios, input.ending, input.plan, input.aggregate));
    // What could not start was not judged: its causes are the failures of the warm-up.
    let not_started = matches!(input.ending, Ending::NotReady(_));
    let status = if *input.ending == Ending::Running {
        Status::Running
    } else if aborted.is_some() || not_started {
        Status::Aborted
    } else if !invalid.is_empty() {
        Status::Invalid
    } else if !failures.is_empty() {
        Status::Failed
    } else if !warnings.is_empty() {
        Status::Warning
    } else {
        Status::Successful
    };
    let reasons = aborted.into_iter().chain(invalid).chain(failures).collect();
    Report {
        key: input.plan.key.clone(),
        name: input.plan.name.clone(),
        seed: input.plan.seed,
        started: input.started,
        duration: input.ended.since(input.started),
        git_revision: input.git_revision,
        status,
        reasons,
        warnings,
        scenarios,
        factories: with_health(input.factories, input.aggregate),
        events: input.plan.events.map(|_| input.aggregate.events()),
        unlisted_failures: input.aggregate.unlisted_failures(),
        comparison: None,
        has_internal_errors,
        environment: input.environment,
        controls: input.aggregate.controls().clone(),
    }
}

fn with_health(mut factories: Vec<FactoryReport>, aggregate: &Aggregate) -> Vec<FactoryReport> {
    for (name, health) in aggregate.factories() {
        if let Some(factory) = factories.iter_mut().find(|factory| factory.name == name) {
            factory.cpu = health.cpu();
            factory.clock_jump_ns = health.clock_jump_ns();
        }
    }
    factories
}

/// The scenario whose overload policy stopped the campaign, and how many of its minions were active then.
fn overloaded<'a>(input: &JudgeInput<'a>) -> Option<(&'a str, u64)> {
    input.plan.scenarios.iter().find_map(|planned| {
        let active = input.aggregate.scenario(&planned.name)?.overloaded?;
        Some((planned.name.as_str(), active))
    })
}

fn aborted(ending: &Ending) -> Option<Reason> {
    let message = match ending {
        Ending::Running | Ending::Completed | Ending::NotReady(_) | Ending::Breached(_) => return None,
        Ending::Interrupted => "stopped by the user".to_owned(),
        Ending::InterruptedWarmUp(unfinished) => {
            format!("stopped by the user during warm-up: {}", unfinished.join(", "))
        }
        Ending::TimedOut(limit) => format!("stopped after its limit of {} (campaign.timeout)", human(*limit)),
        Ending::Cancelled(limit) => {
            format!("cancelled after its limit of {} (campaign.hard-timeout)", human(*limit))
        }
        Ending::Lost(why) => why.clone(),
    };
    Some(Reason { scenario: None, step: None, kind: None, message })
}

fn scenario(
    input: &JudgeInput<'_>,
    planned: &ScenarioPlan,
    described: &Described,
    zones: Vec<String>,
) -> ScenarioReport {
    let nothing = ScenarioFigures::default();
    let figures = input.aggregate.scenario(&planned.name).unwrap_or(&nothing);
    let evidence = input.aggregate.evidence(&planned.name);
    let limit = input.plan.limits.evidence as usize;
    let mut steps: Vec<StepReport> = described
        .scenario
        .steps
        .iter()
        .enumerate()
        .map(|(index, declared)| step(index as u32, declared, figures, &evidence, limit))
        .collect();
    for (index, step) in (0_u32..).zip(&mut steps) {
        let awaited: Vec<_> = figures.joins.values().filter(|join| join.steps.contains(&index)).collect();
        joins::fold(step, &awaited);
    }
    let problems = problems(input, &planned.name, figures, &evidence, limit);
    let causes = Causes::of(input, planned, figures, &steps, &problems);
    for step in steps.iter_mut().filter(|step| step.must_run()) {
        step.cause = causes.of_unreached();
    }
    let mut criteria = criteria::judge(planned, &described.scenario, input, &causes);
    strain::hint(&mut criteria, &figures.release_lag, input.aggregate);
    let timeline = input.aggregate.timeline(&planned.name, steps.len());
    let by_zone = input.aggregate.zones(&planned.name);
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    ScenarioReport {
        name: planned.name.clone(),
        crate_name: described.crate_name.clone(),
        description: described.scenario.description.clone(),
        location: described.scenario.location.clone(),
        profile: planned.profile.to_string(),
        zones,
        zone_differences: zone::differences(&by_zone, &names),
        by_zone,
        minions: u64::from(planned.minions),
        released: figures.released,
        // What an overload policy stops, be it in another factory or scenario, it drops.
        dropped: figures.dropped + if overloaded(input).is_some() { figures.unreleased } else { 0 },
        ended: figures.ended,
        release_lag: figures.release_lag.clone(),
        iterations: figures.iterations.clone(),
        steps,
        joins: figures.joins.values().cloned().collect(),
        join_evidence: unexpected(&evidence),
        meters: figures.meters.clone(),
        measured: measured::report(input.aggregate, planned, &described.scenario),
        data: figures.data.clone(),
        data_files: figures.data_files.clone(),
        last_started: figures.last_started,
        criteria,
        problems,
        timeline,
    }
}

/// Evidence of records that warn and fail no step.
fn unexpected(evidence: &[&Evidence]) -> Vec<Evidence> {
    let warns = |kind| {
        use FailureKind::{JoinDuplicate, JoinOrphan, JoinOutOfOrder};
        matches!(kind, JoinDuplicate | JoinOrphan | JoinOutOfOrder)
    };
    evidence.iter().filter(|one| warns(one.kind)).map(|one| (*one).clone()).collect()
}

fn step(
    index: u32,
    declared: &StepDescription,
    figures: &ScenarioFigures,
    evidence: &[&Evidence],
    limit: usize,
) -> StepReport {
    let mut own = figures.steps.get(&index).cloned().unwrap_or_default();
    let ours: Vec<&Evidence> = evidence.iter().copied().filter(|e| e.step == Some(index)).collect();
    // What an execution could not decode came from no source.
    let is_of_execution = |e: &&Evidence| e.kind != FailureKind::Undecodable || e.source.is_none();
    let mut counts: Vec<(FailureKind, u64, Vec<&Evidence>)> = FailureKind::ALL
        .into_iter()
        .map(|kind| {
            let kept = ours.iter().copied().filter(|e| e.kind == kind).filter(is_of_execution);
            (kind, own.of_kind(kind), kept.collect())
        })
        .filter(|(_, count, _)| *count > 0)
        .collect();
    // A record that cannot be decoded belongs to the step that awaits its source.
    for join in figures.joins.values().filter(|j| j.undecodable > 0 && j.steps.first() == Some(&index)) {
        counts.push((FailureKind::Undecodable, join.undecodable, undecodable(join, evidence)));
        own.first_failure = match (own.first_failure, join.first_undecodable) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        own.last_failure = own.last_failure.max(join.last_undecodable);
    }
    counts.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let failures: Vec<StepFailure> = counts
        .into_iter()
        .map(|(kind, count, kept)| {
            let evidence: Vec<Evidence> = kept.into_iter().take(limit).cloned().collect();
            let message = evidence.first().map_or_else(|| kind.to_string(), |e| e.message.clone());
            StepFailure { kind, count, message, evidence }
        })
        .collect();
    let mut headline = headline::headline(&own, &failures);
    // What cannot be decoded is a record and no execution, so no tolerance covers it.
    let executions_only = failures.iter().all(|f| f.kind != FailureKind::Undecodable);
    let tolerance = own.tolerance.filter(|t| executions_only && t.allows(own.failures(), own.executions()));
    let tolerated = match tolerance {
        // A step that cannot fail checks nothing.
        Some(tolerance) if tolerance.covers(own.executions()) => {
            let executions = own.executions();
            headline = headline.map(|headline| {
                format!("{headline}; {tolerance} tolerated of {executions} executions is all of them, so lower the tolerance")
            });
            None
        }
        Some(_) => headline.take(),
        None => None,
    };
    StepReport {
        name: declared.name.clone(),
        optional: declared.optional,
        location: own.location.clone().or_else(|| ours.iter().find_map(|e| e.location.clone())),
        headline,
        tolerated,
        skipped: own.executions() == 0 && own.cancelled == 0 && failures.is_empty(),
        failures,
        cause: None,
        figures: own,
    }
}

/// Evidence of the records of a source that could not be decoded, whether a step awaited it already or not.
fn undecodable<'a>(join: &JoinFigures, evidence: &[&'a Evidence]) -> Vec<&'a Evidence> {
    let of_join =
        |one: &&Evidence| one.kind == FailureKind::Undecodable && one.source.as_ref() == Some(&join.name);
    evidence.iter().copied().filter(of_join).collect()
}

fn problems(
    input: &JudgeInput<'_>,
    scenario: &str,
    figures: &ScenarioFigures,
    evidence: &[&Evidence],
    limit: usize,
) -> Vec<ScenarioProblem> {
    let mut problems = Vec::new();
    if let Ending::NotReady(causes) = input.ending {
        problems.extend(causes.iter().filter(|c| c.scenario.as_deref() == Some(scenario)).map(|cause| {
            ScenarioProblem {
                name: cause::WARM_UP.to_owned(),
                kind: FailureKind::Error,
                count: 1,
                message: cause.message.clone(),
                evidence: Vec::new(),
            }
        }));
    }
    let outside = |kind: FailureKind| -> Vec<Evidence> {
        evidence
            .iter()
            .filter(|e| e.step.is_none() && e.kind == kind)
            .take(limit)
            .map(|e| (*e).clone())
            .collect()
    };
    for join in figures.joins.values().filter(|j| j.undecodable > 0 && j.steps.is_empty()) {
        let evidence: Vec<Evidence> = undecodable(join, evidence).into_iter().take(limit).cloned().collect();
        problems.push(ScenarioProblem {
            name: format!("source {}", join.name),
            kind: FailureKind::Undecodable,
            count: join.undecodable,
            message: evidence.first().map_or_else(|| "undecodable records".to_owned(), |e| e.message.clone()),
            evidence,
        });
    }
    problems.extend(joins::failed_sources(figures, evidence));
    for kind in [FailureKind::Panic, FailureKind::Timeout, FailureKind::Error] {
        let count = figures.iterations.of_kind(kind);
        if count > 0 {
            let evidence = outside(kind);
            problems.push(ScenarioProblem {
                name: format!("{kind} outside of steps"),
                kind,
                count,
                message: evidence.first().map_or_else(|| kind.to_string(), |e| e.message.clone()),
                evidence,
            });
        }
    }
    problems
}

fn failing(scenario: &ScenarioReport) -> Vec<Reason> {
    let reason = |step: Option<&str>, kind, message: String| Reason {
        scenario: Some(scenario.name.clone()),
        step: step.map(str::to_owned),
        kind: Some(kind),
        message,
    };
    let mut reasons: Vec<Reason> = scenario
        .problems
        .iter()
        .filter(|problem| !joins::is_named(scenario, problem))
        .map(|problem| reason(None, problem.kind, format!("{}: {}", problem.name, problem.message)))
        .collect();
    for step in &scenario.steps {
        if let (Some(headline), Some(first)) = (&step.headline, step.failures.first()) {
            reasons.push(reason(Some(&step.name), first.kind, headline.clone()));
        }
    }
    // A run that skipped what it declares has not shown what its name promises. After a failure
    // skipping is the consequence, and the failure is named already.
    reasons.extend(scenario.steps.iter().filter(|step| step.is_unreached()).map(|step| {
        reason(
            Some(&step.name),
            FailureKind::NeverExecuted,
            "declared but never executed; mark it #[step(optional)] when a run may pass without it"
                .to_owned(),
        )
    }));
    for criterion in scenario.criteria.iter().filter(|criterion| criterion.is_breached()) {
        let name = criterion.criterion.subject.name();
        let reason = reason(Some(name), criterion.failure_kind(), criterion.message());
        // What stopped the campaign is the first to be named.
        let place = if criterion.stopped_after.is_some() { 0 } else { reasons.len() };
        reasons.insert(place, reason);
    }
    reasons
}

fn warning(scenario: &ScenarioReport) -> Vec<String> {
    let mut warnings = Vec::new();
    for join in &scenario.joins {
        let mut warn = |count: u64, one: &str, many: &str| {
            if count > 0 {
                let what = if count == 1 { one } else { many };
                warnings.push(format!("{}: {}: {count} {what}", scenario.name, join.name));
            }
        };
        warn(
            join.duplicates,
            "duplicate record of a key already matched",
            "duplicate records of keys already matched",
        );
        warn(
            join.orphan_records(),
            "record that no minion expected (orphan)",
            "records that no minion expected (orphans)",
        );
        warn(join.out_of_order, "record out of order", "records out of order");
        warn(
            join.evicted,
            "record that no minion had awaited yet was evicted from the buffer",
            "records that no minion had awaited yet were evicted from the buffer",
        );
        warn(
            join.forgotten,
            "key forgotten because the ledger was full; later records of it count as orphans",
            "keys forgotten because the ledger was full; later records of them count as orphans",
        );
    }
    for step in &scenario.steps {
        let figures = &step.figures;
        if let (Some(tolerated), Some(tolerance)) = (&step.tolerated, figures.tolerance) {
            warnings.push(format!(
                "{}: step {}: {} of {} executions failed, {tolerance} are tolerated; {tolerated}",
                scenario.name,
                step.name,
                figures.failures(),
                figures.executions(),
            ));
        }
        if figures.flaky > 0 {
            warnings.push(format!(
                "{}: step {}: flaky, {} of {} executions passed only after a retry, the first after: {}",
                scenario.name,
                step.name,
                figures.flaky,
                figures.executions(),
                figures.flaky_cause.as_deref().unwrap_or("no reason known"),
            ));
        }
    }
    for (name, meter) in scenario.meters.iter().filter(|(_, meter)| meter.failures > 0) {
        let why = meter.last_failure.as_deref().unwrap_or("no reason known");
        warnings.push(format!(
            "{}: meter {name}: {} readings failed, last: {why}",
            scenario.name, meter.failures
        ));
    }
    warnings.extend(joins::warnings(scenario));
    warnings.extend(measured::warnings(scenario));
    warnings
}

impl StepReport {
    /// Executions that failed within the tolerance of the step.
    pub fn tolerated_executions(&self) -> u64 {
        if self.tolerated.is_some() { self.figures.failures() } else { 0 }
    }

    /// Whether it was never executed although a passing run must execute it.
    pub fn must_run(&self) -> bool {
        self.skipped && !self.optional
    }

    /// Whether it is a failure of its own that it was never executed.
    pub fn is_unreached(&self) -> bool {
        self.must_run() && self.cause.is_none()
    }

    /// Where it is executed, else where its scenario is built.
    pub fn location_or<'a>(&'a self, scenario: &'a SourceLocation) -> &'a SourceLocation {
        self.location.as_ref().unwrap_or(scenario)
    }
}
