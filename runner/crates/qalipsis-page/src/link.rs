//! Links among pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a path and in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Text as a part of a path or of a query.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The page of a campaign.
pub(crate) fn campaign(key: &str) -> String {
    format!("/campaigns/{}", part(key))
}

/// What the API has of a campaign: `/report`, `/summary`.
pub(crate) fn api(key: &str, what: &str) -> String {
    format!("/api/v1/campaigns/{}{what}", part(key))
}

/// A path with the parameters that have a value.
pub(crate) fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = given.map(|(name, value)| format!("{name}={}", part(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_stay_one_part() {
        assert_eq!(campaign("../a b?c#d"), "/campaigns/..%2Fa%20b%3Fc%23d");
        assert_eq!(query("/", &[("filter", "a&b=c"), ("status", "")]), "/?filter=a%26b%3Dc");
    }
}
