//! Descriptions for tests.

use qalipsis_model::description::{Monitor, PropertyDescription, ScenarioDescription, StepDescription};
use qalipsis_model::location::SourceLocation;
use qalipsis_profile::profile::Profile;

/// A sound scenario of 10 minions and one step `place`.
pub(crate) fn scenario(name: &str) -> ScenarioDescription {
    ScenarioDescription {
        name: name.into(),
        description: "orders something".into(),
        minions: 10,
        overload: Default::default(),
        profile: Profile::immediate(),
        steps: vec![StepDescription {
            name: "place".into(),
            description: String::new(),
            monitor: Monitor::None,
            optional: false,
        }],
        properties: Vec::new(),
        meters: Vec::new(),
        criteria: Vec::new(),
        location: SourceLocation { file: "src/main.rs".into(), line: 3, column: 5 },
    }
}

/// An optional text property without default.
pub(crate) fn property(name: &str) -> PropertyDescription {
    PropertyDescription {
        name: name.into(),
        value_type: "string".into(),
        default: None,
        required: false,
        secret: false,
        description: String::new(),
    }
}
