//! Snapshots: the figures of scenarios and steps.

use super::common::{
    Texts, at_most, fitting, read_kind, read_required, read_text, read_time, required, write_duration,
    write_kind, write_time,
};
use super::failure::{read_required_kind, write_failure_kind};
use super::histogram;
use super::join::{read_join, write_join};
use super::meter::{read_measured, read_readings, write_measured, write_readings};
use crate::malformed::{Cause, Malformed};
use crate::wire::figures as wire;
use qalipsis_model::blocked::Blocked;
use qalipsis_model::failure::UnlistedFailures;
use qalipsis_model::health::{CpuUse, Health};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::snapshot::{
    RecordsPerIteration, ScenarioFigures, Snapshot, StepFigures, Times, Tolerance,
};
use qalipsis_model::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// Steps, joins and meters of all scenarios of one snapshot: each costs the head much more memory than the bytes that
/// name it.
const SERIES: usize = 50_000;

pub(super) fn write_snapshot(snapshot: &Snapshot) -> wire::Snapshot {
    let mut files = Texts::default();
    let scenarios = &snapshot.scenarios;
    let scenarios =
        scenarios.iter().map(|(name, figures)| write_scenario(name, figures, &mut files)).collect();
    let UnlistedFailures { beyond_limit, dropped } = snapshot.unlisted_failures;
    wire::Snapshot {
        sequence: snapshot.sequence,
        since_unix_ns: write_time(snapshot.since),
        at_unix_ns: snapshot.at.0,
        files: files.into_list(),
        scenarios,
        evidence_lost: snapshot.evidence_lost,
        unlisted_failures: Some(wire::UnlistedFailures { beyond_limit, dropped }),
        events_dropped: snapshot.events_dropped,
        health: Some(write_health(snapshot.health)),
        blocked: snapshot.blocked.as_ref().map(write_blocked),
    }
}

pub(super) fn read_snapshot(snapshot: wire::Snapshot) -> Result<Snapshot, Malformed> {
    let series = snapshot.scenarios.iter().map(|figures| {
        1 + figures.steps.len() + figures.joins.len() + figures.meters.len() + figures.measured.len()
    });
    at_most(SERIES, series.sum(), "scenarios, steps, joins and meters")?;
    let files = snapshot.files;
    let mut scenarios = BTreeMap::new();
    for mut figures in snapshot.scenarios {
        let name = std::mem::take(&mut figures.name);
        let place = format!("scenario '{name}'");
        let figures = read_scenario(figures, &files).map_err(|error| error.within(&place))?;
        insert(&mut scenarios, name, figures, place)?;
    }
    let wire::UnlistedFailures { beyond_limit, dropped } = snapshot.unlisted_failures.unwrap_or_default();
    Ok(Snapshot {
        sequence: snapshot.sequence,
        since: read_time(snapshot.since_unix_ns),
        at: Timestamp(snapshot.at_unix_ns),
        scenarios,
        evidence_lost: snapshot.evidence_lost,
        unlisted_failures: UnlistedFailures { beyond_limit, dropped },
        events_dropped: snapshot.events_dropped,
        health: read_health(snapshot.health.unwrap_or_default()).map_err(|error| error.within("health"))?,
        blocked: snapshot.blocked.map(read_blocked).transpose()?,
    })
}

/// A snapshot that has the figures of one scenario and nothing else, not even its name.
pub(super) fn write_alone(figures: &ScenarioFigures) -> wire::Snapshot {
    let mut files = Texts::default();
    let scenarios = vec![write_scenario("", figures, &mut files)];
    wire::Snapshot { files: files.into_list(), scenarios, ..wire::Snapshot::default() }
}

/// The figures of a snapshot that has those of one scenario.
pub(super) fn read_alone(snapshot: wire::Snapshot) -> Result<ScenarioFigures, Malformed> {
    let mut scenarios = read_snapshot(snapshot)?.scenarios;
    required(scenarios.pop_first().map(|(_, figures)| figures), "scenario")
}

/// Adds what may be given only once.
fn insert<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
    place: impl fmt::Display,
) -> Result<(), Malformed> {
    match map.insert(key, value) {
        None => Ok(()),
        Some(_) => Err(Malformed::from(Cause::Twice).within(place)),
    }
}

fn write_health(health: Health) -> wire::Health {
    let cpu = |CpuUse { time_ms, machine, own }: CpuUse| wire::CpuUse {
        time_ms,
        machine: machine.into(),
        own: own.into(),
    };
    wire::Health { cpu: health.cpu.map(cpu), clock_jump_ns: health.clock_jump_ns }
}

fn read_health(health: wire::Health) -> Result<Health, Malformed> {
    let cpu = |cpu: wire::CpuUse| -> Result<CpuUse, Malformed> {
        let machine = fitting(cpu.machine, "CPU of the machine")?;
        Ok(CpuUse { time_ms: cpu.time_ms, machine, own: fitting(cpu.own, "CPU of the factory")? })
    };
    Ok(Health { cpu: health.cpu.map(cpu).transpose()?, clock_jump_ns: health.clock_jump_ns })
}

fn write_blocked(blocked: &Blocked) -> wire::Blocked {
    wire::Blocked {
        longest: Some(write_duration(blocked.longest)),
        count: blocked.count,
        scenario: blocked.scenario.clone(),
        step: blocked.step.clone(),
    }
}

fn read_blocked(blocked: wire::Blocked) -> Result<Blocked, Malformed> {
    Ok(Blocked {
        longest: read_required(blocked.longest, "longest blocked time")?,
        count: blocked.count,
        scenario: blocked.scenario,
        step: blocked.step,
    })
}

fn write_scenario<'a>(
    name: &str,
    figures: &'a ScenarioFigures,
    files: &mut Texts<'a>,
) -> wire::ScenarioFigures {
    let iterations = (figures.iterations != StepFigures::default()).then_some(&figures.iterations);
    let takes =
        |RecordsPerIteration { count }: RecordsPerIteration| wire::RecordsPerIteration { records: count };
    wire::ScenarioFigures {
        name: name.to_owned(),
        released: figures.released,
        dropped: figures.dropped,
        unreleased: figures.unreleased,
        overloaded: figures.overloaded,
        ended: figures.ended,
        release_lag: histogram::write_used(&figures.release_lag),
        iterations: iterations.map(|step| write_step(0, step, files)),
        steps: figures.steps.iter().map(|(index, step)| write_step(*index, step, files)).collect(),
        joins: figures.joins.iter().map(|(index, join)| write_join(*index, join)).collect(),
        meters: figures.meters.iter().map(|(name, meter)| (name.clone(), write_readings(meter))).collect(),
        measured: figures.measured.iter().map(|(name, one)| (name.clone(), write_measured(one))).collect(),
        data: figures.data.iter().map(|(name, data)| (name.clone(), takes(*data))).collect(),
        data_files: figures.data_files.clone(),
        last_started_unix_ns: write_time(figures.last_started),
        last_ended_unix_ns: write_time(figures.last_ended),
    }
}

fn read_scenario(figures: wire::ScenarioFigures, files: &[String]) -> Result<ScenarioFigures, Malformed> {
    let mut steps = BTreeMap::new();
    for step in figures.steps {
        let index = step.index;
        let place = format!("step {index}");
        let step = read_step(step, files).map_err(|error| error.within(&place))?;
        insert(&mut steps, index, step, place)?;
    }
    let mut joins = BTreeMap::new();
    for join in figures.joins {
        let index = join.index;
        insert(&mut joins, index, read_join(join), format!("join {index}"))?;
    }
    let mut meters = BTreeMap::new();
    for (name, readings) in figures.meters {
        let readings = read_readings(readings).map_err(|error| error.within(format!("meter '{name}'")))?;
        meters.insert(name, readings);
    }
    let mut measured = BTreeMap::new();
    for (name, one) in figures.measured {
        let one = read_measured(one).map_err(|error| error.within(format!("meter '{name}'")))?;
        measured.insert(name, one);
    }
    let iterations = figures.iterations.map(|step| read_step(step, files)).transpose();
    let takes = |data: wire::RecordsPerIteration| RecordsPerIteration { count: data.records };
    Ok(ScenarioFigures {
        released: figures.released,
        dropped: figures.dropped,
        unreleased: figures.unreleased,
        overloaded: figures.overloaded,
        ended: figures.ended,
        release_lag: histogram::read_used(figures.release_lag.as_ref())
            .map_err(|error| error.within("release lag"))?,
        iterations: iterations.map_err(|error| error.within("iterations"))?.unwrap_or_default(),
        steps,
        joins,
        meters,
        measured,
        data: figures.data.into_iter().map(|(name, data)| (name, takes(data))).collect(),
        data_files: figures.data_files,
        last_started: read_time(figures.last_started_unix_ns),
        last_ended: read_time(figures.last_ended_unix_ns),
    })
}

fn write_step<'a>(index: u32, step: &'a StepFigures, files: &mut Texts<'a>) -> wire::StepFigures {
    let (file, line, column) = match &step.location {
        Some(location) => (files.index(&location.file) + 1, location.line, location.column),
        None => (0, 0, 0),
    };
    let times = |times: &Option<Box<Times>>| times.as_deref().map(write_times);
    let failures =
        |(kind, count): (&_, &i64)| wire::Failures { kind: write_failure_kind(*kind), count: *count };
    wire::StepFigures {
        index,
        kind: step.kind.map_or(0, write_kind),
        file,
        line,
        column,
        success: times(&step.success),
        failure: times(&step.failure),
        error: times(&step.error),
        timeout: times(&step.timeout),
        cancelled: step.cancelled,
        minions: step.minions,
        failed_minions: step.failed_minions,
        first_failure_unix_ns: write_time(step.first_failure),
        last_failure_unix_ns: write_time(step.last_failure),
        failures: step.kinds.iter().map(failures).collect(),
        latency: step.latency.as_deref().map(histogram::write),
        late: step.late.as_deref().map(histogram::write),
        in_gap: step.in_gap,
        flaky: step.flaky,
        flaky_cause: step.flaky_cause.clone(),
        tolerance: step.tolerance.map(write_tolerance),
    }
}

fn read_step(step: wire::StepFigures, files: &[String]) -> Result<StepFigures, Malformed> {
    let location = match step.file.checked_sub(1) {
        Some(index) => {
            let file = read_text(files, index, "file")?.clone();
            Some(SourceLocation { file, line: step.line, column: step.column })
        }
        None => None,
    };
    let mut kinds = BTreeMap::new();
    for failures in step.failures {
        let kind = read_required_kind(failures.kind)?;
        insert(&mut kinds, kind, failures.count, kind)?;
    }
    let times = |times: Option<wire::Times>, what: &'static str| {
        times.map(|times| read_times(&times)).transpose().map_err(|error| error.within(what))
    };
    let histogram = |histogram: Option<wire::Histogram>, what: &'static str| {
        let read = histogram.map(|histogram| histogram::read(&histogram).map(Box::new));
        read.transpose().map_err(|error| error.within(what))
    };
    Ok(StepFigures {
        kind: read_kind(step.kind)?,
        location,
        success: times(step.success, "success")?,
        failure: times(step.failure, "failure")?,
        error: times(step.error, "error")?,
        timeout: times(step.timeout, "timeout")?,
        cancelled: step.cancelled,
        minions: step.minions,
        failed_minions: step.failed_minions,
        first_failure: read_time(step.first_failure_unix_ns),
        last_failure: read_time(step.last_failure_unix_ns),
        kinds,
        latency: histogram(step.latency, "latency")?,
        late: histogram(step.late, "late")?,
        in_gap: step.in_gap,
        flaky: step.flaky,
        flaky_cause: step.flaky_cause,
        tolerance: step.tolerance.map(read_tolerance).transpose()?,
    })
}

fn write_times(times: &Times) -> wire::Times {
    // Where executions start when they should, both are the same: half of most snapshots.
    let differ = times.response != times.service;
    wire::Times {
        service: histogram::write_used(&times.service),
        response: differ.then(|| histogram::write(&times.response)),
    }
}

fn read_times(times: &wire::Times) -> Result<Box<Times>, Malformed> {
    let service =
        histogram::read_used(times.service.as_ref()).map_err(|error| error.within("service time"))?;
    let response = match &times.response {
        None => service.clone(),
        Some(response) => histogram::read(response).map_err(|error| error.within("response time"))?,
    };
    Ok(Box::new(Times { service, response }))
}

fn write_tolerance(tolerance: Tolerance) -> wire::Tolerance {
    use wire::tolerance::Tolerance as Wire;
    let tolerance = match tolerance {
        Tolerance::Count(count) => Wire::Count(count),
        Tolerance::Share(share) => Wire::Share(share),
    };
    wire::Tolerance { tolerance: Some(tolerance) }
}

fn read_tolerance(tolerance: wire::Tolerance) -> Result<Tolerance, Malformed> {
    use wire::tolerance::Tolerance as Wire;
    Ok(match required(tolerance.tolerance, "tolerance")? {
        Wire::Count(count) => Tolerance::Count(count),
        Wire::Share(share) => Tolerance::Share(share),
    })
}
