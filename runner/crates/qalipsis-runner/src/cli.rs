//! The command line: what clap accepts, and what it means.

use crate::config::{Environment, Sources};
use crate::discovery::{BuildProfile, Targets};
use crate::error::Error;
use crate::iteration::Target;
use crate::log::Log;
use crate::outputs;
use crate::printing::{Color, Verbosity};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand, ValueEnum};
use qalipsis_model::duration;
use qalipsis_model::smoke::Smoke;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const AFTER_HELP: &str = "\
Configuration, from lowest to highest: defaults, qalipsis.yml, config/qalipsis.yml, environment
variables (QALIPSIS_REPORT_EXPORT_JUNIT_FOLDER), -c. With --config only that file is read.

Exit codes:
  0  all checks and criteria were met, or there were only warnings
  1  internal error, or a report that was asked for could not be written
  2  wrong flag, name, key or value, or the scenarios could not be built; nothing was started
  3  the campaign failed
  4  only the comparison with a baseline failed
  5  the campaign was aborted by the user, a timeout or a lost factory
  6  the load generator was the bottleneck, the figures cannot be trusted
  7  nothing to run

Examples:
  qalipsis
  qalipsis standalone -c server.address=127.0.0.1:9000
  qalipsis campaign start --head http://head:8400 -s checkout
  qalipsis list
  qalipsis validate -c properties.brokers=localhost:9092
  qalipsis --autostart -s checkout -c scenarios.checkout.minions=100
  qalipsis --autostart -s 'order-*,refund' --seed 42
  qalipsis --autostart --executable ./target/release/checkout
  qalipsis --autostart -s checkout --build-profile dev --minions 3 --for 5s --log debug
  qalipsis --autostart --save-baseline baselines/
  qalipsis --autostart --baseline baselines/
  qalipsis compare baselines/ test-results/20261123-050607-k3x9qa/summary.json
  qalipsis replay --campaign test-results/20261123-050607-k3x9qa/summary.json --minion 7";

/// End-to-end load tests for distributed systems.
///
/// Without --autostart and without a command: serves the REST API and runs the campaigns that are started there.
#[derive(Debug, Parser)]
#[command(name = "qalipsis", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Args {
    /// Find and build the scenarios, run one campaign, report, and exit with its code
    #[arg(long)]
    autostart: bool,

    /// Scenarios to take: exact names, or patterns with * and ? [default: all]
    #[arg(short, long, global = true, value_name = "PATTERN,...", value_delimiter = ',')]
    scenarios: Vec<String>,

    /// Set a configuration key; may repeat, the last one wins
    #[arg(short, long, global = true, value_name = "KEY=VALUE")]
    configuration: Vec<String>,

    /// Use this scenario executable as it is, without Cargo; may repeat
    #[arg(long, global = true, value_name = "PATH")]
    executable: Vec<PathBuf>,

    /// Cargo.toml of the project with the scenarios [default: the one of the current directory]
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "executable")]
    manifest_path: Option<PathBuf>,

    /// Cargo profile that the scenarios are built with
    #[arg(long, global = true, value_name = "PROFILE", value_enum, default_value_t)]
    build_profile: BuildProfile,

    /// Read only this configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Seed of schedules and data, over `campaign.seed` [default: random, shown in the report]
    #[arg(long, global = true, value_name = "N")]
    seed: Option<u64>,

    /// Smoke run: at most so many minions of each scenario, whatever its profile
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    minions: Option<u32>,

    /// Smoke run: only what the profiles do in this time from their start, for example 5s
    #[arg(long = "for", global = true, value_name = "TIME", value_parser = time)]
    time: Option<Duration>,

    /// Show what scenarios do, one line each, with scenario, minion, iteration and step: error, warn, info, debug or
    /// trace; also for single libraries, as in debug,hyper=info
    #[arg(long, global = true, value_name = "LEVEL", value_parser = Log::parse)]
    log: Option<Log>,

    /// Hold the campaign against an earlier one, or all those in a directory: exit 4 when it got worse
    #[arg(long, value_name = "FILE|DIR", requires = "autostart")]
    baseline: Option<PathBuf>,

    /// Keep the campaign as a baseline when it succeeds; in a directory, under its own key
    #[arg(long, value_name = "FILE|DIR", requires = "autostart")]
    save_baseline: Option<PathBuf>,

    /// Say only errors and the verdict
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,

    /// When to use colours; automatic means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: Color,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Serve the REST API and run the campaigns that are started there; the same as no command
    Standalone,
    /// Campaigns of a head elsewhere: start, follow, list and stop them, and fetch their reports
    #[command(arg_required_else_help = false)]
    Campaign {
        /// Address of the head, over the key client.head [default: http://127.0.0.1:8400]
        #[arg(long, global = true, value_name = "URL")]
        head: Option<String>,
        #[command(subcommand)]
        command: CampaignCommand,
    },
    /// Show the scenarios with description, version, properties, profile and steps
    List {
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Check everything that a run would reject, without any load
    Validate {
        /// Also open every world and close it again: unreachable targets, missing topics, bad data files (exit 5)
        #[arg(long)]
        connect: bool,
    },
    /// Hold a finished campaign against earlier ones: exit 4 when it got worse
    Compare {
        /// summary.json of an earlier campaign, or a directory with several
        baseline: PathBuf,
        /// summary.json of the campaign to judge
        current: PathBuf,
        /// What to write
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
        format: Format,
    },
    /// Run one iteration of one minion of a finished campaign again, with the same data, and show all that it does
    Replay {
        /// summary.json of the campaign
        #[arg(long, value_name = "FILE")]
        campaign: PathBuf,
        /// Index of the minion in its scenario; -s names the scenario when there were several
        #[arg(long, value_name = "N")]
        minion: u32,
        /// Iteration of that minion
        #[arg(long, value_name = "K", default_value_t = 0)]
        iteration: u64,
    },
}

/// What is to be done with the campaigns of a head elsewhere. Its token is the key client.token.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CampaignCommand {
    /// Start a campaign, follow it, write its reports here, and exit with the code of its verdict
    Start {
        /// Name of the campaign for people [default: the names of its scenarios]
        #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: Option<String>,
        /// What to start as JSON, as POST /campaigns takes it, in place of -s; - reads standard input
        #[arg(long, value_name = "FILE", conflicts_with = "scenarios")]
        payload: Option<PathBuf>,
        /// Print the key of the campaign, and do not follow it
        #[arg(long)]
        detach: bool,
    },
    /// Show the campaigns, the last one first
    List {
        /// Only those in this state, or with this verdict: running, failed, ...
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// Only those of this scenario
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// Which page, from 0
        #[arg(long, value_name = "N", default_value_t = 0)]
        page: u32,
        /// How many campaigns a page has
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        size: u32,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show one campaign, running or ended
    Show {
        /// Key of the campaign
        key: String,
        /// As one JSON document, with the content of summary.json
        #[arg(long)]
        json: bool,
    },
    /// Follow a campaign to its end, write its reports here, and exit with the code of its verdict
    Wait {
        /// Key of the campaign
        key: String,
    },
    /// Stop a campaign; running iterations are finished
    Abort {
        /// Key of the campaign
        key: String,
        /// Cancel running iterations
        #[arg(long)]
        hard: bool,
    },
    /// Fetch and show the reports of a campaign that has ended
    Report {
        /// Key of the campaign
        key: String,
    },
}

/// In which form a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For a terminal or a log.
    #[default]
    Text,
    /// For a job summary or a pull request.
    Markdown,
    /// For programs.
    Json,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Run one campaign.
    Autostart,
    /// Serve, and run the campaigns that are asked for.
    Standalone,
    /// Work with campaigns of a head elsewhere.
    Campaign {
        /// Its address, when it is not the configured one.
        head: Option<String>,
        /// What is to be done.
        command: CampaignCommand,
    },
    /// Show the scenarios.
    List {
        /// As JSON instead of text.
        json: bool,
    },
    /// Check without load.
    Validate {
        /// Whether worlds are opened as well.
        connect: bool,
    },
    /// Compare one summary with others.
    Compare {
        /// A summary, or a directory of summaries.
        baseline: PathBuf,
        /// The summary to judge.
        current: PathBuf,
        /// In which form.
        format: Format,
    },
    /// Run one iteration again.
    Replay {
        /// The summary of its campaign.
        campaign: PathBuf,
        /// Which iteration.
        target: Target,
    },
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What is to be done.
    pub action: Action,
    /// Names and patterns of the scenarios; empty for all.
    pub scenarios: Vec<String>,
    /// Where the scenario executables come from.
    pub targets: Targets,
    /// Where the configuration comes from.
    pub sources: Sources,
    /// What the campaign is compared with.
    pub baseline: Option<PathBuf>,
    /// Where it is kept as a baseline.
    pub save_baseline: Option<PathBuf>,
    /// How the load is cut short.
    pub smoke: Smoke,
    /// What scenarios log.
    pub log: Option<Log>,
    /// How much is printed.
    pub verbosity: Verbosity,
    /// When colours are used.
    pub color: Color,
}

/// What became of the command line.
#[derive(Debug)]
pub enum Parsed {
    /// Something to do.
    Run(Box<Invocation>),
    /// Help or version, to be shown with exit code 0.
    Show(String),
    /// It makes no sense.
    Refused(Error),
}

/// Reads a command line, the name of the program first.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Parsed {
    match Args::try_parse_from(arguments) {
        Ok(args) => match args.into_invocation() {
            Ok(invocation) => Parsed::Run(Box::new(invocation)),
            Err(error) => Parsed::Refused(error),
        },
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Parsed::Show(error.render().to_string()),
            _ => Parsed::Refused(Error::Usage(brief(&error))),
        },
    }
}

impl Args {
    fn into_invocation(self) -> Result<Invocation, Error> {
        let action = match (self.autostart, self.command) {
            (true, None) => Action::Autostart,
            (false, Some(Command::Campaign { .. })) if self.minions.is_some() || self.time.is_some() => {
                return Err(Error::Usage(
                    "--minions and --for cut a campaign of this machine short: give -c scenarios.<scenario>.minions=N, \
                     or a payload with a profile"
                        .into(),
                ));
            }
            (false, Some(Command::Campaign { head, command })) => Action::Campaign { head, command },
            (false, Some(Command::List { json })) => Action::List { json },
            (false, Some(Command::Validate { connect })) => Action::Validate { connect },
            (false, Some(Command::Compare { baseline, current, format })) => {
                Action::Compare { baseline, current, format }
            }
            (false, Some(Command::Replay { .. })) if self.seed.is_some() => {
                return Err(Error::Usage(
                    "replay takes the seed from the campaign, for another one gives other data: remove --seed".into(),
                ));
            }
            (false, Some(Command::Replay { campaign, minion, iteration })) => {
                Action::Replay { campaign, target: Target { minion, iteration } }
            }
            (true, Some(_)) => {
                return Err(Error::Usage(
                    "--autostart runs a campaign, standalone, campaign, list, validate, compare and replay do not: give only one \
                     of them"
                        .into(),
                ));
            }
            (false, None | Some(Command::Standalone)) if self.minions.is_some() || self.time.is_some() => {
                return Err(Error::Usage(
                    "--minions and --for cut one campaign short: give --autostart as well, or ask for less when you \
                     start a campaign"
                        .into(),
                ));
            }
            (false, None | Some(Command::Standalone)) => Action::Standalone,
        };
        let scenarios = self.scenarios.iter().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty());
        Ok(Invocation {
            action,
            scenarios: scenarios.collect(),
            targets: Targets {
                executables: self.executable,
                manifest_path: self.manifest_path,
                directory: PathBuf::from("."),
                profile: self.build_profile,
            },
            sources: Sources {
                only_file: self.config,
                directory: PathBuf::from("."),
                environment: Environment::of_process(),
                pairs: self.configuration,
                given: Vec::new(),
                seed: self.seed,
                sections: outputs::sections(),
            },
            baseline: self.baseline,
            save_baseline: self.save_baseline,
            smoke: Smoke { minions: self.minions, time: self.time },
            log: self.log,
            verbosity: match (self.quiet, self.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            color: self.color,
        })
    }
}

fn time(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be a time with its unit, for example 500ms, 5s or 1m".to_owned()),
    }
}

/// clap's message in one line: what is wrong, and its tip.
fn brief(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    // What is wrong may go on over several lines; it ends at the first empty one.
    let what = lines.iter().take_while(|l| !l.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    let hints = lines.iter().filter_map(|l| {
        l.strip_prefix("tip: ")
            .map(str::to_owned)
            .or_else(|| l.starts_with("[possible").then(|| (*l).to_owned()))
    });
    let hints: Vec<String> = hints.filter(|h| !what.contains(h.as_str())).collect();
    let advice = if hints.is_empty() { "see qalipsis --help".to_owned() } else { hints.join(", ") };
    without_values(&format!("{what}; {advice}"))
}

/// A stray `KEY=VALUE` is quoted by clap, and its value may be a secret.
fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('\'').enumerate() {
        if i > 0 {
            out.push('\'');
        }
        match part.split_once('=') {
            Some((key, _)) if i % 2 == 1 && !key.starts_with('-') => {
                out.push_str(key);
                out.push_str("=...");
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(arguments: &[&str]) -> Invocation {
        match parse(std::iter::once("qalipsis").chain(arguments.iter().copied())) {
            Parsed::Run(invocation) => *invocation,
            other => panic!("{arguments:?} gave {other:?}"),
        }
    }

    fn refused(arguments: &[&str]) -> String {
        match parse(std::iter::once("qalipsis").chain(arguments.iter().copied())) {
            Parsed::Refused(error) => {
                assert_eq!(error.exit_code(), 2);
                let lines = error.lines();
                assert_eq!(lines.len(), 1);
                lines[0].clone()
            }
            other => panic!("{arguments:?} gave {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_mean_the_same_before_and_after_the_subcommand() {
        for arguments in
            [&["-s", "a,b", "--seed", "7", "list"][..], &["list", "-s", "a", "-s", "b", "--seed=7"]]
        {
            let invocation = run(arguments);
            assert_eq!(invocation.action, Action::List { json: false });
            assert_eq!(invocation.scenarios, ["a", "b"]);
            assert_eq!(invocation.sources.seed, Some(7));
        }
        let invocation = run(&["--autostart", "-c", "a=1", "-c", "b=x,y", "--build-profile", "dev", "-q"]);
        assert_eq!(invocation.action, Action::Autostart);
        assert_eq!(invocation.sources.pairs, ["a=1", "b=x,y"]);
        assert_eq!(invocation.targets.profile, BuildProfile::Dev);
        assert_eq!(invocation.verbosity, Verbosity::Quiet);
        let replay = run(&["replay", "--campaign", "a.json", "--minion", "7", "--iteration", "3"]).action;
        let target = Target { minion: 7, iteration: 3 };
        assert_eq!(replay, Action::Replay { campaign: "a.json".into(), target });
        assert_eq!(run(&["list", "--json"]).action, Action::List { json: true });
        assert_eq!((run(&[]).action, run(&["standalone"]).action), (Action::Standalone, Action::Standalone));
    }

    #[test]
    fn what_makes_no_sense_is_one_line_with_advice() {
        for (arguments, expected) in [
            (
                &["--minions", "3"][..],
                "--minions and --for cut one campaign short: give --autostart as well, or ask for less when you \
                 start a campaign",
            ),
            (
                &["--autostart", "list"],
                "--autostart runs a campaign, standalone, campaign, list, validate, compare and replay do not: give only one \
                     of them",
            ),
            (
                &["--baseline", "x.json"],
                "the following required arguments were not provided: --autostart; see qalipsis --help",
            ),
            (
                &["--autostrat"],
                "unexpected argument '--autostrat' found; a similar argument exists: '--autostart'",
            ),
            (&["lst"], "unrecognized subcommand 'lst'; a similar subcommand exists: 'list'"),
            (
                &["list", "--color", "sometimes"],
                "invalid value 'sometimes' for '--color <WHEN>' [possible values: auto, always, never]; \
                 see qalipsis --help",
            ),
            (
                &["--autostart", "--seed", "x"],
                "invalid value 'x' for '--seed <N>': invalid digit found in string; see qalipsis --help",
            ),
        ] {
            assert_eq!(refused(arguments), expected, "{arguments:?}");
        }
        assert!(refused(&["-q", "-v", "list"]).contains("cannot be used with"));
        assert!(
            refused(&["list", "--executable", "a", "--manifest-path", "b"]).contains("cannot be used with")
        );
    }

    #[test]
    fn a_stray_pair_does_not_show_its_value() {
        for arguments in
            [&["-c", "a=1", "properties.password=hunter2"][..], &["list", "properties.password=hunter2"]]
        {
            let line = refused(arguments);
            assert!(line.contains("properties.password=..."), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn help_shows_the_exit_codes_and_examples() {
        let Parsed::Show(help) = parse(["qalipsis", "--help"]) else { panic!("no help") };
        for text in ["Exit codes:", "  7  nothing to run", "Examples:", "--autostart", "--build-profile"] {
            assert!(help.contains(text), "{text} in {help}");
        }
        assert!(matches!(parse(["qalipsis", "--version"]), Parsed::Show(_)));
    }
}
