//! What running campaigns show, rendered once for all who look.

use http::StatusCode;
use qalipsis_judge::report::Report;
use qalipsis_report::html;
use qalipsis_server::{Failure, Outcome, Shown};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Campaigns whose last rendering is kept.
const KEPT: usize = 8;

/// The last rendering of some reports.
#[derive(Debug, Default)]
pub(crate) struct Rendered(Mutex<VecDeque<(Arc<Report>, Arc<String>)>>);

/// The page of a report.
#[derive(Debug)]
pub(crate) enum ReportPage {
    Ended(Arc<Outcome>),
    Running(Arc<String>),
}

impl ReportPage {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Ended(outcome) => &outcome.html,
            Self::Running(page) => page,
        }
    }
}

impl Rendered {
    /// The page of what a campaign has to show.
    pub(crate) async fn page(&self, shown: &Shown) -> Result<ReportPage, Failure> {
        let report = match shown {
            Shown::Ended(outcome) => return Ok(ReportPage::Ended(Arc::clone(outcome))),
            Shown::Running(report) => report,
        };
        // Under the lock: who comes while it is rendered gets the same.
        let mut kept = self.0.lock().await;
        if let Some((_, page)) = kept.iter().find(|(known, _)| Arc::ptr_eq(known, report)) {
            return Ok(ReportPage::Running(Arc::clone(page)));
        }
        let rendering = Arc::clone(report);
        let page = tokio::task::spawn_blocking(move || html::render(&rendering)).await;
        let page = Arc::new(
            page.map_err(|panic| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()))?,
        );
        kept.retain(|(known, _)| known.key != report.key);
        kept.truncate(KEPT - 1);
        kept.push_front((Arc::clone(report), Arc::clone(&page)));
        Ok(ReportPage::Running(page))
    }
}
