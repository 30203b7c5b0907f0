//! What the console shows when, and on what.

use crate::support::{LIMIT, SOON, TestContext, finish};
use qalipsis_testkit::Process;
use std::collections::BTreeSet;

const ESCAPE: char = '\u{1b}';

/// What is left on a terminal after `text`: lines that were drawn over are gone.
///
/// Knows what the progress line uses: carriage return, "erase line", "cursor up" and colours.
fn screen(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(String::new());
                }
            }
            ESCAPE => {
                assert_eq!(rest.next(), Some('['), "an escape sequence that terminals know");
                let mut parameter = String::new();
                let code = rest
                    .by_ref()
                    .find(|c| {
                        parameter.extend((!c.is_ascii_alphabetic()).then_some(*c));
                        c.is_ascii_alphabetic()
                    })
                    .unwrap();
                match code {
                    'm' => {}
                    'K' => lines[row].clear(),
                    'A' => row -= parameter.parse::<usize>().unwrap_or(1),
                    other => panic!("the escape sequence {parameter}{other} is new"),
                }
            }
            c => {
                let mut line: Vec<char> = lines[row].chars().collect();
                line.resize(line.len().max(column), ' ');
                if column < line.len() {
                    line[column] = c
                } else {
                    line.push(c)
                }
                lines[row] = line.into_iter().collect();
                column += 1;
            }
        }
    }
    lines
}

#[test]
fn quiet_says_only_the_verdict_and_its_causes() {
    let context = TestContext::new();
    let green = context.autostart("green", &["-q"]);
    assert!(
        green.stdout.starts_with("✓ SUCCESSFUL  green: 10 minions, 20 executions, 0 failed, in "),
        "{green}"
    );
    assert_eq!((green.stdout.lines().count(), green.stderr.as_str()), (1, ""), "{green}");

    let red = context.autostart("red", &["-q"]);
    let lines: Vec<&str> = red.stdout.lines().collect();
    assert!(lines[0].starts_with("✗ FAILED  red: "), "{red}");
    assert_eq!(
        lines[2..4],
        ["✗ red › check  assertion", "  37 of 1000 minions: expected status 202, observed 503"]
    );
    assert!(lines.last().unwrap().starts_with("  at tests/cli/src/main.rs:"), "{red}");
    assert_eq!((lines.len(), red.stderr.as_str()), (7, ""), "{red}");
}

#[test]
fn nothing_is_shown_twice() {
    let context = TestContext::new();
    for scenario in ["red", "slow", "panics", "cannot-open", "skips", "hostile*"] {
        let finished = context.autostart(scenario, &[]);
        let mut seen = BTreeSet::new();
        for line in finished.stdout.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(seen.insert(line), "`{line}` twice: {finished}");
        }
        let cause = "expected status 202";
        assert!(finished.stdout.matches(cause).count() <= 1, "{finished}");
    }
}

#[test]
fn a_log_file_has_no_escape_codes_unless_asked_for() {
    let context = TestContext::new();
    let plain = context.autostart("red", &[]);
    assert!(!plain.stdout.contains(ESCAPE) && !plain.stderr.contains(ESCAPE), "{plain}");
    let colored = context.autostart("red", &["--color", "always"]);
    assert!(colored.stdout.contains("\u{1b}[1;31m"), "{colored}");
    let wrong = context.run(&["--autostart", "--color", "always", "--executable", "missing"]);
    assert!(wrong.stderr.contains(ESCAPE), "{wrong}");
}

#[test]
fn a_long_run_logs_its_progress_in_plain_lines() {
    let context = TestContext::new();
    let process = Process::spawn(&mut context.campaign("long", &[])).unwrap();
    let line =
        process.wait_for_line(|line| line.contains("20 of 20 minions released, 20 active"), LIMIT).unwrap();
    assert!(line.contains("executions, 0 failed"), "{line}");
    process.interrupt().unwrap();
    let finished = process.wait(LIMIT).unwrap();
    assert!(!finished.stderr.contains([ESCAPE, '\r']), "{finished}");
}

/// A campaign on a terminal of its own, until its end.
fn on_a_terminal(context: &TestContext, command: &str) -> String {
    on_a_terminal_of(100, context, command)
}

fn on_a_terminal_of(columns: u16, context: &TestContext, command: &str) -> String {
    let script = format!("script -qec 'stty cols {columns} rows 40; {command}' /dev/null < /dev/null");
    let finished = finish(context.shell(&script));
    assert!(!finished.stdout.is_empty(), "`script` of util-linux runs: {finished}");
    finished.stdout
}

#[test]
fn a_terminal_shows_live_progress_and_is_clean_afterwards() {
    let context = TestContext::new();
    let raw = on_a_terminal(&context, r#""$Q" --autostart --executable "$F" -s long -c campaign.timeout=2s"#);
    let drawn = raw.matches("20 of 20 minions released, 20 active").count();
    assert!(drawn >= 2, "drawn {drawn} times: {raw:?}");
    assert!(raw.contains("\u{1b}[1;31m"), "colours on a terminal: {raw:?}");
    let screen = screen(&raw);
    assert!(!screen.iter().any(|line| line.contains("minions released")), "{screen:#?}");
    let verdict = screen.iter().position(|line| line.starts_with("✗ ABORTED")).unwrap();
    let above: Vec<&String> =
        screen[..verdict].iter().filter(|l| !l.is_empty() && !l.starts_with("iteration ")).collect();
    assert_eq!(above, ["stopping: the campaign's limit of 2 s is over"], "{screen:#?}");
    assert!(screen.iter().all(|line| line.chars().count() <= 100), "{screen:#?}");
}

#[test]
fn a_narrow_terminal_of_ascii_gets_lines_of_its_width() {
    let context = TestContext::new();
    let command = r#"LC_ALL=C "$Q" --autostart --executable "$F" -s long -c campaign.timeout=2s"#;
    let raw = on_a_terminal_of(60, &context, command);
    assert!(raw.is_ascii(), "{raw:?}");
    // The live line is drawn again in its place: one that took two would leave its end behind.
    let drawn: Vec<&str> =
        raw.split(['\r', '\n', ESCAPE]).filter(|part| part.contains(" active, ")).collect();
    assert!(drawn.len() >= 2, "{raw:?}");
    for line in drawn {
        let text = line.trim_start_matches("[2K").trim_start_matches("[1A").trim_end();
        assert!(text.len() < 60 && text.contains(" failed"), "{text:?} of {raw:?}");
    }
    for line in screen(&raw) {
        // Paths can be copied whole.
        assert!(line.len() <= 60 || line.contains("test-results/"), "{line:?} of {raw:?}");
    }
}

#[test]
fn quiet_draws_nothing_on_a_terminal() {
    let context = TestContext::new();
    let command = r#""$Q" -q --autostart --executable "$F" -s long -c campaign.timeout=2s"#;
    let raw = on_a_terminal(&context, command);
    assert!(raw.contains("ABORTED") && !raw.contains(" active, ") && !raw.contains("\u{1b}[2K"), "{raw:?}");
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let context = TestContext::new();
    let raw = on_a_terminal(&context, r#"NO_COLOR=1 "$Q" --autostart --executable "$F" -s red"#);
    assert!(raw.contains("✗ FAILED") && !raw.contains("\u{1b}[1;"), "{raw:?}");
    let raw = on_a_terminal(&context, r#""$Q" --autostart --color never --executable "$F" -s red"#);
    assert!(raw.contains("✗ FAILED") && !raw.contains("\u{1b}[1;"), "{raw:?}");
}

#[test]
fn ctrl_c_in_a_terminal_stops_gracefully() {
    let context = TestContext::new();
    // The terminal sends the signal to the whole foreground group, as for a user. A shell without a trap
    // would end by it as well, and some do so before they have printed the code.
    let script = r#"{ sleep 0.1; until [ -e go ]; do sleep 0.05; done; printf '\003'; until [ -e end ]; do sleep 0.05; done; } |
        script -qec 'trap : INT; "$Q" --autostart --executable "$F" -s long -v; echo "code $?"' /dev/null"#;
    let process = Process::spawn(&mut context.shell(script)).unwrap();
    process.wait_for_line(|line| line.contains("iteration 1 begins"), LIMIT).unwrap();
    context.write("go", "");
    let code = process.wait_for_line(|line| line.contains("code "), SOON);
    context.write("end", "");
    assert!(code.unwrap().contains("code 5"));
    process.wait(LIMIT).unwrap();
    assert_eq!(context.junit_files().len(), 1);
    context.assert_nothing_left();
}
