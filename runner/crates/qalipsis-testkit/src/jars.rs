//! The jars of the Kafka broker, from Maven Central.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};

use crate::lock::lock;
use crate::workspace;

/// Pins the broker and all that it needs; see there.
const POM: &str = include_str!("../kafka/pom.xml");

/// The directory with the jars, which are fetched the first time, by one process of all that ask.
///
/// # Errors
///
/// When `mvn` is missing (with the package to install) or can't get the jars.
pub(crate) fn kafka_jars() -> anyhow::Result<PathBuf> {
    let cache = workspace::metadata()?.target_directory.as_std_path().join("testkit");
    let jars = cache.join(format!("kafka-{}", kafka_version()?));
    // The copy of the pom is written last: where it is and equals ours, the jars are complete and right.
    let done = jars.join("pom.xml");
    let _lock = lock(&cache.join("kafka.lock"))?;
    if fs::read_to_string(&done).is_ok_and(|pom| pom == POM) {
        return Ok(jars);
    }
    if jars.exists() {
        fs::remove_dir_all(&jars).with_context(|| format!("failed to remove {}", jars.display()))?;
    }
    fetch(&jars)?;
    fs::write(&done, POM).with_context(|| format!("failed to write {}", done.display()))?;
    Ok(jars)
}

/// The version that the pom pins.
fn kafka_version() -> anyhow::Result<&'static str> {
    POM.split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once("</kafka.version>"))
        .map(|(version, _)| version)
        .context("kafka/pom.xml does not have a <kafka.version>")
}

/// Without network first: Maven's own repository usually has the jars, and would still ask for news.
fn fetch(jars: &Path) -> anyhow::Result<()> {
    if mvn(jars, &["--offline"])?.status.success() {
        return Ok(());
    }
    let output = mvn(jars, &[])?;
    if !output.status.success() {
        bail!(
            "mvn failed to get the Kafka broker from Maven Central ({})\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

fn mvn(jars: &Path, options: &[&str]) -> anyhow::Result<Output> {
    let mut property = std::ffi::OsString::from("-Djars=");
    property.push(jars);
    Command::new("mvn")
        .args(["--quiet", "--batch-mode", "-Dstyle.color=never"])
        .args(options)
        .arg("--file")
        .arg(workspace::manifest().with_file_name("kafka").join("pom.xml"))
        .arg(property)
        .arg("generate-resources")
        .output()
        .context(
            "failed to start `mvn`, which gets the Kafka broker; \
             install it with `apt-get install --no-install-recommends maven`",
        )
}
