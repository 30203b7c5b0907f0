//! A mail in HTML and plain text, with the JUnit files when asked for.

use crate::retry::{Backoff, Failed};
use crate::smtp::{Security, Server};
use crate::text::{CAUSES, cut, example, facts, title};
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::{self, authentication::Credentials};
use lettre::{Address, Message};
use maud::{DOCTYPE, Markup, html};
use qalipsis_config::keys::Kind;
use qalipsis_config::problem::Problem;
use qalipsis_config::{Secret, Section, SectionDefinition, SectionKey, Statuses};
use qalipsis_judge::report::Report;
use qalipsis_report::digest::Cause;
use qalipsis_report::markup::text;
use qalipsis_report::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings};
use qalipsis_report::text::one_line;
use qalipsis_report::{digest, junit};
use std::error::Error;
use std::io::{Cursor, ErrorKind, Write as _};

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition { name: "report.export.mail", keys: KEYS, check },
    kind: OutputKind::Notification,
    build: |section, Surroundings { link, .. }| {
        section.is_on("enabled").then(|| {
            Box::new(Mail::new(MailSettings::from(section), link.map(str::to_owned))) as Box<dyn Output>
        })
    },
    printed: None,
};

const KEYS: &[SectionKey] = &[
    SectionKey::new("cc", Kind::MailAddresses, "The recipients of a copy."),
    SectionKey::new("enabled", Kind::Switch, "Whether the report is sent by mail, in HTML and plain text.")
        .or("false"),
    SectionKey::new("from", Kind::MailAddress, "The sender, one address. Must be set when mail is enabled."),
    SectionKey::new("host", Kind::Text, "The SMTP server.").or("localhost"),
    SectionKey::new("junit", Kind::Switch, "Whether the JUnit files are attached, as `junit.zip`.")
        .or("false"),
    SectionKey::new(
        "password",
        Kind::Text,
        "Password of the user; better written as `${MAIL_PASSWORD}`. It is never shown.",
    )
    .secret(),
    SectionKey::new(
        "port",
        Kind::Port,
        "Its port. Without it: 465 with `ssl`, 587 with `starttls`, 25 with neither.",
    ),
    SectionKey::new("ssl", Kind::Switch, "Whether the connection uses TLS from its first byte.").or("false"),
    SectionKey::new(
        "starttls",
        Kind::Switch,
        "Whether the connection changes to TLS with STARTTLS. A server without it is refused.",
    )
    .or("false"),
    SectionKey::new("status", Kind::Statuses, "Which verdicts are sent by mail.").or("ALL"),
    SectionKey::new("to", Kind::MailAddresses, "The recipients. Must be set when mail is enabled."),
    SectionKey::new("username", Kind::Text, "Name of the user to log in as. Without it: no login."),
];

fn check(section: &Section<'_>) -> Option<Problem> {
    let is_set = |key| section.text(key).is_some();
    match () {
        () if !section.is_on("enabled") => None,
        () if !is_set("from") => Some(section.missing("from")),
        () if !is_set("to") => Some(section.missing("to")),
        () if is_set("username") && !is_set("password") => Some(section.incomplete("password", "username")),
        () if is_set("password") && !is_set("username") => Some(section.incomplete("username", "password")),
        () if section.is_on("ssl") && section.is_on("starttls") => Some(section.exclusive("ssl", "starttls")),
        () => None,
    }
}

/// Where a report is sent by mail, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// The server.
    pub host: String,
    /// Its port; `None` for that of the mode: 465 with `ssl`, 587 with `starttls`, 25 with neither.
    pub port: Option<u16>,
    /// Name of the user to log in as; `None` for no login.
    pub username: Option<String>,
    /// Of that user.
    pub password: Option<Secret>,
    /// TLS from the first byte.
    pub ssl: bool,
    /// TLS with STARTTLS; a server without it is refused.
    pub starttls: bool,
    /// The sender.
    pub from: String,
    /// Addresses with commas between them.
    pub to: String,
    /// Addresses with commas between them.
    pub cc: String,
    /// Which verdicts are sent.
    pub status: Statuses,
    /// Whether the JUnit files are attached.
    pub junit: bool,
}

impl From<&Section<'_>> for MailSettings {
    fn from(section: &Section<'_>) -> Self {
        let text = |key| section.text(key).unwrap_or_default().to_owned();
        Self {
            host: text("host"),
            port: section.port("port"),
            username: section.text("username").map(str::to_owned),
            password: section.secret("password"),
            ssl: section.is_on("ssl"),
            starttls: section.is_on("starttls"),
            from: text("from"),
            to: text("to"),
            cc: text("cc"),
            status: section.statuses("status"),
            junit: section.is_on("junit"),
        }
    }
}

/// Sends a report by mail.
#[derive(Debug)]
pub struct Mail {
    settings: MailSettings,
    link: Option<String>,
}

impl Mail {
    /// `link` leads to the report.
    pub fn new(settings: MailSettings, link: Option<String>) -> Self {
        Self { settings, link }
    }

    fn message(&self, report: &Report) -> Result<Message, Box<dyn Error + Send + Sync>> {
        let settings = &self.settings;
        let from = settings.from.parse()?;
        let mut message = Message::builder().from(from).subject(cut(&one_line(&title(report)), 200));
        for one in mailboxes(&settings.to)? {
            message = message.to(one);
        }
        for one in mailboxes(&settings.cc)? {
            message = message.cc(one);
        }
        let link = self.link.as_deref();
        let body = MultiPart::alternative_plain_html(plain(report, link), html(report, link));
        if !settings.junit {
            return Ok(message.multipart(body)?);
        }
        let name = "junit.zip".to_owned();
        let attached: SinglePart =
            Attachment::new(name).body(zip(report)?, ContentType::parse("application/zip")?);
        Ok(message.multipart(MultiPart::mixed().multipart(body).singlepart(attached))?)
    }

    fn server(&self) -> Server<'_> {
        let settings = &self.settings;
        let (security, port) = match (settings.ssl, settings.starttls) {
            (true, _) => (Security::Tls, 465),
            (false, true) => (Security::StartTls, 587),
            (false, false) => (Security::None, 25),
        };
        let credentials = match (&settings.username, &settings.password) {
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.reveal().to_owned()))
            }
            _ => None,
        };
        Server { host: &settings.host, port: settings.port.unwrap_or(port), security, credentials }
    }

    /// Hands the mail in until each recipient has it or is refused for good; what could not be done is an error.
    fn send(&self, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
        let (server, content) = (self.server(), message.formatted());
        let from = message.envelope().from().cloned();
        let mut open = message.envelope().to().to_vec();
        let mut refusals = Refusals::default();
        let mut backoff = Backoff::new();
        let refuses = |recipient: &Address, error: &smtp::Error| {
            self.hidden(&format!("{} refuses {recipient}: {}", self.settings.host, deepest(error)))
        };
        while !open.is_empty() {
            let failed = match server.deliver(&Envelope::new(from.clone(), open.clone())?, &content, &backoff)
            {
                Ok(delivery) => {
                    refusals.sent.extend(delivery.taken);
                    open.clear();
                    let mut later = None;
                    for (recipient, error) in delivery.refused {
                        if error.is_permanent() {
                            refusals.refused.push(refuses(&recipient, &error));
                        } else {
                            later.get_or_insert_with(|| refuses(&recipient, &error));
                            open.push(recipient);
                        }
                    }
                    let Some(why) = later else { break };
                    Failed { why, after: None, permanent: false }
                }
                Err(error) => {
                    let why = format!("{} does not take the mail: {}", self.settings.host, deepest(&error));
                    // Neither a wrong password, nor a missing TLS, nor a certificate changes within seconds.
                    let permanent = error.is_permanent() || error.is_client() || error.is_tls();
                    Failed { why: self.hidden(&why), after: None, permanent }
                }
            };
            match backoff.next(failed) {
                Ok(pause) => std::thread::sleep(pause),
                Err(why) => {
                    refusals.refused.push(why);
                    break;
                }
            }
        }
        refusals.outcome()
    }
}

/// What became of the recipients.
#[derive(Default)]
struct Refusals {
    sent: Vec<Address>,
    refused: Vec<String>,
}

impl Refusals {
    fn outcome(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.refused.is_empty() {
            return Ok(());
        }
        let mut text = self.refused.join("; ");
        if !self.sent.is_empty() {
            let sent: Vec<String> = self.sent.iter().map(ToString::to_string).collect();
            text.push_str(&format!("; sent to {}", sent.join(", ")));
        }
        Err(text.into())
    }
}

impl Output for Mail {
    fn wants(&self, report: &Report) -> bool {
        self.settings.status.contains(report.status)
    }

    fn publish(&self, report: &Report) -> PublishResult {
        self.send(&self.message(report)?)?;
        Ok(vec![format!("sent to {}", one_line(&self.settings.to))])
    }
}

impl Mail {
    /// Some servers repeat what they were sent.
    fn hidden(&self, text: &str) -> String {
        match &self.settings.password {
            Some(password) if !password.reveal().is_empty() => {
                one_line(&text.replace(password.reveal(), "***"))
            }
            _ => one_line(text),
        }
    }
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    // The system's own words for it are "resource temporarily unavailable".
    let waited = |io: &std::io::Error| matches!(io.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    if deepest.downcast_ref::<std::io::Error>().is_some_and(waited) {
        return "it did not answer in time".to_owned();
    }
    let (shown, cause) = (error.to_string(), deepest.to_string());
    if shown.contains(&cause) { shown } else { format!("{shown}: {cause}") }
}

fn mailboxes(text: &str) -> Result<Vec<Mailbox>, lettre::address::AddressError> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::parse).collect()
}

fn plain(report: &Report, link: Option<&str>) -> String {
    let mut text = format!("{}\n\n{}\n", report.verdict(), one_line(&digest::headline(report)));
    text.extend(digest::incomplete(report).map(|incomplete| format!("{incomplete}\n")));
    let causes = digest::causes(report);
    for cause in causes.iter().take(CAUSES) {
        text.push_str(&format!("\n{} [{}]\n", one_line(&cause.place()), cause.kind));
        text.push_str(&format!("  {}\n", one_line(cause.message)));
        for fact in facts(cause).iter().chain(&examples(cause)) {
            text.push_str(&format!("  {}\n", one_line(&cut(fact, 1_000))));
        }
    }
    if causes.len() > CAUSES {
        text.push_str(&format!("\nand {} more\n", causes.len() - CAUSES));
    }
    for warning in digest::warnings(report) {
        text.push_str(&format!("\nwarning: {}\n", one_line(&warning)));
    }
    text.push_str(&format!("\ncampaign {}, started {}\n", one_line(&report.key), report.started.rfc3339()));
    text.extend(link.map(|link| format!("report: {link}\n")));
    text
}

/// The first failure of a cause.
fn examples(cause: &Cause<'_>) -> Vec<String> {
    cause.evidence.first().map(|first| example(first)).unwrap_or_default()
}

/// Styles are in the elements: mail readers drop a style sheet.
fn html(report: &Report, link: Option<&str>) -> String {
    let causes = digest::causes(report);
    let tone = if causes.is_empty() { "#157347" } else { "#b42318" };
    let page = html! {
        (DOCTYPE)
        html {
            body style="font-family:sans-serif;color:#1d2430" {
                h2 style={ "color:" (tone) ";margin:0" } { (text(&report.verdict())) }
                p { (text(&digest::headline(report))) }
                @if let Some(incomplete) = digest::incomplete(report) { p { b { (incomplete) } } }
                @for one in causes.iter().take(CAUSES) { (cause(one)) }
                @if causes.len() > CAUSES { p { "and " (causes.len() - CAUSES) " more" } }
                @for warning in digest::warnings(report) { p { "warning: " (text(&warning)) } }
                p style="color:#5c6675" {
                    "campaign " (text(&report.key)) ", started " (report.started.rfc3339())
                }
                @if let Some(link) = link { p { a href=(text(link)) { "Report" } } }
            }
        }
    };
    page.into_string()
}

fn cause(cause: &Cause<'_>) -> Markup {
    html! {
        div style="border-left:3px solid #b42318;padding-left:12px;margin:14px 0" {
            b { (text(&cause.place())) } " " span style="color:#b42318" { (cause.kind) }
            br; (text(cause.message))
            @for fact in facts(cause).iter().chain(&examples(cause)) {
                br; span style="color:#5c6675" { (text(&cut(fact, 1_000))) }
            }
        }
    }
}

fn zip(report: &Report) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, document) in junit::files(report)? {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        archive.write_all(document.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
