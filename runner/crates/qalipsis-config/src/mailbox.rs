//! Mail addresses.

/// Whether `text` is a list of addresses with commas between them.
pub(crate) fn is_list(text: &str) -> bool {
    let mut addresses = text.split(',').map(str::trim).filter(|one| !one.is_empty()).peekable();
    addresses.peek().is_some() && addresses.all(is_address)
}

/// Whether `text` is one address: `name@domain`, or a name with that in angle brackets.
pub(crate) fn is_address(text: &str) -> bool {
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
            assert!(is_list(good), "{good}");
        }
        for bad in ["", " , ", "nobody", "@b", "a@", "a@b..c", "a b@c", "a@b, nobody", "<a@b", "a@b@c"] {
            assert!(!is_list(bad), "{bad}");
        }
    }
}
