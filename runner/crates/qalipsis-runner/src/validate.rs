//! `qalipsis validate`: all that a run would reject, and what it would do.

use crate::campaign::{self, Campaign};
use crate::cli::Invocation;
use crate::error::Error;
use crate::live::Live;
use crate::output;
use crate::problem::one_line;
use crate::run::{Follow, Led, lead};
use crate::stops::Stops;
use qalipsis_model::description::PropertyDescription;
use qalipsis_model::duration::human;
use qalipsis_model::plan::ScenarioPlan;
use qalipsis_model::verdict::{Status, exit};
use qalipsis_profile::overload::Overload;
use std::fmt::Write;

/// Shows what would run, or all that keeps it from running.
///
/// # Errors
/// All that a run would reject.
pub async fn validate(invocation: &Invocation, connect: bool, mut stops: Stops) -> Result<u8, Error> {
    let campaign = stops.unless_asked(campaign::check(invocation)).await?;
    let mut shown = summary(&campaign);
    // Nobody may read it.
    let watching = stops.asked().end_process(Error::Stopped.exit_code());
    if !connect {
        shown.push_str("valid\n");
        output::print(&shown)?;
        return Ok(exit::OK);
    }
    output::print(&shown)?;
    drop(watching);
    let Led { report, watching: _watching, .. } = opened(invocation, campaign, stops).await?;
    if report.status != Status::Aborted {
        output::print("valid, and every world could be opened\n")?;
        return Ok(exit::OK);
    }
    for reason in &report.reasons {
        let message = match &reason.scenario {
            Some(scenario) => format!("scenario '{scenario}': {}", reason.message),
            None => reason.message.clone(),
        };
        output::error(&one_line(&message), invocation.color);
    }
    Ok(report.exit_code(false))
}

/// Opens every world, positions the sources, and closes all again; without load, events and files.
async fn opened(invocation: &Invocation, mut campaign: Campaign, stops: Stops) -> Result<Led, Error> {
    campaign.connect = true;
    campaign.plan.events = None;
    campaign.plan.limits.failures = 0;
    let live = Live::new(invocation.verbosity);
    lead(invocation, &campaign, stops.into_parts(), &live, Follow::Campaign).await
}

fn summary(campaign: &Campaign) -> String {
    let mut out = String::new();
    let seed = match campaign.settings.seed {
        Some(seed) => format!("seed {seed}"),
        None => "random seed".to_owned(),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "campaign {}, {seed}", one_line(&campaign.plan.name));
    for scenario in &campaign.plan.scenarios {
        let _ = writeln!(
            out,
            "  {}: {} {}, {}{}",
            one_line(&scenario.name),
            scenario.minions,
            if scenario.minions == 1 { "minion" } else { "minions" },
            scenario.profile,
            overload(scenario)
        );
        out.push_str(&qalipsis_chart::load(&scenario.profile, scenario.minions, "    "));
        for criterion in &scenario.criteria {
            let abort = criterion
                .abort_after
                .map_or_else(String::new, |after| format!(", stops the campaign from {} on", human(after)));
            let _ = writeln!(
                out,
                "    criterion: {}{abort} ({})",
                one_line(&criterion.to_string()),
                one_line(&criterion.location.to_string())
            );
        }
        let description = campaign.executables.iter().find_map(|e| e.scenario(&scenario.name));
        for property in description.into_iter().flat_map(|d| &d.properties) {
            let _ = writeln!(out, "    {} = {}", one_line(&property.name), value(scenario, property));
        }
    }
    out
}

/// What happens while too many minions are active, when that is not the usual.
fn overload(scenario: &ScenarioPlan) -> String {
    match scenario.overload.unwrap_or_default() {
        Overload::Queue => String::new(),
        policy => format!(", overload {policy}"),
    }
}

/// The value of a property as it may be shown.
fn value(scenario: &ScenarioPlan, property: &PropertyDescription) -> String {
    match (scenario.properties.0.get(&property.name), &property.default) {
        (Some(_), _) if property.secret => "***".to_owned(),
        (Some(given), _) => one_line(given),
        (None, Some(_)) if property.secret => "*** (default)".to_owned(),
        (None, Some(default)) => format!("{} (default)", one_line(default)),
        (None, _) => "not set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::discovery::Executable;
    use crate::discovery::fixtures::{description, property, scenario};
    use qalipsis_model::criterion::{NumberFigure, Quantity};
    use qalipsis_model::location::SourceLocation;
    use qalipsis_model::plan::{CampaignPlan, PropertyValues};
    use std::time::Duration;

    #[test]
    fn e5_what_would_run_is_shown_with_defaults_and_without_secrets() {
        let mut checkout = scenario("checkout");
        checkout.properties = ["brokers", "password", "token", "shop", "extra"].map(property).into();
        checkout.properties[1].secret = true;
        checkout.properties[2].secret = true;
        checkout.properties[2].default = Some("***".into());
        checkout.properties[3].default = Some("http://localhost".into());
        let values = [("brokers", "localhost:9092"), ("password", "hunter2")];
        let plan = CampaignPlan {
            key: "k".into(),
            name: "checkout".into(),
            seed: 1,
            scenarios: vec![ScenarioPlan {
                name: "checkout".into(),
                minions: 10,
                profile: checkout.profile.clone(),
                overload: Some(Overload::Abort(5)),
                properties: PropertyValues(values.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                criteria: vec![
                    NumberFigure::of("place", Quantity::ErrorRate)
                        .at_most(0.01)
                        .abort_on_breach(Duration::from_secs(5)),
                ],
            }],
            limits: Default::default(),
            events: None,
        };
        let mut campaign = Campaign {
            settings: Settings::default(),
            executables: vec![Executable { path: "/bin/a".into(), description: description(vec![checkout]) }],
            plan,
            configuration: Default::default(),
            left_out: Vec::new(),
            split: Default::default(),
            connect: false,
        };
        campaign.plan.scenarios[0].criteria[0].location =
            SourceLocation { file: "qalipsis.yml".into(), line: 2, column: 5 };
        assert_eq!(
            summary(&campaign),
            "\
campaign checkout, random seed
  checkout: 10 minions, all at once, overload abort:5
    criterion: place error rate at most 1 %, stops the campaign from 5 s on (qalipsis.yml:2:5)
    brokers = localhost:9092
    password = ***
    token = *** (default)
    shop = http://localhost (default)
    extra = not set
"
        );
    }
}
