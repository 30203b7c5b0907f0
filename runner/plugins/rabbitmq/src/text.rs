//! Texts for people.

use lapin::ErrorKind;
use lapin::protocol::AMQPError;
use qalipsis_core::fault::chain;
use qalipsis_core::text::without_number;
pub(crate) use qalipsis_core::text::{lowercase_first, quote};
use std::io;

/// The name of an exchange; the default one has none.
pub(crate) fn exchange(name: &str) -> &str {
    if name.is_empty() { "(default)" } else { name }
}

/// What the broker refused, or what happened to the connection: a fragment in one line, and a word to
/// group by.
pub(crate) fn cause(error: &lapin::Error) -> (String, &'static str) {
    match error.kind() {
        ErrorKind::ProtocolError(error) => refusal(error),
        ErrorKind::IOError(error) | ErrorKind::RuntimeShutdownError(error) => io_cause(error),
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => {
            ("what it says is not AMQP 0-9-1".to_owned(), "protocol")
        }
        ErrorKind::MissingHeartbeatError => {
            ("the broker has not been heard of for two heartbeats".to_owned(), "connection-lost")
        }
        ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..) => {
            ("the connection was lost".to_owned(), "connection-lost")
        }
        ErrorKind::ChannelsLimitReached => {
            ("the broker allows no more channels on this connection".to_owned(), "channels")
        }
        _ => (error.to_string(), "protocol"),
    }
}

/// `NOT_FOUND - no queue 'orders' in vhost '/'` without its code, which is the word to group by.
fn refusal(error: &AMQPError) -> (String, &'static str) {
    let text = error.get_message().to_string();
    let plain = match text.split_once(" - ") {
        Some((code, plain)) if code.chars().all(|c| c.is_ascii_uppercase() || c == '_') => plain,
        _ => &text,
    };
    let code = match error.get_id() {
        320 => "connection-forced",
        403 => "access-refused",
        404 => "not-found",
        405 => "resource-locked",
        406 => "precondition-failed",
        506 => "resource-error",
        530 => "not-allowed",
        _ => "refused",
    };
    (lowercase_first(plain), code)
}

fn io_cause(error: &io::Error) -> (String, &'static str) {
    if let Some(error) = rustls_error(error) {
        return (format!("TLS handshake: {}", tls_cause(error)), "tls");
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ("connection refused".to_owned(), "connect"),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => ("the connection was lost".to_owned(), "connection-lost"),
        _ => {
            let text = chain(error);
            (lowercase_first(without_number(&text)), "connect")
        }
    }
}

/// rustls puts its own error inside one of io.
pub(crate) fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

pub(crate) fn tls_cause(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => {
            format!("{error}; is that the broker's port for TLS (usually 5671)?")
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            format!("{error}; trust its authority with ca_pem")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_plain_fragments() {
        let refused = |id, text: &str| refusal(&AMQPError::from_id(id, text.into()).expect("a known code"));
        assert_eq!(
            refused(404, "NOT_FOUND - no queue 'orders' in vhost '/'"),
            ("no queue 'orders' in vhost '/'".to_owned(), "not-found")
        );
        assert_eq!(
            refused(530, "NOT_ALLOWED - vhost x not found"),
            ("vhost x not found".to_owned(), "not-allowed")
        );
        assert_eq!(refused(541, "Oh - no"), ("oh - no".to_owned(), "refused"));
    }
}
