//! Why a scenario could not start.

use serde::{Deserialize, Serialize};

/// Why a scenario could not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReady {
    /// The scenario, when one is concerned.
    pub scenario: Option<String>,
    /// Names target and cause.
    pub message: String,
}
