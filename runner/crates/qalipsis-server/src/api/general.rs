//! What is there besides campaigns.

use super::Api;
use crate::launcher::Launcher;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use qalipsis_model::description::ScenarioDescription;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whether the head works.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// `UP`.
    status: &'static str,
    /// Version of the program.
    version: &'static str,
    /// Campaigns that run or wait.
    campaigns: usize,
    /// Clients that followed a campaign and were cut off, since they read too slowly.
    slow_clients: u64,
}

/// Says that the head works; the only path that needs no token.
#[utoipa::path(get, path = "/health", tag = "general", security(()), responses((status = 200, body = Health)))]
pub(super) async fn health(State(api): State<Api>) -> Json<Health> {
    Json(Health {
        status: "UP",
        version: env!("CARGO_PKG_VERSION"),
        campaigns: api.service.open_campaigns(),
        slow_clients: api.service.cut_off(),
    })
}

/// Gives this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "general",
    responses((status = 200, description = "The description of the API", body = Object))
)]
pub(super) async fn openapi_document() -> impl IntoResponse {
    Json(super::openapi())
}

/// A scenario that can run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scenario {
    /// Unique name.
    name: String,
    /// One line for people; may be empty.
    description: String,
    /// The crate that it is compiled in.
    crate_name: String,
    /// The version of that crate.
    version: String,
    /// How many minions run it unless asked for otherwise.
    minions: u32,
    /// How they are released unless asked for otherwise, in words.
    profile: String,
    /// In order of declaration.
    steps: Vec<Step>,
    /// What can be set.
    properties: Vec<Property>,
    /// Rules on measured values, in words.
    criteria: Vec<String>,
    /// Where the scenario is built: file, line and column.
    location: String,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// Name.
    name: String,
    /// What it does; may be empty.
    description: String,
    /// Whether a campaign in which no minion reaches it may still succeed.
    optional: bool,
}

/// A property of a scenario.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    /// Name.
    name: String,
    /// Its type as users know it: `string`, `integer`, `duration`, ...
    #[serde(rename = "type")]
    value_type: String,
    /// Its default, `***` for a secret; null without one.
    default: Option<String>,
    /// Whether it must be set.
    required: bool,
    /// Whether its value is never shown.
    secret: bool,
    /// What it is; may be empty.
    description: String,
}

/// Gives the scenarios that can run.
#[utoipa::path(
    get,
    path = "/scenarios",
    tag = "general",
    responses((status = 200, body = Vec<Scenario>))
)]
pub(super) async fn scenarios(State(api): State<Api>) -> Json<Vec<Scenario>> {
    let offered = api.service.launcher().scenarios().iter();
    Json(offered.map(|one| scenario(&one.crate_name, &one.crate_version, &one.scenario)).collect())
}

fn scenario(crate_name: &str, version: &str, described: &ScenarioDescription) -> Scenario {
    let steps = described.steps.iter().map(|step| Step {
        name: step.name.clone(),
        description: step.description.clone(),
        optional: step.optional,
    });
    let properties = described.properties.iter().map(|property| Property {
        name: property.name.clone(),
        value_type: property.value_type.clone(),
        // A default that got here by mistake is still a secret.
        default: property
            .default
            .as_ref()
            .map(|default| if property.secret { "***".to_owned() } else { default.clone() }),
        required: property.required,
        secret: property.secret,
        description: property.description.clone(),
    });
    Scenario {
        name: described.name.clone(),
        description: described.description.clone(),
        crate_name: crate_name.to_owned(),
        version: version.to_owned(),
        minions: described.minions,
        profile: described.profile.to_string(),
        steps: steps.collect(),
        properties: properties.collect(),
        criteria: described.criteria.iter().map(ToString::to_string).collect(),
        location: described.location.to_string(),
    }
}

/// A zone in which this head has factories.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Zone {
    /// Its name; null when it has none.
    name: Option<String>,
    /// How many factories are in it.
    factories: usize,
}

/// Gives the zones in which campaigns can run.
#[utoipa::path(
    get,
    path = "/zones",
    tag = "general",
    responses(
        (status = 200, body = Vec<Zone>),
    )
)]
pub(super) async fn zones(State(api): State<Api>) -> Json<Vec<Zone>> {
    let factories = factories_of(api.service.launcher());
    let mut zones: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for factory in factories {
        *zones.entry(factory.zone).or_default() += 1;
    }
    Json(zones.into_iter().map(|(name, factories)| Zone { name, factories }).collect())
}

/// A scenario executable that this head can start.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Factory {
    /// The crate that it is built from.
    crate_name: String,
    /// The version of that crate.
    version: String,
    /// The zone that it runs in; null when it has no name.
    zone: Option<String>,
    /// Names of its scenarios.
    scenarios: Vec<String>,
}

/// Gives the factories that campaigns can run on.
#[utoipa::path(
    get,
    path = "/factories",
    tag = "general",
    responses(
        (status = 200, body = Vec<Factory>),
    )
)]
pub(super) async fn factories(State(api): State<Api>) -> Json<Vec<Factory>> {
    Json(factories_of(api.service.launcher()))
}

fn factories_of(launcher: &dyn Launcher) -> Vec<Factory> {
    let mut crates: Vec<Factory> = Vec::new();
    for one in launcher.scenarios() {
        let name = one.scenario.name.clone();
        match crates.last_mut().filter(|last| last.crate_name == one.crate_name) {
            Some(factory) => factory.scenarios.push(name),
            None => crates.push(Factory {
                crate_name: one.crate_name.clone(),
                version: one.crate_version.clone(),
                zone: None,
                scenarios: vec![name],
            }),
        }
    }
    let in_each_zone = |factory: Factory| {
        launcher.zones().iter().map(move |zone| Factory { zone: zone.clone(), ..factory.clone() })
    };
    crates.into_iter().flat_map(in_each_zone).collect()
}
