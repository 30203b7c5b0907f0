//! What keeps the runner from doing what it was asked for.

use crate::problem::{Problem, one_line};
use qalipsis_agent::HostError;
use qalipsis_client::ClientError;
use qalipsis_model::verdict::exit;
use qalipsis_server::ServeError;
use qalipsis_store::StoreError;
use std::io;

/// An error, with its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something given is wrong: configuration, names, executables, descriptions. Never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// Cargo could not build the scenarios; it said why on stderr.
    #[error("cargo could not build the scenarios ({0}), fix the errors that it printed above")]
    Build(String),
    /// The user stopped it while it was being prepared.
    #[error("stopped by the user before the campaign started")]
    Stopped,
    /// The user does not wait any longer for a campaign elsewhere.
    #[error("no longer followed: campaign {0} goes on, follow it again with qalipsis campaign wait {0}")]
    Left(String),
    /// A campaign elsewhere cannot be followed to its end.
    #[error("campaign {key} can no longer be followed, it may still run: {why}")]
    Unfollowed {
        /// The campaign.
        key: String,
        /// What happened.
        why: String,
    },
    /// The user left while a head was asked to start a campaign.
    #[error("stopped by the user, the campaign may have started: see qalipsis campaign list")]
    MayHaveStarted,
    /// The server cannot start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The store cannot be used.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreError),
    /// There is no place for what is needed while a campaign runs.
    #[error("failed to create a temporary folder: {0}")]
    Temporary(#[source] io::Error),
    /// A head elsewhere cannot be asked, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no scenario at all. The text says where it was looked for.
    #[error("nothing to run: {0}")]
    NothingToRun(String),
    /// Standard output could not be written.
    #[error("failed to write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A defect of QALIPSIS itself.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// The exit code of a process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Invalid(_) | Self::Build(_) => exit::USAGE,
            // What the head refuses was wrong before anything was started.
            Self::Client(ClientError::Refused { .. } | ClientError::Setup(_)) => exit::USAGE,
            Self::Stopped
            | Self::Left(_)
            | Self::Unfollowed { .. }
            | Self::MayHaveStarted
            | Self::Serve(_)
            | Self::Store(_)
            | Self::Temporary(_)
            | Self::Client(_) => exit::ABORTED,
            Self::NothingToRun(_) => exit::NOTHING_TO_RUN,
            Self::Output(_) | Self::Internal(_) => exit::INTERNAL,
        }
    }

    /// What users see: one line for each thing that is wrong.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Invalid(problems) => problems.iter().map(ToString::to_string).collect(),
            Self::Client(ClientError::Refused { problems, .. }) if !problems.is_empty() => {
                let line = |(pointer, message): &(String, String)| match pointer.as_str() {
                    "" => one_line(message),
                    pointer => one_line(&format!("{pointer}: {message}")),
                };
                problems.iter().map(line).collect()
            }
            Self::Usage(_)
            | Self::Build(_)
            | Self::Stopped
            | Self::Left(_)
            | Self::Unfollowed { .. }
            | Self::MayHaveStarted
            | Self::Serve(_)
            | Self::Store(_)
            | Self::Temporary(_)
            | Self::Client(_)
            | Self::NothingToRun(_)
            | Self::Output(_)
            | Self::Internal(_) => vec![one_line(&self.to_string())],
        }
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_and_its_lines() {
        let two = Error::Invalid(vec![Problem::new("a"), Problem::new("b")]);
        assert_eq!((two.exit_code(), two.lines()), (2, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(Error::Usage("x".into()).exit_code(), 2);
        assert_eq!(Error::Build("exit status: 101".into()).exit_code(), 2);
        assert_eq!(Error::Internal("x".into()).exit_code(), 1);
        assert_eq!(Error::Output(io::Error::other("full")).exit_code(), 1);
        let nothing = Error::NothingToRun("no\nproject".into());
        assert_eq!(
            (nothing.exit_code(), nothing.lines()),
            (7, vec!["nothing to run: no project".to_owned()])
        );
    }
}
