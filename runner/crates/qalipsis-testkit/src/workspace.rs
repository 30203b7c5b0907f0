//! The Cargo workspace that the tests belong to.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// Manifest of this crate: any manifest of the workspace would do.
pub(crate) fn manifest() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
}

/// The workspace's packages and directories, without dependencies. Asked of cargo once per process.
pub(crate) fn metadata() -> anyhow::Result<&'static Metadata> {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    if let Some(metadata) = METADATA.get() {
        return Ok(metadata);
    }
    let metadata = MetadataCommand::new()
        .manifest_path(manifest())
        .no_deps()
        .exec()
        .context("failed to ask cargo for the workspace's target directory")?;
    Ok(METADATA.get_or_init(|| metadata))
}
