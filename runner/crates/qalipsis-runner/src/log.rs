//! What scenarios are to log: `--log`.

/// The levels, the least verbose first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Levels for the scenario and, by name, for the libraries below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    level: Option<String>,
    targets: Vec<String>,
}

impl Log {
    /// Reads `debug`, `hyper=info` or several of them with commas between.
    ///
    /// # Errors
    /// A fragment that says what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut log = Self { level: None, targets: Vec::new() };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (target, level) =
                part.split_once('=').map_or((None, part), |(t, l)| (Some(t.trim()), l.trim()));
            let level = level.to_lowercase();
            if !LEVELS.contains(&level.as_str()) || target.is_some_and(str::is_empty) {
                return Err(format!("'{part}' must be one of {}, or LIBRARY=LEVEL", LEVELS.join(", ")));
            }
            match target {
                Some(target) => log.targets.push(format!("{target}={level}")),
                None => log.level = Some(level),
            }
        }
        Ok(log)
    }

    /// As `RUST_LOG` for an executable of this crate. A level alone is that of the scenario and of QALIPSIS: what the
    /// libraries below say is rarely what is looked for, so they warn only.
    pub fn filter(&self, crate_name: &str) -> String {
        let mut parts = Vec::new();
        if let Some(level) = &self.level {
            parts.push("warn".to_owned());
            for own in ["qalipsis", &crate_name.replace('-', "_")] {
                parts.push(format!("{own}={level}"));
            }
        }
        parts.extend(self.targets.iter().cloned());
        parts.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e15_a_level_is_that_of_the_scenario() {
        let filter = |text: &str| Log::parse(text).map(|log| log.filter("my-shop"));
        assert_eq!(filter("trace").as_deref(), Ok("warn,qalipsis=trace,my_shop=trace"));
        assert_eq!(
            filter("DEBUG, hyper=info").as_deref(),
            Ok("warn,qalipsis=debug,my_shop=debug,hyper=info")
        );
        assert_eq!(filter("hyper=trace").as_deref(), Ok("hyper=trace"));
        for wrong in ["loud", "hyper=loud", "=info"] {
            assert!(filter(wrong).unwrap_err().contains("must be one of off, error, warn"), "{wrong}");
        }
    }
}
