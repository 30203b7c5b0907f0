//! Where scenario executables come from.

use super::cargo;
use crate::error::Error;
use crate::printing::{Color, Verbosity};
use crate::problem::Problem;
use std::fs;
use std::path::{Path, PathBuf};

/// Executables given as they are, or a Cargo project to build them from.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// Executables to use as they are; when there are any, Cargo is not asked.
    pub executables: Vec<PathBuf>,
    /// `Cargo.toml` of the project.
    pub manifest_path: Option<PathBuf>,
    /// Where the project is looked for without `manifest_path`: here, then upwards.
    pub directory: PathBuf,
    /// How it is built.
    pub profile: BuildProfile,
}

/// Cargo profile that scenarios are built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum BuildProfile {
    /// Optimised, for loads that count.
    #[default]
    Release,
    /// Built faster, for writing scenarios.
    Dev,
}

impl BuildProfile {
    /// Its name for Cargo.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

impl Targets {
    /// The paths of the executables, built when they are a project's. Cargo's own progress and
    /// errors go to standard error.
    ///
    /// # Errors
    /// [`Error::Invalid`] for paths and projects that are wrong, [`Error::Build`] when Cargo fails,
    /// [`Error::NothingToRun`] when there is no project or no scenario in it.
    pub async fn locate(&self, verbosity: Verbosity, color: Color) -> Result<Vec<PathBuf>, Error> {
        if self.executables.is_empty() {
            return cargo::build(self, verbosity, color).await;
        }
        let mut found: Vec<PathBuf> = Vec::new();
        let mut problems = Vec::new();
        for path in &self.executables {
            match executable(path) {
                // The same file given twice is not two executables.
                Ok(path) if found.contains(&path) => {}
                Ok(path) => found.push(path),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(found) } else { Err(Error::Invalid(problems)) }
    }
}

fn executable(path: &Path) -> Result<PathBuf, Problem> {
    let place = format!("--executable {}", path.display());
    let metadata = fs::metadata(path)
        .map_err(|error| Problem::at(&place, format_args!("cannot use this file: {error}")))?;
    if !metadata.is_file() {
        return Err(Problem::at(place, "this is not a file, give the executable itself"));
    }
    if !may_run(&metadata) {
        return Err(Problem::at(place, "this file is not executable, set its permission with chmod +x"));
    }
    fs::canonicalize(path).map_err(|error| Problem::at(place, format_args!("cannot use this file: {error}")))
}

#[cfg(unix)]
fn may_run(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn locate(executables: &[&Path]) -> Result<Vec<PathBuf>, Error> {
        let targets = Targets {
            executables: executables.iter().map(|p| p.to_path_buf()).collect(),
            ..Targets::default()
        };
        targets.locate(Verbosity::Normal, Color::Auto).await
    }

    #[tokio::test]
    async fn executables_must_be_executable_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.txt");
        fs::write(&file, "data").unwrap();
        let missing = directory.path().join("missing");
        let error = locate(&[&file, &missing, directory.path()]).await.unwrap_err();
        let lines = error.lines();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].ends_with("data.txt: this file is not executable, set its permission with chmod +x")
        );
        assert!(lines[1].contains("missing: cannot use this file: No such file"), "{}", lines[1]);
        assert!(lines[2].ends_with("this is not a file, give the executable itself"));
    }

    #[tokio::test]
    async fn the_same_file_counts_once() {
        let shell = Path::new("/bin/sh");
        assert_eq!(locate(&[shell, Path::new("/bin/../bin/sh")]).await.unwrap().len(), 1);
    }
}
