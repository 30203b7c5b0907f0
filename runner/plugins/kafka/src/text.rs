//! Texts for people.

use qalipsis_core::text::lowercase_first;
pub(crate) use qalipsis_core::text::quote;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

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

/// What librdkafka says of a broken connection, without its internal states.
pub(crate) fn reason(reason: &str) -> String {
    let text = reason
        .strip_prefix("[thrd:")
        .and_then(|text| text.split_once("]: "))
        .map_or(reason, |(_, text)| text);
    let text = text.split(" (after ").next().unwrap_or(text);
    let text = text.split(" in state ").next().unwrap_or(text);
    lowercase_first(text.trim())
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
}
