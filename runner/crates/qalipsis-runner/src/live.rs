//! The running campaign on standard error: one line that moves on a terminal, plain lines elsewhere.

use crate::cli::Verbosity;
use crate::output::speaks_unicode;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use qalipsis_head::{Observer, Progress};
use qalipsis_model::evidence::Evidence;
use qalipsis_report::progress::Standing;
use qalipsis_report::text::one_line;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;
use terminal_size::{Width, terminal_size_of};

/// How often a log gets a line.
const LOG_PERIOD: Duration = Duration::from_secs(5);

/// Shows progress. Clones share the line.
#[derive(Debug, Clone)]
pub struct Live {
    bar: Option<ProgressBar>,
    verbosity: Verbosity,
    logged: Duration,
}

impl Live {
    /// For standard error as it is.
    pub fn new(verbosity: Verbosity) -> Self {
        let bar = (stderr().is_terminal() && verbosity > Verbosity::Quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg}").expect("a constant template");
            bar.set_style(if speaks_unicode() { style } else { style.tick_chars("|/-\\ ") });
            bar
        });
        Self { bar, verbosity, logged: Duration::ZERO }
    }

    /// One line that stays.
    pub fn line(&self, text: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        let text = one_line(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| _ = writeln!(stderr(), "{text}")),
            // Without standard error there is nobody to tell; the report is still written.
            None => _ = writeln!(stderr(), "{text}"),
        }
    }

    /// Takes the moving line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What is beside the spinner on the terminal's line: a longer text would take a second line, which stays.
fn columns() -> usize {
    terminal_size_of(stderr()).map_or(80, |(Width(columns), _)| usize::from(columns)).saturating_sub(3)
}

impl Observer for Live {
    fn started(&mut self) {
        if self.verbosity == Verbosity::Verbose {
            self.line("all factories are ready, the load starts");
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let standing = Standing {
            elapsed: progress.elapsed,
            released: progress.released,
            planned: progress.planned,
            active: progress.released - progress.ended,
            executions: progress.executions,
            failures: progress.failures,
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(standing.line_within(columns()));
                bar.tick();
            }
            None if progress.elapsed >= self.logged + LOG_PERIOD => {
                self.logged = progress.elapsed;
                self.line(&standing.line());
            }
            None => {}
        }
    }

    fn failure(&mut self, step: Option<&str>, evidence: &Evidence) {
        if self.verbosity == Verbosity::Verbose {
            let step = step.map_or_else(String::new, |step| format!(" step '{step}'"));
            let minion = evidence.minion.map_or_else(String::new, |minion| format!(" minion {minion}"));
            self.line(&format!(
                "{} {}{step}{minion}: {}: {}",
                evidence.at.time_of_day(),
                evidence.scenario,
                evidence.kind,
                evidence.message
            ));
        }
    }

    fn notice(&mut self, text: &str) {
        self.line(text);
    }
}
