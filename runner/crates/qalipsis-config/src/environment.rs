//! The environment variables, as they were when the runner was started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// Environment variables by name. `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Of this process. A variable whose name is not Unicode is left out: nothing can refer to it.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
        )
    }

    /// The names that begin with `prefix`.
    pub(super) fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// A fragment that names the variable when it is not set or not Unicode.
    pub(super) fn get(&self, name: &str) -> Result<String, String> {
        let value = self.0.get(name).ok_or_else(|| {
            format!("environment variable {name} is not set, set it or write $${{ for a literal ${{")
        })?;
        let text = value.to_str().ok_or_else(|| format!("environment variable {name} is not valid UTF-8"))?;
        Ok(text.to_owned())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} environment variables", self.0.len())
    }
}
