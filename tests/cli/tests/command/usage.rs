//! An error is one line with the nearest valid name, and nothing is started.

use crate::support::{FIXTURE, TestContext, finish, snapshot};
use insta::assert_snapshot;
use std::fmt::Write;

/// The errors of several calls, each of which must exit with 2, print one line and start nothing.
struct Errors {
    context: TestContext,
    lines: String,
}

impl Errors {
    fn new() -> Self {
        Self { context: TestContext::new(), lines: String::new() }
    }

    /// `arguments` alone.
    fn call(&mut self, arguments: &[&str]) -> &mut Self {
        self.with_environment(arguments, &[])
    }

    /// A campaign of the fixture with `arguments`.
    fn campaign(&mut self, arguments: &[&str]) -> &mut Self {
        self.campaign_with_environment(arguments, &[])
    }

    fn campaign_with_environment(&mut self, arguments: &[&str], environment: &[(&str, &str)]) -> &mut Self {
        let mut all = vec!["--autostart", "--executable", FIXTURE];
        all.extend(arguments);
        self.with_environment(&all, environment)
    }

    fn with_environment(&mut self, arguments: &[&str], environment: &[(&str, &str)]) -> &mut Self {
        let mut command = self.context.qalipsis(arguments);
        command.envs(environment.iter().copied());
        let finished = finish(command);
        assert_eq!(finished.code(), Some(2), "{arguments:?}: {finished}");
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{arguments:?}: {finished}");
        assert!(self.context.junit_files().is_empty(), "{arguments:?}");
        self.context.assert_nothing_left();
        let here = self.context.path().canonicalize().unwrap();
        let shown = finished.stderr.replace(here.to_str().unwrap(), "[HERE]").replace(FIXTURE, "[FIXTURE]");
        self.lines.write_str(&shown).unwrap();
        self
    }
}

#[test]
fn wrong_flags() {
    let mut errors = Errors::new();
    errors
        .call(&["--minions", "3"])
        .call(&["--autostrat"])
        .call(&["lits"])
        .call(&["--autostart", "list"])
        .call(&["--autostart", "-q", "-v"])
        .call(&["--autostart", "--seed", "many"])
        .call(&["--autostart", "--color", "blue"])
        .call(&["--autostart", "--executable"])
        .call(&["--autostart", "--executable", "a", "--manifest-path", "b"]);
    assert_snapshot!(errors.lines, @r"
    error: --minions and --for cut one campaign short: give --autostart as well, or ask for less when you start a campaign
    error: unexpected argument '--autostrat' found; a similar argument exists: '--autostart'
    error: unrecognized subcommand 'lits'; a similar subcommand exists: 'list'
    error: --autostart runs a campaign, standalone, campaign, list, validate, compare and replay do not: give only one of them
    error: the argument '--quiet' cannot be used with '--verbose'; see qalipsis --help
    error: invalid value 'many' for '--seed <N>': invalid digit found in string; see qalipsis --help
    error: invalid value 'blue' for '--color <WHEN>' [possible values: auto, always, never]; see qalipsis --help
    error: a value is required for '--executable <PATH>' but none was supplied; see qalipsis --help
    error: the argument '--executable <PATH>' cannot be used with '--manifest-path <PATH>'; see qalipsis --help
    ");
}

#[test]
fn wrong_scenarios() {
    let mut errors = Errors::new();
    errors.campaign(&["-s", "gren"]).campaign(&["-s", "green,lnog"]).campaign(&["-s", "x*"]);
    snapshot(|| {
        assert_snapshot!(errors.lines, @r"
    error: unknown scenario 'gren', did you mean 'green'?
    error: unknown scenario 'lnog', did you mean 'long'?
    error: unknown scenario 'x*', there are [COUNT], among them: green, red, slow, panics, aborts, allocates, never-returns, blocks, long, skips
    ")
    });
}

#[test]
fn wrong_keys_and_values() {
    let mut errors = Errors::new();
    errors
        .campaign(&["-c", "campaing.timeout=1s"])
        .campaign(&["-c", "campaign.timeout"])
        .campaign(&["-c", "campaign.timeout=soon"])
        .campaign(&["-c", "campaign.fail-on-warning=maybe"])
        .campaign(&["-c", "scenarios.green.minions=0"])
        .campaign(&["-c", "scenarios.gren.minions=5"])
        .campaign(&["-s", "configured", "-c", "properties.greting=hi"])
        .campaign(&["-s", "configured", "-c", "properties.pause=long"])
        .campaign(&["-s", "configured", "-c", "properties.greeting=${NOT_THERE}"])
        .campaign_with_environment(&[], &[("QALIPSIS_CAMPAIGN_TIMOUT", "1s")])
        .campaign_with_environment(&[], &[("QALIPSIS_PROPERTIES_GREETIN", "hi")]);
    assert_snapshot!(errors.lines, @r"
    error: -c: unknown key 'campaing.timeout', did you mean 'campaign.timeout'?
    error: -c campaign.timeout: there is no '=', write -c KEY=VALUE
    error: -c campaign.timeout: campaign.timeout must be a duration of more than zero with its unit, for example 250ms, 1.5s, 2m or 1h, it is 'soon'
    error: -c campaign.fail-on-warning: campaign.fail-on-warning must be true or false, it is 'maybe'
    error: -c scenarios.green.minions: scenarios.green.minions must be a whole number from 1, it is '0'
    error: -c scenarios.gren.minions: no such scenario or property: 'scenarios.gren.minions', did you mean 'scenarios.green.minions'?
    error: -c properties.greting: no scenario has this property: 'properties.greting', did you mean 'properties.greeting'?
    error: -c properties.pause: property 'pause' must be a duration with its unit, for example 250ms, 1.5s, 2m or 1h, it is 'long'
    error: -c properties.greeting: environment variable NOT_THERE is not set, set it or write $${ for a literal ${
    error: environment variable QALIPSIS_CAMPAIGN_TIMOUT: no such setting, did you mean QALIPSIS_CAMPAIGN_TIMEOUT?
    error: environment variable QALIPSIS_PROPERTIES_GREETIN: no scenario has such a setting, did you mean QALIPSIS_PROPERTIES_GREETING?
    ");
}

#[test]
fn wrong_files() {
    let mut errors = Errors::new();
    errors.campaign(&["--config", "missing.yml"]);
    for (name, text) in [
        ("bad.yml", "campaign: [timeout"),
        ("twice.yml", "campaign:\n  timeout: 1s\n  timeout: 2s\n"),
        ("both.yml", "campaign.timeout: 1s\ncampaign:\n  timeout: 2s\n"),
        ("list.yml", "campaign:\n  timeout: [1s]\n"),
        ("unknown.yml", "campaign:\n  limits:\n    drian: 1s\n"),
        ("value.yml", "report.export.junit.enabled: perhaps\n"),
        ("scenario.yml", "scenarios:\n  gren:\n    minions: 3\n"),
        ("tabs.yml", "campaign:\n\ttimeout: 1s\n"),
    ] {
        errors.context.write(name, text);
        errors.campaign(&["--config", name]);
    }
    errors.context.write("qalipsis.yml", "campain.timeout: 1s\n");
    errors.campaign(&[]);
    assert_snapshot!(errors.lines, @r"
    error: missing.yml: cannot read this configuration file: No such file or directory (os error 2)
    error: bad.yml:1:11: not valid YAML: unclosed bracket '['
    error: twice.yml:3:3: key 'timeout' is given twice, remove one of them
    error: both.yml:3:3: key 'campaign.timeout' is given twice, also in line 1, remove one
    error: list.yml:2:3: 'campaign.timeout' is a list, it must be one value
    error: unknown.yml:3:5: unknown key 'campaign.limits.drian', did you mean 'campaign.limits.drain'?
    error: value.yml:1:1: report.export.junit.enabled must be true or false, it is 'perhaps'
    error: scenario.yml:3:5: no such scenario or property: 'scenarios.gren.minions', did you mean 'scenarios.green.minions'?
    error: tabs.yml:2:2: not valid YAML: tabs disallowed within this context (block indentation)
    error: qalipsis.yml:1:1: unknown key 'campain.timeout', did you mean 'campaign.timeout'?
    ");
}

#[test]
fn wrong_executables() {
    let mut errors = Errors::new();
    errors.context.write("notes.txt", "no program");
    errors.context.script("silent", "exit 0");
    errors.context.script("chatty", "echo hello");
    errors.context.script("failing", "exit 4");
    errors.context.script("binary", "head -c 1000000 /dev/zero");
    errors.context.executable("interpreter", "#!/nonexistent/sh\n");
    for path in ["missing", "notes.txt", ".", "silent", "chatty", "failing", "binary", "interpreter"] {
        errors.call(&["--autostart", "--executable", path]);
    }
    assert_snapshot!(errors.lines, @r"
    error: --executable missing: cannot use this file: No such file or directory (os error 2)
    error: --executable notes.txt: this file is not executable, set its permission with chmod +x
    error: --executable .: this is not a file, give the executable itself
    error: [HERE]/silent: printed no description on its standard output; is it a scenario executable?
    error: [HERE]/chatty: printed something else than its description on its standard output (expected value at line 1 column 1), print to standard error before qalipsis::main
    error: [HERE]/failing: failed to describe itself (exit status: 4), see its output above; is it a scenario executable?
    error: [HERE]/binary: printed something else than its description on its standard output (expected value at line 1 column 1), print to standard error before qalipsis::main
    error: [HERE]/interpreter: cannot be run: No such file or directory (os error 2)
    ");
}

#[test]
fn the_same_scenario_in_two_executables() {
    let mut errors = Errors::new();
    let copy = errors.context.path().join("copy");
    std::fs::copy(FIXTURE, copy).unwrap();
    let mut command = errors.context.qalipsis(&["validate", "--executable", FIXTURE, "--executable", "copy"]);
    command.args(["-s", "green"]);
    let finished = finish(command);
    assert_eq!(finished.code(), Some(2), "{finished}");
    let line =
        finished.stderr.lines().find(|line| line.contains("'green'")).unwrap_or_else(|| panic!("{finished}"));
    let here = errors.context.path().canonicalize().unwrap();
    let line = line.replace(here.to_str().unwrap(), "[HERE]").replace(FIXTURE, "[FIXTURE]");
    errors.lines.push_str(&line);
    assert_snapshot!(errors.lines, @"error: scenario 'green' is in [FIXTURE] and in [HERE]/copy, rename one or give --executable");
}

#[test]
fn wrong_descriptions() {
    let mut errors = Errors::new();
    let description = finish({
        let mut describe = errors.context.program(FIXTURE);
        describe.arg("describe");
        describe
    });
    let description: serde_json::Value = serde_json::from_str(&description.stdout).unwrap();
    let scenario = |name: &str| {
        let scenarios = description["scenarios"].as_array().unwrap();
        scenarios.iter().find(|s| s["name"] == name).unwrap().clone()
    };
    let mut percents = scenario("long");
    let stages = serde_json::to_string(&percents["profile"]).unwrap();
    percents["profile"] = serde_json::from_str(&stages.replace("100", "90")).unwrap();
    let mut nobody = scenario("green");
    nobody["minions"] = 0.into();
    let wrong = [vec![percents], vec![nobody], vec![scenario("green"), scenario("green")]];
    for (index, scenarios) in wrong.into_iter().enumerate() {
        let mut wrong = description.clone();
        wrong["scenarios"] = scenarios.into();
        let body = format!("[ \"$1\" = describe ] || exit 9\ncat <<'END'\n{wrong}\nEND");
        let name = format!("wrong-{index}");
        errors.context.script(&name, &body);
        errors.call(&["--autostart", "--executable", &name]);
    }
    snapshot(|| {
        assert_snapshot!(errors.lines, @r"
    error: tests/cli/src/main.rs:[LINE]: scenario 'long': profile stages: the percentages sum to 90, they must sum to 100
    error: tests/cli/src/main.rs:[LINE]: scenario 'green': the number of minions is 0, it must be at least 1
    error: [HERE]/wrong-2: there are two scenarios 'green', rename one
    ")
    });
}

#[test]
fn validate_shows_everything_at_once_and_starts_nothing() {
    let context = TestContext::new();
    let arguments = ["validate", "--executable", FIXTURE, "-s", "configured"];
    let finished = context.run(&arguments);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert_eq!(finished.stderr, "");
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    campaign configured, random seed
      configured: 2 minions, all at once
        greeting = hello (default)
        pause = [DURATION] (default)
        token = not set
    valid
    ")
    });
    let mut wrong = arguments.to_vec();
    wrong.extend([
        "-c",
        "campaing.name=x",
        "-c",
        "properties.pause=long",
        "-c",
        "scenarios.configured.minions=none",
    ]);
    let finished = context.run(&wrong);
    assert_eq!(finished.code(), Some(2), "{finished}");
    assert_eq!((finished.stdout.as_str(), finished.stderr.lines().count()), ("", 3), "{finished}");
}

#[test]
fn help_and_version_exit_with_0() {
    let context = TestContext::new();
    let help = context.run(&["--help"]);
    assert_eq!((help.code(), help.stderr.as_str()), (Some(0), ""));
    for code in 0..=7 {
        assert!(
            help.stdout.contains(&format!("\n  {code}  ")),
            "exit code {code} is documented: {}",
            help.stdout
        );
    }
    let version = context.run(&["--version"]);
    assert_eq!(version.stdout, format!("qalipsis {}\n", env!("CARGO_PKG_VERSION")));
}
