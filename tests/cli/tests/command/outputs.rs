//! What a campaign leaves behind, and what becomes of an output that fails.

use crate::support::{LIMIT, SOON, TestContext, finish, flat};
use qalipsis_summary::{Status, Summary};
use qalipsis_testkit::{NotifiedServer, Process, browse};
use std::fs;
use std::path::PathBuf;

fn page(context: &TestContext) -> PathBuf {
    context.summary().with_file_name("report.html")
}

#[test]
fn a_job_of_github_gets_a_summary_and_annotations() {
    let context = TestContext::new();
    let summary = context.write("job.md", "what was there\n");
    let mut command = context.campaign("red", &[]);
    let finished = finish({
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        command
    });
    assert_eq!(finished.code(), Some(3), "{finished}");
    let (place, line) = crate::support::place_of("v.equal(\"status\"");
    let annotation = finished.stdout.lines().find(|l| l.starts_with("::error ")).expect("there is one");
    assert!(annotation.contains(&format!("file={place},line={line},")), "{annotation}");
    assert!(annotation.contains("37 of 1000 minions: expected status 202, observed 503"), "{annotation}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("what was there\n## ❌ FAILED\n"), "{summary}");
    assert!(summary.contains("red › check · assertion"), "{summary}");
}

#[test]
fn outside_of_github_and_when_unwanted_nothing_is_annotated() {
    let context = TestContext::new();
    assert!(!context.autostart("red", &[]).stdout.contains("::error"));
    let context = TestContext::new();
    let mut command = context.campaign("red", &["-c", "report.export.github.enabled=false"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", context.path().join("job.md"));
    assert!(!finish(command).stdout.contains("::error"));
    assert!(!context.path().join("job.md").exists());
}

#[test]
fn an_output_that_fails_is_a_warning_and_the_others_are_there() {
    let context = TestContext::new();
    let mut command = context.campaign("green", &[]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/nonexistent/job.md");
    let finished = finish(command);
    assert_eq!(finished.code(), Some(0), "{finished}");
    assert!(
        flat(&finished.stdout).contains("warning github: failed to write the summary of the job"),
        "{finished}"
    );
    assert!(page(&context).is_file() && context.junit_files().len() == 1, "{finished}");
}

#[test]
fn quiet_reports_failed_notifications_on_standard_error() {
    let context = TestContext::new();
    let mut command = context.campaign("red", &["-q", "-c", "report.export.slack.enabled=true"]);
    command.args(["-c", "report.export.slack.url=http://127.0.0.1:1"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/nonexistent/job.md");
    let finished = finish(command);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{finished}");
    assert_eq!(lines[0], "warning: slack: Slack cannot be reached, tried 4 times");
    assert!(lines[1].starts_with("warning: github: failed to write the summary of the job: "), "{finished}");
    // Annotations are for GitHub, and have the warnings of the report.
    let mut shown = finished.stdout.lines().filter(|line| !line.starts_with("::"));
    assert!(shown.all(|line| !line.contains("warning") && !line.contains("slack")), "{finished}");
}

#[test]
fn a_verdict_that_is_a_warning_reports_a_failed_notification_once() {
    let context = TestContext::new();
    let finished = context.autostart(
        "duplicates",
        &["-q", "-c", "report.export.slack.enabled=true", "-c", "report.export.slack.url=http://127.0.0.1:1"],
    );
    assert!(finished.stdout.starts_with("! WARNING"), "{finished}");
    let shown = format!("{}{}", flat(&finished.stdout), finished.stderr);
    assert_eq!(shown.matches("Slack cannot be reached").count(), 1, "{finished}");
}

/// What a run that is ended must leave in every output: why, and that the figures are those until then.
struct Ended {
    context: TestContext,
    servers: [NotifiedServer; 2],
}

impl Ended {
    /// A campaign of which the first seconds are known, with all outputs.
    fn start() -> (Self, Process) {
        let servers = [NotifiedServer::mail().unwrap(), NotifiedServer::slack().unwrap()];
        let context = TestContext::new();
        let mut command = context.campaign("long", &["-v"]);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", context.path().join("job.md"));
        for pair in [
            "report.export.mail.enabled=true".to_owned(),
            "report.export.mail.host=127.0.0.1".to_owned(),
            format!("report.export.mail.port={}", servers[0].port()),
            "report.export.mail.from=ci@example.org".to_owned(),
            "report.export.mail.to=team@example.org".to_owned(),
            "report.export.slack.enabled=true".to_owned(),
            "report.export.slack.token=xoxb-1".to_owned(),
            "report.export.slack.channel=#ci".to_owned(),
            format!("report.export.slack.url=http://127.0.0.1:{}/api/", servers[1].port()),
        ] {
            command.args(["-c", &pair]);
        }
        let process = Process::spawn(&mut command).unwrap();
        process.wait_for_line(|line| line == "iteration 8 begins", LIMIT).unwrap();
        (Self { context, servers }, process)
    }

    #[track_caller]
    fn assert_reported(&self, process: &Process, why: &str) {
        let finished = process.wait(LIMIT).unwrap();
        assert_eq!(finished.code(), Some(5), "{finished}");
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        let summary = Summary::read(&self.context.summary()).unwrap();
        let steps = summary.scenarios[0].steps.iter().map(|step| step.figures.executions);
        let (of_one, of_all) = (steps.clone().next().unwrap(), steps.sum::<u64>());
        assert!(of_one > 0, "{summary:#?}");
        assert_eq!(summary.status, Status::Aborted);
        assert!(summary.reasons.iter().any(|reason| reason.message.contains(why)), "{:#?}", summary.reasons);
        let received =
            |server: &NotifiedServer, part: &str| server.received(part, &summary.key).unwrap().join("\n");
        let [mail, slack] = &self.servers;
        for (name, text) in [
            ("console", finished.stdout.clone()),
            ("junit", self.context.junit()),
            ("page", read(page(&self.context))),
            ("job summary", read(self.context.path().join("job.md"))),
            ("mail", received(mail, "plain")),
            ("mail in HTML", received(mail, "html")),
            ("Slack", received(slack, "text")),
        ] {
            let text = flat(&text).replace("&#39;", "'").replace("&#40;", "(").replace("&apos;", "'");
            let mark = "The campaign was ended early";
            // JUnit has no place for a sum.
            let executions = format!("{} execution", if name == "junit" { of_one } else { of_all });
            for wanted in ["ABORTED", mark, why, &executions] {
                assert!(text.contains(wanted), "{name} does not show '{wanted}':\n{text}");
            }
        }
        self.context.assert_nothing_left();
    }
}

#[test]
fn a_terminated_run_reports_what_it_knows_in_every_output() {
    let (ended, process) = Ended::start();
    process.terminate().unwrap();
    process.wait_for_line(|line| line.starts_with("stopping: "), SOON).unwrap();
    // It may have ended by itself meanwhile.
    _ = process.terminate();
    ended.assert_reported(&process, "stopped by the user");
}

#[test]
fn an_interrupted_run_reports_what_it_knows_in_every_output() {
    let (ended, process) = Ended::start();
    process.interrupt_group().unwrap();
    ended.assert_reported(&process, "stopped by the user");
}

#[test]
fn a_run_whose_factory_is_killed_reports_what_it_knows_in_every_output() {
    let (ended, process) = Ended::start();
    ended.context.signal_factory(rustix::process::Signal::KILL);
    ended.assert_reported(&process, "its process ended with signal");
}

/// Hides nothing behind a failed rendering: the browser says what it could not do.
#[test]
fn a_browser_shows_the_page_without_a_complaint() {
    let context = TestContext::new();
    let finished = context.autostart("red", &[]);
    assert_eq!(finished.code(), Some(3), "{finished}");
    let page = page(&context);
    let shown = browse(&["--dump-dom"], &page);
    assert!(shown.stdout.contains("37 of 1000 minions: expected status 202, observed 503"), "{shown}");
    assert!(shown.stdout.contains("<svg"), "{shown}");
    let complaint = shown.stderr.lines().find(|line| line.contains(":CONSOLE"));
    assert_eq!(complaint, None, "{shown}");

    // The page forbids what it does not need: a browser that reports nothing would not notice anything.
    let text = fs::read_to_string(&page).unwrap();
    let broken = context.write("broken.html", &text.replace("</body>", "<script>alert(1)</script></body>"));
    let shown = browse(&["--dump-dom"], &broken);
    assert!(shown.stderr.contains("Content Security Policy"), "{shown}");
}

#[test]
fn on_paper_everything_is_there_that_is_closed_on_a_screen() {
    let context = TestContext::new();
    context.autostart("red", &[]);
    let page = page(&context);
    let paper = context.path().join("report.pdf");
    browse(&[&format!("--print-to-pdf={}", paper.display())], &page);
    let printed = finish({
        let mut command = context.program("pdftotext");
        command.args(["-layout".as_ref(), paper.as_os_str(), "-".as_ref()]);
        command
    });
    assert_eq!(printed.code(), Some(0), "{printed}");
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(context.summary()).unwrap()).unwrap();
    let kept = summary.pointer("/scenarios/0/steps/1/failures/0/kept").unwrap().as_array().unwrap();
    assert_eq!(kept.len(), 5);
    for one in kept {
        let minion = format!("minion {}, iteration 0", one["minion"]);
        assert!(printed.stdout.contains(&minion), "{minion}: {printed}");
    }
    for end in ["The load generator itself", "Where and with what", "--seed"] {
        assert!(printed.stdout.contains(end), "{end}: {printed}");
    }
}
