//! What factories print.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

/// How long a line may wait until it is shown.
const SHOW_LIMIT: Duration = Duration::from_secs(1);
/// The longest remembered line, in bytes.
const LINE_LIMIT: usize = 500;
/// The longest line that is forwarded as one, in bytes; the rest follows as lines of its own.
const LONGEST_LINE: u64 = 64 * 1024;
/// How lines begin that Rust itself adds to the output of a dying program.
const NOISE: [&str; 3] = ["note: ", "stack backtrace:", "skipping backtrace printing"];

/// Where the lines go that a factory prints.
#[derive(Debug, Clone)]
pub struct Output {
    /// The way to whoever shows them.
    pub lines: mpsc::Sender<String>,
    /// What each line begins with, when several factories print.
    pub prefix: Option<String>,
    /// Lines that could not be shown.
    pub dropped: Arc<AtomicU64>,
}

impl Output {
    /// Shows a line, unless nobody has taken any for a while: a factory must not wait for who reads its output.
    /// Returns whether the line was shown.
    async fn show(&self, line: String, limit: Duration) -> bool {
        let is_shown = matches!(tokio::time::timeout(limit, self.lines.send(line)).await, Ok(Ok(())));
        self.dropped.fetch_add(u64::from(!is_shown), Relaxed);
        is_shown
    }
}

/// The last line of a process that may say why it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastLine(Arc<Mutex<Option<String>>>);

impl LastLine {
    fn replace(&self, line: &str) {
        let line = line[..line.floor_char_boundary(LINE_LIMIT)].to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether a line says nothing about the end of the process: what Rust adds, frames of a backtrace.
fn is_noise(line: &str) -> bool {
    let text = line.trim_start();
    let is_indented = text.len() < line.len();
    let is_frame = text.starts_with("at ")
        || text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    (is_indented && is_frame) || NOISE.iter().any(|noise| text.starts_with(noise))
}

/// Forwards what a process prints, and remembers the last line that may say why it ended.
pub(crate) async fn copy(stream: impl AsyncRead + Unpin, last: LastLine, output: Output) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let mut is_read = true;
    while let Ok(1..) = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() && !is_noise(text) {
            last.replace(text);
        }
        // When nobody shows it, it is still read: a full pipe would block the process.
        let shown = match &output.prefix {
            Some(prefix) => format!("{prefix} | {text}"),
            None => text.to_owned(),
        };
        // Once one line was not taken, the next ones wait no longer, until one is.
        let limit = if is_read { SHOW_LIMIT } else { Duration::ZERO };
        is_read = output.show(shown, limit).await;
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_factory_goes_on_printing_when_nobody_reads_it() {
        let (lines, mut shown) = mpsc::channel(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let output = Output { lines, prefix: None, dropped: Arc::clone(&dropped) };
        let began = tokio::time::Instant::now();
        copy(&b"a\nb\nc\nd\n"[..], LastLine::default(), output).await;
        assert_eq!((began.elapsed(), dropped.load(Relaxed)), (SHOW_LIMIT, 3));
        assert_eq!((shown.recv().await.as_deref(), shown.recv().await), (Some("a"), None));
    }

    #[test]
    fn lines_that_rust_adds_do_not_say_why_a_process_ended() {
        for noise in [
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
            "stack backtrace:",
            "   0: __rustc::rust_begin_unwind",
            "             at ./src/main.rs:12:5",
            "skipping backtrace printing to avoid potential recursion",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for line in
            ["memory allocation of 16777216 bytes failed", "404: not found", "at the end", "  left: 1"]
        {
            assert!(!is_noise(line), "{line}");
        }
    }
}
