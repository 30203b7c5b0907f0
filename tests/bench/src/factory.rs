//! A campaign of one factory in this process.

use anyhow::bail;
use qalipsis_core::model::plan::{
    CampaignPlan, FactoryPlan, Limits, LoadShare, PropertyValues, ScenarioPlan, Stop,
};
use qalipsis_core::model::snapshot::ScenarioFigures;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::scenario::Scenario;
use qalipsis_engine::{Event, prepare};
use qalipsis_judge::aggregate::Aggregate;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What lies between the readiness of a factory and its load, as at the head of a campaign.
const START_MARGIN: Duration = Duration::from_millis(5);

/// What is run, beyond what the scenario declares.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Values of its properties.
    pub properties: BTreeMap<String, String>,
    /// Threads that run minions; `None` for one per core.
    pub workers: Option<u32>,
}

impl Load {
    /// Runs `scenario` until it ends, or until `enough` says so of the figures so far, asked every second.
    ///
    /// # Errors
    /// When the scenario does not get ready, a step fails or a worker is blocked.
    pub async fn run(
        &self,
        scenario: Scenario,
        mut enough: impl FnMut(&ScenarioFigures) -> bool,
    ) -> anyhow::Result<ScenarioFigures> {
        let declared = scenario.describe().clone();
        let plan = FactoryPlan {
            campaign: CampaignPlan {
                key: format!("bench-{}", std::process::id()),
                name: "bench".to_owned(),
                seed: 1,
                scenarios: vec![ScenarioPlan {
                    name: declared.name.clone(),
                    minions: declared.minions,
                    overload: None,
                    profile: declared.profile,
                    properties: PropertyValues(self.properties.clone()),
                    criteria: declared.criteria.clone(),
                }],
                limits: Limits::default(),
                events: None,
            },
            factory: "bench".to_owned(),
            zone: None,
            shares: vec![LoadShare::WHOLE],
            workers: self.workers,
            replay: None,
        };
        let scenarios = [scenario];
        let factory = match prepare(&scenarios, plan).await {
            Ok(factory) => factory,
            Err(causes) => bail!("the scenario did not get ready: {causes:?}"),
        };
        let (handle, mut events) = factory.run(Timestamp::from_system(SystemTime::now() + START_MARGIN));
        let mut aggregate = Aggregate::default();
        while let Some(event) = events.recv().await {
            match event {
                Event::Snapshot(snapshot, _) => {
                    aggregate.merge("f", None, &snapshot);
                    if aggregate.scenario(&declared.name).is_some_and(&mut enough) {
                        handle.stop(Stop::Hard);
                    }
                }
                Event::Evidence(evidence) => bail!("a step failed: {}", evidence.message),
                Event::Trace(_) | Event::Events(_) | Event::Failures(_) | Event::Finished => {}
                Event::Stuck(who) => bail!("{who}"),
                Event::Ended => break,
            }
        }
        Ok(aggregate.scenario(&declared.name).cloned().unwrap_or_default())
    }
}
