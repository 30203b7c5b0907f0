//! What can go wrong while reading, and whether it passes.

use crate::position::Partition;
use crate::text::{code, reason};
use rdkafka::error::RDKafkaErrorCode;

/// Something that went wrong while reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A connection or a request failed; the client goes on by itself.
    Broken(String),
    /// It does not pass: a code to group by, and why.
    Permanent(String, String),
    /// A record that cannot be read; those after it are.
    Unreadable(String),
    /// The offset that was to be read next is not there.
    OutOfRange,
    /// The client has gone to another offset by itself, because the one to be read next was not there.
    Reset(String),
    /// This topic was deleted and made again.
    MadeAgain(String),
    /// Partitions that did not exist at the start.
    Added(Vec<Partition>),
    /// Worth a word, and no more.
    Notice(&'static str, String),
}

/// What an error of the client means for who reads.
pub(crate) fn of_error(error: RDKafkaErrorCode, text: &str) -> Option<Trouble> {
    use RDKafkaErrorCode as Code;
    Some(match error {
        // The end of a partition is no error.
        Code::PartitionEOF | Code::NoError => return None,
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::SSL
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::BadCompression
        | Code::UnsupportedCompressionType
        | Code::NotImplemented
        | Code::UnsupportedFeature
        | Code::MessageSizeTooLarge
        | Code::UnsupportedVersion
        | Code::InvalidGroupId
        | Code::GroupMaxSizeReached
        | Code::FencedInstanceId
        | Code::InconsistentGroupProtocol => Trouble::Permanent(code(error), text.to_owned()),
        Code::BadMessage | Code::InvalidMessage => Trouble::Unreadable(text.to_owned()),
        Code::AutoOffsetReset => Trouble::OutOfRange,
        Code::PollExceeded => Trouble::Notice("poll-exceeded", text.to_owned()),
        // Transport, time-outs, leaders and coordinators that change, and whatever is not known.
        _ => Trouble::Broken(text.to_owned()),
    })
}

/// What a line that the client logs means for who reads. There is no other way to learn these.
pub(crate) fn of_log(facility: &str, message: &str) -> Option<Trouble> {
    let message = reason(message);
    match facility {
        // `orders [0]: offset reset (at offset 17 (leader epoch 0), broker 1) to cached BEGINNING offset 42 …`
        "OFFSET" if message.contains("offset reset") => Some(Trouble::Reset(message)),
        // `topic orders changed id from qsYh… to 6uOt…`
        "METADATA" => {
            let (topic, ids) = message.strip_prefix("topic ")?.split_once(" changed id from ")?;
            let (old, _) = ids.split_once(" to ")?;
            // The first id that is learned replaces none.
            let is_none = old.chars().all(|letter| letter == 'A');
            (!is_none).then(|| Trouble::MadeAgain(topic.to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_errors_are_distinguished_from_passing_ones() {
        let kind = |code| of_error(code, "why");
        assert_eq!(
            kind(RDKafkaErrorCode::TopicAuthorizationFailed),
            Some(Trouble::Permanent("topic-authorization-failed".into(), "why".into()))
        );
        assert_eq!(kind(RDKafkaErrorCode::BrokerTransportFailure), Some(Trouble::Broken("why".into())));
        assert_eq!(kind(RDKafkaErrorCode::BadMessage), Some(Trouble::Unreadable("why".into())));
        assert_eq!(kind(RDKafkaErrorCode::PartitionEOF), None);
    }

    #[test]
    fn a_topic_that_was_made_again_has_another_id() {
        let line =
            |old: &str| format!("[thrd:main]: Topic orders changed id from {old} to 6uOtTmTaS3aXgY8p5pSdtg");
        let found = of_log("METADATA", &line("qsYhW0kCT3WKfGmWwYnKgg"));
        assert_eq!(found, Some(Trouble::MadeAgain("orders".to_owned())));
        assert_eq!(of_log("METADATA", &line("AAAAAAAAAAAAAAAAAAAAAA")), None);
        assert_eq!(of_log("METADATA", "Topic orders [0] Leader 1 Epoch 0"), None);
    }
}
