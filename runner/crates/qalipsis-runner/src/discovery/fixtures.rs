//! Descriptions and executables for tests.

use qalipsis_model::description::{
    ExecutableDescription, Monitor, PropertyDescription, ScenarioDescription, StepDescription,
};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::plan::CONTRACT;
use qalipsis_profile::profile::Profile;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn description(scenarios: Vec<ScenarioDescription>) -> ExecutableDescription {
    ExecutableDescription {
        contract: CONTRACT,
        crate_name: "shop-load".into(),
        crate_version: "1.2.3".into(),
        scenarios,
    }
}

/// A sound scenario of 10 minions and one step `place`.
pub(crate) fn scenario(name: &str) -> ScenarioDescription {
    ScenarioDescription {
        name: name.into(),
        description: "orders something".into(),
        minions: 10,
        overload: Default::default(),
        profile: Profile::immediate(),
        steps: vec![step("place")],
        properties: Vec::new(),
        meters: Vec::new(),
        criteria: Vec::new(),
        location: SourceLocation { file: "src/main.rs".into(), line: 3, column: 5 },
    }
}

pub(crate) fn step(name: &str) -> StepDescription {
    StepDescription { name: name.into(), description: String::new(), monitor: Monitor::None, optional: false }
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

/// A shell script that stands for a scenario executable; gone when dropped.
pub(crate) struct Script {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Script {
    pub(crate) fn new(body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scenario");
        let text = directory.path().join("text");
        std::fs::write(&text, format!("#!/bin/sh\n{body}\n")).unwrap();
        // Another process makes the file: were it written here, a process started by a test at the
        // same time would inherit it open for writing, and running it would fail ("text file busy").
        let status = Command::new("install").args(["-m", "755"]).arg(&text).arg(&path).status().unwrap();
        assert!(status.success(), "install makes the script");
        Self { _directory: directory, path }
    }

    /// A script that describes these scenarios.
    pub(crate) fn describing(scenarios: Vec<ScenarioDescription>) -> Self {
        let json = serde_json::to_string(&description(scenarios)).unwrap();
        Self::new(&format!("cat <<'END'\n{json}\nEND"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
