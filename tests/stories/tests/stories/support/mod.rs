//! One run of `qalipsis --autostart -s checkout` against a shop, and what came out of it.

mod junit;
mod outputs;
mod stats;

pub(crate) use junit::{Case, Suite};
pub(crate) use stats::Stats;

use qalipsis_summary::Summary;
use qalipsis_testkit::junit::assert_readable;
use qalipsis_testkit::{Finished, KafkaBroker, Process, binary};
use shop::{Launcher, Running};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// The longest run of these tests, with room for a busy machine.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// The workers of two shops on one Kafka would share the orders, and both would hear one exchange of
/// RabbitMQ: one test has the shared servers at a time.
static SHARED: Mutex<()> = Mutex::new(());

/// The Kafka that all tests share, and the right to use it and the shared RabbitMQ while the guard lives.
pub(crate) fn shared_kafka() -> (MutexGuard<'static, ()>, &'static KafkaBroker) {
    // A test that failed while it had the broker leaves nothing half done there.
    let guard = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, KafkaBroker::shared().unwrap())
}

/// A shop with these flags; its Kafka is embedded unless the flags name one.
pub(crate) fn shop(flags: &str) -> Running {
    let program = binary("shop", "shop").unwrap();
    let kafka = if flags.contains("--kafka") { "" } else { "--embedded-kafka" };
    Launcher::new(program).args(kafka.split_whitespace()).args(flags.split_whitespace()).start().unwrap()
}

/// How checkout is run.
pub(crate) struct Checkout {
    scenario: &'static str,
    configuration: Vec<String>,
    flags: Vec<String>,
    folder: TempDir,
}

impl Default for Checkout {
    fn default() -> Self {
        Self {
            scenario: "checkout",
            configuration: Vec::new(),
            flags: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }
}

/// What came out of a run.
pub(crate) struct Outcome {
    pub(crate) finished: Finished,
    scenario: &'static str,
    folder: TempDir,
}

impl Checkout {
    pub(crate) fn at(shop: &Running) -> Self {
        Self { scenario: "checkout", ..Self::default() }
            .set("properties.shop", shop.http())
            .set("properties.brokers", shop.kafka())
            .set("scenarios.checkout.minions", "300")
    }

    /// The orders as rows of this database.
    pub(crate) fn stored(shop: &Running, database: &str) -> Self {
        Self { scenario: "checkout-stored", ..Self::default() }
            .set("properties.shop", shop.http())
            .set("properties.database", database)
    }

    /// The orders everywhere behind the shop.
    pub(crate) fn everywhere(shop: &Running) -> Self {
        Self { scenario: "checkout-everywhere", ..Self::default() }.set("properties.shop", shop.http())
    }

    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.configuration.push(format!("{key}={value}"));
        self
    }

    /// A flag of the command with its value.
    pub(crate) fn flag(mut self, flag: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.flags.extend([flag.to_owned(), value.as_ref().to_str().unwrap().to_owned()]);
        self
    }

    /// The configuration file.
    pub(crate) fn file(self, text: &str) -> Self {
        std::fs::write(self.folder.path().join("qalipsis.yml"), text).unwrap();
        self
    }

    pub(crate) fn start(&self) -> Process {
        let mut command = Command::new(binary("qalipsis-runner", "qalipsis").unwrap());
        command.args(["--autostart", "-s", self.scenario, "--executable"]);
        command.arg(binary("checkout", "checkout").unwrap());
        for pair in &self.configuration {
            command.args(["-c", pair]);
        }
        for (key, value) in outputs::notifications() {
            command.args(["-c", &format!("{key}={value}")]);
        }
        command.args(&self.flags).current_dir(self.folder.path());
        // As in a job of GitHub, to see that output too.
        command.env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_STEP_SUMMARY", self.folder.path().join(outputs::JOB_SUMMARY));
        Process::spawn(&mut command).unwrap()
    }

    pub(crate) fn end(self, process: &Process) -> Outcome {
        Outcome { finished: process.wait(RUN_LIMIT).unwrap(), scenario: self.scenario, folder: self.folder }
    }

    pub(crate) fn run(self) -> Outcome {
        let process = self.start();
        self.end(&process)
    }
}

impl Outcome {
    pub(crate) fn suite(&self) -> Suite {
        // Each fault, as its readers see it.
        assert_readable(&qalipsis_testkit::junit::read(&self.reports()).unwrap());
        Suite::read(&self.junit_file())
    }

    pub(crate) fn junit_file(&self) -> PathBuf {
        self.reports().join(format!("TEST-{}.xml", self.scenario))
    }

    /// All that the run wrote is in here.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary::read(&self.reports().join("summary.json")).unwrap()
    }

    /// The folder of the campaign's reports.
    fn reports(&self) -> PathBuf {
        let mut campaigns: Vec<PathBuf> = std::fs::read_dir(self.folder.path().join("test-results"))
            .unwrap_or_else(|error| panic!("{error}: {}", self.finished))
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(campaigns.len(), 1, "{campaigns:?}");
        campaigns.remove(0)
    }

    /// A green run: exit 0, every declared step was executed by every minion, no case but passing ones.
    #[track_caller]
    pub(crate) fn assert_green(&self, minions: u64) -> Suite {
        assert_eq!(self.finished.code(), Some(0), "{}", self.finished);
        let suite = self.suite();
        let effects = match self.scenario {
            "checkout" => ["order-fulfilled", "fulfilled-unchanged"],
            _ => ["stored", "stored-unchanged"],
        };
        for step in ["place", "accepted"].into_iter().chain(effects) {
            let case = suite.case(step);
            assert_eq!(case.outcome, None, "{step}: {}", self.finished);
            assert_eq!(case.executions(), minions, "{step}: {}", self.finished);
        }
        assert!(suite.cases.iter().all(|case| case.outcome.is_none()), "{}", self.finished);
        suite
    }

    /// A red run: exit 3, the case of this step failed for this kind, and all outputs show the same.
    #[track_caller]
    pub(crate) fn assert_red(&self, step: &str, kind: &str) -> Case {
        self.assert_red_at(step, kind, "scenarios/checkout/src/")
    }

    /// The same for a criterion that is written there.
    #[track_caller]
    pub(crate) fn assert_red_at(&self, step: &str, kind: &str, place: &str) -> Case {
        assert_eq!(self.finished.code(), Some(3), "{}", self.finished);
        let case = self.suite().case(step).clone();
        assert_eq!(case.outcome.as_deref(), Some(kind), "{step}: {}", self.finished);
        assert!(case.body.contains(place), "{}", case.body);
        outputs::agree(&case, kind, &self.reports(), &self.finished.stdout);
        case
    }
}
