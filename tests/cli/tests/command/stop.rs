//! Ctrl-C, SIGTERM and the campaign's own limit.

use crate::support::{LIMIT, SOON, TestContext, flat};
use qalipsis_testkit::{Finished, Process};
use std::process::Command;
use std::time::{Duration, Instant};

/// What a graceful stop must not exceed by far: one iteration of `long` is 0.2 s.
const PROMPTLY: Duration = Duration::from_secs(10);

#[track_caller]
fn assert_aborted(context: &TestContext, finished: &Finished, cause: &str) {
    assert_eq!(finished.code(), Some(5), "{finished}");
    let text = flat(&finished.stdout);
    assert!(text.starts_with("✗ ABORTED "), "{finished}");
    assert!(text.contains(&format!("✗ campaign aborted {cause}")), "{finished}");
    assert!(context.junit().contains(cause), "JUnit says why");
    context.assert_nothing_left();
}

/// Whether a column of the table counts cancelled executions.
fn cancelled(finished: &Finished) -> bool {
    finished.stdout.lines().any(|line| line.contains("executions") && line.contains("cancelled"))
}

#[test]
fn one_interrupt_finishes_the_running_iterations() {
    for signal in [Process::interrupt, Process::interrupt_group, Process::terminate] {
        let context = TestContext::new();
        let process = context.running("long");
        process.wait_for_line(|line| line == "iteration 1 begins", SOON).unwrap();
        let began = Instant::now();
        signal(&process).unwrap();
        let finished = process.wait(LIMIT).unwrap();
        assert!(began.elapsed() < PROMPTLY);
        assert_aborted(&context, &finished, "stopped by the user");
        assert!(!cancelled(&finished), "{finished}");
        let notice = "stopping: running iterations are finished; stop again to cancel them";
        assert_eq!(finished.stderr.lines().filter(|line| *line == notice).count(), 1, "{finished}");
    }
}

#[test]
fn a_second_interrupt_cancels() {
    let context = TestContext::new();
    // Iterations take five minutes: they are surely not finished.
    let process = context.running("never-returns");
    process.wait_for_line(|line| line == "waiting", SOON).unwrap();
    process.interrupt().unwrap();
    process.wait_for_line(|line| line.starts_with("stopping: "), SOON).unwrap();
    let began = Instant::now();
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert!(began.elapsed() < PROMPTLY);
    assert!(finished.stderr.lines().any(|line| line == "cancelling"), "{finished}");
    assert!(cancelled(&finished), "{finished}");
    assert_aborted(&context, &finished, "stopped by the user");
}

#[test]
fn an_interrupt_while_worlds_open_starts_no_load() {
    let context = TestContext::new();
    let process = Process::spawn(&mut context.campaign("opens-slowly", &["-v"])).unwrap();
    process.wait_for_line(|line| line == "opening", LIMIT).unwrap();
    let began = Instant::now();
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert!(began.elapsed() < PROMPTLY);
    assert!(!finished.stderr.contains(crate::support::LOAD_STARTS), "{finished}");
    assert!(finished.stdout.contains("opens-slowly: 0 minions"), "{finished}");
    assert_aborted(&context, &finished, "stopped by the user");
}

#[test]
fn an_interrupt_while_executables_describe_themselves_starts_nothing() {
    for signal in [Process::interrupt, Process::interrupt_group, Process::terminate] {
        let context = TestContext::new();
        let executable = context.script("hangs", "echo describing >&2\nexec sleep 3600");
        let mut command = context.qalipsis(&["--autostart", "--executable", executable.to_str().unwrap()]);
        let process = Process::spawn(&mut command).unwrap();
        process.wait_for_line(|line| line == "describing", LIMIT).unwrap();
        signal(&process).unwrap();
        let finished = process.wait(SOON).unwrap();
        assert_eq!(finished.code(), Some(5), "{finished}");
        assert_eq!(finished.stderr, "describing\nerror: stopped by the user before the campaign started\n");
        assert_eq!(finished.stdout, "");
        context.assert_nothing_left();
    }
}

#[test]
fn an_interrupt_while_cargo_builds_ends_cargo() {
    for signal in [Process::interrupt, Process::interrupt_group, Process::terminate] {
        let context = TestContext::new();
        context.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"*/\"]\n");
        context.write("qalipsis/Cargo.toml", "[package]\nname = \"qalipsis\"\nedition = \"2024\"\n");
        context.write("qalipsis/src/lib.rs", "");
        let manifest = "[package]\nname = \"load\"\nedition = \"2024\"\n[dependencies]\nqalipsis.path = \"../qalipsis\"\n";
        context.write("load/Cargo.toml", manifest);
        context.write("load/src/main.rs", "fn main() {}");
        // Stands for a compiler that takes long; cargo asks it for its version first.
        let compiler = context.script(
            "compiler",
            "case \"$*\" in *--crate-name\\ qalipsis*) echo compiling >&2; exec sleep 3600;; esac\nexec rustc \"$@\"",
        );
        let mut command = context.qalipsis(&["--autostart"]);
        command.env("RUSTC", &compiler).env("CARGO_NET_OFFLINE", "true").env_remove("CARGO_TARGET_DIR");
        let process = Process::spawn(&mut command).unwrap();
        process.wait_for_line(|line| line.contains("Compiling qalipsis"), LIMIT).unwrap();
        signal(&process).unwrap();
        let finished = process.wait(SOON).unwrap();
        assert_eq!(finished.code(), Some(5), "{finished}");
        let last = finished.stderr.lines().last();
        assert_eq!(last, Some("error: stopped by the user before the campaign started"), "{finished}");
        context.assert_gone(" build --bins ");
    }
}

#[test]
fn the_campaigns_own_limit_ends_it() {
    let context = TestContext::new();
    let finished = context.autostart("long", &["-c", "campaign.timeout=1s"]);
    assert_aborted(&context, &finished, "stopped after its limit of 1 s (campaign.timeout)");
    assert!(finished.stderr.contains("stopping: the campaign's limit of 1 s is over\n"), "{finished}");
}

#[test]
fn the_hard_limit_cancels_what_the_other_one_waits_for() {
    let context = TestContext::new();
    // Iterations take five minutes, and a soft limit lets them.
    let limits = ["-c", "campaign.timeout=500ms", "-c", "campaign.hard-timeout=1500ms"];
    let finished = context.autostart("never-returns", &limits);
    assert_aborted(&context, &finished, "cancelled after its limit of 1.5 s (campaign.hard-timeout)");
    assert!(cancelled(&finished), "{finished}");
    let notices: Vec<&str> = finished.stderr.lines().filter(|line| line.contains("limit of")).collect();
    assert_eq!(
        notices,
        [
            "stopping: the campaign's limit of 500 ms is over",
            "cancelling: the campaign's hard limit of 1.5 s is over",
        ],
        "{finished}"
    );
}

/// Red while the factory panicked there: "Cannot drop a runtime in a context where blocking is not allowed".
#[test]
fn c10_an_interrupt_while_worlds_open_says_which_one_and_closes_it_in_order() {
    let context = TestContext::new();
    let process = Process::spawn(&mut context.campaign("opens-guarded", &["-v"])).unwrap();
    process.wait_for_line(|line| line == "opening", LIMIT).unwrap();
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    let cause = "stopped by the user during warm-up: World::open of opens-guarded was still running";
    assert_aborted(&context, &finished, cause);
    assert!(finished.stderr.lines().any(|line| line == "closed in order"), "{finished}");
    assert!(!finished.stderr.contains("panicked"), "{finished}");
}

#[test]
fn c10_a_world_that_blocks_its_thread_is_left_behind() {
    for times in [1, 2] {
        let context = TestContext::new();
        let process = Process::spawn(&mut context.campaign("opens-blocking", &["-v"])).unwrap();
        process.wait_for_line(|line| line == "opening", LIMIT).unwrap();
        let began = Instant::now();
        process.interrupt().unwrap();
        process.wait_for_line(|line| line.starts_with("stopping: what is open is closed"), SOON).unwrap();
        if times == 2 {
            // It may have ended by itself meanwhile.
            _ = process.interrupt();
        }
        let finished = process.wait(LIMIT).unwrap();
        assert!(began.elapsed() < PROMPTLY);
        assert_aborted(&context, &finished, "stopped by the user");
        assert!(!finished.stderr.contains("panicked"), "{finished}");
    }
}

/// Red while a signal was passed over once the campaign had ended.
#[test]
fn c10_an_interrupt_while_outputs_are_shown_does_not_wait_for_those_that_hang() {
    // The connection is taken, and nobody ever answers.
    let slack = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let context = TestContext::new();
    let url = format!("report.export.slack.url=http://{}", slack.local_addr().unwrap());
    let mut command = context.campaign("red", &["-c", "report.export.slack.enabled=true", "-c", &url]);
    let process = Process::spawn(&mut command).unwrap();
    let _connection = slack.accept().unwrap();
    let began = Instant::now();
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert!(began.elapsed() < PROMPTLY, "{:?}", began.elapsed());
    assert_eq!(finished.code(), Some(3), "the verdict stays: {finished}");
    assert!(flat(&finished.stdout).contains("slack: not finished, stopped by the user"), "{finished}");
    assert_eq!(context.junit_files().len(), 1, "files are written all the same");
}

/// Red while nothing listened for signals there: only the end of the reader let the process go.
#[test]
fn c10_a_second_interrupt_ends_a_run_whose_report_nobody_reads() {
    let context = TestContext::new();
    // A pipe with a reader that never reads, and no place left.
    let script = "mkfifo full && exec 3<>full && dd if=/dev/zero of=full bs=4096 count=16 2>/dev/null && \
                  exec \"$Q\" --autostart --executable \"$F\" -s red >full";
    let process = Process::spawn(&mut context.shell(script)).unwrap();
    let deadline = Instant::now() + LIMIT;
    let is_written = || {
        let campaigns = std::fs::read_dir(context.path().join("test-results")).ok();
        campaigns.into_iter().flatten().flatten().any(|folder| folder.path().join("report.html").is_file())
    };
    while !is_written() {
        assert!(Instant::now() < deadline, "the campaign has not ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    process.interrupt().unwrap();
    // Two that come at once may count as one.
    std::thread::sleep(Duration::from_millis(200));
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert!(began.elapsed() < PROMPTLY, "{:?}", began.elapsed());
    assert_eq!(finished.code(), Some(3), "the verdict stays: {finished}");
    let last = finished.stderr.lines().last();
    let expected = "error: stopped by the user while reports were written, some may be missing";
    assert_eq!(last, Some(expected), "{finished}");
}

fn hang_up(process: &Process) {
    let pid = i32::try_from(process.pid()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::HUP)
        .unwrap();
}

/// The same program with the signals of a terminal, although whatever runs the tests may ignore them, as `nohup` does.
fn with_terminal(command: &Command) -> Command {
    let mut own = Command::new("env");
    own.arg("--default-signal=HUP").arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        own.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => own.env(name, value),
            None => own.env_remove(name),
        };
    }
    own
}

/// Red while SIGHUP ended the runner without a report.
#[test]
fn c7_the_end_of_the_terminal_stops_the_campaign_and_it_reports() {
    let context = TestContext::new();
    let process = Process::spawn(&mut with_terminal(&context.campaign("long", &["-v"]))).unwrap();
    process.wait_for_line(|line| line == "iteration 1 begins", LIMIT).unwrap();
    hang_up(&process);
    let finished = process.wait(LIMIT).unwrap();
    assert_aborted(&context, &finished, "stopped by the user");
    assert!(!cancelled(&finished), "{finished}");
}

#[test]
fn c7_a_run_that_ignores_the_end_of_its_terminal_goes_on() {
    let context = TestContext::new();
    // As `nohup` does.
    let script = "trap '' HUP; exec \"$Q\" --autostart --executable \"$F\" -s long -v -c campaign.timeout=4s";
    let process = Process::spawn(&mut context.shell(script)).unwrap();
    process.wait_for_line(|line| line == "iteration 1 begins", LIMIT).unwrap();
    hang_up(&process);
    let finished = process.wait(LIMIT).unwrap();
    assert_aborted(&context, &finished, "stopped after its limit of 4 s");
}

#[test]
fn c7_without_a_reader_of_standard_output_the_reports_are_written() {
    let context = TestContext::new();
    let script = "{ \"$Q\" --autostart --executable \"$F\" -s red; echo $? > code; } | true";
    crate::support::finish(context.shell(script));
    assert_eq!(std::fs::read_to_string(context.path().join("code")).unwrap(), "3\n");
    assert_eq!(context.junit_files().len(), 1);
    assert!(context.summary().is_file());
}

/// Red for SIGTERM and SIGHUP, which ended it without a report.
#[test]
fn c7_a_scenario_that_runs_alone_is_stopped_in_the_same_way() {
    for signal in ["TERM", "HUP", "INT"] {
        let context = TestContext::new();
        let mut command = context.program(crate::support::FIXTURE);
        let process = Process::spawn(&mut with_terminal(command.args(["run", "long"]))).unwrap();
        process.wait_for_line(|line| line == "iteration 1 begins", SOON).unwrap();
        match signal {
            "TERM" => process.terminate().unwrap(),
            "HUP" => hang_up(&process),
            _ => process.interrupt().unwrap(),
        }
        let finished = process.wait(LIMIT).unwrap();
        assert_eq!(finished.code(), Some(5), "{signal}: {finished}");
        assert!(flat(&finished.stdout).contains("stopped by the user"), "{signal}: {finished}");
    }
}
