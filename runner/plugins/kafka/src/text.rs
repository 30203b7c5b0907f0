//! Texts for people.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::fmt::Write as _;

/// Characters of a value that a message quotes.
const QUOTED: usize = 160;

/// The beginning of a value in one line.
pub(crate) fn quote(value: &[u8]) -> String {
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

/// A librdkafka error without the words that only its developers need: `unknown topic or partition`.
pub(crate) fn cause(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(code) => described(code),
        None => lowercase_first(&error.to_string()),
    }
}

/// A code's own description, for example `message size too large`.
pub(crate) fn described(code: RDKafkaErrorCode) -> String {
    let text = code.to_string();
    // It comes as `MessageSizeTooLarge (Broker: Message size too large)`.
    let inner = text.split_once(" (").map_or(text.as_str(), |(_, inner)| inner.trim_end_matches(')'));
    let inner = inner.strip_prefix("Broker: ").or_else(|| inner.strip_prefix("Local: ")).unwrap_or(inner);
    lowercase_first(inner)
}

/// A code's name in kebab-case, for grouping: `message-size-too-large`.
pub(crate) fn code(code: RDKafkaErrorCode) -> String {
    let mut kebab = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

/// What librdkafka tells of a broken connection, without its internal states.
pub(crate) fn reason(reason: &str) -> String {
    let text = reason
        .strip_prefix("[thrd:")
        .and_then(|text| text.split_once("]: "))
        .map_or(reason, |(_, text)| text);
    let text = text.split(" (after ").next().unwrap_or(text);
    let text = text.split(" in state ").next().unwrap_or(text);
    lowercase_first(text.trim())
}

fn lowercase_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        // An acronym stays one.
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_plain_fragments() {
        assert_eq!(described(RDKafkaErrorCode::MessageSizeTooLarge), "message size too large");
        assert_eq!(described(RDKafkaErrorCode::MessageTimedOut), "message timed out");
        assert_eq!(code(RDKafkaErrorCode::UnknownTopicOrPartition), "unknown-topic-or-partition");
        assert_eq!(
            reason(
                "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)"
            ),
            "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused"
        );
        assert_eq!(reason("[thrd:a:1/bootstrap]: SSL handshake failed"), "SSL handshake failed");
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
