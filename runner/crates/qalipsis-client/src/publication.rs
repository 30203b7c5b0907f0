//! Publishing a campaign of this machine to a head elsewhere.

use crate::connection::{Connection, address};
use crate::error::ClientError;
use crate::head::Head;
use backon::{ExponentialBuilder, Retryable};
use qalipsis_config::Settings;
use qalipsis_config::keys::Kind;
use qalipsis_config::problem::Problem;
use qalipsis_config::section::{Section, SectionDefinition, SectionKey};
use std::path::PathBuf;
use std::time::Duration;

/// How long publishing may take in all, as for all other outputs.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const NAME: &str = "report.export.head";

/// The keys of the head that campaigns of `--autostart` are published to.
pub static PUBLICATION: SectionDefinition = SectionDefinition {
    name: NAME,
    keys: &[
        SectionKey::new(
            "certificate",
            Kind::Text,
            "PEM file of the authorities that are trusted besides those of the system.",
        ),
        SectionKey::new("token", Kind::Text, "Token for that head, with the right to write.").secret(),
        SectionKey::new(
            "url",
            Kind::Address,
            "Address of a head that keeps the ended campaign of `--autostart`, with its reports and the figures of each \
             second: `https://head.example.org:8400`. Without it no campaign is published.",
        ),
    ],
    check,
};

fn check(section: &Section<'_>) -> Option<Problem> {
    match section.text("url") {
        Some(url) => address("report.export.head.url", url, NAME).err(),
        None => ["token", "certificate"]
            .into_iter()
            .find(|key| section.text(key).is_some())
            .map(|key| section.incomplete("url", key)),
    }
}

/// Where campaigns are published to, when the configuration has such a head.
///
/// # Errors
/// When there is no such address.
pub fn published_to(settings: &Settings) -> Result<Option<Connection>, Problem> {
    let section = settings.section(&PUBLICATION);
    let Some(url) = section.text("url") else { return Ok(None) };
    Ok(Some(Connection {
        head: address("report.export.head.url", url, NAME)?,
        token: section.secret("token"),
        certificate: section.text("certificate").map(PathBuf::from),
        patience: LIMIT,
        keys: NAME,
    }))
}

impl Head {
    /// Publishes an ended campaign, and gives where it is. This is tried again for a while: the head takes it once.
    ///
    /// # Errors
    /// When the head refuses, or cannot be reached for 30 s.
    pub async fn publish(&self, key: &str, campaign: &[u8]) -> Result<String, ClientError> {
        let pauses = ExponentialBuilder::default().with_max_delay(LONGEST_PAUSE).without_max_times();
        let mut last = None;
        let attempt = || self.put(key, campaign.to_vec());
        let trying = attempt
            .retry(pauses)
            .when(ClientError::is_passing)
            .notify(|error, _| last = Some(error.to_string()));
        let outcome = tokio::time::timeout(LIMIT, trying).await;
        match outcome {
            Ok(outcome) => outcome.map(|()| self.address_of(key)),
            Err(_) => {
                let why = last.unwrap_or_else(|| format!("the head at {} does not answer", self.address()));
                Err(ClientError::Unpublished { seconds: LIMIT.as_secs(), why })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_config::{Sections, Sources};

    fn read(pairs: &[&str]) -> (Settings, Vec<String>) {
        let sources = Sources {
            directory: "/nonexistent".into(),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            sections: Sections::all([&PUBLICATION]),
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        (settings, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_head_is_an_address_and_its_token_is_nothing_without_one() {
        assert!(published_to(&read(&[]).0).unwrap().is_none());
        let (settings, problems) =
            read(&["report.export.head.url=https://head:8400", "report.export.head.token=x"]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(published_to(&settings).unwrap().unwrap().keys, "report.export.head");
        for (pair, expected) in [
            (
                "report.export.head.token=x",
                "report.export.head.url must be set, since report.export.head.token is set",
            ),
            (
                "report.export.head.url=http://ann:hunter2@head",
                "report.export.head.url: must not have a user or password, set report.export.head.token",
            ),
            (
                "report.export.head.url=http://head/api/v1",
                "report.export.head.url: must end after the port: /api/v1 is added to it",
            ),
        ] {
            assert_eq!(read(&[pair]).1, [expected]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_answers_is_given_up() {
        // Nobody listens there once this is dropped.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (settings, _) = read(&[&format!("report.export.head.url=http://{address}")]);
        let head = Head::new(&published_to(&settings).unwrap().unwrap()).unwrap();
        let begin = tokio::time::Instant::now();
        let error = head.publish("20261129-140500-k3x9qa", b"{}").await.unwrap_err();
        assert_eq!(begin.elapsed(), LIMIT);
        let expected = format!("not published within 30 s: the head at http://{address}");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
