//! Texts of plugins for people.

use std::fmt::Write as _;

/// Characters of a value that a message quotes.
const QUOTED: usize = 160;

/// The beginning of a value in one line, with how long it is when that is not all.
pub fn quote(value: &[u8]) -> String {
    // Four bytes per character at most, so that a value of megabytes is not converted whole.
    let head = String::from_utf8_lossy(&value[..value.len().min(QUOTED * 4)]);
    let mut text = String::new();
    for letter in head.chars().take(QUOTED) {
        if letter.is_control() {
            text.extend(letter.escape_debug());
        } else {
            text.push(letter);
        }
    }
    if head.chars().count() > QUOTED || value.len() > QUOTED * 4 {
        let _ = write!(text, "… ({} bytes)", value.len());
    }
    text
}

/// A client's message as a fragment that goes on after a colon: its first letter in lower case, unless
/// it begins an acronym.
pub fn lowercase_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        // An acronym stays one.
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// Words in names of headers and fields whose values are secrets.
const SECRETS: [&str; 10] = [
    "token",
    "secret",
    "passw",
    "apikey",
    "api-key",
    "api_key",
    "signature",
    "credential",
    "authorization",
    "cookie",
];

/// Whether a header or a field of this name holds a secret, which must not be shown.
pub fn names_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
}

/// A system's error without the number behind it, `(os error 111)`, which means nothing to people.
pub fn without_number(error: &str) -> &str {
    error.split(" (os error").next().unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_however_they_are_written() {
        for name in ["Authorization", "X-Api-Key", "api_key", "apikey", "Set-Cookie", "db_password", "passwd"]
        {
            assert!(names_secret(name), "{name}");
        }
        assert!(!names_secret("order-id") && !names_secret("key"));
    }

    #[test]
    fn numbers_of_system_errors_are_left_out() {
        assert_eq!(without_number("Connection refused (os error 111)"), "Connection refused");
        assert_eq!(without_number("no answer"), "no answer");
    }

    #[test]
    fn a_fragment_keeps_its_acronyms() {
        assert_eq!(lowercase_first("Connection refused"), "connection refused");
        assert_eq!(lowercase_first("SSL handshake failed"), "SSL handshake failed");
        assert_eq!(lowercase_first(""), "");
    }

    #[test]
    fn a_quote_is_one_line_and_short() {
        assert_eq!(quote(b"{\"a\":\n1}"), "{\"a\":\\n1}");
        let long = quote("é".repeat(100_000).as_bytes());
        assert!(long.ends_with("… (200000 bytes)"), "{long}");
        assert!(long.chars().count() < 200, "{long}");
        assert_eq!(quote(&[0xff, b'a']), "\u{fffd}a");
    }
}
