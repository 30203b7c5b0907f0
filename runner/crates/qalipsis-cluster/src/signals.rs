//! The signals that ask a process to stop.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C (SIGINT), SIGTERM, and SIGHUP, which the end of a terminal or of its shell sends.
///
/// SIGQUIT is not among them: it ends the process at once, as everywhere.
#[derive(Debug)]
pub struct StopSignals {
    signals: Vec<Signal>,
}

impl StopSignals {
    /// From now on these signals do not end the process. SIGHUP stays ignored when the process was started so,
    /// as `nohup` does.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let mut signals = vec![signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        if !is_hangup_ignored() {
            signals.push(signal(SignalKind::hangup())?);
        }
        Ok(Self { signals })
    }

    /// Returns at the next of them.
    pub async fn next(&mut self) {
        poll_fn(|cx| {
            // All are polled, so that each of them wakes this task.
            let received = self.signals.iter_mut().map(|signal| signal.poll_recv(cx).is_ready());
            if received.fold(false, |any, one| any | one) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Whether this process ignores SIGHUP. Where the system does not say, it does not.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is signal 1, which is SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
