//! The module of script that charts work without, and better with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// An ES module: values at an instant, the selection of a window of time, filter and order of what is named.
///
/// Without the comments and the indentation of its source, which would be a tenth of a small report.
pub static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with("/**");
    let lines: Vec<&str> = include_str!("chart.mjs").lines().map(str::trim_start).filter(is_code).collect();
    lines.join("\n")
});

/// What a content security policy must name for [`SCRIPT`] to run within a page: `sha256-…`.
pub fn script_hash() -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(SCRIPT.as_bytes())))
}
