//! Which scenarios of a head are meant.

use wildmatch::WildMatch;

/// The scenarios that match at least one of the patterns, in the order of the head; all of them without a pattern.
///
/// # Errors
/// The first pattern that matches none.
pub fn select<'a>(patterns: &[String], offered: &'a [String]) -> Result<Vec<&'a String>, String> {
    let patterns: Vec<WildMatch> = patterns.iter().map(|pattern| WildMatch::new(pattern)).collect();
    if let Some(useless) = patterns.iter().find(|pattern| !offered.iter().any(|name| pattern.matches(name))) {
        return Err(useless.to_string());
    }
    let is_meant =
        |name: &&String| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name));
    Ok(offered.iter().filter(is_meant).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_select_in_the_order_of_the_head() {
        let offered = ["refund", "order-new", "order-old"].map(str::to_owned);
        let chosen = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|one| (*one).to_owned()).collect();
            select(&patterns, &offered).map(|names| names.into_iter().cloned().collect::<Vec<_>>())
        };
        assert_eq!(chosen(&[]).unwrap(), offered);
        assert_eq!(chosen(&["order-*", "refund"]).unwrap(), offered);
        assert_eq!(chosen(&["order-???"]).unwrap(), ["order-new", "order-old"]);
        assert_eq!(chosen(&["refund", "ordr"]).unwrap_err(), "ordr");
    }
}
