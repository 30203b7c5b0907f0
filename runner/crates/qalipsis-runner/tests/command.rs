//! The built command against real Cargo projects and executables: exit codes, output, errors.

use qalipsis_model::description::{
    ExecutableDescription, Monitor, PropertyDescription, ScenarioDescription, StepDescription,
};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::plan::CONTRACT;
use qalipsis_profile::profile::Profile;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A description with one scenario, which has a secret property that must be set.
fn description(scenario: &str) -> String {
    let location = SourceLocation { file: "src/main.rs".into(), line: 1, column: 1 };
    let step = StepDescription {
        name: "place".into(),
        description: "".into(),
        monitor: Monitor::None,
        optional: false,
    };
    let password = PropertyDescription {
        name: "password".into(),
        value_type: "string".into(),
        default: None,
        required: true,
        secret: true,
        description: String::new(),
    };
    let scenario = ScenarioDescription {
        name: scenario.into(),
        description: "orders".into(),
        minions: 10,
        overload: Default::default(),
        profile: Profile::immediate(),
        steps: vec![step],
        properties: vec![password],
        meters: Vec::new(),
        criteria: Vec::new(),
        location,
    };
    let executable = ExecutableDescription {
        contract: CONTRACT,
        crate_name: "load".into(),
        crate_version: "0.1.0".into(),
        scenarios: vec![scenario],
    };
    serde_json::to_string(&executable).unwrap()
}

struct Project(TempDir);

impl Project {
    /// A workspace with an empty package `qalipsis` that the others depend on.
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"*/\"]\nexclude = [\"target\"]\n",
        );
        project.write("qalipsis/Cargo.toml", "[package]\nname = \"qalipsis\"\nedition = \"2024\"\n");
        project.write("qalipsis/src/lib.rs", "");
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A package that depends on `qalipsis`, with binaries that each describe a scenario of their name.
    fn package(&self, name: &str, binaries: &[&str], rest: &str) {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n{rest}\n[dependencies]\nqalipsis.path = \"../qalipsis\"\n"
        );
        self.write(&format!("{name}/Cargo.toml"), &manifest);
        for binary in binaries {
            let description = description(binary);
            let main = format!("fn main() {{ print!(\"{{}}\", r##\"{description}\"##) }}\n");
            self.write(&format!("{name}/src/bin/{binary}.rs"), &main);
        }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qalipsis"));
        // Where the tests of this project are built is no place for this one.
        command
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_TARGET_DIR")
            .env("CARGO_NET_OFFLINE", "true");
        command.current_dir(self.0.path()).args(arguments).args(["--build-profile", "dev"]);
        command
    }
}

#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    /// All lines of standard error.
    err: String,
    /// The lines of the runner itself, without their label.
    errors: Vec<String>,
}

impl Run {
    fn of(output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        let last = err.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned);
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            errors: last.collect(),
            err,
        }
    }
}

#[test]
fn the_scenarios_of_a_workspace_are_built_and_listed() {
    let project = Project::new();
    project.package("shop", &["checkout", "refund"], "");
    project.package("tools", &["stock", "helper"], "[package.metadata.qalipsis]\nexecutables = [\"stock\"]");
    project.write("other/Cargo.toml", "[package]\nname = \"other\"\nedition = \"2024\"\n");
    project.write("other/src/main.rs", "this must not be compiled");

    let run = project.run(&["list"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("Compiling shop"), "cargo's progress is shown: {}", run.err);
    for (name, shown) in [("checkout", true), ("refund", true), ("stock", true), ("helper", false)] {
        assert_eq!(run.out.contains(name), shown, "{name} in {}", run.out);
    }

    let run = project.run(&["list", "--json", "-s", "ref*", "-q"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["contract"], 2);
    assert_eq!(document["executables"].as_array().unwrap().len(), 1);
    assert_eq!(document["executables"][0]["scenarios"][0]["name"], "refund");

    // From a folder below, as one is in while writing a scenario.
    let run =
        Run::of(project.command(&["list"]).current_dir(project.0.path().join("shop/src")).output().unwrap());
    assert!(run.code == Some(0) && run.out.contains("stock"), "{run:?}");

    let run = project.run(&["list", "-s", "chekcout"]);
    assert_eq!(
        (run.code, run.errors),
        (Some(2), vec!["unknown scenario 'chekcout', did you mean 'checkout'?".into()])
    );
}

#[test]
fn what_cannot_be_built_is_shown_by_cargo_and_in_one_line() {
    let project = Project::new();
    project.package("shop", &["checkout"], "");
    project.write("shop/src/bin/checkout.rs", "fn main() { nonsense }");
    let run = project.run(&["--autostart", "--color", "never"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("cannot find value `nonsense`"), "{}", run.err);
    assert_eq!(
        run.errors.last().unwrap(),
        "cargo could not build the scenarios (exit status: 101), fix the errors that it printed above"
    );

    project.package("shop", &["checkout"], "[package.metadata.qalipsis]\nexecutables = [\"chekcout\"]");
    let run = project.run(&["list"]);
    assert_eq!((run.code, run.errors.len()), (Some(2), 1), "{run:?}");
    assert!(run.errors[0].ends_with("there is no binary 'chekcout', did you mean 'checkout'?"), "{run:?}");

    project.write("shop/Cargo.toml", "[package\n");
    let run = project.run(&["list"]);
    assert_eq!((run.code, run.errors.len()), (Some(2), 1), "{run:?}");
}

#[test]
fn a_binary_that_needs_a_feature_is_an_error() {
    let project = Project::new();
    let rest = "[[bin]]\nname = \"checkout\"\nrequired-features = [\"x\"]\n[features]\nx = []\n";
    project.package("shop", &["checkout"], rest);
    let run = project.run(&["list"]);
    assert_eq!((run.code, run.errors.len()), (Some(2), 1), "{run:?}");
    assert!(run.errors[0].contains("binary 'checkout' was not built, make the features"), "{run:?}");
}

#[test]
fn without_scenarios_there_is_nothing_to_run() {
    let project = Project::new();
    let run = project.run(&["--autostart"]);
    assert_eq!(run.code, Some(7), "{run:?}");
    assert!(run.errors[0].starts_with("nothing to run: no package of the workspace of "), "{run:?}");

    fs::remove_file(project.0.path().join("Cargo.toml")).unwrap();
    for arguments in [&["--autostart"][..], &["list"], &["validate"]] {
        let run = project.run(arguments);
        let expected = "nothing to run: there is no Cargo project here, go to one, or give --manifest-path or --executable";
        assert_eq!((run.code, run.err.trim()), (Some(7), format!("error: {expected}").as_str()), "{run:?}");
    }
    let run = project.run(&["list", "--manifest-path", "nowhere/Cargo.toml"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[test]
fn a_configuration_is_validated() {
    let project = Project::new();
    project.package("shop", &["checkout"], "");
    project
        .write("qalipsis.yml", "properties:\n  password: ${SHOP_PASSWORD}\nscenarios.checkout.minions: 3\n");

    let valid =
        project.command(&["validate", "--seed", "42"]).env("SHOP_PASSWORD", "hunter2").output().unwrap();
    let run = Run::of(valid);
    let shown = "campaign checkout, seed 42\n  checkout: 3 minions, all at once\n    password = ***\nvalid\n";
    assert_eq!((run.code, run.out.as_str()), (Some(0), shown), "{run:?}");

    let run = project.run(&["validate", "-c", "campaign.sede=1", "-c", "scenarios.checkout.minions=x"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert_eq!(
        run.errors,
        [
            "-c: unknown key 'campaign.sede', did you mean 'campaign.seed'?",
            "-c scenarios.checkout.minions: scenarios.checkout.minions must be a whole number from 1, it is 'x'",
            "qalipsis.yml:2:3: environment variable SHOP_PASSWORD is not set, set it or write $${ for a literal ${",
        ]
    );

    // A run finds the first of them before it builds anything.
    let run = project.run(&["--autostart", "-c", "campaign.sede=1"]);
    assert_eq!(
        (run.code, run.err.as_str()),
        (Some(2), "error: -c: unknown key 'campaign.sede', did you mean 'campaign.seed'?\n")
    );

    let mut unknown = project.command(&["validate"]);
    let run = Run::of(unknown.env("QALIPSIS_CAMPAIN_SEED", "1").env("SHOP_PASSWORD", "x").output().unwrap());
    assert_eq!((run.code, run.errors.len()), (Some(2), 1), "{run:?}");
    assert!(run.errors[0].ends_with("did you mean QALIPSIS_CAMPAIGN_SEED?"), "{run:?}");
}

#[test]
fn executables_are_taken_as_they_are() {
    let project = Project::new();
    project.package("shop", &["checkout", "refund"], "");
    assert_eq!(project.run(&["list"]).code, Some(0));
    let built = |name: &str| project.0.path().join("target/debug").join(name).to_str().unwrap().to_owned();
    let checkout = built("checkout");

    let run = project.run(&["list", "--executable", &checkout]);
    assert!(run.code == Some(0) && run.err.is_empty() && !run.out.contains("refund"), "{run:?}");

    let copy = built("copy");
    fs::copy(Path::new(&checkout), &copy).unwrap();
    let run = project.run(&["list", "--executable", &checkout, "--executable", &copy]);
    assert_eq!((run.code, run.errors.len()), (Some(2), 1), "{run:?}");
    assert!(run.errors[0].starts_with("scenario 'checkout' is in "), "{run:?}");
    assert!(run.errors[0].contains(&checkout) && run.errors[0].contains(&copy), "{run:?}");
}

#[test]
fn usage_is_one_line_and_exit_code_2() {
    let project = Project::new();
    for arguments in [&["--autostrat"][..], &["lst"], &["list", "--seed", "x"], &["campaign"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qalipsis"));
        let run = Run::of(command.current_dir(project.0.path()).args(arguments).output().unwrap());
        assert_eq!(
            (run.code, run.errors.len(), run.err.lines().count()),
            (Some(2), 1, 1),
            "{arguments:?} {run:?}"
        );
        assert_eq!(run.out, "");
    }
    let help = Run::of(Command::new(env!("CARGO_BIN_EXE_qalipsis")).arg("--help").output().unwrap());
    assert!(help.code == Some(0) && help.err.is_empty() && help.out.contains("Exit codes:"), "{help:?}");
}

#[test]
fn without_a_command_it_serves_when_there_is_something_to_run() {
    let project = Project::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qalipsis"));
    command.current_dir(project.0.path()).env("XDG_DATA_HOME", project.0.path());
    let run = Run::of(command.args(["-c", "server.address=127.0.0.1:0"]).output().unwrap());
    assert_eq!((run.code, run.errors.len()), (Some(7), 1), "{run:?}");
    assert!(run.errors[0].starts_with("nothing to run: "), "{run:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qalipsis"));
    let mut child = command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
}
