//! What every test of the command needs.

pub(crate) use qalipsis_testkit::flat;
use qalipsis_testkit::junit::assert_readable;
use qalipsis_testkit::{Finished, Process, binary};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The scenario executable of this package.
pub(crate) const FIXTURE: &str = env!("CARGO_BIN_EXE_fixture");

/// Its source, to know which line does what.
const SOURCE: &str = include_str!("../../src/main.rs");

/// How long a run may take at most, on a machine that is busy with other things.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// How long what the contract does not limit may take before a test gives up.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How soon a lost factory must be noticed.
pub(crate) const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// The line of `-v` that reports the start of the load.
pub(crate) const LOAD_STARTS: &str = "all factories are ready, the load starts";

/// A directory of its own to run the command in, with another one for temporary files.
pub(crate) struct TestContext {
    directory: TempDir,
    temporary: TempDir,
    qalipsis: PathBuf,
}

impl TestContext {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            temporary: tempfile::tempdir().unwrap(),
            qalipsis: binary("qalipsis-runner", "qalipsis").unwrap(),
        }
    }

    /// The working directory of the command.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file below the working directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes an executable shell script.
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        self.executable(name, &format!("#!/bin/sh\n{body}\n"))
    }

    /// Writes an executable file.
    pub(crate) fn executable(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Any program, as it would be called by a user without settings of their own.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("TMPDIR", self.temporary.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("GITHUB_")
                || name.starts_with("QALIPSIS_")
                || name.starts_with("RUST_")
                || name.starts_with("LC_")
            {
                command.env_remove(name.as_ref());
            }
        }
        command.env_remove("NO_COLOR").env_remove("LANG").env_remove("COLUMNS").env("TERM", "xterm");
        command
    }

    /// `qalipsis` with arguments.
    pub(crate) fn qalipsis(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&self.qalipsis);
        command.args(arguments);
        command
    }

    /// A shell that has the path of `qalipsis` as `$Q` and that of the fixture as `$F`.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.program("sh");
        command.args(["-c", script]).env("Q", &self.qalipsis).env("F", FIXTURE);
        command
    }

    /// A campaign of one scenario of the fixture, with more arguments.
    pub(crate) fn campaign(&self, scenario: &str, arguments: &[&str]) -> Command {
        let mut command = self.qalipsis(&["--autostart", "--executable", FIXTURE, "--seed", "7"]);
        command.args(["-s", scenario]).args(arguments);
        command
    }

    /// Runs `qalipsis` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.qalipsis(arguments))
    }

    /// Runs a campaign to its end.
    pub(crate) fn autostart(&self, scenario: &str, arguments: &[&str]) -> Finished {
        finish(self.campaign(scenario, arguments))
    }

    /// Starts a campaign and waits until its load runs.
    pub(crate) fn running(&self, scenario: &str) -> Process {
        self.running_with(scenario, &[])
    }

    /// The same with more arguments.
    pub(crate) fn running_with(&self, scenario: &str, arguments: &[&str]) -> Process {
        let arguments = [&["-v"], arguments].concat();
        let process = Process::spawn(&mut self.campaign(scenario, &arguments)).unwrap();
        process.wait_for_line(|line| line == LOAD_STARTS, LIMIT).unwrap();
        process
    }

    /// The id of the process of the factory.
    pub(crate) fn factory(&self) -> u32 {
        let found: Vec<u32> = self
            .processes()
            .into_iter()
            .filter(|(_, l)| l.contains(" factory "))
            .map(|(pid, _)| pid)
            .collect();
        assert_eq!(found.len(), 1, "there is one factory: {:?}", self.processes());
        found[0]
    }

    /// The process of the runner.
    pub(crate) fn runner(&self) -> rustix::process::Pid {
        let processes = self.processes();
        let (pid, _) = processes.iter().find(|(_, line)| line.contains(" --autostart ")).expect("it runs");
        rustix::process::Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap()
    }

    /// Sends a signal, by its name, to the process of the factory.
    pub(crate) fn signal_factory(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.factory()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Runners and factories that work in this context, with their command lines.
    fn processes(&self) -> Vec<(u32, String)> {
        let here = self.path().canonicalize().unwrap();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
            let of = |name: &str| entry.path().join(name);
            if fs::read_link(of("cwd")).is_ok_and(|directory| directory == here)
                && let Ok(line) = fs::read(of("cmdline"))
            {
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                // What watches over a process of the test is the test's own.
                if !line.is_empty() && !line.contains("testkit-watchdog") {
                    found.push((pid, line));
                }
            }
        }
        found
    }

    /// Nothing that ran here is left: no process, no temporary file.
    pub(crate) fn assert_nothing_left(&self) {
        self.assert_no_process_within(Duration::from_secs(1));
        let left: Vec<_> = fs::read_dir(self.temporary.path()).unwrap().flatten().collect();
        assert!(left.is_empty(), "temporary files were left: {left:?}");
    }

    /// No process with `text` in its command line works here any more, or will not in a moment.
    pub(crate) fn assert_gone(&self, text: &str) {
        let deadline = Instant::now() + SOON;
        while self.processes().iter().any(|(_, line)| line.contains(text)) {
            assert!(Instant::now() < deadline, "`{text}` was left: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until nothing runs here any more.
    pub(crate) fn assert_no_process_within(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "processes were left: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The text of the only JUnit file that was written.
    pub(crate) fn junit(&self) -> String {
        let files = self.junit_files();
        assert_eq!(files.len(), 1, "there is one file: {files:?}");
        assert_readable(&qalipsis_testkit::junit::read(files[0].parent().unwrap()).unwrap());
        fs::read_to_string(&files[0]).unwrap()
    }

    /// The path of the only summary that was written, in the default folder.
    pub(crate) fn summary(&self) -> PathBuf {
        let campaigns = fs::read_dir(self.path().join("test-results")).unwrap().flatten();
        let mut found =
            campaigns.map(|campaign| campaign.path().join("summary.json")).filter(|p| p.is_file());
        let summary = found.next().expect("a summary was written");
        assert_eq!(found.next(), None, "there is one campaign");
        summary
    }

    /// All JUnit files, in the default folder.
    pub(crate) fn junit_files(&self) -> Vec<PathBuf> {
        let Ok(campaigns) = fs::read_dir(self.path().join("test-results")) else { return Vec::new() };
        campaigns
            .flatten()
            .flat_map(|campaign| fs::read_dir(campaign.path()).unwrap().flatten())
            .map(|f| f.path())
            .filter(|path| path.extension().is_some_and(|e| e == "xml"))
            .collect()
    }
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Finished {
    Process::spawn(&mut command).unwrap().wait(LIMIT).unwrap()
}

/// `tests/cli/src/main.rs:<line>` of the only line of the fixture that contains `text`.
pub(crate) fn place_of(text: &str) -> (String, usize) {
    let lines: Vec<usize> =
        SOURCE.lines().enumerate().filter(|(_, l)| l.contains(text)).map(|(i, _)| i + 1).collect();
    assert_eq!(lines.len(), 1, "`{text}` is in one line of the fixture");
    ("tests/cli/src/main.rs".to_owned(), lines[0])
}

/// What snapshots do not show: whatever differs from run to run.
fn filters() -> Vec<(&'static str, &'static str)> {
    let mut filters = qalipsis_testkit::filters();
    filters.extend([
        // Columns are as wide as their longest figure.
        (r" +\[DURATION\]", " [DURATION]"),
        // Shown only when it differs much from the service time.
        (r"\s+service( \[DURATION\])+", ""),
        (r"(\S) {2,}", "$1  "),
        (r"trace [0-9a-f]{32}", "trace [TRACE]"),
        // Whether the machine was busy meanwhile depends on what else runs on it.
        (r"; the load generator itself had a hard time meanwhile.*?( at tests/)", "$1"),
        (r"minion \d+, iteration", "minion [MINION], iteration"),
        (r"first at \[TIME\](, last at \[TIME\])? UTC", "first at [TIME], last at [TIME] UTC"),
        (r"main\.rs:\d+:\d+", "main.rs:[LINE]"),
        (r"--seed \d+", "--seed [SEED]"),
        (r"there are \d+, among", "there are [COUNT], among"),
    ]);
    filters
}

/// Runs `check` with the filters of this module.
pub(crate) fn snapshot(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_filters(filters());
    settings.bind(check);
}
