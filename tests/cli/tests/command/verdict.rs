//! Exit codes and what the console says of each verdict.

use crate::support::{LIMIT, TestContext, finish, flat, snapshot};
use insta::assert_snapshot;
use qalipsis_testkit::{Finished, Process};

fn autostart(scenario: &str, arguments: &[&str]) -> Finished {
    let context = TestContext::new();
    let finished = context.autostart(scenario, arguments);
    context.assert_nothing_left();
    finished
}

#[track_caller]
fn assert_code(finished: &Finished, code: i32) {
    assert_eq!(finished.code(), Some(code), "{finished}");
}

#[test]
fn green_exits_with_0() {
    let finished = autostart("green", &[]);
    assert_code(&finished, 0);
    assert_eq!(finished.stderr, "");
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✓ SUCCESSFUL  green: 10 minions, 20 executions, 0 failed, in [DURATION]

    ✓ scenario green
      10 minions all at once; 10 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ act  10  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      ✓ check  10  0  response [DURATION] [DURATION] [DURATION] [DURATION]

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-green.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn a_wrong_answer_exits_with_3() {
    let finished = autostart("red", &[]);
    assert_code(&finished, 3);
    assert_eq!(finished.stderr, "");
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ FAILED  red: 1000 minions, 2000 executions, 37 failed, in [DURATION]

    ✗ red › check  assertion
      37 of 1000 minions: expected status 202, observed 503
      first at [TIME], last at [TIME] UTC
      for example at [TIME]: minion [MINION], iteration 0, trace [TRACE]
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario red
      1000 minions spread over [DURATION], every [DURATION]; 1000 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ act  1000  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      ✗ check  1000  37  response [DURATION] [DURATION] [DURATION] [DURATION]

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    failures  test-results/[CAMPAIGN]/failures.jsonl
    junit  test-results/[CAMPAIGN]/TEST-red.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn a_breached_criterion_exits_with_3() {
    let finished = autostart("slow", &[]);
    assert_code(&finished, 3);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ FAILED  slow: 10 minions, 20 executions, 0 failed, in [DURATION]

    ✗ slow › act  latency
      expected service time p95 below [DURATION], observed [DURATION]
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario slow
      10 minions all at once; 10 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ act  10  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      ✓ check  10  0  response [DURATION] [DURATION] [DURATION] [DURATION]

        criterion  observed
      ✗ act service time p95 below [DURATION] [DURATION]

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-slow.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn a_panic_exits_with_3() {
    let finished = autostart("panics", &[]);
    assert_code(&finished, 3);
    assert_eq!(finished.stderr, "", "a panic that is reported is not printed as well");
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ FAILED  panics: 3 minions, 3 executions, 3 failed, in [DURATION]

    ✗ panics › act  panic
      3 of 3 minions: panicked at tests/cli/src/main.rs:[LINE]: the scenario is broken
      first at [TIME], last at [TIME] UTC
      for example at [TIME]: minion [MINION], iteration 0, trace [TRACE]
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario panics
      3 minions all at once; 3 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✗ act  3  3  response [DURATION] [DURATION] [DURATION] [DURATION]
      – check  not judged: step 'act' failed: 3 of 3 minions: panicked at tests/cli/src/main.rs:[LINE]: the scena…

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    failures  test-results/[CAMPAIGN]/failures.jsonl
    junit  test-results/[CAMPAIGN]/TEST-panics.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn a_step_that_nobody_reached_exits_with_3() {
    let finished = autostart("skips", &[]);
    assert_code(&finished, 3);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ FAILED  skips: 1 minion, 1 execution, 0 failed, in [DURATION]

    ✗ skips › check  never-executed
      declared but never executed; mark it #[step(optional)] when a run may pass without it
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario skips
      1 minion all at once; 1 iteration; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ act  1  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      – check  never executed

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-skips.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn an_optional_step_that_nobody_reached_exits_with_0() {
    let finished = autostart("optional", &[]);
    assert_code(&finished, 0);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✓ SUCCESSFUL  optional: 1 minion, 1 execution, 0 failed, in [DURATION]

    ✓ scenario optional
      1 minion all at once; 1 iteration; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ act  1  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      – rare  never executed (optional)

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-optional.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn c9_a_world_that_cannot_open_exits_with_5() {
    let finished = autostart("cannot-open", &[]);
    assert_code(&finished, 5);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ ABORTED  cannot-open: 0 minions, 0 executions, 0 failed, in [DURATION]
      No load was started: nothing was judged.

    ✗ cannot-open  error
      warm-up: the database at 127.0.0.1:[PORT] is unreachable: connection refused
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario cannot-open
      0 of 1 minion released, all at once; 0 iterations
        step
      – act  not judged: warm-up failed: the database at 127.0.0.1:[PORT] is unreachable: connection refused
      – check  not judged: warm-up failed: the database at 127.0.0.1:[PORT] is unreachable: connection refused

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-cannot-open.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn c9_a_world_that_never_opens_names_what_it_waits_for() {
    for (scenario, waited) in [
        ("waits", "it waited for the queue at 127.0.0.1:7"),
        ("opens-slowly", "what it waited for is not known"),
    ] {
        let context = TestContext::new();
        let finished = context.autostart(scenario, &["-c", "campaign.limits.warm-up=1s"]);
        assert_code(&finished, 5);
        let expected =
            format!("warm-up: the world was not open after 1 s (campaign.limits.warm-up), {waited}");
        assert!(flat(&finished.stdout).contains(&expected), "no `{expected}` in {finished}");
    }
}

#[test]
fn a7_a_criterion_on_records_of_a_step_that_awaits_none_exits_with_3() {
    let finished = autostart("mistaken", &[]);
    assert_code(&finished, 3);
    let expected = "step 'act' awaited no record, so a criterion on missing records cannot be judged there; no \
                    step of the scenario awaited any";
    assert!(flat(&finished.stdout).contains(expected), "{finished}");
}

#[test]
fn a_data_file_without_records_exits_with_5() {
    let context = TestContext::new();
    for (text, problem) in
        [("id\n", ": has no record"), ("id\n7\nseven\n", ":3: field 1: invalid digit found")]
    {
        let accounts = context.write("accounts.csv", text);
        let finished = context.autostart("deals", &[]);
        assert_code(&finished, 5);
        let expected = format!("warm-up: data file accounts.csv{problem}");
        assert!(flat(&finished.stdout).contains(&expected), "no `{expected}` in {finished}");
        std::fs::remove_file(accounts).unwrap();
    }
}

#[test]
fn an_iteration_without_end_exits_with_3() {
    let finished = autostart("never-returns", &["-c", "campaign.limits.iteration=500ms"]);
    assert_code(&finished, 3);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ✗ FAILED  never-returns: 2 minions, 1 execution, 1 failed, in [DURATION]

    ✗ never-returns  timeout
      timeout outside of steps: the iteration did not end within [DURATION] (campaign.limits.iteration), no step was
      started
      first at [TIME], last at [TIME] UTC
      for example at [TIME]: minion [MINION], iteration 0, trace [TRACE]
      at tests/cli/src/main.rs:[LINE]

    ✗ never-returns › act  timeout
      1 of 1 minion: the iteration did not end within [DURATION] (campaign.limits.iteration), this step was still
      running
      first at [TIME], last at [TIME] UTC
      for example at [TIME]: minion [MINION], iteration 0, trace [TRACE]
      at tests/cli/src/main.rs:[LINE]

    ✗ scenario never-returns
      2 minions all at once; 2 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✗ act  1  1  response [DURATION] [DURATION] [DURATION] [DURATION]
      – check  not judged: step 'act' failed: 1 of 1 minion: the iteration did not end within [DURATION] (campaign.li…

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    failures  test-results/[CAMPAIGN]/failures.jsonl
    junit  test-results/[CAMPAIGN]/TEST-never-returns.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
}

#[test]
fn warnings_exit_with_0_or_3_as_wanted() {
    let finished = autostart("duplicates", &[]);
    assert_code(&finished, 0);
    snapshot(|| {
        assert_snapshot!(finished.stdout, @r"
    ! WARNING  duplicates: 3 minions, 6 executions, 0 failed, in [DURATION]

    ! duplicates: effects in memory: 1 duplicate record of a key already matched

    ✓ scenario duplicates
      3 minions all at once; 3 iterations; release lag p99 [DURATION]
        step  executions  failed  time  p50  p95  p99  max
      ✓ place  3  0  response [DURATION] [DURATION] [DURATION] [DURATION]
      ✓ fulfilled  3  0  latency [DURATION] [DURATION] [DURATION] [DURATION]

      effects in memory: 4 read = 3 taken + 1 duplicate + 0 orphan + 0 undecodable
      fulfilled: 3 awaited = 3 matched + 0 late + 0 missing + 0 abandoned

    campaign  [CAMPAIGN], started [TIMESTAMP]
    repeat  --seed [SEED]
    junit  test-results/[CAMPAIGN]/TEST-duplicates.xml
    summary  test-results/[CAMPAIGN]/summary.json
    html  test-results/[CAMPAIGN]/report.html
    ")
    });
    let strict = autostart("duplicates", &["-c", "campaign.fail-on-warning=true", "-q"]);
    assert_code(&strict, 3);
    snapshot(|| {
        assert_snapshot!(strict.stdout, @r"
    ! WARNING  duplicates: 3 minions, 6 executions, 0 failed, in [DURATION]

    ! duplicates: effects in memory: 1 duplicate record of a key already matched
    ")
    });
}

#[test]
fn a_late_release_exits_with_6() {
    let finished = autostart("green", &["-c", "campaign.limits.release-lag=1ns"]);
    assert_code(&finished, 6);
    snapshot(
        || assert_snapshot!(flat(&finished.stdout), @"✗ INVALID green: 10 minions, 20 executions, 0 failed, in [DURATION] ✗ green invalid the load generator was too slow: 1 % of the minions started more than [DURATION] late, the limit is [DURATION] (campaign.limits.release-lag); use fewer minions, a longer ramp-up or a larger machine ✗ scenario green 10 minions all at once; 10 iterations; release lag p99 [DURATION] step executions failed time p50 p95 p99 max ✓ act 10 0 response [DURATION] ✓ check 10 0 response [DURATION] campaign [CAMPAIGN], started [TIMESTAMP] repeat --seed [SEED] junit test-results/[CAMPAIGN]/TEST-green.xml summary test-results/[CAMPAIGN]/summary.json html test-results/[CAMPAIGN]/report.html"),
    );
}

#[test]
fn a_busy_worker_is_not_called_blocked() {
    // Minions keep the only worker for longer than it may be blocked, but none of them for so long.
    let arguments = ["-c", "factory.workers=1", "-c", "campaign.limits.release-lag=5m"];
    assert_code(&autostart("busy", &arguments), 0);
}

#[test]
fn nothing_to_run_exits_with_7() {
    let context = TestContext::new();
    let finished = context.run(&["--autostart"]);
    assert_code(&finished, 7);
    assert_snapshot!(finished.stderr, @"error: nothing to run: there is no Cargo project here, go to one, or give --manifest-path or --executable");
    context.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = []\n");
    let finished = context.run(&["--autostart"]);
    assert_code(&finished, 7);
    snapshot(
        || assert_snapshot!(finished.stderr, @"error: nothing to run: no package of the workspace of [TEMP] depends on qalipsis and has a binary"),
    );
}

#[test]
fn output_that_cannot_be_written_exits_with_1() {
    let context = TestContext::new();
    let finished = finish(context.shell(r#""$Q" --autostart --executable "$F" -s red > /dev/full"#));
    assert_code(&finished, 1);
    assert_snapshot!(finished.stderr, @"error: failed to write to standard output: No space left on device (os error 28)");
    assert_eq!(context.junit_files().len(), 1, "the figures are not lost");
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_verdict() {
    let context = TestContext::new();
    let script = r#"{ "$Q" --autostart --executable "$F" -s red; echo "code $?" >&2; } | true"#;
    let process = Process::spawn(&mut context.shell(script)).unwrap();
    assert_eq!(process.wait(LIMIT).unwrap().stderr, "code 3\n");
}
