//! Where a head is, and how it is reached.

use qalipsis_config::keys::Kind;
use qalipsis_config::problem::Problem;
use qalipsis_config::section::{Section, SectionDefinition, SectionKey};
use qalipsis_config::{Secret, Settings};
use qalipsis_model::duration;
use std::path::PathBuf;
use std::time::Duration;

/// The keys of the client.
pub static SECTION: SectionDefinition = SectionDefinition {
    name: "client",
    keys: &[
        SectionKey::new(
            "head",
            Kind::Text,
            "Address of the head that `qalipsis campaign` talks to; the flag `--head` comes before it.",
        )
        .or("http://127.0.0.1:8400"),
        SectionKey::new("token", Kind::Text, "Token for that head.").secret(),
        SectionKey::new(
            "certificate",
            Kind::Text,
            "PEM file of the authorities that are trusted besides those of the system.",
        ),
        SectionKey::new(
            "patience",
            Kind::PositiveDuration,
            "How long a head may be away while its campaign is followed, before that is given up with exit code 5.",
        )
        .or("2m"),
    ],
    check,
};

/// Where a head is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its address, without a path: `https://head.example.org:8400`.
    pub head: reqwest::Url,
    /// The token that it is given.
    pub token: Option<Secret>,
    /// PEM file of further trusted authorities.
    pub certificate: Option<PathBuf>,
    /// How long it may be away while a campaign is followed.
    pub patience: Duration,
    /// The section of the configuration that this comes from, for those who have to change it: `client`.
    pub keys: &'static str,
}

impl Connection {
    /// As configured; `head` comes before the configuration.
    ///
    /// # Errors
    /// When there is no such address.
    pub fn of(settings: &Settings, head: Option<&str>) -> Result<Self, Problem> {
        let section = settings.section(&SECTION);
        let (place, text) = match head {
            Some(head) => ("--head", head),
            None => ("client.head", section.text("head").unwrap_or_default()),
        };
        Ok(Self {
            head: address(place, text, SECTION.name)?,
            keys: SECTION.name,
            token: section.secret("token"),
            certificate: section.text("certificate").map(PathBuf::from),
            patience: section
                .text("patience")
                .and_then(|text| duration::parse(text).ok())
                .expect("the value was checked when it was read, and so was its default"),
        })
    }
}

fn check(section: &Section<'_>) -> Option<Problem> {
    address("client.head", section.text("head").unwrap_or_default(), SECTION.name).err()
}

/// The address is not shown: it may have a password in it, which is refused.
pub(crate) fn address(place: &str, text: &str, keys: &str) -> Result<reqwest::Url, Problem> {
    let wrong = |why: &str| Problem::at(place, why);
    let url = reqwest::Url::parse(text)
        .map_err(|_| wrong("must be an address, for example http://127.0.0.1:8400"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(&format!("must not have a user or password, set {keys}.token")));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must end after the port: /api/v1 is added to it"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for good in ["http://127.0.0.1:8400", "https://head.example.org", "http://[::1]:8400/"] {
            assert!(address("--head", good, "client").is_ok(), "{good}");
        }
        for (bad, why) in [
            ("head:8400", "--head: must begin with http:// or https://"),
            ("", "--head: must be an address"),
            ("ftp://head", "--head: must begin with"),
            ("http://user:secret@head", "--head: must not have a user"),
            ("http://head/api/v1", "--head: must end after the port"),
        ] {
            let problem = address("--head", bad, "client").unwrap_err().to_string();
            assert!(problem.starts_with(why), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
