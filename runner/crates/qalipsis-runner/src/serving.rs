//! The API and the page of a service on a port, as long as this process wants.

use crate::error::Error;
use qalipsis_server::{Api, Bound, CampaignService, Log, ServerSettings, Sessions, router};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that answers. It ends with this value.
#[derive(Debug)]
pub(crate) struct Serving {
    end: oneshot::Sender<()>,
    answering: JoinHandle<()>,
}

impl Serving {
    /// Answers from now on.
    pub(crate) fn begin(
        bound: Bound,
        service: &CampaignService,
        settings: &ServerSettings,
        log: Log,
    ) -> Self {
        let api = Api { service: service.clone(), sessions: Sessions::new(settings, log.clone()) };
        let routes = router(api, qalipsis_page::routes(), settings, log);
        let (end, ending) = oneshot::channel::<()>();
        let answering = tokio::spawn(bound.serve(routes, service.clone(), async {
            // Also when this process forgot to say so.
            let _ = ending.await;
        }));
        Self { end, answering }
    }

    /// Answers what was asked, and nothing more.
    ///
    /// # Errors
    /// When the server has panicked.
    pub(crate) async fn end(self) -> Result<(), Error> {
        let _ = self.end.send(());
        self.answering.await.map_err(|panic| Error::Internal(panic.to_string()))
    }
}
