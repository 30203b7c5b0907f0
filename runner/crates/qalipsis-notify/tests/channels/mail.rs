//! Mail through a real server.

use crate::sample::{Campaign, hostile};
use qalipsis_config::{Secret, Sections, Settings, Sources};
use qalipsis_notify::{Mail, MailSettings, OUTPUTS};
use qalipsis_report::output::Output;
use qalipsis_testkit::{Process, free_port};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "hunter2-not-for-your-eyes";

/// Keeps each mail in a file with its envelope; refuses recipients called `nobody`, and for the first two times
/// those called `busy`; counts the log-ins.
const SERVER: &str = r#"
import sys, pathlib, signal
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
port, folder, password = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3].encode()
class Handler:
    count = 0
    busy = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("busy"):
            Handler.busy += 1
            if Handler.busy < 3:
                return "450 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        text = "\n".join(envelope.rcpt_tos) + "\n\n" + envelope.content.decode()
        (folder / f"{Handler.count}.tmp").write_text(text)
        (folder / f"{Handler.count}.tmp").rename(folder / f"{Handler.count}.eml")
        return "250 OK"
def check(server, session, envelope, mechanism, data):
    with open(folder / "log-ins", "a") as file:
        print(data.login.decode(), file=file)
    return AuthResult(handled=False, success=data.login == b"ci" and data.password == password)
options = dict(auth_require_tls=False, authenticator=check, auth_required=bool(password))
Controller(Handler(), hostname="127.0.0.1", port=port, **options).start()
print("ready", flush=True)
signal.pause()
"#;

struct Server {
    port: u16,
    folder: TempDir,
    _process: Process,
}

impl Server {
    fn new(password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", SERVER, &port.to_string()]).arg(folder.path()).arg(password);
        let process = Process::spawn(&mut command).unwrap();
        let ready = process.wait_for_line(|line| line == "ready", Duration::from_secs(30));
        ready.expect("install it with `apt-get install --no-install-recommends python3-aiosmtpd`");
        Self { port, folder, _process: process }
    }

    fn settings(&self) -> MailSettings {
        MailSettings {
            host: "127.0.0.1".to_owned(),
            port: Some(self.port),
            from: "QALIPSIS <ci@example.org>".to_owned(),
            to: "team@example.org, Boss <boss@example.org>".to_owned(),
            ..defaults()
        }
    }

    fn mail(&self) -> String {
        self.nth_mail(1).expect("a mail came")
    }

    fn nth_mail(&self, n: u32) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(format!("{n}.eml"))).ok()
    }

    /// The recipients of the nth mail.
    fn envelope(&self, n: u32) -> Vec<String> {
        let mail = self.nth_mail(n).expect("a mail came");
        mail.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn log_ins(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("log-ins")).map_or(0, |text| text.lines().count())
    }
}

/// The settings of a configuration that sets nothing.
fn defaults() -> MailSettings {
    let mail = OUTPUTS.iter().find(|output| output.label() == "mail").unwrap();
    MailSettings::from(&Settings::default().section(&mail.section))
}

fn send(settings: MailSettings, report: &qalipsis_judge::report::Report) -> Result<Vec<String>, String> {
    assert!(!format!("{settings:?}").contains(PASSWORD));
    let link = Some("https://ci.example/report.html".to_owned());
    Mail::new(settings, link).publish(report).map_err(|error| error.to_string())
}

#[test]
fn it_reaches_all_recipients_in_plain_text_and_html() {
    let server = Server::new("");
    let settings = MailSettings { cc: "archive@example.org".to_owned(), ..server.settings() };
    send(settings, &Campaign::failing().report()).unwrap();
    let mail = server.mail();
    assert!(mail.starts_with("team@example.org\nboss@example.org\narchive@example.org\n"), "{mail}");
    let mail = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    for shown in [
        "Subject: FAILED nightly: 1000 minions",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "order-accepted [assertion]",
        "37 of 1000 minions: expected status 202, observed 503",
        "first at 05:06:07.839, last at 05:06:18.639 UTC",
        "for example at 2026-11-23T05:06:07.839Z: minion 13",
        "http://127.0.0.1:8080/orders",
        "report: https://ci.example/report.html",
        "<a href=\"https://ci.example/report.html\">",
    ] {
        assert!(mail.contains(shown), "{shown}\n{mail}");
    }
    assert!(!mail.contains("junit.zip"));
}

#[test]
fn the_junit_files_come_along_when_asked_for() {
    let server = Server::new("");
    send(MailSettings { junit: true, ..server.settings() }, &Campaign::failing().report()).unwrap();
    let checked = Command::new("/usr/bin/python3")
        .args(["-c", UNPACK])
        .arg(server.folder.path().join("1.eml"))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(shown.trim(), "TEST-checkout.xml testsuites", "{}", String::from_utf8_lossy(&checked.stderr));
}

/// Reads the attachment as a mail program does.
const UNPACK: &str = r#"
import sys, email, io, zipfile, xml.etree.ElementTree as tree
text = open(sys.argv[1]).read().split("\n\n", 1)[1]
part = next(p for p in email.message_from_string(text).walk() if p.get_filename() == "junit.zip")
archive = zipfile.ZipFile(io.BytesIO(part.get_payload(decode=True)))
print(*[f"{name} {tree.fromstring(archive.read(name)).tag}" for name in archive.namelist()])
"#;

#[test]
fn it_logs_in_and_names_a_wrong_password_without_showing_it() {
    let server = Server::new(PASSWORD);
    let logged_in = |password: &str| MailSettings {
        username: Some("ci".to_owned()),
        password: Some(Secret::new(password)),
        ..server.settings()
    };
    send(logged_in(PASSWORD), &Campaign::failing().report()).unwrap();
    server.mail();
    let error = send(logged_in("wrong-not-for-your-eyes"), &Campaign::failing().report()).unwrap_err();
    assert!(error.contains("127.0.0.1 does not take the mail") && error.contains("535"), "{error}");
    assert!(error.ends_with(", tried once") && !error.contains("not-for-your-eyes"), "{error}");
    assert_eq!(
        server.log_ins(),
        2,
        "a wrong password is no better the second time, and may lock the account"
    );
}

#[test]
fn a_refused_recipient_is_named() {
    let server = Server::new("");
    let settings = MailSettings { to: "nobody@example.org".to_owned(), ..server.settings() };
    let error = send(settings, &Campaign::failing().report()).unwrap_err();
    assert_eq!(error, "127.0.0.1 refuses nobody@example.org: permanent error (550): no such user");
    assert_eq!(server.nth_mail(1), None);
}

#[test]
fn a_refused_recipient_keeps_the_mail_from_nobody_else() {
    let server = Server::new("");
    let to = "first@example.org, nobody@example.org, nobody2@example.org, last@example.org";
    let settings = MailSettings { to: to.to_owned(), ..server.settings() };
    let error = send(settings, &Campaign::failing().report()).unwrap_err();
    assert_eq!(server.envelope(1), ["first@example.org", "last@example.org"]);
    assert_eq!(server.nth_mail(2), None, "it is sent once");
    assert_eq!(
        error,
        "127.0.0.1 refuses nobody@example.org: permanent error (550): no such user; \
         127.0.0.1 refuses nobody2@example.org: permanent error (550): no such user; \
         sent to first@example.org, last@example.org"
    );
}

#[test]
fn a_recipient_refused_for_the_moment_is_tried_again_and_nobody_gets_it_twice() {
    let server = Server::new("");
    let to = "team@example.org, busy@example.org";
    send(MailSettings { to: to.to_owned(), ..server.settings() }, &Campaign::failing().report()).unwrap();
    assert_eq!(server.envelope(1), ["team@example.org"]);
    assert_eq!(server.envelope(2), ["busy@example.org"]);
    assert_eq!(server.nth_mail(3), None);
}

#[test]
fn a_server_that_is_not_there_is_tried_again() {
    let settings = MailSettings { port: Some(1), ..Server::new("").settings() };
    let error = send(settings, &Campaign::failing().report()).unwrap_err();
    assert!(error.starts_with("127.0.0.1 does not take the mail: "), "{error}");
    assert!(error.ends_with(", tried 4 times"), "{error}");
}

#[test]
fn a_server_without_starttls_is_refused_where_it_is_asked_for() {
    let server = Server::new("");
    let settings = MailSettings { starttls: true, ..server.settings() };
    let error = send(settings, &Campaign::failing().report()).unwrap_err();
    assert!(error.to_lowercase().contains("starttls") && error.ends_with(", tried once"), "{error}");
    assert_eq!(server.nth_mail(1), None, "nothing goes out unencrypted");
}

#[test]
fn names_from_outside_are_neither_headers_nor_markup() {
    let server = Server::new("");
    send(server.settings(), &hostile("<script>x</script>\r\nBcc: evil@example.org\r\n\r\n")).unwrap();
    let mail = server.mail().replace("=\r\n", "").replace("=\n", "");
    let (plain, html) = mail.split_once("text/html").expect("it has both");
    assert!(plain.contains("<script>"), "plain text shows it as it is: {mail}");
    assert!(!html.contains("<script>") && !mail.lines().any(|line| line.starts_with("Bcc:")), "{mail}");
}

#[test]
fn law_2_settings_that_contradict_each_other_are_refused() {
    let problems = |own: &[&str]| {
        let needed = ["enabled=true", "from=qa@example.org", "to=ops@example.org"];
        let pairs = needed.iter().chain(own).map(|pair| format!("report.export.mail.{pair}"));
        let sources = Sources {
            directory: "/nonexistent".into(),
            pairs: pairs.collect(),
            sections: Sections::all(OUTPUTS.iter().map(|output| &output.section)),
            ..Sources::default()
        };
        sources.read().1.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for sound in [&["ssl=true"][..], &["starttls=true"], &["username=qa", "password=hunter2"]] {
        assert_eq!(problems(sound), [""; 0]);
    }
    assert_eq!(
        problems(&["ssl=true", "starttls=true"]),
        ["report.export.mail.ssl and report.export.mail.starttls are both true: only one of them may be"]
    );
    assert_eq!(
        problems(&["password=hunter2"]),
        ["report.export.mail.username must be set, since report.export.mail.password is set"]
    );
    assert_eq!(
        problems(&["username=qa"]),
        ["report.export.mail.password must be set, since report.export.mail.username is set"]
    );
}
