//! `summary.json` as an output.

use crate::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings, shown};
use crate::summary;
use qalipsis_config::keys::Kind;
use qalipsis_config::section::{SectionDefinition, SectionKey, unchecked};
use qalipsis_judge::report::Report;
use std::path::PathBuf;

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

struct Json(PathBuf);

impl Output for Json {
    fn publish(&self, report: &Report) -> PublishResult {
        Ok(vec![shown(&summary::write(report, &self.0)?)])
    }
}
