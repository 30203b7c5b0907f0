//! The keys of the configuration that the store brings.

use crate::keep::Keep;
use crate::location::Location;
use qalipsis_config::keys::Kind;
use qalipsis_config::problem::Problem;
use qalipsis_config::section::{Section, SectionDefinition, SectionKey};

/// The keys below `store`.
pub static STORE: SectionDefinition = SectionDefinition {
    name: "store",
    keys: &[
        SectionKey::new(
            "url",
            Kind::Text,
            "Where campaigns are kept: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE` where several \
             people share them. Head and standalone keep them in the user's folder for data without it, `--autostart` \
             nowhere.",
        )
        .secret(),
        SectionKey::new(
            "keep",
            Kind::Text,
            "Which ended campaigns are kept: the latest so many (`1000`), those of a time in hours, days or weeks \
             (`90d`), or what both allow (`1000,90d`). Without it all are.",
        ),
    ],
    check,
};

fn check(section: &Section<'_>) -> Option<Problem> {
    let name = section.secret("url").and_then(|url| Location::parse(url.reveal()).err());
    if let Some(error) = name {
        return Some(Problem::new(format_args!("store.url cannot be read: {}", error.problem())));
    }
    let keep = section.text("keep").filter(|keep| Keep::parse(keep).is_none())?;
    Some(Problem::new(format_args!(
        "store.keep must be a number of campaigns, an age such as 90d, or both with a comma between them, it is '{keep}'"
    )))
}

/// Where the section says that campaigns are kept, if it does, and which.
pub fn configured(section: &Section<'_>) -> (Option<Location>, Keep) {
    let location = section.secret("url").and_then(|url| Location::parse(url.reveal()).ok());
    (location, section.text("keep").and_then(Keep::parse).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_config::{Environment, Sections, Settings, Sources};

    fn read(pairs: &[&str]) -> (Settings, Vec<String>) {
        let sources = Sources {
            directory: "/nonexistent".into(),
            environment: Environment::default(),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            sections: Sections::all([&STORE]),
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        (settings, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_keys_give_the_location_and_what_is_kept() {
        let (settings, problems) = read(&["store.url=sqlite:/data/campaigns.db", "store.keep=1000,90d"]);
        assert_eq!(problems, [""; 0]);
        let expected = (Location::parse("sqlite:/data/campaigns.db").ok(), Keep::parse("90d,1000").unwrap());
        assert_eq!(configured(&settings.section(&STORE)), expected);
        assert_eq!(configured(&read(&[]).0.section(&STORE)), (None, Keep::default()));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_password() {
        for (pair, expected) in [
            (
                "store.url=mysql://ann:hunter2@db/x",
                "store.url cannot be read: it begins neither with sqlite: nor with postgres://",
            ),
            (
                "store.url=postgres://ann:hunter2@db:many/x",
                "store.url cannot be read: invalid connection string: invalid value for option 'port'",
            ),
            (
                "store.keep=90 days",
                "store.keep must be a number of campaigns, an age such as 90d, or both with a comma between them, it is '90 days'",
            ),
        ] {
            let (settings, problems) = read(&[pair]);
            assert_eq!(problems, [expected]);
            assert!(!format!("{settings:?}").contains("hunter2"));
        }
    }
}
