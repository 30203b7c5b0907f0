//! What `cargo bench -p bench` measured, as criterion leaves it.

use anyhow::Context;

/// CPU time of one element of the benchmark `id` (`group/name`), in nanoseconds.
pub(crate) fn nanoseconds(id: &str, elements: f64) -> anyhow::Result<f64> {
    // This program is in the profile's folder of the target directory.
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the program is in no target directory")?;
    let file = target.join("criterion").join(id).join("new/estimates.json");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("failed to read {}, run `cargo bench -p bench` first", file.display()))?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    let median = estimates["median"]["point_estimate"].as_f64();
    median.map(|ns| ns / elements).with_context(|| format!("{} has no median", file.display()))
}
