//! Figures that cannot be trusted, because of the machine that measured them.

use crate::support::{FIXTURE, LIMIT, LOAD_STARTS, TestContext, flat};
use qalipsis_testkit::{Finished, Process};
use std::path::PathBuf;
use std::process::Command;

/// The busy machine of a test is no matter here, other than where it is the matter.
const PATIENT: [&str; 2] = ["-c", "campaign.limits.release-lag=5m"];

#[track_caller]
fn assert_invalid(finished: &Finished, messages: &[&str]) {
    assert_eq!(finished.code(), Some(6), "{finished}");
    for message in messages {
        assert!(flat(&finished.stdout).contains(message), "no `{message}` in {finished}");
    }
}

#[test]
fn a_generator_that_uses_up_its_machine_exits_with_6() {
    let burns = |limits: &[&str]| TestContext::new().autostart("burns", &[&PATIENT, limits].concat());
    // On a machine that others use as well its share may be small, but not as small as that of who only begins.
    let limits = ["-c", "campaign.limits.cpu=8", "-c", "campaign.limits.cpu-time=1s"];
    let invalid = burns(&limits);
    assert_invalid(
        &invalid,
        &[
            "INVALID burns",
            "the load generator was out of CPU: for ",
            " of the load at least 95 % of the CPU of factory 'fixture' was in use, 8 % or more of it by the factory \
             itself (campaign.limits.cpu), the limit is 1 s (campaign.limits.cpu-time); use a lower load, cheaper \
             steps, a larger machine, or run the system under test outside of the factory",
        ],
    );
    let allowed = burns(&["-c", "campaign.limits.cpu-time=10m"]);
    assert_eq!(allowed.code(), Some(0), "{allowed}");
    // What does nothing has no share, whatever others do.
    let idle = TestContext::new()
        .autostart("timed", &[&PATIENT[..], &limits, &["-c", "properties.takes=3s"]].concat());
    assert_eq!(idle.code(), Some(0), "{idle}");
}

#[test]
fn e11_a_thread_that_sleeps_is_named_with_its_step() {
    let invalid = TestContext::new().autostart("sleeps", &["-c", "campaign.limits.release-lag=100ms"]);
    assert_invalid(
        &invalid,
        &[
            "INVALID sleeps",
            "a worker thread was blocked without an await for ",
            "in scenario 'sleeps', step 'check'",
        ],
    );
}

/// A library that sets the wall clock of whoever loads it.
fn clock(context: &TestContext) -> PathBuf {
    let source = context.write("clock.c", include_str!("clock.c"));
    let library = context.path().join("clock.so");
    // What links Rust programs compiles C.
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(built.unwrap().success());
    library
}

/// A campaign in which the wall clock of one program jumps by so many seconds while the load runs.
fn jump(program: &str, seconds: i64, arguments: &[&str]) -> Finished {
    let context = TestContext::new();
    let file = context.path().join("clock");
    let arguments = [&["-v", "-c", "properties.takes=3s"][..], &PATIENT, arguments].concat();
    let mut command = context.campaign("timed", &arguments);
    command
        .env("LD_PRELOAD", clock(&context))
        .env("QALIPSIS_TEST_CLOCK", &file)
        .env("QALIPSIS_TEST_CLOCK_OF", program);
    let process = Process::spawn(&mut command).unwrap();
    process.wait_for_line(|line| line == LOAD_STARTS, LIMIT).unwrap();
    context.write("clock", &seconds.to_string());
    process.wait(LIMIT).unwrap()
}

#[test]
fn a_clock_that_jumps_exits_with_6() {
    let tail = "during the campaign, the limit is 500 ms (campaign.limits.clock-jump), so that times, windows and \
                stages do not match; let the time service slew the clock instead of setting it, and keep the machine \
                from sleeping";
    let fixture = PathBuf::from(FIXTURE).file_name().unwrap().to_string_lossy().into_owned();
    let forward = jump(&fixture, 3_600, &[]);
    assert_invalid(
        &forward,
        &["INVALID timed", "the wall clock of factory 'fixture' jumped forward by 1 h 00 min", tail],
    );
    let backward = jump("qalipsis", -7, &[]);
    assert_invalid(
        &backward,
        &["INVALID timed", "the wall clock of the runner jumped backward by 7 s", tail],
    );
    let allowed = jump(&fixture, 60, &["-c", "campaign.limits.clock-jump=2m"]);
    assert_eq!(allowed.code(), Some(0), "{allowed}");
}

#[test]
fn a_source_that_did_not_read_what_was_awaited_exits_with_6() {
    let backlog = |limit: &str| {
        let limit = format!("campaign.limits.source-lag={limit}");
        let limits = ["-c", &limit, "-c", "campaign.limits.drain=1s"];
        TestContext::new().autostart("backlog", &[&PATIENT[..], &limits].concat())
    };
    assert_invalid(
        &backlog("100"),
        &[
            "INVALID backlog",
            "the load generator did not read all of backlog in memory: ",
            " records were left at the end, the limit is 100 (campaign.limits.source-lag); ",
            " missing and may be among them; give it more cores, a longer campaign.limits.drain, or less to read",
        ],
    );
    let failed = backlog("200");
    assert_eq!(failed.code(), Some(3), "what was not read may as well be missing: {failed}");
}

#[test]
fn failures_without_evidence_beyond_the_limit_exit_with_6() {
    let shouts = |limit: &str| {
        let limit = format!("campaign.limits.evidence-lost={limit}");
        let limits = ["-c", &limit, "-c", "report.evidence.limit=30000"];
        TestContext::new().autostart("shouts", &[&PATIENT[..], &limits].concat())
    };
    assert_invalid(
        &shouts("10"),
        &[
            "INVALID shouts",
            " failures were counted but have no evidence, the limit is 10 (campaign.limits.evidence-lost); use \
             fewer minions or a larger machine, or lower report.evidence.limit",
        ],
    );
    let failed = shouts("30000");
    assert_eq!(failed.code(), Some(3), "{failed}");
}
