//! Notifications as the command sends them: configured, filtered, and never in the way of the exit.

use crate::support::{LIMIT, TestContext, finish, flat};
use qalipsis_testkit::Process;
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
    let shown = flat(&finished.stdout);
    for channel in ["! slack: ", "! mail: "] {
        assert!(shown.contains(channel), "{channel}: {finished}");
    }
    assert!(!format!("{finished}").contains("not-for-your-eyes"), "{finished}");
    let page = std::fs::read_to_string(context.summary().with_file_name("report.html")).unwrap();
    assert!(page.contains("<li>slack: ") && page.contains("<li>mail: "), "the report says it too: {page}");
    assert!(!page.contains("not-for-your-eyes"));
}

#[test]
fn only_the_chosen_verdicts_are_notified() {
    // Nobody listens there: a warning shows that a notification was sent.
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
fn what_is_missing_or_misspelt_is_reported_before_anything_runs() {
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

/// Prints the recipients of each mail, and whether it came over TLS.
const SERVER: &str = r#"
import asyncio, signal, ssl, sys
from aiosmtpd.smtp import SMTP
port, mode, certificate, key = int(sys.argv[1]), *sys.argv[2:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
class Handler:
    async def handle_DATA(self, server, session, envelope):
        secure = bool(server.transport.get_extra_info("ssl_object"))
        print("mail for", *envelope.rcpt_tos, "secure" if secure else "plain", flush=True)
        return "250 OK"
def protocol():
    if mode == "starttls":
        return SMTP(Handler(), hostname="localhost", tls_context=context, require_starttls=True, loop=loop)
    return SMTP(Handler(), hostname="localhost", loop=loop)
loop = asyncio.new_event_loop()
tls = context if mode == "ssl" else None
loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", port, ssl=tls))
print("ready", flush=True)
loop.run_forever()
"#;

#[test]
fn mail_goes_over_tls_to_a_server_that_is_trusted_and_to_no_other() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for mode in ["ssl", "starttls"] {
        let context = TestContext::new();
        let certificate = context.write("certificate.pem", &cert.pem());
        let key = context.write("key.pem", &signing_key.serialize_pem());
        let port = qalipsis_testkit::free_port().unwrap();
        let mut command = context.program("/usr/bin/python3");
        command.args(["-c", SERVER, &port.to_string(), mode]).args([&certificate, &key]);
        let server = Process::spawn(&mut command).unwrap();
        server.wait_for_line(|line| line == "ready", LIMIT).expect("Debian's package python3-aiosmtpd");
        let run = |trusted: &std::path::Path| {
            let mut command = context.campaign("green", &["-c", "report.export.mail.enabled=true"]);
            command.args(["-c", "report.export.mail.from=ci@example.org"]);
            command.args(["-c", "report.export.mail.to=team@example.org"]);
            command.args(["-c", &format!("report.export.mail.port={port}")]);
            command.args(["-c", &format!("report.export.mail.{mode}=true")]);
            command.env("SSL_CERT_FILE", trusted);
            finish(command)
        };
        let finished = run(&certificate);
        assert!(flat(&finished.stdout).contains("mail sent to team@example.org"), "{mode}: {finished}");
        server.wait_for_line(|line| line == "mail for team@example.org secure", LIMIT).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let finished = run(&context.write("other.pem", &other.cert.pem()));
        assert_eq!(finished.code(), Some(0), "{mode}: {finished}");
        assert!(
            flat(&finished.stdout).contains("mail: localhost does not take the mail"),
            "{mode}: {finished}"
        );
    }
}
