//! Why a scenario could not start.

/// Why a scenario could not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// The scenario, when one is concerned.
    pub scenario: Option<String>,
    /// Names target and cause.
    pub message: String,
}
