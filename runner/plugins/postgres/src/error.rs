//! Why something did not work, in one line, without passwords and parameters.

use crate::parameter::Parameters;
use crate::target::Target;
use crate::text::quote;
use qalipsis_core::fault::{Fault, chain};
use qalipsis_core::model::duration::human;
use tokio_postgres::Error;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};

/// Why there is no connection.
pub(crate) fn connecting(target: &Target, error: &Error) -> Fault {
    let (mut cause, code) = match error.as_db_error() {
        Some(refusal) => (refusal.message().to_owned(), refusal.code().code().to_owned()),
        None => (chain(error), kind(error).to_owned()),
    };
    if cause.contains("no pg_hba.conf entry") && cause.contains("no encryption") {
        cause.push_str("; for TLS add ?sslmode=require to the url");
    }
    if cause.contains("unsupported startup parameter: options") {
        cause.push_str("; a pooler refuses .statement_timeout(..), give the database user the limit instead");
    }
    if cause.contains("server does not support TLS") {
        cause.push_str("; without TLS the url has ?sslmode=disable");
    }
    if cause.contains("UnknownIssuer") {
        cause.push_str("; trust its certificate authority by ca_pem");
    }
    // With TLS 1.3 the server refuses a client's certificate when the handshake is done for the client, and its
    // reason may be lost with the connection.
    let is_lost = error.as_db_error().is_none() && matches!(kind(error), "closed" | "io");
    if is_lost && target.config.get_ssl_mode() != SslMode::Disable && !cause.contains("fatal alert") {
        cause.push_str("; did it refuse the client certificate (identity_pem)?");
    }
    Fault::error(target.redact(&format!("{target}: {}", cause.replace('`', "'")))).code(code)
}

/// The server accepts connections and says nothing.
pub(crate) fn silent(target: &Target) -> Fault {
    let limit = human(target.connect_timeout());
    Fault::error(format!("{target}: no connection within {limit}, it does not answer")).code("connect")
}

/// Why a statement failed.
pub(crate) fn failed(target: &Target, statement: &str, parameters: &Parameters, error: &Error) -> Fault {
    let text = format!("{target}: {}, in: {}", cause(target, parameters, error), quote(statement));
    coded(text, error)
}

/// Why a poll failed, whose source is named by its statement already.
pub(crate) fn polled(target: &Target, statement: &str, error: &Error) -> Fault {
    let text = format!("{target}: {}", cause(target, &Parameters::new(&[]), error));
    coded(text, error).exchange(statement)
}

fn coded(mut text: String, error: &Error) -> Fault {
    // Names of prepared statements are this plugin's own, so something in between must have mixed them up.
    if matches!(error.code(), Some(&SqlState::DUPLICATE_PSTATEMENT | &SqlState::UNDEFINED_PSTATEMENT)) {
        text.push_str(
            "; a pooler such as pgbouncer in transaction mode mixes up prepared statements: switch them off by \
             Postgres::builder(url).prepared_statements(false)",
        );
    }
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => Fault::timeout(text).code(SqlState::QUERY_CANCELED.code()),
        Some(state) => Fault::error(text).code(state.code().to_owned()),
        None => Fault::error(text).code(kind(error)),
    }
}

/// What went wrong with a statement, without saying which.
pub(crate) fn cause(target: &Target, parameters: &Parameters, error: &Error) -> String {
    let message = match error.as_db_error() {
        Some(problem) => described(problem),
        None => place_from_one(&chain(error)),
    };
    target.redact(&parameters.redact(&message))
}

/// A failure of a statement for a reason of this side.
pub(crate) fn local(target: &Target, statement: &str, problem: &str, code: &'static str) -> Fault {
    Fault::error(format!("{target}: {problem}, in: {}", quote(statement))).code(code)
}

/// A failure of a poll for a reason of this side.
pub(crate) fn local_poll(target: &Target, statement: &str, problem: &str, code: &'static str) -> Fault {
    Fault::error(format!("{target}: {problem}")).code(code).exchange(statement)
}

/// Whether another try on another connection may do.
pub(crate) fn passes(error: &Error) -> bool {
    match error.code() {
        None => matches!(kind(error), "connect" | "closed" | "io"),
        Some(state) => {
            let class = &state.code()[..2];
            // Connection, resources, operator intervention, serialization; but not a database that is gone.
            matches!(class, "08" | "53" | "57" | "40") && *state != SqlState::DATABASE_DROPPED
        }
    }
}

/// The server's message and hint. Its detail is left out, because it quotes values.
fn described(problem: &DbError) -> String {
    match problem.hint() {
        Some(hint) => format!("{} ({})", problem.message(), hint.trim_end_matches('.')),
        None => problem.message().to_owned(),
    }
}

/// tokio-postgres counts parameters from 0, PostgreSQL from 1.
fn place_from_one(text: &str) -> String {
    const START: &str = "error serializing parameter ";
    let Some(rest) = text.strip_prefix(START) else { return text.replace('`', "'") };
    let (place, problem) = rest.split_once(": ").unwrap_or((rest, "can't be sent"));
    match place.parse::<usize>() {
        Ok(place) => format!("parameter ${}: {}", place + 1, problem.replace('`', "'")),
        Err(_) => text.to_owned(),
    }
}

fn kind(error: &Error) -> &'static str {
    // The kind itself is private.
    let text = error.to_string();
    if error.is_closed() {
        "closed"
    } else if text.starts_with("error connecting") || text.starts_with("timeout") {
        "connect"
    } else if text.starts_with("error performing TLS") {
        "tls"
    } else if text.starts_with("error communicating") || text.starts_with("error parsing response") {
        "io"
    } else if text.starts_with("authentication error") || text.starts_with("invalid configuration") {
        "authentication"
    } else if text.starts_with("error serializing") || text.starts_with("expected ") {
        "parameter"
    } else {
        "protocol"
    }
}
