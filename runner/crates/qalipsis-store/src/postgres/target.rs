//! The database of PostgreSQL that a URL names.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged before the connection counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// What shows instead of a password.
const HIDDEN: &str = "***";

/// A database as a URL names it. It shows without the password.
///
/// The URL is the one that the PostgreSQL plugin takes: TLS is asked for by `sslmode=require` or `verify-full`, which
/// mean the same here, and `sslrootcert` names a file with the authorities to trust instead of the machine's.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) config: Config,
    pub(crate) root_certificates: Option<PathBuf>,
    shown: String,
    secrets: Vec<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Target {
    /// The database that a URL names, or what is wrong with it, without the password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        // A password may contain a question mark.
        let login = url.rfind('@').unwrap_or(0);
        let (base, query) = match url[login..].split_once('?') {
            Some((host, query)) => (&url[..login + host.len()], query),
            None => (url, ""),
        };
        let (mut tls, mut root_certificates) = (SslMode::Disable, None);
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                // tokio-postgres does not know these; rustls always checks the name of the server.
                Some(("sslrootcert", path)) => root_certificates = Some(PathBuf::from(path)),
                Some(("sslmode", "verify-full" | "require")) => tls = SslMode::Require,
                Some(("sslmode", "prefer")) => tls = SslMode::Prefer,
                Some(("sslmode", "disable")) => tls = SslMode::Disable,
                Some(("sslmode", _)) => {
                    return Err("sslmode must be disable, prefer, require or verify-full".to_owned());
                }
                _ => others.push(pair),
            }
        }
        let mut config: Config = format!("{base}?{}", others.join("&")).parse().map_err(|error| {
            let text = chain(&error);
            // A password that was not percent-encoded may have ended up as the name of an option.
            let option = text.split('`').nth(1).unwrap_or_default();
            if option.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
                text.replace('`', "'")
            } else {
                "special characters in a password have to be percent-encoded".to_owned()
            }
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("it names no host".to_owned());
        }
        config.ssl_mode(tls);
        if config.get_application_name().is_none() {
            config.application_name("qalipsis");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WITHIN);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(LOST_AFTER);
        }
        let mut secrets = Vec::new();
        if let Some(password) = config.get_password() {
            secrets.push(String::from_utf8_lossy(password).into_owned());
            // As the URL has it, perhaps percent-encoded.
            let written = base.rsplit_once('@').and_then(|(login, _)| login.rsplit_once(':'));
            secrets.extend(written.map(|(_, password)| password.to_owned()));
        }
        secrets.retain(|secret| !secret.is_empty());
        Ok(Self { shown: shown(&config), config, root_certificates, secrets })
    }

    /// `text` without the password.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text.push_str(": ");
            text.push_str(&further);
        }
        cause = error.source();
    }
    text
}

fn shown(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        })
        .collect();
    let mut shown = format!("postgres at {}", hosts.join(","));
    if let Some(database) = config.get_dbname().or(config.get_user()) {
        shown.push('/');
        shown.push_str(database);
    }
    if let Some(user) = config.get_user() {
        shown.push_str(" as ");
        shown.push_str(user);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_without_the_password() {
        let target =
            Target::parse("postgresql://alice:p%40s?s@db.example:5433/shop?sslmode=verify-full").unwrap();
        assert_eq!(
            format!("{target} {target:?}").matches("postgres at db.example:5433/shop as alice").count(),
            2
        );
        assert_eq!(target.config.get_password(), Some(&b"p@s?s"[..]));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(target.redact("p@s?s p%40s?s other"), "*** *** other");
        let plain = Target::parse("postgres://bob@h").unwrap();
        assert_eq!(
            (plain.to_string().as_str(), plain.config.get_ssl_mode()),
            ("postgres at h:5432/bob as bob", SslMode::Disable)
        );
    }

    #[test]
    fn an_error_in_a_url_does_not_show_the_url() {
        for (url, expected) in [
            ("postgres:///db", "it names no host"),
            ("postgres://u:hunter2@h:many/db", "invalid connection string: invalid value for option 'port'"),
            ("postgres://u:p@h/db?sslmodus=require", "invalid connection string: unknown option 'sslmodus'"),
            ("postgres://u@h/db?hunt?Er2=1", "special characters in a password have to be percent-encoded"),
            ("postgres://h/db?sslmode=allow", "sslmode must be disable, prefer, require or verify-full"),
        ] {
            assert_eq!(Target::parse(url).unwrap_err(), expected);
        }
    }
}
