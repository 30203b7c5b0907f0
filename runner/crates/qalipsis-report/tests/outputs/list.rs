use crate::sample::Campaign;
use insta::assert_snapshot;
use qalipsis_model::description::{ExecutableDescription, MeterDescription, Monitor, PropertyDescription};
use qalipsis_model::measured::MeterKind;
use qalipsis_model::plan::CONTRACT;
use qalipsis_profile::overload::Overload;
use qalipsis_report::list::list;

fn described() -> ExecutableDescription {
    let mut scenario = Campaign::healthy().described.scenario;
    scenario.steps[2].monitor = Monitor::Events;
    let property = |name: &str, value_type: &str, default: Option<&str>, secret| PropertyDescription {
        name: name.into(),
        value_type: value_type.into(),
        default: default.map(str::to_owned),
        required: default.is_none(),
        secret,
        description: "Where the shop listens,\nwith its port.\n\nSecond paragraph.".into(),
    };
    scenario.properties = vec![
        property("shop", "url", None, false),
        property("quantity", "integer", Some("1"), false),
        property("password", "string", None, true),
        property("token", "string", Some("hunter2"), true),
    ];
    let meter = |name: &str, kind, unit: &str| MeterDescription {
        name: name.into(),
        kind,
        unit: unit.into(),
        description: "What customers take.\n\nSecond paragraph.".into(),
    };
    scenario.meters =
        vec![meter("baskets", MeterKind::Counter, ""), meter("amount", MeterKind::Summary, "EUR")];
    ExecutableDescription {
        contract: CONTRACT,
        crate_name: "checkout".into(),
        crate_version: "0.1.0".into(),
        scenarios: vec![scenario],
    }
}

#[test]
fn it_shows_what_can_be_run_and_set() {
    let mut other = described();
    other.crate_name = "quickstart".into();
    other.scenarios[0].name = "quick\u{1b}[31mstart".into();
    other.scenarios[0].description.clear();
    other.scenarios[0].properties.clear();
    other.scenarios[0].meters.clear();
    other.scenarios[0].criteria.clear();
    other.scenarios[0].overload = Overload::Drop(100);
    assert_snapshot!(list(&[described(), other]));
}

#[test]
fn a_secret_is_never_listed() {
    assert!(!list(&[described()]).contains("hunter2"));
}

#[test]
fn nothing_found_is_said() {
    assert_eq!(list(&[]), "no scenarios found\n");
}
