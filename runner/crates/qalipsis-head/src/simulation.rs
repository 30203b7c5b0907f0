//! Campaigns with everything that can go wrong, from a seed: a simulated head, its agents and the network between them,
//! in simulated time.
//!
//! The head is the real fold, and the agents number and keep their reports as real ones do. The same seed gives the same
//! campaign, message by message. `cargo xtask simulate` runs as many seeds as there is time for.

mod agent;
mod course;
mod faults;
mod invariants;
mod network;

use crate::driver::TICK;
use crate::effect::Effect;
use crate::event::{CampaignEvent, Phase};
use crate::fixture::{START, campaign, plan, scenario, secs};
use crate::input::Input;
use crate::now::Now;
use crate::state::State;
use agent::Agent;
use course::Course;
use faults::Faults;
use network::{Network, Occurrence};
use qalipsis_cluster::FactoryId;
use qalipsis_judge::report::Report;
use qalipsis_model::plan::{Limits, ScenarioPlan};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A campaign that takes longer in simulated time never ends.
const ENDLESS: Duration = secs(600);

/// What came of a simulated campaign.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) took: Duration,
    pub(crate) agents: Vec<Agent>,
    /// The number of reports of each factory that the head has acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// How often each event of a scenario was written, by its number.
    pub(crate) written: BTreeMap<u32, u32>,
    /// The digits of all seconds that were published, by scenario.
    pub(crate) seconds: BTreeMap<String, u64>,
    /// When all factories were stopped for good.
    pub(crate) cancelled: Option<Duration>,
}

/// Runs the campaign of a seed; a campaign without end is an error. What happens goes to `log`.
pub(crate) fn run(faults: &Faults, mut log: impl FnMut(Duration, &dyn Debug)) -> Result<Outcome, String> {
    let names: Vec<String> = (0..faults.factories.len()).map(|index| format!("factory-{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut plan = plan(Limits { campaign: faults.timeout, ..Limits::default() });
    // One of each factory, so that the report shows what came of which.
    let of_factory =
        |(name, course): (&&str, &Course)| ScenarioPlan { minions: course.seconds, ..scenario(name) };
    plan.scenarios = names.iter().zip(&faults.factories).map(of_factory).collect();
    let now = |time: Duration| {
        let jumped = faults.clock_jump.filter(|(at, _)| *at <= time).map_or(Duration::ZERO, |(_, by)| by);
        Now { monotonic: secs(100) + time, wall: START.plus(time + jumped), reading: Duration::ZERO }
    };
    let mut state = State::new(campaign(plan, &names), now(Duration::ZERO));
    let mut agents: Vec<Agent> =
        (0..).zip(&faults.factories).map(|(id, course)| Agent::new(id, course)).collect();
    let mut network = Network::new(faults.network);
    let mut seen = Seen { acknowledged: vec![0; agents.len()], ..Seen::default() };
    network.at(Duration::ZERO, Occurrence::Tick);
    for index in 0..agents.len() {
        network.at(Duration::ZERO, Occurrence::Step(index));
    }
    for (at, control) in &faults.controls {
        network.at(*at, Occurrence::Control(control.clone()));
    }
    for (at, stop) in &faults.stops {
        network.at(*at, Occurrence::StopRequested(*stop));
    }
    while let Some((time, occurrence)) = network.next() {
        if time > ENDLESS {
            return Err(format!("there is no verdict after {ENDLESS:?}"));
        }
        let resumes = faults.head_pause.map(|(at, lasts)| (at, at + lasts));
        let is_for_head = !matches!(occurrence, Occurrence::Step(_) | Occurrence::Directive(..));
        if is_for_head
            && let Some((pauses, resumes)) = resumes
            && (pauses..resumes).contains(&time)
        {
            network.at(resumes, occurrence);
            continue;
        }
        if !matches!(occurrence, Occurrence::Tick | Occurrence::Step(_)) {
            log(time, &occurrence);
        }
        let input = match occurrence {
            Occurrence::Step(index) => {
                agents[index].step(time, &mut network);
                if !agents[index].is_gone() {
                    network.at(time + TICK, Occurrence::Step(index));
                }
                continue;
            }
            Occurrence::Directive(index, message) => {
                agents[index].receive(time, message, &mut network);
                continue;
            }
            Occurrence::Tick => {
                network.at(time + TICK, Occurrence::Tick);
                Input::Tick
            }
            Occurrence::Arrival(id, arrival) => (id, arrival).into(),
            Occurrence::StopRequested(stop) => Input::StopRequested(stop),
            Occurrence::Control(control) => Input::Control(control),
        };
        for effect in state.apply(input, now(time)) {
            if !matches!(&effect, Effect::Send(_, message) if !message.message.is_directive()) {
                log(time, &effect);
            }
            seen.take(time, effect, &mut network);
        }
        if state.is_over() {
            let Seen { acknowledged, written, seconds, cancelled } = seen;
            let report = state.report(now(time));
            return Ok(Outcome { report, took: time, agents, acknowledged, written, seconds, cancelled });
        }
    }
    Err("nothing happens any more, and there is no verdict".to_owned())
}

/// What the head did.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: Vec<u64>,
    written: BTreeMap<u32, u32>,
    seconds: BTreeMap<String, u64>,
    cancelled: Option<Duration>,
}

impl Seen {
    fn take(&mut self, time: Duration, effect: Effect, network: &mut Network) {
        match effect {
            Effect::Send(FactoryId(id), message) => {
                if let qalipsis_cluster::ToFactory::Acknowledge(next) = message.message {
                    let acknowledged = &mut self.acknowledged[id as usize];
                    *acknowledged = next.max(*acknowledged);
                }
                network.send_directive(time, id as usize, &message);
            }
            Effect::WriteEvents(_, events) => {
                for event in events {
                    *self.written.entry(event.minion).or_default() += 1;
                }
            }
            Effect::Publish(CampaignEvent::Second(second)) => {
                for (part, figures) in second.figures {
                    *self.seconds.entry(part.scenario).or_default() += figures.iterations.cancelled;
                }
            }
            Effect::Publish(CampaignEvent::Phase(Phase::Cancelling)) => self.cancelled = Some(time),
            Effect::Answer(_) | Effect::Publish(_) | Effect::ListFailures(..) | Effect::Trace(_) => {}
        }
    }
}

/// Runs these seeds, and panics at the first that breaks an invariant.
fn check(seeds: Range<u64>, mut log: impl FnMut(Duration, &dyn Debug)) {
    for seed in seeds {
        let faults = Faults::of_seed(seed);
        let broken = match run(&faults, &mut log) {
            Ok(outcome) => invariants::broken(&faults, &outcome),
            Err(endless) => vec![endless],
        };
        assert!(
            broken.is_empty(),
            "seed {seed}: {}\n{faults:#?}\nshow it again: cargo xtask simulate --seed {seed}",
            broken.join("\n")
        );
    }
}

/// Runs so many seeds, on all cores.
fn check_all(seeds: u64) {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let begin = |thread: u64| seeds * thread / threads;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || check(begin(thread)..begin(thread + 1), |_, _| {}));
        }
    });
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{name}={value}: {error}")))
}

/// Two thousand seeds; as many others, or the only one, as `cargo xtask simulate` says.
#[test]
fn seeds_keep_the_invariants() {
    if let Some(seed) = variable("QALIPSIS_TEST_SEED") {
        return check(seed..seed + 1, |time, what| println!("{time:>9.3?} {what:?}"));
    }
    let seeds = variable("QALIPSIS_TEST_SEEDS").unwrap_or(2_000);
    let began = Instant::now();
    check_all(seeds);
    println!("{seeds} seeds keep the invariants, in {:.1?}", began.elapsed());
}

#[test]
fn same_seed_gives_the_same_campaign() {
    let log = |seed| {
        let mut lines = Vec::new();
        let outcome = run(&Faults::of_seed(seed), |time, what| lines.push(format!("{time:?} {what:?}")));
        format!("{lines:#?}\n{outcome:#?}")
    };
    for seed in 0..20 {
        assert_eq!(log(seed), log(seed));
    }
    assert_ne!(log(0), log(1));
}

/// Each fault is there often, and so is each end: a simulation in which all is lost or nothing happens proves little.
#[test]
fn seeds_differ_in_what_goes_wrong_and_in_how_they_end() {
    let outcomes: Vec<(Faults, Outcome)> = (0..400)
        .map(|seed| {
            let faults = Faults::of_seed(seed);
            let outcome = run(&faults, |_, _| {}).unwrap();
            (faults, outcome)
        })
        .collect();
    let count = |is: &dyn Fn(&Faults, &Outcome) -> bool| {
        outcomes.iter().filter(|(faults, outcome)| is(faults, outcome)).count()
    };
    let least = [
        ("head paused", count(&|faults, _| faults.head_pause.is_some())),
        ("messages lost", count(&|faults, _| faults.network.lost > 0.0)),
        ("load paused", count(&|_, outcome| !outcome.report.controls.pauses.is_empty())),
        ("marked", count(&|_, outcome| !outcome.report.controls.markers.is_empty())),
        ("user stops", count(&|faults, _| !faults.stops.is_empty())),
        ("all sound", count(&|faults, _| faults.are_factories_sound())),
        ("all figures", count(&|_, outcome| outcome.agents.iter().all(|agent| !agent.made().is_empty()))),
        ("factory lost", count(&|_, outcome| outcome.report.factories.iter().any(|f| f.lost.is_some()))),
        ("aborted", count(&|_, outcome| outcome.report.status == qalipsis_model::verdict::Status::Aborted)),
        ("green", count(&|_, outcome| outcome.report.reasons.is_empty())),
    ];
    for (what, count) in least {
        assert!(count >= 40, "{what}: {count} of 400");
    }
}
