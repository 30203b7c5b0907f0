//! Factories that die, block or stop answering are noticed in time, reported in one line, and leave nothing.

use crate::support::{LIMIT, NOTICED_WITHIN, SOON, TestContext, finish, flat};
use qalipsis_testkit::{Finished, Process};
use roxmltree::Document;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Exit 5, the cause as one paragraph, the figures so far, and JUnit with the same cause.
#[track_caller]
fn assert_lost(context: &TestContext, finished: &Finished, cause: &str) {
    assert_eq!(finished.code(), Some(5), "{finished}");
    let text = flat(&finished.stdout);
    assert!(text.starts_with("✗ ABORTED "), "{finished}");
    assert!(text.contains("✗ campaign aborted factory 'fixture' was lost "), "{finished}");
    assert!(text.contains(cause), "{cause}\n{finished}");
    let causes =
        text.matches("was lost").count() - text.matches("not judged: factory 'fixture' was lost").count();
    assert_eq!(causes, 1, "a cause is said once: {finished}");
    let junit = context.junit();
    let document = Document::parse(&junit).unwrap();
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    assert_ne!(suite.attribute("errors"), Some("0"), "{junit}");
    assert!(junit.contains("was lost"), "{junit}");
    context.assert_nothing_left();
}

/// How long after the start of the load the report says that the factory was lost.
fn lost_after(finished: &Finished) -> Duration {
    let text = flat(&finished.stdout);
    let after = text.split_once("was lost ").unwrap().1.split_once(" after the start").unwrap().0;
    let (number, unit) = after.split_once(' ').unwrap();
    let number: f64 = number.parse().unwrap();
    match unit {
        "s" => Duration::from_secs_f64(number),
        "ms" => Duration::from_secs_f64(number / 1e3),
        other => panic!("{other} is a strange unit"),
    }
}

/// A limit that is short enough for a test.
const SILENCE: [&str; 2] = ["-c", "campaign.limits.factory-silence=2500ms"];

/// A campaign of `long` of which the first second is known to the head, and when its load started.
fn running_for_a_while(context: &TestContext) -> (Process, Instant) {
    let process = context.running_with("long", &SILENCE);
    let started = Instant::now();
    process.wait_for_line(|line| line == "iteration 8 begins", SOON).unwrap();
    (process, started)
}

#[test]
fn a_killed_factory_is_noticed() {
    let context = TestContext::new();
    let (process, started) = running_for_a_while(&context);
    context.signal_factory(Signal::KILL);
    let killed = started.elapsed();
    let finished = process.wait(LIMIT).unwrap();
    assert_lost(&context, &finished, "its process ended with signal: 9 (SIGKILL)");
    assert!(lost_after(&finished) < killed + NOTICED_WITHIN, "{finished}");
    let row = finished.stdout.lines().find(|line| line.contains("✓ act")).unwrap();
    let executions: u32 = row.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(executions >= 20, "what was received before is reported: {row}");
}

#[test]
fn a_stopped_factory_is_noticed_and_removed() {
    let context = TestContext::new();
    let (process, started) = running_for_a_while(&context);
    context.signal_factory(Signal::STOP);
    let stopped = started.elapsed();
    let finished = process.wait(LIMIT).unwrap();
    assert_lost(&context, &finished, "did not answer for 2.5 s (campaign.limits.factory-silence)");
    assert!(lost_after(&finished) < stopped + NOTICED_WITHIN, "{finished}");
}

#[test]
fn an_abort_is_reported_with_the_last_output() {
    let context = TestContext::new();
    let finished = context.autostart("aborts", &[]);
    assert_lost(
        &context,
        &finished,
        "its process ended with signal: 6 (SIGABRT); its last output: about to abort",
    );
}

#[test]
fn an_allocation_without_end_is_reported_with_the_last_output() {
    let context = TestContext::new();
    let script =
        r#"ulimit -v 1500000; exec "$Q" --autostart --executable "$F" -s allocates -c factory.workers=1"#;
    let finished = finish(context.shell(script));
    assert_lost(&context, &finished, "signal: 6 (SIGABRT); its last output: memory allocation of ");
}

#[test]
fn a_blocked_worker_is_reported_with_scenario_minion_and_step() {
    let context = TestContext::new();
    let began = Instant::now();
    let finished = context.autostart("blocks", &SILENCE);
    assert_lost(
        &context,
        &finished,
        "scenario code has blocked a worker thread for 2.5 s without reaching an await: \
         scenario 'blocks', minion 0, in step 'act'; move blocking work to tokio::task::spawn_blocking",
    );
    assert!(lost_after(&finished) < NOTICED_WITHIN, "{finished}");
    assert!(began.elapsed() < SOON, "the blocked thread, which sleeps for an hour, is not awaited");
}

#[test]
fn a_factory_ends_by_itself_when_the_runner_is_killed() {
    let context = TestContext::new();
    let process = context.running("long");
    context.factory();
    process.kill().unwrap();
    context.assert_no_process_within(NOTICED_WITHIN);
    context.assert_nothing_left();
}

#[test]
fn a_factory_that_ends_at_once_is_reported() {
    let context = TestContext::new();
    let fixture = crate::support::FIXTURE;
    let body = format!("[ \"$1\" = describe ] && exec {fixture} describe\necho no licence >&2\nexit 9");
    let executable = context.script("fixture", &body);
    let finished = context.run(&["--autostart", "-s", "green", "--executable", executable.to_str().unwrap()]);
    assert_lost(
        &context,
        &finished,
        "before the load started: its process ended with exit status: 9; its last output: no licence",
    );
}

/// Red while 2.5 s of silence were a loss.
#[test]
fn f1_a_factory_that_pauses_for_some_seconds_is_noticed_and_not_lost() {
    let context = TestContext::new();
    let process = context.running_with("long", &["-c", "campaign.timeout=9s"]);
    process.wait_for_line(|line| line == "iteration 2 begins", SOON).unwrap();
    context.signal_factory(Signal::STOP);
    let noticed = |line: &str| {
        line.starts_with("factory 'fixture' has not answered for 2.")
            && line.ends_with(" s, it is lost after 10 s (campaign.limits.factory-silence)")
    };
    process.wait_for_line(noticed, LIMIT).unwrap();
    context.signal_factory(Signal::CONT);
    process.wait_for_line(|line| line.starts_with("factory 'fixture' answers again, after "), SOON).unwrap();
    let finished = process.wait(LIMIT).unwrap();
    let text = flat(&finished.stdout);
    assert!(text.contains("stopped after its limit of 9 s"), "it ran on: {finished}");
    assert!(text.contains("factory 'fixture' did not answer for "), "the report says so: {finished}");
    assert!(!text.contains("was lost"), "{finished}");
    context.assert_nothing_left();
}

/// Red while the runner took a time in which it did not run itself for the silence of its factories.
#[test]
fn f1_a_runner_that_was_paused_does_not_blame_its_factories() {
    let context = TestContext::new();
    let process = context.running_with("long", &["-c", "campaign.timeout=8s", SILENCE[0], SILENCE[1]]);
    let runner = context.runner();
    rustix::process::kill_process(runner, Signal::STOP).unwrap();
    // Longer than any factory may be silent here.
    std::thread::sleep(Duration::from_secs(4));
    rustix::process::kill_process(runner, Signal::CONT).unwrap();
    let finished = process.wait(LIMIT).unwrap();
    let text = flat(&finished.stdout);
    assert!(text.contains("stopped after its limit of 8 s"), "{finished}");
    assert!(text.contains("the runner itself did not run for "), "the report says so: {finished}");
    assert!(!text.contains("was lost") && !text.contains("did not answer"), "{finished}");
    context.assert_nothing_left();
}
