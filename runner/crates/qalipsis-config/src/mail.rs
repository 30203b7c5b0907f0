//! Where the report is sent by mail.

use crate::{Secret, Statuses};

/// `report.export.mail.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Whether anything is sent.
    pub enabled: bool,
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
    /// TLS after a greeting; a server without it is refused.
    pub starttls: bool,
    /// The sender.
    pub from: Option<String>,
    /// Addresses with commas between them.
    pub to: Option<String>,
    /// Addresses with commas between them.
    pub cc: Option<String>,
    /// Which verdicts are sent.
    pub status: Statuses,
    /// Whether the JUnit files are attached.
    pub junit: bool,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            host: "localhost".to_owned(),
            port: None,
            username: None,
            password: None,
            ssl: false,
            starttls: false,
            from: None,
            to: None,
            cc: None,
            status: Statuses::all(),
            junit: false,
        }
    }
}

impl MailSettings {
    /// What must be set and is not, as the last part of its key.
    pub fn missing(&self) -> Option<&'static str> {
        match self {
            _ if !self.enabled => None,
            Self { from: None, .. } => Some("from"),
            Self { to: None, .. } => Some("to"),
            Self { username: Some(_), password: None, .. } => Some("password"),
            _ => None,
        }
    }

    /// Whether `text` is a list of addresses.
    pub fn addresses(text: &str) -> bool {
        let mut addresses = text.split(',').map(str::trim).filter(|one| !one.is_empty()).peekable();
        addresses.peek().is_some() && addresses.all(is_address)
    }
}

/// Whether this is `name@domain`, or a name with that in angle brackets.
fn is_address(text: &str) -> bool {
    let bare = match text.strip_suffix('>') {
        Some(text) => text.rsplit_once('<').map(|(_, bare)| bare),
        None => Some(text),
    };
    let Some((local, domain)) = bare.and_then(|bare| bare.rsplit_once('@')) else { return false };
    let plain =
        |part: &str| !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>@,;".contains(c));
    !local.is_empty() && plain(local) && plain(domain) && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_and_anything_else_is_not() {
        for good in ["a@b", "a@b.example, c@d", "The Team <team@example.org>", "a+b@example.org,"] {
            assert!(MailSettings::addresses(good), "{good}");
        }
        for bad in ["", " , ", "nobody", "@b", "a@", "a@b..c", "a b@c", "a@b, nobody", "<a@b", "a@b@c"] {
            assert!(!MailSettings::addresses(bad), "{bad}");
        }
    }
}
