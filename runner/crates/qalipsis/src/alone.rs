//! `run`: scenarios alone in this process, for debugging.

use crate::command::Run;
use crate::describe::describe;
use qalipsis_core::scenario::Scenario;
use qalipsis_engine::{Event, prepare};
use qalipsis_model::aggregate::Aggregate;
use qalipsis_model::environment::Environment;
use qalipsis_model::judge::{Case, Described, Ending, breach, judge};
use qalipsis_model::plan::{CampaignPlan, FactoryPlan, Limits, PropertyValues, ScenarioPlan, Stop};
use qalipsis_model::report::{FactoryReport, Report};
use qalipsis_model::segment::Segment;
use qalipsis_model::suggest;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::exit;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::SystemTime;

pub(crate) async fn run(scenarios: &[Scenario], options: &Run) -> u8 {
    let campaign = match plan(scenarios, options) {
        Ok(campaign) => campaign,
        Err(problem) => {
            eprintln!("error: {problem}");
            return exit::USAGE;
        }
    };
    let report = campaign_of(scenarios, campaign).await;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = qalipsis_report::console::Style { color, unicode: true, width: 100 };
    print!("{}", qalipsis_report::console::render(&report, style));
    report.status.exit_code(false)
}

fn plan(scenarios: &[Scenario], options: &Run) -> Result<CampaignPlan, String> {
    let names = || scenarios.iter().map(|s| s.describe().name.as_str());
    if let Some(unknown) = options.scenarios.iter().find(|wanted| !names().any(|n| n == wanted.as_str())) {
        return Err(format!("no scenario is named '{unknown}', {}", suggest::hint(unknown, names())));
    }
    let mut properties = BTreeMap::new();
    for property in &options.properties {
        let (name, value) =
            property.split_once('=').ok_or_else(|| format!("property '{property}' is not NAME=VALUE"))?;
        properties.insert(name.to_owned(), value.to_owned());
    }
    let chosen = scenarios
        .iter()
        .map(Scenario::describe)
        .filter(|s| options.scenarios.is_empty() || options.scenarios.contains(&s.name));
    let scenarios = chosen
        .map(|scenario| {
            let minions = options.minions.unwrap_or(scenario.minions);
            match scenario.profile.problem(minions) {
                Some(problem) => Err(format!("scenario '{}': {problem}", scenario.name)),
                None => Ok(ScenarioPlan {
                    name: scenario.name.clone(),
                    minions,
                    overload: None,
                    profile: scenario.profile.clone(),
                    properties: PropertyValues(properties.clone()),
                    criteria: scenario.criteria.clone(),
                }),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CampaignPlan {
        key: format!("alone-{}", std::process::id()),
        name: "run".to_owned(),
        seed: options.seed,
        scenarios,
        limits: Limits::default(),
        events: None,
    })
}

async fn campaign_of(scenarios: &[Scenario], campaign: CampaignPlan) -> Report {
    let description = describe(scenarios);
    let described: Vec<Described> = description
        .scenarios
        .into_iter()
        .map(|scenario| Described { crate_name: description.crate_name.clone(), scenario })
        .collect();
    let plan = FactoryPlan {
        campaign: campaign.clone(),
        factory: "alone".to_owned(),
        zone: None,
        segment: Segment::WHOLE,
        workers: None,
        replay: None,
    };
    let now = || Timestamp::from_system(SystemTime::now());
    let mut started = now();
    let mut aggregate = Aggregate::of(&campaign, &described);
    let ending = match prepare(scenarios, plan).await {
        Err(causes) => Ending::NotReady(causes),
        Ok(factory) => {
            started = now();
            aggregate.start(started);
            let (handle, mut events) = factory.run(started);
            let mut ending = Ending::Completed;
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Some(Event::Snapshot(snapshot)) => {
                            aggregate.merge("alone", None, &snapshot);
                            if ending == Ending::Completed
                                && let Some(breach) = breach(&campaign, &described, &aggregate)
                            {
                                ending = Ending::Breached(Box::new(breach));
                                handle.stop(Stop::Graceful);
                            }
                        }
                        Some(Event::Evidence(evidence)) => aggregate.keep("alone", *evidence),
                        // Only a head asks for a replay, or for events.
                        Some(Event::Trace(_) | Event::Events(_)) => {}
                        Some(Event::Stuck(who)) => {
                            ending = Ending::Lost(who);
                            break;
                        }
                        Some(Event::Ended) | None => break,
                    },
                    Ok(()) = tokio::signal::ctrl_c() => {
                        let again = ending == Ending::Interrupted;
                        ending = Ending::Interrupted;
                        handle.stop(if again { Stop::Hard } else { Stop::Graceful });
                    }
                }
            }
            ending
        }
    };
    judge(Case {
        plan: &campaign,
        described: &described,
        aggregate: &aggregate,
        ending: &ending,
        started,
        ended: now(),
        factories: vec![FactoryReport::new("alone", None, None)],
        git_revision: None,
        environment: Environment::default(),
    })
}
