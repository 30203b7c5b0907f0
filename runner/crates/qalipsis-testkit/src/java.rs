//! The Java runtime that servers written in Java need.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

/// Oldest Java that Kafka 4's broker runs on.
const OLDEST_MAJOR: u32 = 17;

const INSTALL: &str = "install it with `apt-get install --no-install-recommends openjdk-17-jre-headless`";

/// The `java` to use: of JAVA_HOME when that is set, else of PATH.
///
/// # Errors
///
/// When there is none or it is too old, with the package to install.
pub(crate) fn java() -> anyhow::Result<PathBuf> {
    let java = std::env::var_os("JAVA_HOME")
        .filter(|home| !home.is_empty())
        .map_or_else(|| PathBuf::from("java"), |home| PathBuf::from(home).join("bin/java"));
    let output = Command::new(&java).arg("-version").output().with_context(|| {
        format!("failed to start `{}`, the Kafka broker needs Java {OLDEST_MAJOR}; {INSTALL}", java.display())
    })?;
    let answer = String::from_utf8_lossy(&output.stderr);
    match major(&answer) {
        Some(major) if major >= OLDEST_MAJOR => Ok(java),
        Some(major) => {
            bail!("`{}` is Java {major}, the Kafka broker needs {OLDEST_MAJOR}; {INSTALL}", java.display())
        }
        None => bail!("`{} -version` did not print its version: {answer}", java.display()),
    }
}

/// The major version in the answer to `java -version`.
fn major(answer: &str) -> Option<u32> {
    let version = answer.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(major("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(major("java version \"24-ea\" 2025-03-18"), Some(24));
        // Before Java 9 the major version came second; all of those are too old, which is all that counts.
        assert_eq!(major("java version \"1.8.0_202\""), Some(1));
        assert_eq!(major("command not found"), None);
    }
}
