//! The form that starts a campaign.

use crate::entered::{Entered, number};
use crate::frame::{Page, may_write};
use crate::refusal::Refusal;
use crate::{link, profile};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::StatusCode;
use maud::{Markup, html};
use qalipsis_model::description::{PropertyDescription, ScenarioDescription};
use qalipsis_report::markup::text;
use qalipsis_report::text::{counted, one_line};
use qalipsis_server::{Access, Api, PointedProblem, ProblemDetails, pointer_token};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Which scenario.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    scenario: String,
}

pub(crate) async fn show(
    State(api): State<Api>,
    Query(Asked { scenario }): Query<Asked>,
    Extension(access): Extension<Access>,
) -> Result<Page, Refusal> {
    if !may_write(&access) {
        return Err(Refusal::forbidden(
            "this token may only read: log in with one that has the right to write",
        ));
    }
    let main = match (api.scenarios(), scenario.as_str()) {
        ([one], "") => form(&one.scenario, &Entered::default(), &[]),
        (_, "") => choice(&api),
        (_, name) => form(described(&api, name)?, &Entered::default(), &[]),
    };
    Ok(Page::new("Start a campaign", &access, main))
}

pub(crate) async fn start(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let entered = Entered::new(fields);
    let scenario = described(&api, entered.get("scenario"))?;
    let refused = match payload(scenario, &entered) {
        Ok(payload) => match api.start(&payload).await {
            Ok(campaign) => return Ok(Redirect::to(&link::campaign(&campaign.key)).into_response()),
            Err(failure) => ProblemDetails::from(failure),
        },
        Err(message) => {
            let pointer = place(scenario, "executionProfile");
            let problems = vec![PointedProblem { pointer, message }];
            ProblemDetails { title: String::new(), status: 422, detail: String::new(), problems }
        }
    };
    let mut problems = refused.problems;
    if problems.is_empty() {
        problems.push(PointedProblem { pointer: String::new(), message: refused.detail });
    }
    let mut page = Page::new("Start a campaign", &access, form(scenario, &entered, &problems));
    page.status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    Ok(page.into_response())
}

fn described<'a>(api: &'a Api, name: &str) -> Result<&'a ScenarioDescription, Refusal> {
    let known = api.scenarios().iter().find(|one| one.scenario.name == name);
    known
        .map(|one| &one.scenario)
        .ok_or_else(|| Refusal::bad_request(format!("there is no scenario '{name}'")))
}

/// The scenarios to choose from.
fn choice(api: &Api) -> Markup {
    html! {
        h1 { "Start a campaign" }
        p { "Of which scenario?" }
        div.wide {
            table {
                thead { tr { th { "scenario" } th { "description" } th.number { "steps" } } }
                tbody {
                    @for one in api.scenarios() {
                        tr {
                            td { a href=(link::query("/start", &[("scenario", &one.scenario.name)])) { (text(&one.scenario.name)) } }
                            td { (text(&one.scenario.description)) }
                            td.number { (one.scenario.steps.len()) }
                        }
                    }
                }
            }
        }
    }
}

/// The JSON pointer of a field of a scenario.
fn place(scenario: &ScenarioDescription, field: &str) -> String {
    format!("/scenarios/{}/{field}", pointer_token(&scenario.name))
}

/// What the API takes. Fields that are left empty have their defaults.
fn payload(scenario: &ScenarioDescription, entered: &Entered) -> Result<Value, String> {
    let given = |name: &str| Some(entered.get(name).trim()).filter(|text| !text.is_empty());
    let mut of_scenario = Map::new();
    if let Some(minions) = given("minions") {
        of_scenario.insert("minionsCount".to_owned(), number(minions));
    }
    if let Some(profile) = profile::read(entered)? {
        of_scenario.insert("executionProfile".to_owned(), profile);
    }
    let properties = scenario.properties.iter().filter_map(|property| {
        let value = entered.get(&input_name(property));
        (!value.is_empty()).then(|| (property.name.clone(), json!(value)))
    });
    let properties: Map<String, Value> = properties.collect();
    if !properties.is_empty() {
        of_scenario.insert("properties".to_owned(), Value::Object(properties));
    }
    let mut payload = Map::new();
    payload.insert("name".to_owned(), json!(entered.get("name")));
    for (field, name) in [("seed", "seed"), ("speed", "speedFactor")] {
        if let Some(text) = given(field) {
            payload.insert(name.to_owned(), number(text));
        }
    }
    if let Some(timeout) = given("timeout") {
        payload.insert("timeout".to_owned(), json!(timeout));
    }
    let scenarios = Map::from_iter([(scenario.name.clone(), Value::Object(of_scenario))]);
    payload.insert("scenarios".to_owned(), Value::Object(scenarios));
    Ok(Value::Object(payload))
}

fn input_name(property: &PropertyDescription) -> String {
    format!("property.{}", property.name)
}

/// Problems, each of which is shown once.
struct Problems<'a> {
    all: &'a [PointedProblem],
    shown: Vec<bool>,
}

impl<'a> Problems<'a> {
    /// The problems of a place and of what is in it.
    fn take(&mut self, pointer: &str) -> Vec<&'a str> {
        let is_there = |one: &PointedProblem| {
            one.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.take_if(is_there)
    }

    fn take_if(&mut self, is_there: impl Fn(&PointedProblem) -> bool) -> Vec<&'a str> {
        let mut taken = Vec::new();
        for (problem, shown) in self.all.iter().zip(&mut self.shown) {
            if !*shown && is_there(problem) {
                *shown = true;
                taken.push(problem.message.as_str());
            }
        }
        taken
    }
}

/// One field with its label, what it is, and what is wrong with it.
fn field(id: &str, label: &str, hint: &str, wrong: &[&str], input: &Markup) -> Markup {
    html! {
        div.field {
            label for=(id) { (text(label)) }
            (input)
            @for message in wrong { p.wrong role="alert" { (text(message)) } }
            @if !hint.is_empty() { p.dim { (text(hint)) } }
        }
    }
}

/// A text field that keeps what was entered.
fn simple(name: &str, placeholder: &str, entered: &Entered, wrong: &[&str]) -> Markup {
    html! {
        input id=(name) type="text" name=(name) placeholder=(one_line(placeholder)) value=(entered.get(name))
            aria-invalid=[(!wrong.is_empty()).then_some("true")];
    }
}

fn form(scenario: &ScenarioDescription, entered: &Entered, problems: &[PointedProblem]) -> Markup {
    let mut left = Problems { all: problems, shown: vec![false; problems.len()] };
    let mut plain = |id: &str, label: &str, hint: &str, placeholder: &str, pointer: &str| {
        let wrong = left.take(pointer);
        field(id, label, hint, &wrong, &simple(id, placeholder, entered, &wrong))
    };
    let declared = counted(scenario.minions.into(), "minion");
    let name = plain("name", "Name", "3 to 300 characters, for people", "", "/name");
    let minions = plain(
        "minions",
        "Minions",
        &format!("Left empty: as declared, {declared}, or as the profile gives"),
        &scenario.minions.to_string(),
        &place(scenario, "minionsCount"),
    );
    let seed = plain("seed", "Seed", "Left empty: a random one", "", "/seed");
    let speed = plain(
        "speed",
        "Speed factor",
        "How much faster than written minions are released",
        "1",
        "/speedFactor",
    );
    let timeout =
        plain("timeout", "Timeout", "After this time the campaign is stopped: 10min", "", "/timeout");
    let wrong_profile = left.take(&place(scenario, "executionProfile"));
    let properties: Vec<Markup> = scenario
        .properties
        .iter()
        .map(|property| self::property(scenario, property, entered, &mut left))
        .collect();
    // What belongs to no field, as a wrong value in the configuration of the head.
    let others = left.take_if(|_| true);
    html! {
        h1 { (text(&format!("Start {}", scenario.name))) }
        @if !scenario.description.is_empty() { p { (text(&scenario.description)) } }
        @if !problems.is_empty() {
            p.wrong role="alert" { "The campaign was not started: " (counted(problems.len() as u64, "problem")) "." }
        }
        @for message in &others { p.wrong { (text(message)) } }
        form method="post" action="/start" {
            input type="hidden" name="scenario" value=(scenario.name);
            (name)
            @if !properties.is_empty() {
                fieldset { legend { "Properties" } @for one in &properties { (one) } }
            }
            fieldset {
                legend { "Load" }
                (minions)
                @for message in &wrong_profile { p.wrong role="alert" { (text(message)) } }
                (profile::choice(&scenario.profile.to_string(), entered))
                (speed)
            }
            fieldset { legend { "Campaign" } (seed) (timeout) }
            button.first type="submit" { "Start" }
        }
    }
}

/// An input of the type of a property. What was entered for a secret is not sent back.
fn property(
    scenario: &ScenarioDescription,
    property: &PropertyDescription,
    entered: &Entered,
    left: &mut Problems<'_>,
) -> Markup {
    let name = input_name(property);
    let value = if property.secret { "" } else { entered.get(&name) };
    let properties = place(scenario, "properties");
    let mut wrong = left.take(&format!("{properties}/{}", pointer_token(&property.name)));
    // The scenario names the property that it cannot read.
    wrong.extend(left.take_if(|one| one.pointer == properties && names(&one.message, &property.name)));
    let default = property.default.as_deref().unwrap_or_default();
    let is_wrong = (!wrong.is_empty()).then_some("true");
    let plain = |kind: &str, mode: &str| {
        html! {
            input id=(name) type=(kind) name=(name) placeholder=(one_line(default)) value=(value) autocomplete="off"
                inputmode=[(!mode.is_empty()).then_some(mode)] aria-invalid=[is_wrong];
        }
    };
    let input = match property.value_type.as_str() {
        _ if property.secret => plain("password", ""),
        "true or false" => html! {
            select id=(name) name=(name) aria-invalid=[is_wrong] {
                option value="" { (text(default)) }
                @for one in ["true", "false"] { option value=(one) selected[one == value] { (one) } }
            }
        },
        "integer" => plain("text", "numeric"),
        "number" => plain("text", "decimal"),
        _ => plain("text", ""),
    };
    let mut facts = vec![property.description.clone(), property.value_type.clone()];
    facts.extend(property.default.iter().map(|default| format!("default {default}")));
    facts.extend(property.required.then(|| "must be set, here or by this head".to_owned()));
    facts.retain(|fact| !fact.is_empty());
    field(&name, &property.name, &facts.join(" · "), &wrong, &input)
}

/// Whether a message is about this property, and not about one whose name only begins or ends like it.
fn names(message: &str, property: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    message.match_indices(property).any(|(at, _)| {
        !message[..at].ends_with(is_of_name) && !message[at + property.len()..].starts_with(is_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_of_the_property_that_it_names() {
        assert!(names("property 'rate': 'x' is not of type integer", "rate"));
        assert!(!names("property 'error-rate': 'x' is not of type integer", "rate"));
        assert!(!names("property 'rates': 'x'", "rate"));
    }

    #[test]
    fn each_problem_is_shown_once_at_its_field() {
        let problem =
            |pointer: &str| PointedProblem { pointer: pointer.to_owned(), message: pointer.to_owned() };
        let all = [problem("/a/b"), problem("/a/bc"), problem("/a/b/0")];
        let mut left = Problems { all: &all, shown: vec![false; 3] };
        assert_eq!(left.take("/a/b"), ["/a/b", "/a/b/0"]);
        assert_eq!(left.take("/a/b"), [""; 0]);
        assert_eq!(left.take_if(|_| true), ["/a/bc"]);
    }
}
