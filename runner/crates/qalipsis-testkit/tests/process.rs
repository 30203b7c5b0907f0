//! Processes: their output, their end, and that nothing survives them.

use std::process::Command;
use std::time::{Duration, Instant};

use qalipsis_testkit::Process;

const WITHIN: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Process {
    Process::spawn(Command::new("sh").args(["-c", script])).unwrap()
}

/// Whether a process exists and is not merely waiting to be reaped.
fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

/// Waits for the end of a process that this one can't reap.
fn wait_for_end(pid: u32) {
    let deadline = Instant::now() + WITHIN;
    while lives(pid) {
        assert!(Instant::now() < deadline, "process {pid} still lives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn output_and_exit_code_are_kept() {
    let finished = shell("echo out; echo err >&2; exit 3").wait(WITHIN).unwrap();
    assert_eq!(finished.code(), Some(3));
    assert_eq!(finished.stdout, "out\n");
    assert_eq!(finished.stderr, "err\n");
}

#[test]
fn lines_are_awaited_on_both_streams() {
    let process = shell("echo early; sleep 0.2; echo late >&2; exec sleep 60");
    assert_eq!(process.wait_for_line(|line| line == "late", WITHIN).unwrap(), "late");
    // Also one that was written before it was asked for.
    assert_eq!(process.wait_for_line(|line| line.starts_with("ear"), WITHIN).unwrap(), "early");
    assert!(process.status().is_none());
}

#[test]
fn a_line_that_can_not_come_is_not_awaited() {
    let start = Instant::now();
    let error =
        shell("echo something else; exit 4").wait_for_line(|line| line == "ready", WITHIN).unwrap_err();
    assert!(start.elapsed() < WITHIN);
    let error = error.to_string();
    assert!(error.contains("exit status: 4") && error.contains("something else"), "{error}");
}

#[test]
fn deadlines_hold() {
    let process = shell("echo started; exec sleep 60");
    process.wait_for_line(|line| line == "started", WITHIN).unwrap();
    let within = Duration::from_millis(50);
    let error = process.wait(within).unwrap_err().to_string();
    assert!(error.contains("still runs after 50ms") && error.contains("started"), "{error}");
    let error = process.wait_for_line(|line| line == "more", within).unwrap_err().to_string();
    assert!(error.contains("within 50ms"), "{error}");
}

#[test]
fn signals_reach_the_process() {
    let process = shell("trap 'exit 7' INT; trap 'exit 8' TERM; echo ready; while :; do sleep 0.01; done");
    process.wait_for_line(|line| line == "ready", WITHIN).unwrap();
    process.interrupt().unwrap();
    assert_eq!(process.wait(WITHIN).unwrap().code(), Some(7));

    let process = shell("trap 'exit 7' INT; trap 'exit 8' TERM; echo ready; while :; do sleep 0.01; done");
    process.wait_for_line(|line| line == "ready", WITHIN).unwrap();
    process.terminate().unwrap();
    assert_eq!(process.wait(WITHIN).unwrap().code(), Some(8));

    let process = shell("exec sleep 60");
    process.kill().unwrap();
    assert_eq!(process.wait(WITHIN).unwrap().code(), None);
    // A second signal, to a process that has ended, is no error.
    process.kill().unwrap();
}

#[test]
fn the_group_is_interrupted_as_by_a_terminal() {
    // Not with `&`: a shell has its background jobs ignore SIGINT.
    let process = shell(
        "trap : INT; sh -c 'trap \"echo child; exit\" INT; echo ready; while :; do sleep 0.01; done'; exit 5",
    );
    process.wait_for_line(|line| line == "ready", WITHIN).unwrap();
    process.interrupt_group().unwrap();
    process.wait_for_line(|line| line == "child", WITHIN).unwrap();
    assert_eq!(process.wait(WITHIN).unwrap().code(), Some(5));
}

#[test]
fn a_dropped_process_takes_its_children_along() {
    let process = shell("sleep 60 & echo $!; exit 0");
    let child: u32 = process.wait_for_line(|_| true, WITHIN).unwrap().parse().unwrap();
    let pid = process.pid();
    assert!(lives(child));
    drop(process);
    assert!(!lives(pid));
    wait_for_end(child);
}

#[test]
fn a_panicking_test_leaves_nothing_behind() {
    let thread = std::thread::spawn(|| {
        let process = shell("exec sleep 60");
        std::panic::panic_any(process.pid());
    });
    let pid = *thread.join().unwrap_err().downcast::<u32>().unwrap();
    assert!(!lives(pid));
}

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    // This test plays both parts: run by itself, it is the process that gets killed.
    const VICTIM: &str = "TESTKIT_PROCESS_VICTIM";
    if std::env::var_os(VICTIM).is_some() {
        let process = shell("sleep 60 & echo $!; wait");
        let child = process.wait_for_line(|_| true, WITHIN).unwrap();
        println!("\nvictim {} {child}", process.pid());
        loop {
            std::thread::park();
        }
    }
    let victim = Process::spawn(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_test_process_leaves_nothing_behind", "--nocapture"])
            .env(VICTIM, "1"),
    )
    .unwrap();
    let line = victim.wait_for_line(|line| line.starts_with("victim "), WITHIN).unwrap();
    let pids: Vec<u32> = line.split(' ').skip(1).map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|&pid| lives(pid)));
    victim.kill().unwrap();
    pids.into_iter().for_each(wait_for_end);
}

#[test]
fn a_missing_program_is_named() {
    let error = Process::spawn(&mut Command::new("no-such-program-anywhere")).unwrap_err();
    assert!(error.to_string().contains("`no-such-program-anywhere`"), "{error}");
}

#[test]
fn endless_output_is_bounded() {
    let process = shell("head -c 20000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo; echo end");
    process.wait_for_line(|line| line == "end", WITHIN).unwrap();
    let kept = process.wait(WITHIN).unwrap().stdout;
    assert!(kept.len() < 9_000_000 && kept.ends_with("end\n"), "{} bytes", kept.len());
}
