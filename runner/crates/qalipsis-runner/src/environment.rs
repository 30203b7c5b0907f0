//! The machine and the programs of a campaign, for its report.

use crate::campaign::Campaign;
use crate::cli::Invocation;
use qalipsis_model::environment::{CrateVersion, Environment};
use std::fs;
use std::time::Duration;
use tokio::process::Command;

/// How long another program may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// Collects what is known; what is not is left out, for no report depends on it.
pub async fn of(invocation: &Invocation, campaign: &Campaign) -> Environment {
    // What built executables that were given is unknown.
    let built = invocation.targets.executables.is_empty();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let crates = campaign.executables.iter().map(|executable| CrateVersion {
        name: executable.description.crate_name.clone(),
        version: executable.description.crate_version.clone(),
    });
    Environment {
        runner: env!("CARGO_PKG_VERSION").to_owned(),
        crates: crates.collect(),
        rustc: if built { answer(Command::new(rustc).arg("--version")).await } else { None },
        host: host().await,
        os: os(),
        architecture: std::env::consts::ARCH.to_owned(),
        cpu: field("/proc/cpuinfo", "model name"),
        cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
        memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
        configuration: campaign.configuration.clone(),
    }
}

/// The commit of the current directory, when it is in a git checkout and git is there.
pub async fn git_revision() -> Option<String> {
    answer(Command::new("git").args(["rev-parse", "HEAD"])).await
}

/// What a program prints, when it succeeds in time and prints anything.
async fn answer(command: &mut Command) -> Option<String> {
    let output = tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

async fn host() -> Option<String> {
    match fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(name) => Some(name.trim().to_owned()),
        Err(_) => answer(&mut Command::new("hostname")).await,
    }
}

/// `Debian GNU/Linux 12 (bookworm), Linux 6.1.0`, as far as known.
fn os() -> String {
    let name = fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(line.trim_matches('"').to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let kernel = kernel.map(|release| format!("Linux {}", release.trim()));
    let parts: Vec<String> = name.into_iter().chain(kernel).collect();
    if parts.is_empty() { std::env::consts::OS.to_owned() } else { parts.join(", ") }
}

/// The value of the first `name : value` of a file of the kernel.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `16384 kB` in bytes.
fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_memory_in_kibibytes() {
        assert_eq!(kibibytes("16384 kB"), Some(16 << 20));
        assert_eq!(kibibytes("16384"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_linux_machine_has_a_name_a_system_and_memory() {
        assert!(os().contains("Linux "), "{}", os());
        assert!(field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)).is_some());
    }

    #[tokio::test]
    async fn what_fails_or_says_nothing_has_no_answer() {
        assert_eq!(answer(Command::new("echo").arg("here")).await.as_deref(), Some("here"));
        assert_eq!(answer(&mut Command::new("false")).await, None);
        assert_eq!(answer(&mut Command::new("true")).await, None);
        assert_eq!(answer(&mut Command::new("/nonexistent")).await, None);
    }
}
