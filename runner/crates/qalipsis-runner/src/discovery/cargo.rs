//! Scenario executables of a Cargo project.

use super::targets::{BuildProfile, Targets};
use crate::error::Error;
use crate::printing::{Color, Verbosity};
use crate::problem::{Problem, one_line};
use cargo_metadata::{DependencyKind, Message, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use qalipsis_model::suggest::hint;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::process::Command;

/// The package that scenario crates depend on.
const FACADE: &str = "qalipsis";

/// A package of which executables are wanted.
#[derive(Debug)]
struct Wanted<'a> {
    package: &'a Package,
    /// Names of binaries.
    binaries: Vec<&'a str>,
}

/// Builds the scenario executables of a project in one call of Cargo.
///
/// Dropping the future ends Cargo.
pub(super) async fn build(
    targets: &Targets,
    verbosity: Verbosity,
    color: Color,
) -> Result<Vec<PathBuf>, Error> {
    let manifest = manifest(targets)?;
    let metadata = metadata(&manifest)?;
    let wanted = wanted(&metadata)?;
    if wanted.is_empty() {
        return Err(Error::NothingToRun(format!(
            "no package of the workspace of {} depends on {FACADE} and has a binary",
            manifest.display()
        )));
    }
    run_cargo(&manifest, &wanted, targets.profile, verbosity, color).await
}

/// The manifest to work with, as an absolute path.
fn manifest(targets: &Targets) -> Result<PathBuf, Error> {
    if let Some(path) = &targets.manifest_path {
        let unusable = |what: String| Problem::at(format_args!("--manifest-path {}", path.display()), what);
        let found = std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
        let found = if found.is_dir() { found.join("Cargo.toml") } else { found };
        if !found.is_file() {
            return Err(unusable("there is no such file, give the path of a Cargo.toml".into()).into());
        }
        return Ok(found);
    }
    let directory = std::path::absolute(&targets.directory)
        .map_err(|error| Error::Internal(format!("failed to find the current directory: {error}")))?;
    let manifest = directory.ancestors().map(|d| d.join("Cargo.toml")).find(|path| path.is_file());
    manifest.ok_or_else(|| {
        Error::NothingToRun(
            "there is no Cargo project here, go to one, or give --manifest-path or --executable".into(),
        )
    })
}

fn metadata(manifest: &Path) -> Result<Metadata, Error> {
    // Without dependencies nothing is resolved or downloaded; the packages themselves are enough.
    let outcome = MetadataCommand::new().cargo_path(program()).manifest_path(manifest).no_deps().exec();
    outcome.map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            let what = one_line(&stderr);
            Problem::at(manifest.display(), what.strip_prefix("error: ").unwrap_or(&what)).into()
        }
        cargo_metadata::Error::Io(error) => no_cargo(&error),
        error => Problem::at(manifest.display(), format_args!("cannot read this project: {error}")).into(),
    })
}

fn program() -> OsString {
    // Cargo sets it for what it runs, so that the same one is used again.
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn no_cargo(error: &io::Error) -> Error {
    Problem::at("cargo", format_args!("cannot be run: {error}; install Rust or give --executable")).into()
}

fn wanted(metadata: &Metadata) -> Result<Vec<Wanted<'_>>, Error> {
    let mut wanted = Vec::new();
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        let uses_facade =
            package.dependencies.iter().any(|d| d.name == FACADE && d.kind == DependencyKind::Normal);
        if !uses_facade {
            continue;
        }
        let binaries: Vec<&str> = package
            .targets
            .iter()
            .filter(|target| target.is_kind(TargetKind::Bin))
            .map(|target| target.name.as_str())
            .collect();
        match restricted(package, binaries) {
            Ok(binaries) if binaries.is_empty() => {}
            Ok(binaries) => wanted.push(Wanted { package, binaries }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(wanted) } else { Err(Error::Invalid(problems)) }
}

/// The binaries that `[package.metadata.qalipsis] executables` leaves, all without it.
fn restricted<'a>(package: &Package, binaries: Vec<&'a str>) -> Result<Vec<&'a str>, Problem> {
    let Some(table) = package.metadata.get(FACADE) else { return Ok(binaries) };
    let place = format!("{}: [package.metadata.{FACADE}]", package.manifest_path);
    if let Some(key) = table.as_object().and_then(|t| t.keys().find(|key| *key != "executables")) {
        return Err(Problem::at(place, format_args!("unknown key '{key}', the only one is 'executables'")));
    }
    let names: Option<Vec<&str>> = table
        .get("executables")
        .and_then(|list| list.as_array())
        .and_then(|list| list.iter().map(|name| name.as_str()).collect());
    let Some(names) = names else {
        return Err(Problem::at(place, "executables must be a list of names of binaries"));
    };
    if let Some(unknown) = names.iter().find(|name| !binaries.contains(name)) {
        let advice = hint(unknown, binaries.iter().copied());
        return Err(Problem::at(
            place,
            format_args!("executables: there is no binary '{unknown}', {advice}"),
        ));
    }
    Ok(binaries.into_iter().filter(|name| names.contains(name)).collect())
}

async fn run_cargo(
    manifest: &Path,
    wanted: &[Wanted<'_>],
    profile: BuildProfile,
    verbosity: Verbosity,
    color: Color,
) -> Result<Vec<PathBuf>, Error> {
    let mut command = Command::new(program());
    // Variables that `cargo run` sets for this program's own package. Build scripts of dependencies take note of it, and would
    // run again whenever the runner was built by a shell and the scenarios from here.
    for (name, _) in std::env::vars_os() {
        if matches!(name.to_str(), Some(n) if n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(&name);
        }
    }
    command.args([
        "build",
        "--bins",
        "--message-format=json-render-diagnostics",
        "--profile",
        profile.name(),
    ]);
    command.arg("--manifest-path").arg(manifest);
    for Wanted { package, .. } in wanted {
        command.arg("--package").arg(package.name.as_str());
    }
    match color {
        Color::Auto => {}
        Color::Always => _ = command.arg("--color=always"),
        Color::Never => _ = command.arg("--color=never"),
    }
    if verbosity == Verbosity::Quiet {
        command.arg("--quiet");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    // Its errors and its progress go to the runner's own standard error.
    let cargo = command.stderr(Stdio::inherit()).spawn().map_err(|error| no_cargo(&error))?;
    let output = cargo
        .wait_with_output()
        .await
        .map_err(|error| Error::Internal(format!("failed to wait for cargo: {error}")))?;
    if was_interrupted(output.status) {
        return Err(Error::Stopped);
    }
    if !output.status.success() {
        return Err(Error::Build(output.status.to_string()));
    }
    let mut built = artifacts(output.stdout.as_slice())
        .map_err(|error| Error::Internal(format!("failed to read cargo's output: {error}")))?;
    let mut paths = Vec::new();
    for Wanted { package, binaries } in wanted {
        for name in binaries {
            let path = built.remove(&(package.id.clone(), (*name).to_owned())).ok_or_else(|| {
                // Cargo leaves out silently what needs a feature that is off.
                Problem::at(
                    &package.manifest_path,
                    format_args!(
                        "binary '{name}' was not built, make the features that it requires default or leave \
                         it out of [package.metadata.{FACADE}] executables"
                    ),
                )
            })?;
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Ctrl-C in a terminal ends Cargo as well, and that may be seen before the signal to the runner.
#[cfg(unix)]
fn was_interrupted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGINT: i32 = 2;
    status.signal() == Some(SIGINT)
}

#[cfg(not(unix))]
fn was_interrupted(_: ExitStatus) -> bool {
    false
}

/// The binaries that Cargo names in its messages.
fn artifacts(output: impl io::BufRead) -> io::Result<HashMap<(PackageId, String), PathBuf>> {
    let mut built = HashMap::new();
    for message in Message::parse_stream(output) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        if let (Some(path), true) = (artifact.executable, artifact.target.is_kind(TargetKind::Bin)) {
            built.insert((artifact.package_id, artifact.target.name), path.into_std_path_buf());
        }
    }
    Ok(built)
}
