//! `summary.json` as an output.

use crate::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings, shown};
use qalipsis_config::keys::Kind;
use qalipsis_config::section::{SectionDefinition, SectionKey, unchecked};
use qalipsis_judge::report::Report;
use qalipsis_summary::file_name;
use qalipsis_summary::{Error, FILE_NAME, Summary};
use std::path::{Path, PathBuf};

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition {
        name: "report.export.summary",
        keys: &[SectionKey::new(
            "enabled",
            Kind::Switch,
            "Whether `summary.json` is written, for programs and for comparison with later runs, beside the JUnit \
             files: `<folder>/<campaign-key>/summary.json`.",
        )
        .or("true")],
        check: unchecked,
    },
    kind: OutputKind::File,
    build: |section, Surroundings { folder, .. }| {
        section.is_on("enabled").then(|| Box::new(Json(folder.to_path_buf())) as Box<dyn Output>)
    },
    printed: None,
};

/// Writes the summary to `<folder>/<campaign-key>/summary.json` and returns its path.
///
/// # Errors
/// When the folder or the file cannot be written; names it.
pub fn write(report: &Report, folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(file_name::safe(&report.key)).join(FILE_NAME);
    Summary::from(report).save(&path)?;
    Ok(path)
}

struct Json(PathBuf);

impl Output for Json {
    fn publish(&self, report: &Report) -> PublishResult {
        Ok(vec![shown(&write(report, &self.0)?)])
    }
}
