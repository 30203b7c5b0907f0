//! `cargo xtask test`: everything that must be green before a change goes in.

use std::process::ExitCode;

use crate::packages::{self, Readiness};
use crate::step::{self, Outcome, Program, Step};
use crate::table::summary;
use crate::workspace::root;
use crate::{FAILED, NOT_READY};

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Arguments for `cargo test`, such as the name of a test
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// In this order, cheap ones first, up to the first that fails.
const STEPS: &[Step] = &[
    Step {
        name: "Kafka broker fetched",
        program: Program::Named("mvn"),
        // Into Maven's own repository, from which the first test that needs the broker copies it. The network
        // is used here, where a failure says so in a line of its own.
        arguments: &[
            "--quiet",
            "--batch-mode",
            "-Dstyle.color=never",
            "--file",
            "runner/crates/qalipsis-testkit/kafka/pom.xml",
            "dependency:resolve",
        ],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "readers of JUnit files",
        program: Program::Named("sh"),
        arguments: &["runner/crates/qalipsis-report/tests/readers/fetch.sh"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "later versions of Gradle fetched",
        program: Program::Named("gradle"),
        arguments: &["--no-daemon", "--quiet", "--project-dir", "gradle-plugin", "fetch"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "format",
        program: Program::Cargo,
        arguments: &["fmt", "--all", "--check"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "lints",
        program: Program::Cargo,
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "tests",
        program: Program::Cargo,
        arguments: &["test", "--workspace", "--no-fail-fast"],
        environment: &[],
        takes_arguments: true,
    },
    Step {
        name: "Kafka plugin without TLS",
        program: Program::Cargo,
        // The step before builds librdkafka with TLS, because `tests/tls` asks for it; users have to ask for it
        // as well. What scenarios are built with is built already.
        arguments: &["test", "-p", "qalipsis-kafka", "--lib"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "documentation",
        program: Program::Cargo,
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-Dwarnings")],
        takes_arguments: false,
    },
    Step {
        name: "the README's first command",
        program: Program::Cargo,
        arguments: &["run", "--release", "-p", "qalipsis-runner", "--", "--autostart", "-s", "quickstart"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "release archive",
        program: Program::Cargo,
        // Of the same build: what the tests of the action download.
        arguments: &["xtask", "release"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "Gradle plugin",
        program: Program::Named("gradle"),
        // With the binaries that the step before has built. No daemon, so that nothing stays.
        arguments: &["--no-daemon", "--offline", "--console=plain", "--project-dir", "gradle-plugin", "test"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "tools of the GitHub action",
        program: Program::Named("sh"),
        arguments: &["github-action/tools.sh"],
        environment: &[],
        takes_arguments: false,
    },
    Step {
        name: "GitHub action",
        program: Program::Named("npm"),
        // With the same binaries.
        arguments: &["--prefix", "github-action", "test"],
        environment: &[("ACT", "../target/action-tools/bin/act")],
        takes_arguments: false,
    },
];

/// Makes the machine ready and runs all steps.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    println!("==> packages");
    if let Readiness::Missing = packages::ensure()? {
        return Ok(ExitCode::from(NOT_READY));
    }
    let outcomes = step::run_all(STEPS, &root(), &options.arguments);
    print!("{}", summary(STEPS, &outcomes));
    let passed = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Passed(_)));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
