//! Places in scenarios' sources as readers of the repository know them: relative to its root.
//!
//! The compiler knows a source by its path in the Cargo workspace, which may lie in a folder of the repository.

use crate::discovery::Targets;
use qalipsis_judge::report::{Report, ScenarioReport, StepReport};
use qalipsis_model::evidence::Evidence;
use qalipsis_model::location::SourceLocation;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// The repository around a project.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    /// Folders that paths may be relative to, the most likely first.
    bases: Vec<PathBuf>,
}

impl Repository {
    /// The repository that the project or, without one, the working directory is in.
    pub(crate) fn around(targets: &Targets) -> Option<Self> {
        let directory = std::path::absolute(&targets.directory).ok()?;
        let manifest = targets.manifest_path.as_ref().and_then(|path| std::path::absolute(path).ok());
        let start = manifest.as_deref().and_then(Path::parent).unwrap_or(&directory).to_owned();
        Self::at(&start, &directory, std::env::var_os("GITHUB_WORKSPACE").as_deref())
    }

    fn at(start: &Path, directory: &Path, checkout: Option<&OsStr>) -> Option<Self> {
        let is_root = |folder: &&Path| folder.join(".git").exists();
        // A submodule has a root of its own, but what was checked out is the repository around it.
        let outer = checkout.map(Path::new).and_then(|checkout| {
            start.ancestors().filter(|folder| folder.starts_with(checkout)).filter(is_root).last()
        });
        let root = outer.or_else(|| start.ancestors().find(is_root))?;
        let within = |folder: &&Path| folder.starts_with(root);
        let manifests =
            || start.ancestors().filter(within).filter(|folder| folder.join("Cargo.toml").is_file());
        let workspace = manifests().filter(|folder| is_workspace(&folder.join("Cargo.toml"))).last();
        let bases = workspace
            .into_iter()
            .chain(manifests())
            .chain(directory.ancestors().filter(within))
            .chain(start.ancestors().filter(within));
        let mut unique: Vec<PathBuf> = Vec::new();
        for base in bases {
            if !unique.iter().any(|other| other == base) {
                unique.push(base.to_owned());
            }
        }
        Some(Self { root: root.to_owned(), bases: unique })
    }

    /// The path from the root of the repository; `None` for what is not in it.
    fn path(&self, file: &str) -> Option<String> {
        // Joining an absolute path gives that path.
        let found = self.bases.iter().map(|base| plain(&base.join(file))).find(|path| path.is_file())?;
        found.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }

    /// Makes all places of the report relative to the root of the repository.
    pub(crate) fn relocate(&self, report: &mut Report) {
        for scenario in &mut report.scenarios {
            places(scenario, &mut |location| {
                if let Some(file) = self.path(&location.file) {
                    location.file = file;
                }
            });
        }
    }
}

fn is_workspace(manifest: &Path) -> bool {
    std::fs::read_to_string(manifest)
        .is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with("[workspace")))
}

/// Without `.` and `..`, which need not exist for that.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn places(scenario: &mut ScenarioReport, visit: &mut dyn FnMut(&mut SourceLocation)) {
    visit(&mut scenario.location);
    scenario.iterations.location.iter_mut().for_each(&mut *visit);
    scenario.criteria.iter_mut().for_each(|criterion| visit(&mut criterion.criterion.location));
    for StepReport { location, figures, failures, .. } in &mut scenario.steps {
        location.iter_mut().chain(&mut figures.location).for_each(&mut *visit);
        failures.iter_mut().flat_map(|failure| &mut failure.evidence).for_each(|one| evidence(one, visit));
    }
    scenario.join_evidence.iter_mut().for_each(|one| evidence(one, visit));
    scenario
        .problems
        .iter_mut()
        .flat_map(|problem| &mut problem.evidence)
        .for_each(|one| evidence(one, visit));
}

fn evidence(evidence: &mut Evidence, visit: &mut dyn FnMut(&mut SourceLocation)) {
    evidence.location.iter_mut().for_each(&mut *visit);
    evidence.checks.iter_mut().filter_map(|check| check.location.as_mut()).for_each(visit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Files below a folder, each with its text.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn c2_places_are_relative_to_the_root_of_the_repository() {
        let folder = tree(&[
            (".git/HEAD", ""),
            ("src/lib.rs", "the other one"),
            ("load/Cargo.toml", "[workspace]\nmembers = ['orders']"),
            ("load/src/lib.rs", ""),
            ("load/orders/Cargo.toml", "[package]"),
            ("load/orders/src/lib.rs", ""),
            ("shared/src/steps.rs", ""),
        ]);
        let root = folder.path();
        let path = |start: &str, file: &str| {
            let start = root.join(start);
            Repository::at(&start, &start, None).unwrap().path(file)
        };
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(path("load", "src/lib.rs"), found("load/src/lib.rs"));
        assert_eq!(path("load/orders", "orders/src/lib.rs"), found("load/orders/src/lib.rs"));
        // The compiler was started in the workspace: that is where a path is looked for first.
        assert_eq!(path("load/orders", "src/lib.rs"), found("load/src/lib.rs"));
        assert_eq!(path("load", "../shared/src/steps.rs"), found("shared/src/steps.rs"));
        assert_eq!(path("", "src/lib.rs"), found("src/lib.rs"));
        let absolute = root.join("shared/src/steps.rs");
        assert_eq!(path("load", absolute.to_str().unwrap()), found("shared/src/steps.rs"));
        assert_eq!([path("load", "src/none.rs"), path("load", "/etc/passwd")], [None, None]);
    }

    #[test]
    fn c2_a_submodule_belongs_to_what_was_checked_out() {
        let folder = tree(&[(".git/HEAD", ""), ("load/.git", "gitdir: x"), ("load/src/lib.rs", "")]);
        let (root, load) = (folder.path(), folder.path().join("load"));
        let path = |checkout: Option<&Path>| {
            Repository::at(&load, &load, checkout.map(Path::as_os_str)).unwrap().path("src/lib.rs").unwrap()
        };
        assert_eq!(path(None), "src/lib.rs");
        assert_eq!(path(Some(root)), "load/src/lib.rs");
        assert!(Repository::at(Path::new("/proc"), Path::new("/proc"), None).is_none());
    }
}
