//! `cargo xtask release`: the archive that the wrappers download, with its checksum.
//!
//! `runner/docs/release.md` describes the layout. The tools of GNU do the work: they are on every Linux, and this
//! program must stay quick to compile.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::workspace::{cargo, command, root};

/// Arguments of `cargo xtask release`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Target triple to build for; the machine's own by default
    #[arg(long)]
    target: Option<String>,
    /// Folder of the archive; `target/release-archives` by default
    #[arg(long)]
    output: Option<PathBuf>,
}

/// What is in the archive: file, and its mode.
const DOCUMENTS: &[(&str, u32)] = &[("LICENSE", 0o644), ("README.md", 0o644)];

/// Builds the runner and packs it. The same binary gives the same archive, byte by byte.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = root();
    let built =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let mut build = command(cargo());
    build
        .args(["build", "--release", "--locked", "--package", "qalipsis-runner", "--target-dir"])
        .arg(&built);
    if let Some(target) = &options.target {
        build.args(["--target", target]);
    }
    finish(build.current_dir(&root))?;

    let triple = options.target.clone().map_or_else(host, Ok)?;
    let binary = built.join(options.target.as_deref().unwrap_or("")).join("release/qalipsis");
    let output = options.output.clone().unwrap_or_else(|| built.join("release-archives"));
    let name = format!("qalipsis-{}-{triple}", env!("CARGO_PKG_VERSION"));
    let staged = output.join(&name);
    if staged.exists() {
        fs::remove_dir_all(&staged).with_context(|| format!("failed to empty {}", staged.display()))?;
    }
    fs::create_dir_all(&staged).with_context(|| format!("failed to create {}", staged.display()))?;
    set_mode(&staged, 0o755)?;
    put(&binary, &staged.join("qalipsis"), 0o755)?;
    for &(document, mode) in DOCUMENTS {
        put(&root.join(document), &staged.join(document), mode)?;
    }

    let archive = format!("{name}.tar.gz");
    // Whatever differs between two machines and is not content is fixed: order, times, owners, name in the header.
    finish(
        Command::new("tar")
            .args(["--create", "--format=ustar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0"])
            .args(["--numeric-owner", "--use-compress-program=gzip -9 --no-name"])
            .args(["--file", &archive, &name])
            .current_dir(&output),
    )?;
    fs::remove_dir_all(&staged).with_context(|| format!("failed to remove {}", staged.display()))?;
    let sum = Command::new("sha256sum")
        .arg(&archive)
        .current_dir(&output)
        .output()
        .context("failed to start sha256sum")?;
    if !sum.status.success() {
        bail!("sha256sum failed: {}", String::from_utf8_lossy(&sum.stderr));
    }
    let sums = output.join(format!("{archive}.sha256"));
    fs::write(&sums, sum.stdout).with_context(|| format!("failed to write {}", sums.display()))?;
    println!("{}\n{}", output.join(&archive).display(), sums.display());
    Ok(ExitCode::SUCCESS)
}

fn put(from: &Path, to: &Path, mode: u32) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("failed to copy {}", from.display()))?;
    set_mode(to, mode)
}

/// Whatever the umask is.
fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("failed to set the mode of {}", path.display()))
}

/// The triple of the machine, as the compiler prints it.
fn host() -> anyhow::Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).arg("-vV").current_dir(root()).output().context("failed to start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not print its host")
}

fn finish(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("failed to start {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}
