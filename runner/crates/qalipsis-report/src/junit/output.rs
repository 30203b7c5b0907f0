//! JUnit files as an output.

use crate::junit;
use crate::output::{Output, OutputDefinition, OutputKind, PublishResult, Surroundings, shown};
use qalipsis_config::keys::Kind;
use qalipsis_config::section::{SectionDefinition, SectionKey, unchecked};
use qalipsis_judge::report::Report;
use std::path::PathBuf;

pub(crate) static OUTPUT: OutputDefinition = OutputDefinition {
    section: SectionDefinition {
        name: "report.export.junit",
        keys: &[SectionKey::new("enabled", Kind::Switch, "Whether JUnit files are written.").or("true")],
        check: unchecked,
    },
    kind: OutputKind::File,
    build: |section, Surroundings { folder, .. }| {
        section.is_on("enabled").then(|| Box::new(Junit(folder.to_path_buf())) as Box<dyn Output>)
    },
    printed: None,
};

struct Junit(PathBuf);

impl Output for Junit {
    fn publish(&self, report: &Report) -> PublishResult {
        Ok(junit::write(report, &self.0)?.iter().map(|path| shown(path)).collect())
    }
}
