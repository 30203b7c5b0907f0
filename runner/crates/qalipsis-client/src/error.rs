//! Why a head could not be asked.

use qalipsis_config::keys::environment_name;
use serde::Deserialize;
use std::error::Error as _;
use thiserror::Error;

/// Why a head could not be asked, or what it refused: one line.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The client cannot be made.
    #[error("{0}")]
    Setup(String),
    /// The head does not answer, or not to the end.
    #[error("the head at {head} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        head: String,
        /// What happened.
        why: String,
    },
    /// The head was away for longer than the client waits.
    #[error("the head at {head} has been away for {seconds} s, campaign {key} may still run there: {why}")]
    Gone {
        /// Its address.
        head: String,
        /// The campaign.
        key: String,
        /// For how long.
        seconds: u64,
        /// What happened last.
        why: String,
    },
    /// The head refuses.
    #[error("the head refuses: {detail} ({status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        detail: String,
        /// Everything that is wrong with what was sent: where, and what.
        problems: Vec<(String, String)>,
    },
    /// What the head sent cannot be read.
    #[error("what the head at {head} answers cannot be read, is it another version? {why}")]
    Malformed {
        /// Its address.
        head: String,
        /// What is wrong.
        why: String,
    },
    /// A campaign could not be published in time.
    #[error("not published within {seconds} s: {why}")]
    Unpublished {
        /// For how long it was tried.
        seconds: u64,
        /// What happened last.
        why: String,
    },
    /// A report could not be written here.
    #[error("{0}")]
    Write(String),
}

impl ClientError {
    /// Whether the same request may work later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// What keeps a request from being answered, without its address, which is said already.
    pub(crate) fn unreachable(head: &reqwest::Url, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // The last cause is what the system says; those between only wrap it.
            why = cause.to_string();
            source = cause.source();
        }
        // The number of a system error means nothing to users.
        if let Some(at) = why.find(" (os error ") {
            why.truncate(at);
        }
        let head = shown(head);
        if error.is_decode() { Self::Malformed { head, why } } else { Self::Unreachable { head, why } }
    }

    /// What the head says of a request that it does not take.
    pub(crate) fn refused(status: reqwest::StatusCode, body: &str, keys: &str) -> Self {
        let problem: ProblemDetails = serde_json::from_str(body).unwrap_or_default();
        let detail = match (status.as_u16(), problem.detail) {
            (401, _) => {
                let key = format!("{keys}.token");
                format!("it needs a token, set {key} or {}", environment_name(&key))
            }
            (_, Some(detail)) => detail,
            (_, None) => status.canonical_reason().unwrap_or("it gives no reason").to_lowercase(),
        };
        let problems = problem.problems.into_iter().map(|one| (one.pointer, one.message)).collect();
        Self::Refused { status: status.as_u16(), detail, problems }
    }
}

/// The address of a head as users gave it.
pub(crate) fn shown(head: &reqwest::Url) -> String {
    head.as_str().trim_end_matches('/').to_owned()
}

#[derive(Debug, Default, Deserialize)]
struct ProblemDetails {
    detail: Option<String>,
    #[serde(default)]
    problems: Vec<Pointed>,
}

#[derive(Debug, Deserialize)]
struct Pointed {
    pointer: String,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn a_refusal_says_what_the_head_says() {
        let body = r#"{"title":"x","status":422,"detail":"2 things are wrong",
            "problems":[{"pointer":"/name","message":"too short"},{"pointer":"","message":"no scenario"}]}"#;
        let ClientError::Refused { status, detail, problems } =
            ClientError::refused(StatusCode::UNPROCESSABLE_ENTITY, body, "client")
        else {
            panic!("not refused");
        };
        assert_eq!((status, detail.as_str()), (422, "2 things are wrong"));
        assert_eq!(problems[0], ("/name".to_owned(), "too short".to_owned()));
        let proxy = ClientError::refused(StatusCode::BAD_GATEWAY, "<html>", "client");
        assert_eq!(proxy.to_string(), "the head refuses: bad gateway (502)");
        assert!(proxy.is_passing());
        let token = ClientError::refused(StatusCode::UNAUTHORIZED, "", "client");
        assert!(token.to_string().contains("QALIPSIS_CLIENT_TOKEN") && !token.is_passing());
    }
}
