//! Asking an executable what it can run.

use super::executable::Executable;
use crate::problem::Problem;
use qalipsis_model::description::ExecutableDescription;
use qalipsis_model::plan::CONTRACT;
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// How long an executable may take to describe itself.
pub const DESCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// The longest description that is read, in bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The part of a description that every version of the contract has.
#[derive(Deserialize)]
struct Versioned {
    contract: u32,
}

/// Describes all executables, in their order, and collects the problems of all of them.
pub async fn describe_all(paths: &[PathBuf]) -> (Vec<Executable>, Vec<Problem>) {
    let mut executables = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match describe(path, DESCRIBE_LIMIT).await {
            Ok(description) => executables.push(Executable { path: path.clone(), description }),
            Err(problem) => problems.push(problem),
        }
    }
    (executables, problems)
}

/// What `<executable> describe` says. Its standard error is the runner's.
///
/// # Errors
/// When it cannot be started, fails, takes longer than `limit` (then it is killed), prints anything
/// else than one description, or uses another version of the contract.
pub async fn describe(path: &Path, limit: Duration) -> Result<ExecutableDescription, Problem> {
    let problem = |what: String| Problem::at(path.display(), what);
    // Dropping the future ends the process, so a time-out leaves nothing behind.
    let (status, output) = tokio::time::timeout(limit, run(path))
        .await
        .map_err(|_| {
            problem(format!(
                "gave no description within {} s and was killed, its main must do nothing before qalipsis::main",
                limit.as_secs_f64()
            ))
        })?
        .map_err(|error| problem(format!("cannot be run: {error}")))?;
    if !status.success() {
        return Err(problem(format!(
            "failed to describe itself ({status}), see its output above; is it a scenario executable?"
        )));
    }
    if output.len() as u64 > LONGEST {
        return Err(problem(format!("its description is longer than {LONGEST} bytes")));
    }
    parse(&output).map_err(problem)
}

async fn run(path: &Path) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = Command::new(path)
        .arg("describe")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl-C is for the runner, which then kills this one.
        .process_group(0)
        .spawn()?;
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // One byte more, to know that there is more. Dropping the pipe then ends the writer.
        stdout.take(LONGEST + 1).read_to_end(&mut output).await?;
    }
    Ok((child.wait().await?, output))
}

fn parse(output: &[u8]) -> Result<ExecutableDescription, String> {
    let unreadable = |error: serde_json::Error| {
        if output.trim_ascii().is_empty() {
            return "printed no description on its standard output; is it a scenario executable?".to_owned();
        }
        format!(
            "printed something else than its description on its standard output ({error}), \
             print to standard error before qalipsis::main"
        )
    };
    // The version first: a description of another version need not be readable.
    let Versioned { contract } = serde_json::from_slice(output).map_err(unreadable)?;
    if contract < CONTRACT {
        return Err(format!(
            "uses contract version {contract}, this runner uses version {CONTRACT}: \
             update its qalipsis dependency and rebuild it"
        ));
    }
    if contract > CONTRACT {
        return Err(format!(
            "uses contract version {contract}, this runner uses version {CONTRACT}: update the runner"
        ));
    }
    serde_json::from_slice(output).map_err(|error| {
        format!("its description cannot be read ({error}), build it and the runner from the same version")
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Script, description, scenario};
    use super::*;
    use std::time::Instant;

    async fn described(body: &str, limit: Duration) -> Result<ExecutableDescription, String> {
        let script = Script::new(body);
        describe(script.path(), limit).await.map_err(|problem| {
            let text = problem.to_string();
            let prefix = format!("{}: ", script.path().display());
            text.strip_prefix(&prefix).unwrap_or_else(|| panic!("{text} names the executable")).to_owned()
        })
    }

    #[tokio::test]
    async fn a_description_is_read() {
        let given = description(vec![scenario("checkout")]);
        let json = serde_json::to_string(&given).unwrap();
        let body = format!("[ \"$*\" = describe ] || exit 9\necho to the user >&2\ncat <<'END'\n{json}\nEND");
        assert_eq!(described(&body, DESCRIBE_LIMIT).await, Ok(given));
    }

    #[tokio::test]
    async fn whatever_else_it_does_is_one_line() {
        let good = serde_json::to_string(&description(vec![])).unwrap();
        for (body, expected) in [
            (
                "echo hello",
                "printed something else than its description on its standard output (expected value at line 1 column 1)",
            ),
            (
                &format!("echo '{good}'; echo bye"),
                "printed something else than its description on its standard output (trailing characters at line 2",
            ),
            (
                "echo '{}'",
                "printed something else than its description on its standard output (missing field `contract`",
            ),
            ("echo '{\"contract\":2}'", "its description cannot be read (missing field"),
            ("true", "printed no description on its standard output; is it a scenario executable?"),
            ("exit 3", "failed to describe itself (exit status: 3), see its output above"),
            ("kill -ABRT $$", "failed to describe itself (signal: 6"),
            (
                "echo '{\"contract\":1}'",
                "uses contract version 1, this runner uses version 2: update its qalipsis dependency and rebuild it",
            ),
            (
                "echo '{\"contract\":3,\"news\":[]}'",
                "uses contract version 3, this runner uses version 2: update the runner",
            ),
        ] {
            let error = described(body, DESCRIBE_LIMIT).await.unwrap_err();
            assert!(error.starts_with(expected), "{body}: {error}");
        }
    }

    #[tokio::test]
    async fn what_is_no_program_cannot_be_run() {
        let missing = describe(Path::new("/nonexistent/x"), DESCRIBE_LIMIT).await.unwrap_err().to_string();
        assert!(missing.starts_with("/nonexistent/x: cannot be run: No such file"), "{missing}");
    }

    #[tokio::test]
    async fn a_hanging_one_is_killed() {
        let began = Instant::now();
        let script = Script::new("echo $$ > \"$0.pid\"\nexec sleep 60");
        let error = describe(script.path(), Duration::from_millis(500)).await.unwrap_err().to_string();
        assert!(error.contains("gave no description within 0.5 s and was killed"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
        let process = format!("{}.pid", script.path().display());
        let process = std::fs::read_to_string(process).unwrap();
        let process = PathBuf::from(format!("/proc/{}/cmdline", process.trim()));
        // Killed at once, reaped by the runtime a little later; a dead one has no command line.
        let gone = async {
            while std::fs::read(&process).is_ok_and(|line| !line.is_empty()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it is gone");
    }

    #[tokio::test]
    async fn an_endless_one_is_not_read_to_the_end() {
        let error = described("exec yes", DESCRIBE_LIMIT).await.unwrap_err();
        assert!(error.starts_with("failed to describe itself") || error.contains("longer than"), "{error}");
    }

    #[tokio::test]
    async fn one_that_fails_does_not_hide_the_others() {
        let json = serde_json::to_string(&description(vec![scenario("a")])).unwrap();
        let good = Script::new(&format!("cat <<'END'\n{json}\nEND"));
        let (bad, worse) = (Script::new("exit 1"), Script::new("echo"));
        let paths = [bad.path().to_owned(), good.path().to_owned(), worse.path().to_owned()];
        let (executables, problems) = describe_all(&paths).await;
        assert_eq!((executables.len(), problems.len()), (1, 2));
        assert!(executables[0].scenario("a").is_some());
    }
}
