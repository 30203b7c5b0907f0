//! The page as an output.

use crate::html;
use crate::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings, shown};
use qalipsis_config::keys::Kind;
use qalipsis_config::section::{SectionDefinition, SectionKey, unchecked};
use qalipsis_judge::report::Report;
use std::path::PathBuf;

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition {
        name: "report.export.html",
        keys: &[SectionKey::new(
            "enabled",
            Kind::Switch,
            "Whether a page for people is written, beside the JUnit files: `<folder>/<campaign-key>/report.html`.",
        )
        .or("true")],
        check: unchecked,
    },
    kind: OutputKind::File,
    build: |section, Surroundings { folder, .. }| {
        section.is_on("enabled").then(|| Box::new(Html(folder.to_path_buf())) as Box<dyn Output>)
    },
    printed: None,
};

struct Html(PathBuf);

impl Output for Html {
    fn publish(&self, report: &Report) -> PublishResult {
        Ok(vec![shown(&html::write(report, &self.0)?)])
    }
}
