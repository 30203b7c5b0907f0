//! The nearest valid name, for error messages.

/// The longest text, in bytes, that may be meant for a name.
const LONGEST: usize = 300;

/// The candidate most like `given`, when it is near enough to be what the user meant.
///
/// Near enough: a normalised Damerau-Levenshtein similarity of at least 0.5, or one contains the other.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing takes time and memory by the length of both, and no name is misspelt by so much.
    if given.len() > LONGEST {
        return None;
    }
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let mut score = strsim::normalized_damerau_levenshtein(&given, &lower);
            if !given.is_empty() && (lower.contains(&given) || given.contains(&lower)) {
                score = score.max(0.5);
            }
            (score, candidate)
        })
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `, did you mean 'checkout'?` when something is near, else the list of what exists.
pub fn hint<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(given, candidates.clone()) {
        return format!("did you mean '{near}'?");
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.len() {
        0 => "there are none".to_owned(),
        1..=10 => format!("there are: {}", all.join(", ")),
        n => format!("there are {n}, among them: {}", all[..10].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_nothing() {
        let names = ["checkout", "refund", "quickstart"];
        assert_eq!(nearest("chekcout", names), Some("checkout"));
        assert_eq!(nearest("quick", names), Some("quickstart"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(hint("zzz", names), "there are: checkout, refund, quickstart");
    }
}
