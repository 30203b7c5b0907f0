//! Where a store is.

use crate::error::{StoreError, StoreProblem};
use crate::postgres::Target;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Box<Target>),
}

impl Location {
    /// The location that a URL names: `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// When it names none.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let target = Target::parse(url).map_err(|problem| unreadable(&problem))?;
            return Ok(Self::Postgres(Box::new(target)));
        }
        match url.strip_prefix("sqlite:") {
            Some("") => Err(unreadable("it names no file")),
            Some(path) => Ok(Self::Sqlite(path.into())),
            None => Err(unreadable("it begins neither with sqlite: nor with postgres://")),
        }
    }

    /// The file of a head that was given no location: `qalipsis/campaigns.db` in the user's folder for data.
    ///
    /// # Errors
    /// When the user has none.
    pub fn of_user() -> Result<Self, StoreError> {
        let folder = data_folder(env::var_os("XDG_DATA_HOME"), env::home_dir());
        let file = folder.map(|folder| folder.join("qalipsis").join("campaigns.db"));
        file.map(Self::Sqlite)
            .ok_or_else(|| unreadable("this user has no home folder, give its place by store.url"))
    }
}

fn unreadable(problem: &str) -> StoreError {
    StoreError::new("url", StoreProblem::Location(problem.to_owned()))
}

/// The folder for data of a user, as the XDG Base Directory Specification defines it: a relative path counts as none.
fn data_folder(configured: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let configured = configured.map(PathBuf::from).filter(absolute);
    configured.or_else(|| Some(home.filter(absolute)?.join(Path::new(".local/share"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_a_user_is_where_the_specification_says() {
        let folder = |configured: Option<&str>, home: Option<&str>| {
            data_folder(configured.map(OsString::from), home.map(PathBuf::from))
        };
        assert_eq!(folder(Some("/data"), Some("/home/ann")), Some("/data".into()));
        for none in [None, Some(""), Some("relative")] {
            assert_eq!(folder(none, Some("/home/ann")), Some("/home/ann/.local/share".into()));
        }
        assert_eq!(folder(None, None), None);
    }
}
