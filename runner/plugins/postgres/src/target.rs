//! The database to connect to, and the user to connect as.

use qalipsis_core::fault::{Fault, chain};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged before the connection counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// What shows instead of a password.
const HIDDEN: &str = "***";

/// A database as a URL names it. It shows without the password.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) config: Config,
    /// Whether and how the URL asks for TLS.
    pub(crate) tls: Option<SslMode>,
    /// A file with the certificates to trust.
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

fn unreadable(problem: &str) -> Fault {
    Fault::error(format!(
        "the url of the postgres database can't be read: {problem}; \
         expected postgres://user:password@host:port/database"
    ))
    .code("configuration")
}

impl Target {
    /// How long a connection may take to be of use.
    pub(crate) fn connect_timeout(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
    }

    pub(crate) fn parse(url: &str) -> Result<Self, Fault> {
        let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
            return Err(unreadable("it does not begin with postgres://"));
        };
        // A password may contain a question mark.
        let login = rest.rfind('@').unwrap_or(0);
        let (base, query) = match rest[login..].find('?') {
            Some(mark) => (&rest[..login + mark], &rest[login + mark + 1..]),
            None => (rest, ""),
        };
        let (mut tls, mut root_certificates) = (None, None);
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                // What tokio-postgres does not know, and what means the same here: see the README.
                Some(("sslmode", "verify-full")) => tls = Some(SslMode::Require),
                Some(("sslrootcert", path)) => root_certificates = Some(PathBuf::from(path)),
                Some(("sslmode", mode)) => {
                    tls = Some(match mode {
                        "disable" => SslMode::Disable,
                        "prefer" => SslMode::Prefer,
                        "require" => SslMode::Require,
                        _ => {
                            return Err(unreadable(
                                "sslmode has to be one of disable, prefer, require, verify-full",
                            ));
                        }
                    });
                }
                _ => others.push(pair),
            }
        }
        let mut config: Config =
            format!("postgres://{base}?{}", others.join("&")).parse().map_err(|error| {
                let text = chain(&error);
                // A password that was not percent-encoded may have ended up as the name of an option.
                let option = text.split('`').nth(1).unwrap_or_default();
                if option.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') {
                    unreadable(&text.replace('`', "'"))
                } else {
                    unreadable("special characters in a password have to be percent-encoded")
                }
            })?;
        if config.get_ssl_mode() != SslMode::Prefer {
            // Hidden from the search above by an unusual character.
            tls = tls.or(Some(config.get_ssl_mode()));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unreadable("it names no host"));
        }
        if config.get_application_name().is_none() {
            config.application_name("qalipsis");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(LOST_AFTER);
        }
        let shown = shown(&config);
        let mut secrets = Vec::new();
        if let Some(password) = config.get_password() {
            secrets.push(String::from_utf8_lossy(password).into_owned());
            // As the URL has it, perhaps percent-encoded.
            let written = base.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
            secrets.extend(written.map(|(_, password)| password.to_owned()));
        }
        secrets.retain(|secret| !secret.is_empty());
        Ok(Self { config, tls, root_certificates, shown, secrets })
    }

    /// `text` without the password.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
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
            Target::parse("postgresql://alice:p%40ss@db.example:5433/shop?sslmode=verify-full").unwrap();
        assert_eq!(target.to_string(), "postgres at db.example:5433/shop as alice");
        assert_eq!(target.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(target.tls, Some(SslMode::Require));
        let odd = Target::parse("postgres://alice:wh?t@h/shop?sslmode=require").unwrap();
        assert_eq!(odd.config.get_password(), Some(&b"wh?t"[..]));
        assert_eq!(
            (odd.tls, odd.to_string().as_str()),
            (Some(SslMode::Require), "postgres at h:5432/shop as alice")
        );
        assert_eq!(target.redact("p@ss p%40ss other"), "*** *** other");
        assert_eq!(Target::parse("postgres://bob@h").unwrap().to_string(), "postgres at h:5432/bob as bob");
    }

    #[test]
    fn an_error_in_a_url_does_not_show_the_url() {
        let refusal = |url: &str| {
            let fault = Target::parse(url).expect_err("it is refused");
            assert_eq!(fault.code, "configuration");
            let start = "the url of the postgres database can't be read: ";
            let end = "; expected postgres://user:password@host:port/database";
            fault.message.strip_prefix(start).unwrap().strip_suffix(end).unwrap().to_owned()
        };
        assert_eq!(refusal("mysql://u:hunter2@h/db"), "it does not begin with postgres://");
        assert_eq!(refusal("postgres:///db"), "it names no host");
        assert_eq!(
            refusal("postgres://u:hunter2@h:many/db"),
            "invalid connection string: invalid value for option 'port'"
        );
        assert_eq!(
            refusal("postgres://u:p@h/db?sslmodus=require"),
            "invalid connection string: unknown option 'sslmodus'"
        );
        assert_eq!(
            refusal("postgres://u@h/db?hunt?Er2=1"),
            "special characters in a password have to be percent-encoded"
        );
        assert!(refusal("postgres://h/db?sslmode=allow").starts_with("sslmode has to be one of"));
    }
}
