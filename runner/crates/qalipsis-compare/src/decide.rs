//! From runs to what got worse.

use super::disturbance::{self, Undisturbed};
use super::location::{self, DistributionPart};
use super::noise::{self, Answer, Prior, Question, Sample};
use super::result::{Change, Comparison, Figures, ScenarioComparison, SubjectComparison, Verdict};
use super::run::{Measure, Run, ScenarioRun, Share, Subject, SubjectKind};
use super::{holm, scale};

/// The questions whose chances of a false alarm are counted together, and the share of them that each family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Bodies,
    Tails,
    Shares,
    Rates,
}

impl Family {
    const ALL: [Self; 4] = [Self::Bodies, Self::Tails, Self::Shares, Self::Rates];

    /// The probability of any false alarm in the family. Together 2 %: one campaign in fifty.
    fn level(self) -> f64 {
        match self {
            Self::Bodies => 0.012,
            Self::Tails => 0.002,
            Self::Shares => 0.004,
            Self::Rates => 0.002,
        }
    }
}

/// The smallest change that matters, as a factor, in the body of a distribution and in a rate.
const MATTERS: f64 = 1.10;
/// The same in the tail, which few users see.
const MATTERS_IN_TAIL: f64 = 1.25;
/// The same of durations, when the machine was busy with something else during most of the run: what is left of
/// it is disturbed too, but a system that takes twice as long is not to be missed.
const MATTERS_WHEN_BUSY: f64 = 2.0;
/// However busy the machine was, what takes this many times as long is worse.
const ALLOWED_FACTOR: f64 = 5.0;
/// The smallest change of a duration that matters, in nanoseconds: less is the scheduler's.
const MATTERS_NS: f64 = 500_000.0;
/// The smallest change of a share that matters.
const MATTERS_SHARE: f64 = 0.001;

/// One question: did this figure of this step get worse?
struct Asked {
    scenario: usize,
    subject: usize,
    family: Family,
    measure: Measure,
    part: Option<DistributionPart>,
    /// By how much a duration may rise for the machine alone.
    noise_allowance_ns: f64,
    /// Whether the machine was busy with something else during most of the run.
    busy: bool,
    /// Whether it was busier than in the earlier runs.
    busier: bool,
    question: Question,
}

/// Compares a run with earlier ones of the same load.
///
/// Only scenarios that earlier runs have are compared; those that they ran with another load, or not at all,
/// are listed in the notes. The same runs always give the same result.
pub fn compare(baselines: &[Run], current: &Run) -> Comparison {
    let mut comparison = Comparison {
        baselines: Vec::new(),
        current: current.label.clone(),
        scenarios: Vec::new(),
        notes: Vec::new(),
        noise: 1.0,
    };
    let mut asked = Vec::new();
    for scenario in &current.scenarios {
        let having: Vec<(&Run, &ScenarioRun)> =
            baselines.iter().filter_map(|run| Some((run, run.scenario(&scenario.name)?))).collect();
        if having.is_empty() {
            comparison.notes.push(format!("scenario {} is new: no baseline has it", scenario.name));
            continue;
        }
        let (same, other): (Vec<_>, Vec<_>) = having.iter().partition(|(_, s)| s.load == scenario.load);
        for (run, theirs) in other {
            comparison.notes.push(format!(
                "scenario {} is not compared with {}: it had {} there, and has {} now",
                scenario.name, run.label, theirs.load, scenario.load
            ));
        }
        if same.is_empty() {
            continue;
        }
        for (run, _) in &same {
            if !comparison.baselines.contains(&run.label) {
                comparison.baselines.push(run.label.clone());
            }
        }
        let before: Vec<&ScenarioRun> = same.iter().map(|(_, s)| *s).collect();
        let index = comparison.scenarios.len();
        comparison.scenarios.push(prepare(index, &before, scenario, &mut asked));
    }
    let mut gone: Vec<&str> =
        baselines.iter().flat_map(|run| run.scenarios.iter().map(|s| &*s.name)).collect();
    gone.retain(|name| current.scenario(name).is_none());
    gone.sort_unstable();
    gone.dedup();
    comparison.notes.extend(gone.iter().map(|name| format!("scenario {name} did not run this time")));
    answer(asked, &mut comparison);
    comparison
}

/// Why a run of these loads, by scenario, could not be compared with the baselines; `None` when it can be.
pub fn mismatch(baselines: &[Run], loads: &[(&str, &str)]) -> Option<String> {
    let mut known = false;
    for (name, load) in loads {
        let theirs: Vec<(&Run, &ScenarioRun)> =
            baselines.iter().filter_map(|run| Some((run, run.scenario(name)?))).collect();
        known |= !theirs.is_empty();
        if let Some((run, other)) = theirs.first()
            && theirs.iter().all(|(_, s)| s.load != *load)
        {
            return Some(format!(
                "scenario {name} cannot be compared with {}: it had {} there, and has {load} now; run the same \
                 load, or record a new baseline with --save-baseline",
                run.label, other.load
            ));
        }
    }
    let names: Vec<&str> = loads.iter().map(|(name, _)| *name).collect();
    (!known).then(|| format!("nothing to compare: no baseline has scenario {}", names.join(" or ")))
}

impl Run {
    /// A scenario by its name.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioRun> {
        self.scenarios.iter().find(|s| s.name == name)
    }
}

impl ScenarioRun {
    fn subject(&self, kind: SubjectKind, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|s| s.kind == kind && s.name == name)
    }
}

fn prepare(
    index: usize,
    before: &[&ScenarioRun],
    now: &ScenarioRun,
    asked: &mut Vec<Asked>,
) -> ScenarioComparison {
    let mut comparison = ScenarioComparison {
        name: now.name.clone(),
        baselines: before.len(),
        subjects: Vec::new(),
        notes: Vec::new(),
    };
    let undisturbed = disturbance::undisturbed(before, now);
    comparison.notes.extend(undisturbed.notes());
    for subject in &now.subjects {
        // A run in which the subject exists but has no executions says nothing about it.
        let theirs: Vec<Earlier<'_>> = before
            .iter()
            .zip(&undisturbed.usable)
            .filter_map(|(run, usable)| {
                let subject = run.subject(subject.kind, &subject.name)?;
                (subject.count > 0).then_some(Earlier { run, subject, usable: *usable })
            })
            .collect();
        let known = before.iter().any(|run| run.subject(subject.kind, &subject.name).is_some());
        let what = subject.kind.noun();
        match (theirs.is_empty(), subject.count) {
            (true, _) if !known => {
                comparison.notes.push(format!("{what} {} is new: no baseline has it", subject.name));
                continue;
            }
            (true, _) => continue,
            (false, 0) => {
                let happened = subject.kind.happened();
                comparison.notes.push(format!("{what} {} {happened} before and not now", subject.name));
                continue;
            }
            (false, _) => {}
        }
        let place = (index, comparison.subjects.len());
        ask(place, &theirs, now, subject, &undisturbed, asked);
        comparison.subjects.push(SubjectComparison {
            kind: subject.kind,
            name: subject.name.clone(),
            before: theirs.iter().fold(Figures::default(), |sum, e| sum.plus(e.run, e.subject)),
            after: Figures::default().plus(now, subject),
            changes: Vec::new(),
        });
    }
    let mut gone: Vec<(SubjectKind, &str)> =
        before.iter().flat_map(|run| run.subjects.iter().map(|s| (s.kind, &*s.name))).collect();
    gone.retain(|(kind, name)| now.subject(*kind, name).is_none());
    gone.sort_unstable();
    gone.dedup();
    comparison.notes.extend(
        gone.iter().map(|(kind, name)| format!("{} {name} is gone: only baselines have it", kind.noun())),
    );
    comparison
}

impl Figures {
    fn plus(mut self, run: &ScenarioRun, subject: &Subject) -> Self {
        self.count += subject.count;
        self.duration += run.duration;
        for (measure, times) in &subject.times {
            match self.times.iter_mut().find(|(m, _)| m == measure) {
                Some((_, sum)) => sum.merge(times),
                None => self.times.push((*measure, times.clone())),
            }
        }
        for (measure, share) in &subject.shares {
            match self.shares.iter_mut().find(|(m, _)| m == measure) {
                Some((_, sum)) => *sum = sum.plus(*share),
                None => self.shares.push((*measure, *share)),
            }
        }
        self
    }
}

/// A step or source in an earlier run.
struct Earlier<'a> {
    run: &'a ScenarioRun,
    subject: &'a Subject,
    /// Whether its durations can be used.
    usable: bool,
}

fn ask(
    (scenario, subject_index): (usize, usize),
    theirs: &[Earlier<'_>],
    now: &ScenarioRun,
    subject: &Subject,
    undisturbed: &Undisturbed,
    asked: &mut Vec<Asked>,
) {
    let mut add = |family, measure, part, prior: Prior, before: Vec<Sample>, after: Option<Sample>| {
        if let (false, Some(after)) = (before.is_empty(), after) {
            let question = Question { before, after, prior };
            let (noise_allowance_ns, busy) =
                (undisturbed.noise_allowance_ns, undisturbed.trimmed_share >= disturbance::MOST);
            asked.push(Asked {
                scenario,
                subject: subject_index,
                family,
                measure,
                part,
                noise_allowance_ns,
                busy,
                busier: undisturbed.busier,
                question,
            });
        }
    };
    for (measure, times) in &subject.times {
        for (family, part) in
            [(Family::Bodies, DistributionPart::Body), (Family::Tails, DistributionPart::Tail)]
        {
            let before: Vec<Sample> = theirs
                .iter()
                .filter(|earlier| earlier.usable)
                .flat_map(|earlier| earlier.subject.times.iter().filter(|(m, _)| m == measure))
                .filter_map(|(_, times)| location::of(times, part, undisturbed.trimmed_share))
                .collect();
            let after = location::of(times, part, undisturbed.trimmed_share);
            // What takes less than matters, before and now, cannot have become slower by as much.
            let longest = before.iter().chain(&after).map(|s| s.value.exp()).fold(0.0, f64::max);
            if longest > MATTERS_NS && before.len() >= part.fewest_baselines() {
                add(family, *measure, Some(part), scale::times(*measure, part), before, after);
            }
        }
    }
    for (measure, share) in &subject.shares {
        let earlier: Vec<Share> = theirs
            .iter()
            .flat_map(|earlier| &earlier.subject.shares)
            .filter(|(m, _)| m == measure)
            .map(|(_, s)| *s)
            .collect();
        // A question whose answer is known does not count among the questions (Tarone 1990).
        if earlier.iter().any(|s| s.hits > 0) || share.hits > 0 {
            let before = earlier.into_iter().filter_map(scale::share).collect();
            add(Family::Shares, *measure, None, scale::SHARE, before, scale::share(*share));
        }
    }
    let before =
        theirs.iter().filter_map(|e| scale::rate(e.subject.count, e.run.duration.as_secs_f64())).collect();
    let after = scale::rate(subject.count, now.duration.as_secs_f64());
    add(Family::Rates, Measure::Throughput, None, scale::RATE, before, after);
}

fn answer(asked: Vec<Asked>, comparison: &mut Comparison) {
    for family in Family::ALL {
        let asked: Vec<&Asked> = asked.iter().filter(|a| a.family == family).collect();
        if asked.is_empty() {
            continue;
        }
        let noise = noise::scale(asked.iter().map(|a| &a.question));
        comparison.noise = comparison.noise.max(noise.sqrt());
        // Higher is worse, but for rates.
        let answers: Vec<Answer> = asked
            .iter()
            .map(|a| a.question.answer(noise))
            .map(|a| if family == Family::Rates { a.reversed() } else { a })
            .collect();
        let chances = |answers: &[Answer]| {
            holm::adjusted(&answers.iter().map(|a| a.chance_of_more()).collect::<Vec<_>>())
        };
        let worse = chances(&answers);
        let better = chances(&answers.iter().map(|a| a.reversed()).collect::<Vec<_>>());
        let level = family.level();
        for (i, asked) in asked.iter().enumerate() {
            let (before, after) = (asked.shown(asked.mean()), asked.shown(asked.question.after.value));
            let (worst, best) = asked.extremes();
            let verdict = if worse[i] <= level && asked.matters(before, after) && asked.matters(worst, after)
            {
                Verdict::Regression
            } else if better[i] <= level && asked.matters(before, after) && asked.matters(best, after) {
                Verdict::Improvement
            } else {
                Verdict::Unchanged
            };
            let subject = &comparison.scenarios[asked.scenario].subjects[asked.subject];
            let unclear = verdict == Verdict::Regression && asked.may_be_the_machine(&subject.changes);
            if unclear {
                let note = format!(
                    "{} {}: the slowest tenth takes {:.2} times as long, the rest of it does not: this may be \
                     the machine, which was busier with something else than in the baselines, as the lag \
                     of the load generator shows; repeat the run on a quiet machine",
                    subject.kind.noun(),
                    subject.name,
                    after / before.max(f64::MIN_POSITIVE),
                );
                let notes = &mut comparison.scenarios[asked.scenario].notes;
                // Response and service time say the same of it.
                let start = note.split(" takes ").next().unwrap_or_default().to_owned();
                if !notes.iter().any(|other| other.starts_with(&start)) {
                    notes.push(note);
                }
            }
            let verdict = if unclear { Verdict::Unchanged } else { verdict };
            let stands_out = answers[i].noticed_from(level / answers.len() as f64);
            let change = Change {
                measure: asked.measure,
                part: asked.part,
                before,
                after,
                noticed_from: asked.noticed_from(before, stands_out),
                chance: worse[i].min(better[i]),
                verdict,
            };
            comparison.scenarios[asked.scenario].subjects[asked.subject].changes.push(change);
        }
    }
}

impl Asked {
    fn mean(&self) -> f64 {
        self.question.before.iter().map(|s| s.value).sum::<f64>() / self.question.before.len() as f64
    }

    /// A figure as people know it, from the scale it is judged on.
    fn shown(&self, value: f64) -> f64 {
        match self.family {
            Family::Bodies | Family::Tails | Family::Rates => value.exp(),
            // Back from an angle, without what keeps the angle of none from being zero.
            Family::Shares => {
                let trials = self.question.after.count as f64;
                let share = value.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2);
                ((share * (trials + 0.75) - 0.375) / trials.max(1.0)).clamp(0.0, 1.0)
            }
        }
    }

    /// What the change is compared with besides the mean: the highest and the lowest of the earlier runs for a
    /// tail, which is no normal distribution, and the mean once more for what is about one.
    fn extremes(&self) -> (f64, f64) {
        if self.part != Some(DistributionPart::Tail) {
            let mean = self.shown(self.mean());
            return (mean, mean);
        }
        let values = || self.question.before.iter().map(|s| self.shown(s.value));
        (values().fold(0.0, f64::max), values().fold(f64::INFINITY, f64::min))
    }

    /// Whether what got worse may only have waited for a machine that was busier than before: its slowest executions
    /// alone did, of which the machine is known to make more.
    fn may_be_the_machine(&self, others: &[Change]) -> bool {
        let body = |change: &Change| {
            change.part == Some(DistributionPart::Body) && change.verdict == Verdict::Regression
        };
        self.busier && self.part == Some(DistributionPart::Tail) && !others.iter().any(body)
    }

    /// Whether the change is large enough to matter, whichever way it goes.
    fn matters(&self, before: f64, after: f64) -> bool {
        let (low, high) = if before < after { (before, after) } else { (after, before) };
        // Without the last digits, so that exactly as much counts.
        let factor = (high / low.max(f64::MIN_POSITIVE)) * (1.0 + 1e-9);
        match self.family {
            Family::Bodies | Family::Tails => {
                // What is faster on a slower machine is faster.
                let allowed = if before < after { self.allowed_ns(before) } else { 0.0 };
                factor >= self.least_factor() && high - low >= MATTERS_NS + allowed
            }
            Family::Rates => factor >= MATTERS,
            Family::Shares => factor >= MATTERS && high - low >= MATTERS_SHARE,
        }
    }

    fn allowed_ns(&self, before: f64) -> f64 {
        self.noise_allowance_ns.min(before * (ALLOWED_FACTOR - 1.0))
    }

    fn least_factor(&self) -> f64 {
        match self.part {
            _ if self.busy => MATTERS_WHEN_BUSY,
            Some(DistributionPart::Tail) => MATTERS_IN_TAIL,
            _ => MATTERS,
        }
    }

    /// The least bad figure that would have been a regression.
    fn noticed_from(&self, before: f64, stands_out: f64) -> f64 {
        match self.family {
            Family::Bodies | Family::Tails => (before * stands_out.exp())
                .max(before * self.least_factor())
                .max(before + MATTERS_NS + self.allowed_ns(before)),
            Family::Rates => (before * (-stands_out).exp()).min(before / MATTERS),
            Family::Shares => self
                .shown(self.mean() + stands_out)
                .max(before * MATTERS)
                .max(before + MATTERS_SHARE)
                .min(1.0),
        }
    }
}
