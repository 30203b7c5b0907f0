//! What the machine must have, and the Debian packages that bring it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Something the tests need.
struct Need {
    /// Debian 12 package that brings it.
    package: &'static str,
    /// What it is for, as shown when it is missing.
    purpose: &'static str,
    probe: Probe,
}

/// How to see whether a need is met.
enum Probe {
    /// A program on PATH.
    Program(&'static str),
    /// A file that the package brings.
    File(&'static str),
    /// A Java runtime of at least this major version.
    Java(u32),
}

/// One line per need: whoever needs more adds a line.
const NEEDS: &[Need] = &[
    Need { package: "gcc", purpose: "the C compiler for librdkafka", probe: Probe::Program("gcc") },
    Need { package: "g++", purpose: "the C++ compiler for librdkafka", probe: Probe::Program("g++") },
    Need { package: "make", purpose: "the build of librdkafka", probe: Probe::Program("make") },
    Need {
        package: "openjdk-17-jre-headless",
        purpose: "the Java runtime of the Kafka broker",
        probe: Probe::Java(17),
    },
    Need {
        package: "openjdk-17-jdk-headless",
        purpose: "compiling the Gradle plugin",
        probe: Probe::Program("javac"),
    },
    Need { package: "git", purpose: "the tests of the GitHub action", probe: Probe::Program("git") },
    Need { package: "nodejs", purpose: "the GitHub action", probe: Probe::Program("node") },
    Need { package: "npm", purpose: "the build of the GitHub action", probe: Probe::Program("npm") },
    Need {
        package: "python3-venv",
        purpose: "fetching a local runner of GitHub workflows, readers of JUnit files and a fuzzer of the API",
        probe: Probe::Program("/usr/lib/python3.11/ensurepip/__init__.py"),
    },
    Need { package: "gradle", purpose: "the tests of the Gradle plugin", probe: Probe::Program("gradle") },
    Need {
        package: "chromium",
        purpose: "looking at the page of a report and of a head",
        probe: Probe::Program("chromium"),
    },
    Need {
        package: "poppler-utils",
        purpose: "reading the report page as printed",
        probe: Probe::Program("pdftotext"),
    },
    Need { package: "maven", purpose: "fetching the Kafka broker", probe: Probe::Program("mvn") },
    Need {
        package: "python3-aiosmtpd",
        purpose: "the SMTP server",
        probe: Probe::Program("/usr/bin/aiosmtpd"),
    },
    Need {
        package: "python3-junitparser",
        purpose: "reading JUnit files as others do",
        probe: Probe::File("/usr/lib/python3/dist-packages/junitparser/__init__.py"),
    },
    Need {
        package: "libssl-dev",
        purpose: "TLS of librdkafka",
        probe: Probe::File("/usr/include/openssl/ssl.h"),
    },
    Need { package: "pkg-config", purpose: "finding OpenSSL", probe: Probe::Program("pkg-config") },
    Need { package: "nginx-light", purpose: "the HTTP server", probe: Probe::Program("/usr/sbin/nginx") },
    Need { package: "postgresql", purpose: "the PostgreSQL server", probe: Probe::Program("pg_ctlcluster") },
    Need {
        package: "pgbouncer",
        purpose: "the pooler in front of PostgreSQL",
        probe: Probe::File("/usr/sbin/pgbouncer"),
    },
    Need {
        package: "rabbitmq-server",
        purpose: "the RabbitMQ server",
        probe: Probe::Program("/usr/lib/rabbitmq/bin/rabbitmq-server"),
    },
    Need { package: "redis-server", purpose: "the Redis server", probe: Probe::Program("redis-server") },
];

/// What became of the check.
pub(crate) enum Readiness {
    /// Everything is there, perhaps since a moment ago.
    Ready,
    /// Something is missing and can't be installed from here; the command that does it was printed.
    Missing,
}

/// Installs what is missing, if this is root on a system with apt; else prints the command that does.
pub(crate) fn ensure() -> anyhow::Result<Readiness> {
    let missing = missing();
    if missing.is_empty() {
        println!("all {} packages are there", NEEDS.len());
        return Ok(Readiness::Ready);
    }
    for need in &missing {
        println!("missing: {} ({})", need.package, need.purpose);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let root = is_root();
    if !root || find("apt-get").is_none() {
        println!("install what is missing, then run this again:\n\n    {}\n", command_line(&packages, root));
        return Ok(Readiness::Missing);
    }
    apt_get(&["update"])?;
    apt_get(&[&["install", "-y", "--no-install-recommends"], packages.as_slice()].concat())?;
    let still = self::missing();
    if let Some(need) = still.first() {
        bail!("{} was installed, and yet {} is still missing", need.package, need.purpose);
    }
    Ok(Readiness::Ready)
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !need.probe.succeeds()).collect()
}

/// The command that installs `packages`, to be pasted into a shell.
fn command_line(packages: &[&str], root: bool) -> String {
    let sudo = if root { "" } else { "sudo " };
    format!("{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    let line = format!("apt-get {}", arguments.join(" "));
    println!("$ {line}");
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .with_context(|| format!("failed to start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The program `name` on PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Probe {
    fn succeeds(&self) -> bool {
        match *self {
            Self::Program(name) => find(name).is_some(),
            Self::File(path) => Path::new(path).is_file(),
            Self::Java(oldest) => java_major().is_some_and(|major| major >= oldest),
        }
    }
}

/// The major version of the Java that the tests will use.
fn java_major() -> Option<u32> {
    let java = std::env::var_os("JAVA_HOME")
        .filter(|home| !home.is_empty())
        .map_or_else(|| PathBuf::from("java"), |home| PathBuf::from(home).join("bin/java"));
    let output = Command::new(java).arg("-version").stdin(Stdio::null()).output().ok()?;
    parse_java_major(&String::from_utf8_lossy(&output.stderr))
}

/// The major version in the answer to `java -version`. Before Java 9 it is 1, which is as good as the truth.
fn parse_java_major(answer: &str) -> Option<u32> {
    answer.split('"').nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        assert_eq!(
            command_line(&["gcc", "maven"], false),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc maven"
        );
        assert_eq!(
            command_line(&["make"], true),
            "apt-get update && apt-get install -y --no-install-recommends make"
        );
    }

    #[test]
    fn java_versions_are_read() {
        assert_eq!(parse_java_major("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(parse_java_major("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(parse_java_major("java version \"1.8.0_202\""), Some(1));
        assert_eq!(parse_java_major("sh: java: not found"), None);
    }

    #[test]
    fn programs_are_looked_for_on_path() {
        assert!(Probe::Program("sh").succeeds());
        assert!(!Probe::Program("no-such-program-anywhere").succeeds());
        assert!(Probe::File("/etc/passwd").succeeds() && !Probe::File("/no/such/file").succeeds());
        assert!(!Probe::Java(u32::MAX).succeeds());
    }
}
