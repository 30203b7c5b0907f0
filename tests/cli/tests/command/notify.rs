//! Notifications as the command sends them: configured, filtered, and never in the way of the exit.

use crate::support::{TestContext, finish, flat};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const TOKEN: &str = "xoxb-not-for-your-eyes";

#[test]
fn servers_that_hang_delay_the_exit_by_half_a_minute_and_change_nothing() {
    // Connections are taken by the system, and nobody ever answers.
    let (slack, mail) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let context = TestContext::new();
    let mut command = context.campaign("red", &["-c", "report.export.slack.token=${HIDDEN}"]);
    command.env("HIDDEN", TOKEN);
    for pair in [
        "report.export.slack.enabled=true".to_owned(),
        "report.export.slack.channel=#ci".to_owned(),
        format!("report.export.slack.url=http://{}", slack.local_addr().unwrap()),
        "report.export.mail.enabled=true".to_owned(),
        "report.export.mail.host=127.0.0.1".to_owned(),
        format!("report.export.mail.port={}", mail.local_addr().unwrap().port()),
        "report.export.mail.from=ci@example.org".to_owned(),
        "report.export.mail.to=team@example.org".to_owned(),
    ] {
        command.args(["-c", &pair]);
    }
    let began = Instant::now();
    let finished = finish(command);
    assert_eq!(finished.code(), Some(3), "{finished}");
    // The campaign itself takes about a second.
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    let told = flat(&finished.stdout);
    for channel in ["! slack: ", "! mail: "] {
        assert!(told.contains(channel), "{channel}: {finished}");
    }
    assert!(!format!("{finished}").contains("not-for-your-eyes"), "{finished}");
    let page = std::fs::read_to_string(context.summary().with_file_name("report.html")).unwrap();
    assert!(page.contains("<li>slack: ") && page.contains("<li>mail: "), "the report tells it too: {page}");
    assert!(!page.contains("not-for-your-eyes"));
}

#[test]
fn only_the_chosen_verdicts_are_told() {
    // Nobody listens there: whoever is told is seen by a warning.
    let dead = |status: &str| {
        let context = TestContext::new();
        context.autostart(
            "green",
            &[
                "-c",
                "report.export.slack.enabled=true",
                "-c",
                "report.export.slack.url=http://127.0.0.1:1",
                "-c",
                &format!("report.export.slack.status={status}"),
            ],
        )
    };
    let finished = dead("FAILED,ABORTED");
    assert!(finished.code() == Some(0) && !finished.stdout.contains("slack"), "{finished}");
    let finished = dead("FAILED,SUCCESSFUL");
    assert_eq!(finished.code(), Some(0), "the verdict stays: {finished}");
    assert!(flat(&finished.stdout).contains("slack: Slack cannot be reached, tried 4 times"), "{finished}");
}

#[test]
fn what_is_missing_or_misspelt_is_told_before_anything_runs() {
    let context = TestContext::new();
    let refused = |pairs: &[&str]| {
        let arguments: Vec<&str> = pairs.iter().flat_map(|pair| ["-c", pair]).collect();
        let finished = context.autostart("green", &arguments);
        assert_eq!(finished.code(), Some(2), "{finished}");
        finished.stderr
    };
    assert!(
        refused(&["report.export.mail.enabled=true"])
            .contains("report.export.mail.from must be set, since report.export.mail.enabled is true")
    );
    assert!(refused(&["report.export.slack.enabled=true"]).contains("report.export.slack.token must be set"));
    assert!(refused(&["report.export.slack.status=RED"]).contains("ALL or some of SUCCESSFUL, WARNING"));
    assert!(refused(&["report.export.mail.to=nobody"]).contains("must be a mail address"));
}
