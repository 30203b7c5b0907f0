//! The running campaign on standard error: one line that moves on a terminal, plain lines elsewhere.

use crate::output::{self, speaks_unicode};
use crate::printing::{Color, Verbosity};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use qalipsis_head::{CampaignEvent, Progress};
use qalipsis_model::evidence::Evidence;
use qalipsis_report::progress::Standing;
use qalipsis_report::text::one_line;
use std::io::{IsTerminal, Write, stderr};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use terminal_size::{Width, terminal_size_of};
use tokio::sync::broadcast::{self, error::RecvError};

/// How often a log gets a line.
const LOG_PERIOD: Duration = Duration::from_secs(5);

/// How long what is still to be shown is awaited at the end of a campaign.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Shows progress. Clones share the line.
#[derive(Debug, Clone)]
pub struct Live {
    bar: Option<ProgressBar>,
    verbosity: Verbosity,
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
        Self { bar, verbosity }
    }

    /// For lines only, as a program that runs for days shows them.
    pub fn without_progress(verbosity: Verbosity) -> Self {
        Self { bar: None, verbosity }
    }

    /// How much is shown.
    pub(crate) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// One line that stays.
    pub fn line(&self, text: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        let text = one_line(text);
        match &self.bar {
            Some(bar) => bar.suspend(|| _ = writeln!(stderr(), "{text}")),
            // Without standard error nobody reads it; the report is still written.
            None => _ = writeln!(stderr(), "{text}"),
        }
    }

    /// Takes the moving line away. It waits for the terminal, so it is for a thread that shows things.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What is beside the spinner on the terminal's line: a longer text would take a second line, which stays.
fn columns() -> usize {
    terminal_size_of(stderr()).map_or(80, |(Width(columns), _)| usize::from(columns)).saturating_sub(3)
}

/// The thread that shows a campaign.
#[derive(Debug)]
pub struct Showing {
    ended: mpsc::Receiver<()>,
}

impl Showing {
    /// Waits until all is shown, for a while: nobody may read it.
    pub fn end(self) {
        // The thread drops its end without sending anything.
        let _ = self.ended.recv_timeout(END_LIMIT);
    }
}

impl Live {
    /// Shows what happens in a campaign, from a thread of its own: who does not read what is shown delays nothing else.
    /// Without `progress` only what the user should know at once. The moving line goes away at the end.
    pub fn follow(&self, mut events: broadcast::Receiver<Arc<CampaignEvent>>, progress: bool) -> Showing {
        let mut follower = Follower { live: self.clone(), progress, ticker: Ticker::new(self) };
        let work = move || {
            loop {
                match events.blocking_recv() {
                    Ok(event) => follower.show(&event),
                    Err(RecvError::Lagged(count)) => {
                        follower.live.line(&format!("{count} events of the campaign were not shown"));
                    }
                    Err(RecvError::Closed) => break,
                }
            }
            follower.live.end();
        };
        Showing { ended: in_thread("console", work) }
    }

    /// Shows lines as they come, as [`Live::follow`] does with events.
    pub fn lines(&self, mut lines: tokio::sync::mpsc::Receiver<String>) -> Showing {
        let live = self.clone();
        let work = move || {
            while let Some(line) = lines.blocking_recv() {
                live.line(&line);
            }
        };
        Showing { ended: in_thread("lines", work) }
    }

    /// Shows warnings as [`Live::lines`] does with lines, also where nothing else is shown.
    pub fn warnings(&self, mut warnings: tokio::sync::mpsc::Receiver<String>, color: Color) -> Showing {
        let live = self.clone();
        let work = move || {
            while let Some(warning) = warnings.blocking_recv() {
                match &live.bar {
                    Some(bar) => bar.suspend(|| output::warn(&warning, color)),
                    None => output::warn(&warning, color),
                }
            }
        };
        Showing { ended: in_thread("warnings", work) }
    }
}

/// Does the work in a thread; what it returns is closed at its end.
fn in_thread(name: &str, work: impl FnOnce() + Send + 'static) -> mpsc::Receiver<()> {
    let (end, ended) = mpsc::channel();
    let work = move || {
        work();
        drop(end);
    };
    // Without a thread nothing is shown; the report is still written.
    let _ = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    ended
}

/// Shows how far a campaign is: on the moving line, or now and then in the log.
#[derive(Debug)]
pub struct Ticker {
    live: Live,
    /// When the log got its last line.
    logged: Duration,
}

impl Ticker {
    /// For the start of a campaign.
    pub fn new(live: &Live) -> Self {
        Self { live: live.clone(), logged: Duration::ZERO }
    }

    /// Shows how far it is now.
    pub fn show(&mut self, standing: &Standing) {
        match &self.live.bar {
            Some(bar) => {
                bar.set_message(standing.line_within(columns()));
                bar.tick();
            }
            None if standing.elapsed >= self.logged + LOG_PERIOD => {
                self.logged = standing.elapsed;
                self.live.line(&standing.line());
            }
            None => {}
        }
    }
}

/// Shows one campaign.
struct Follower {
    live: Live,
    progress: bool,
    ticker: Ticker,
}

impl Follower {
    fn show(&mut self, event: &CampaignEvent) {
        let is_verbose = self.progress && self.live.verbosity == Verbosity::Verbose;
        match event {
            CampaignEvent::Started(_) if is_verbose => {
                self.live.line("all factories are ready, the load starts");
            }
            CampaignEvent::Second(second) if self.progress => self.show_progress(&second.progress),
            CampaignEvent::Evidence { step, evidence, .. } if is_verbose => {
                self.show_failure(step.as_deref(), evidence);
            }
            CampaignEvent::Notice(text) => self.live.line(text),
            _ => {}
        }
    }

    fn show_progress(&mut self, progress: &Progress) {
        let standing = Standing {
            elapsed: progress.elapsed,
            released: progress.released,
            planned: progress.planned,
            active: progress.released.saturating_sub(progress.ended),
            executions: progress.executions,
            failures: progress.failures,
        };
        self.ticker.show(&standing);
    }

    fn show_failure(&self, step: Option<&str>, evidence: &Evidence) {
        let step = step.map_or_else(String::new, |step| format!(" step '{step}'"));
        let minion = evidence.minion.map_or_else(String::new, |minion| format!(" minion {minion}"));
        self.live.line(&format!(
            "{} {}{step}{minion}: {}: {}",
            evidence.at.time_of_day(),
            evidence.scenario,
            evidence.kind,
            evidence.message
        ));
    }
}
