//! How a campaign stands or ended, and the exit code that says so.

use std::fmt;

/// The verdict on a campaign, from best to worst, and before all that there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The campaign has not ended: there is no verdict.
    Running,
    /// All checks and criteria were met.
    Successful,
    /// Only warnings.
    Warning,
    /// A verification, join or criterion failed beyond its tolerance, or was never executed.
    Failed,
    /// The user, a timeout or a lost factory ended it, or it could not start: nothing was judged.
    Aborted,
    /// The generator, not the system under test, was the bottleneck: the figures cannot be trusted.
    Invalid,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "RUNNING",
            Self::Successful => "SUCCESSFUL",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
            Self::Invalid => "INVALID",
        })
    }
}

/// Exit codes of the process. All are below 126, which shells keep for themselves.
pub mod exit {
    /// All checks and criteria were met, or there were only warnings.
    pub const OK: u8 = 0;
    /// A defect of QALIPSIS itself, or a report that was asked for and could not be written.
    pub const INTERNAL: u8 = 1;
    /// Wrong flags, names, keys or values; nothing was started.
    pub const USAGE: u8 = 2;
    /// The campaign failed.
    pub const FAILED: u8 = 3;
    /// Only the comparison with the baseline failed.
    pub const REGRESSION: u8 = 4;
    /// The user, a timeout or a lost factory ended the campaign, or it could not start.
    pub const ABORTED: u8 = 5;
    /// The generator was the bottleneck.
    pub const INVALID: u8 = 6;
    /// There was nothing to run.
    pub const NOTHING_TO_RUN: u8 = 7;
}

impl Status {
    /// The exit code of a campaign that ended so. One that was left while it ran has not been judged, as one that was
    /// aborted.
    pub fn exit_code(self, fail_on_warning: bool) -> u8 {
        match self {
            Self::Successful => exit::OK,
            Self::Warning if fail_on_warning => exit::FAILED,
            Self::Warning => exit::OK,
            Self::Failed => exit::FAILED,
            Self::Running | Self::Aborted => exit::ABORTED,
            Self::Invalid => exit::INVALID,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_code() {
        let codes = [
            Status::Running,
            Status::Successful,
            Status::Warning,
            Status::Failed,
            Status::Aborted,
            Status::Invalid,
        ]
        .map(|s| s.exit_code(false));
        assert_eq!(codes, [5, 0, 0, 3, 5, 6]);
        assert_eq!(Status::Warning.exit_code(true), 3);
    }
}
