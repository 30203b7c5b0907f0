//! The merged state of a campaign: all factories' differences added up.

use crate::described::Described;
use crate::report::TimelineReport;
use crate::slice_figures::{SliceFigures, Span};
use crate::timeline::Timeline;
use crate::zone::{ZoneFigures, ZoneReport};
use qalipsis_model::blocked::Blocked;
use qalipsis_model::control::{Controls, Marker};
use qalipsis_model::criterion::Criterion;
use qalipsis_model::description::ScenarioDescription;
use qalipsis_model::event::EventCounts;
use qalipsis_model::evidence::{Evidence, FailureKind};
use qalipsis_model::failure::UnlistedFailures;
use qalipsis_model::health::{Health, HealthTotal};
use qalipsis_model::plan::CampaignPlan;
use qalipsis_model::scope::Slice;
use qalipsis_model::snapshot::{ScenarioFigures, Snapshot, StepFigures};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_profile::profile::Profile;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Everything that the factories of one campaign have reported so far.
#[derive(Debug, Default)]
pub struct Aggregate {
    /// When the load started; before it there is no time to sort by.
    started: Option<Timestamp>,
    scenarios: BTreeMap<String, Merged>,
    /// By factory and id, so that a later version of the same failure replaces the earlier.
    evidence: BTreeMap<(String, u64), Evidence>,
    evidence_lost: u64,
    unlisted_failures: UnlistedFailures,
    /// Whether the figures of each zone are kept as well.
    zones_apart: bool,
    /// By factory.
    factories: BTreeMap<String, HealthTotal>,
    /// Of the runner itself.
    runner: HealthTotal,
    events: EventCounts,
    /// Scenario code that kept a worker thread.
    blocked: Option<Blocked>,
    controls: Controls,
}

/// Everything about one scenario.
#[derive(Debug, Default)]
struct Merged {
    figures: ScenarioFigures,
    timeline: Timeline,
    /// What all snapshots cover.
    span: Option<Span>,
    /// When something was last executed: when the last iteration ended, or while one runs, the end of the last snapshot.
    busy_until: Duration,
    /// Slices that criteria are about.
    slices: Vec<SliceFigures>,
    /// Of each zone that reported anything, when the campaign has several.
    zones: BTreeMap<String, ZoneFigures>,
}

/// The figures that a criterion is judged on.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The figures.
    pub figures: &'a ScenarioFigures,
    /// The time in which they came, idle time at the end left out.
    pub time: Duration,
}

impl Aggregate {
    /// Of a campaign of which nothing has been reported yet.
    pub fn of(plan: &CampaignPlan, described: &[Described]) -> Self {
        let mut aggregate = Self::default();
        for planned in &plan.scenarios {
            if let Some(found) = described.iter().find(|d| d.scenario.name == planned.name) {
                aggregate.watch(&found.scenario, &planned.profile, &planned.criteria);
            }
        }
        aggregate
    }

    /// Keeps apart what the criteria of a scenario ask for.
    fn watch(&mut self, scenario: &ScenarioDescription, profile: &Profile, criteria: &[Criterion]) {
        let merged = self.scenarios.entry(scenario.name.clone()).or_default();
        for criterion in criteria {
            let slice = criterion.scope.slice(profile).filter(|slice| *slice != Slice::WHOLE);
            let Some(slice) = slice else { continue };
            let index = merged.slices.iter().position(|own| own.slice == slice);
            let index = index.unwrap_or_else(|| {
                merged.slices.push(SliceFigures::new(slice));
                merged.slices.len() - 1
            });
            merged.slices[index].ask(criterion, scenario);
        }
    }

    /// Keeps the figures of each zone as well when there are several: those of a single one are the total.
    pub fn split_by_zone<'a>(&mut self, zones: impl IntoIterator<Item = &'a str>) {
        self.zones_apart = zones.into_iter().collect::<BTreeSet<_>>().len() > 1;
    }

    /// The load starts: what factories report from now on is sorted by the time since then.
    pub fn start(&mut self, at: Timestamp) {
        self.started = Some(at);
    }

    /// When the load started.
    pub fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// Adds the difference that a factory of this zone reports.
    pub fn merge(&mut self, factory: &str, zone: Option<&str>, snapshot: &Snapshot) {
        let span = self.span(snapshot);
        let middle = self.middle(snapshot);
        for (name, figures) in &snapshot.scenarios {
            let merged = self.scenarios.entry(name.clone()).or_default();
            merged.figures.merge(figures);
            if let Some(zone) = zone.filter(|_| self.zones_apart) {
                merged.zones.entry(zone.to_owned()).or_default().add(figures);
            }
            let (Some(span), Some(started)) = (span, self.started) else { continue };
            merged.timeline.add(middle, figures);
            Span::cover(&mut merged.span, span);
            if is_busy(figures) {
                let all_ended = merged.figures.released == merged.figures.ended;
                let last_ended = merged.figures.last_ended.filter(|_| all_ended);
                let until =
                    last_ended.map_or(span.until, |at| self.controls.load_time(started, at).min(span.until));
                merged.busy_until = merged.busy_until.max(until);
            }
            for own in &mut merged.slices {
                own.add(span, zone, figures);
            }
        }
        self.evidence_lost += snapshot.evidence_lost;
        self.unlisted_failures.add(snapshot.unlisted_failures);
        self.events.dropped += snapshot.events_dropped;
        if let Some(blocked) = &snapshot.blocked {
            self.blocked.get_or_insert_default().merge(blocked);
        }
        self.factories.entry(factory.to_owned()).or_default().add(&snapshot.health);
    }

    /// The runner's own wall clock moved by so many ns against the monotonic one.
    pub fn runner_clock_moved(&mut self, clock_jump_ns: i64) {
        self.runner.add(&Health { cpu: None, clock_jump_ns });
    }

    /// What a snapshot covers, pauses left out: what came in one belongs to the moment before it.
    fn span(&self, snapshot: &Snapshot) -> Option<Span> {
        let started = self.started?;
        let load_time = |at| self.controls.load_time(started, at);
        Some(Span { from: snapshot.since.map_or(Duration::ZERO, load_time), until: load_time(snapshot.at) })
    }

    /// The middle of what a snapshot covers, since the start of the load and with all pauses.
    fn middle(&self, snapshot: &Snapshot) -> Duration {
        let since = |at: Timestamp| self.started.map_or(Duration::ZERO, |started| at.since(started));
        (snapshot.since.map_or(Duration::ZERO, since) + since(snapshot.at)) / 2
    }

    /// Keeps the evidence that a factory reports; a later one with the same id replaces it.
    pub fn keep(&mut self, factory: &str, mut evidence: Evidence) {
        match self.evidence.entry((factory.to_owned(), evidence.id)) {
            // A record that came right at its deadline may be reported late before it is reported missing.
            Entry::Occupied(kept) if kept.get().kind == FailureKind::JoinLate => {}
            Entry::Occupied(mut kept) => {
                let earlier = kept.get_mut();
                // The ledger that replaces it knows the record that came since, and not what was exchanged before.
                let mut exchanges = std::mem::take(&mut earlier.exchanges);
                exchanges.extend(
                    evidence.exchanges.into_iter().filter(|one| !exchanges.contains(one)).collect::<Vec<_>>(),
                );
                evidence.exchanges = exchanges;
                evidence.exchanges_omitted += earlier.exchanges_omitted;
                if evidence.taken.is_empty() {
                    evidence.taken = std::mem::take(&mut earlier.taken);
                }
                kept.insert(evidence);
            }
            Entry::Vacant(place) => _ = place.insert(evidence),
        }
    }

    /// The figures of a scenario so far.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioFigures> {
        self.scenarios.get(name).map(|merged| &merged.figures)
    }

    /// The figures of each zone of a scenario so far, by name; empty unless several reported some.
    pub fn zones(&self, name: &str) -> Vec<ZoneReport> {
        let zones = self.scenarios.get(name).map(|merged| &merged.zones).filter(|zones| zones.len() > 1);
        let report = |(name, figures): (&String, &ZoneFigures)| ZoneReport {
            name: name.clone(),
            figures: figures.clone(),
        };
        zones.into_iter().flatten().map(report).collect()
    }

    /// The figures of a slice of a scenario so far: of all of it, or of one that a criterion is about.
    pub fn view(&self, name: &str, slice: &Slice) -> Option<View<'_>> {
        let merged = self.scenarios.get(name)?;
        let (figures, span) = if *slice == Slice::WHOLE {
            (&merged.figures, merged.span)
        } else {
            let own = merged.slices.iter().find(|own| own.slice == *slice)?;
            (&own.figures, own.span)
        };
        let time = span.map_or(Duration::ZERO, |s| s.until.min(merged.busy_until).saturating_sub(s.from));
        Some(View { figures, time })
    }

    /// How far the snapshots of a scenario reach, since the start of the load.
    pub fn reported_until(&self, name: &str) -> Option<Duration> {
        self.scenarios.get(name)?.span.map(|span| span.until)
    }

    /// What a scenario of so many steps did over time.
    pub fn timeline(&self, name: &str, steps: usize) -> TimelineReport {
        self.scenarios.get(name).map(|merged| merged.timeline.report(steps)).unwrap_or_default()
    }

    /// The kept failures of a scenario, earliest first.
    pub fn evidence(&self, scenario: &str) -> Vec<&Evidence> {
        let mut evidence: Vec<&Evidence> =
            self.evidence.values().filter(|e| e.scenario == scenario).collect();
        evidence.sort_by_key(|e| e.at);
        evidence
    }

    /// How the factories did, by name.
    pub fn factories(&self) -> impl Iterator<Item = (&str, &HealthTotal)> {
        self.factories.iter().map(|(name, health)| (name.as_str(), health))
    }

    /// How the runner did.
    pub fn runner(&self) -> &HealthTotal {
        &self.runner
    }

    /// Counts events that came, of which so many had to be dropped.
    pub fn count_events(&mut self, received: u64, dropped: u64) {
        self.events.received += received;
        self.events.dropped += dropped;
    }

    /// Scenario code that kept a worker thread, the longest time of all.
    pub fn blocked(&self) -> Option<&Blocked> {
        self.blocked.as_ref()
    }

    /// The events of the campaign so far.
    pub fn events(&self) -> EventCounts {
        self.events
    }

    /// So many failures that were to be listed had to be dropped.
    pub fn drop_listed(&mut self, dropped: u64) {
        self.unlisted_failures.dropped += dropped;
    }

    /// The failures that are not in the list of all failures.
    pub fn unlisted_failures(&self) -> UnlistedFailures {
        self.unlisted_failures
    }

    /// The load is paused at this instant, or as soon as it goes on after the last pause; gives when, unless it is paused
    /// already.
    pub fn pause(&mut self, at: Timestamp) -> Option<Timestamp> {
        self.controls.pause(at)
    }

    /// The load goes on, or is stopped, at this instant; gives the length of the pause that ends with it.
    pub fn resume(&mut self, at: Timestamp) -> Option<Duration> {
        self.controls.resume(at)
    }

    /// A user marks an instant.
    pub fn mark(&mut self, marker: Marker) {
        self.controls.mark(marker);
    }

    /// What users did to the campaign so far.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Failures counted without evidence because the connection to the head was full.
    pub fn evidence_lost(&self) -> u64 {
        self.evidence_lost
    }
}

fn is_busy(figures: &ScenarioFigures) -> bool {
    let executed = |step: &StepFigures| step.executions() > 0;
    figures.released > 0 || executed(&figures.iterations) || figures.steps.values().any(executed)
}
