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
        ..Step::PLAIN
    },
    Step {
        name: "readers of JUnit files",
        program: Program::Named("sh"),
        arguments: &["runner/crates/qalipsis-report/tests/readers/fetch.sh"],
        ..Step::PLAIN
    },
    Step {
        name: "fuzzer of the API",
        program: Program::Named("sh"),
        arguments: &["tests/service/fuzz/fetch.sh"],
        ..Step::PLAIN
    },
    Step {
        name: "later versions of Gradle fetched",
        program: Program::Named("gradle"),
        arguments: &["--no-daemon", "--quiet", "--project-dir", "gradle-plugin", "fetch"],
        ..Step::PLAIN
    },
    Step { name: "format", arguments: &["fmt", "--all", "--check"], ..Step::PLAIN },
    Step {
        name: "lints",
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ..Step::PLAIN
    },
    Step {
        name: "tests",
        arguments: &["test", "--workspace", "--no-fail-fast"],
        takes_arguments: true,
        // One of the tests installs the runner as users do, and the archive has the same.
        beside: Some(&["build", "--release", "--locked", "--package", "qalipsis-runner"]),
        ..Step::PLAIN
    },
    Step {
        name: "documentation",
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-Dwarnings")],
        ..Step::PLAIN
    },
    Step {
        name: "the README's first command",
        // Builds the quickstart as a user does, alone, so that it has only what it asks for itself.
        arguments: &[
            "run",
            "-p",
            "qalipsis-runner",
            "--",
            "--autostart",
            "-s",
            "quickstart",
            "--build-profile",
            "dev",
        ],
        ..Step::PLAIN
    },
    Step {
        name: "Kafka plugin without TLS",
        // The tests are built with TLS, because `tests/tls` asks for it; users have to ask for it as well, and the
        // step before has built librdkafka without.
        arguments: &["test", "-p", "qalipsis-kafka", "--lib"],
        ..Step::PLAIN
    },
    Step {
        name: "release archive",
        // What the tests of the action download.
        arguments: &["xtask", "release"],
        ..Step::PLAIN
    },
    Step {
        name: "Gradle plugin",
        program: Program::Named("gradle"),
        // With the binaries of the README's command. No daemon, so that nothing stays.
        arguments: &["--no-daemon", "--offline", "--console=plain", "--project-dir", "gradle-plugin", "test"],
        ..Step::PLAIN
    },
    Step {
        name: "tools of the GitHub action",
        program: Program::Named("sh"),
        arguments: &["github-action/tools.sh"],
        ..Step::PLAIN
    },
    Step {
        name: "GitHub action",
        program: Program::Named("npm"),
        // With the same binaries.
        arguments: &["--prefix", "github-action", "test"],
        environment: &[("ACT", "../target/action-tools/bin/act")],
        ..Step::PLAIN
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
