//! Other processes, and what they cost.

use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The unit of the kernel's CPU times of processes, `sysconf(_SC_CLK_TCK)` on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A program beside this one, which cargo built with it.
pub(crate) fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        bail!(
            "{} is not there, build it with `cargo build --release -p bench -p qalipsis-runner`",
            path.display()
        );
    }
    Ok(path)
}

/// This program, as the part that `arguments` name.
pub(crate) fn part(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Ok(command)
}

/// The same command, on one core only.
pub(crate) fn pinned(core: usize, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args());
    pinned
}

/// Runs it to its end; gives what it printed and the CPU time that it took.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<(String, Duration)> {
    let before = of_children()?;
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed ({})", output.status);
    }
    Ok((String::from_utf8(output.stdout)?, of_children()? - before))
}

/// The numbers that a part printed, in one line.
pub(crate) fn numbers<const N: usize>(printed: &str) -> anyhow::Result<[f64; N]> {
    let numbers = printed.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    numbers.try_into().ok().with_context(|| format!("expected {N} numbers, observed {printed:?}"))
}

/// CPU time of the children that have ended.
fn of_children() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in parentheses, which may hold spaces. cutime and cstime are fields 16 and 17.
    let rest = stat.rsplit_once(')').context("/proc/self/stat has no name")?.1;
    let ticks: Vec<u32> =
        rest.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    let [user, system] = ticks[..] else { bail!("/proc/self/stat has no times of children") };
    Ok(TICK * (user + system))
}
