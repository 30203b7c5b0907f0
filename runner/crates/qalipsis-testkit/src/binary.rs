//! Programs of this workspace.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::{Message, TargetKind};
use parking_lot::Mutex;

use crate::workspace;

/// What was built in this process. Locked while building, so that parallel tests wait for one build;
/// against other processes cargo has a lock of its own.
static BUILT: Mutex<Option<HashMap<(String, String), PathBuf>>> = Mutex::new(None);

/// Builds the program `name` of the package `package`, in the profile of the calling test (debug, unless
/// the tests are run with `--release`), and gives its path.
///
/// # Errors
///
/// When the workspace has no such program, or it does not compile; the message has the compiler's.
pub fn binary(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let mut built = BUILT.lock();
    let built = built.get_or_insert_default();
    let key = (package.to_owned(), name.to_owned());
    if let Some(path) = built.get(&key) {
        return Ok(path.clone());
    }
    let path = build(package, name)?;
    built.insert(key, path.clone());
    Ok(path)
}

fn build(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let metadata = workspace::metadata()?;
    let manifest = metadata
        .packages
        .iter()
        .find(|candidate| candidate.name.as_str() == package)
        .with_context(|| format!("the workspace has no package `{package}`"))?;
    if !manifest.targets.iter().any(|target| target.name == name && target.kind.contains(&TargetKind::Bin)) {
        bail!("the package `{package}` has no binary `{name}`");
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        // `--workspace` builds nothing more, but makes cargo choose the features of dependencies as
        // `cargo test --workspace` does, instead of compiling them a second time with fewer.
        .args(["build", "--workspace", "--bin", name, "--message-format", "json-render-diagnostics"])
        .current_dir(metadata.workspace_root.as_std_path())
        .stdin(Stdio::null());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    // What cargo sets for the test that runs. Build scripts of dependencies ask cargo to watch such variables, so that each
    // package of tests would build them, and all that depends on them, once more.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let output = command.output().context("failed to start cargo")?;
    if !output.status.success() {
        bail!("failed to build `{name}` of `{package}`:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.context("failed to read cargo's messages")?
            && artifact.package_id == manifest.id
            && artifact.target.name == name
            && artifact.target.kind.contains(&TargetKind::Bin)
            && let Some(path) = artifact.executable
        {
            return Ok(path.into_std_path_buf());
        }
    }
    bail!("cargo did not report where it put `{name}` of `{package}`")
}
