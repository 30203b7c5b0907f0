//! Connections and cookies: who shares them.

use crate::builder::Pool;
use crate::connector::{Connector, Facts};
use crate::error::Failure;
use bytes::Bytes;
use cookie_store::{CookieStore, RawCookie};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use qalipsis_core::execution;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use url::Url;

type Connections = Client<Connector, Full<Bytes>>;

/// The threads that have connections of their own; more threads than this share.
const WORKERS: usize = 256;

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct ClientOptions {
    pub(crate) connector: Connector,
    pub(crate) http2_only: bool,
}

impl ClientOptions {
    fn connections(&self) -> Connections {
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(self.http2_only)
            .build(self.connector.clone())
    }
}

/// The connections of one client.
///
/// Every worker is a thread with a runtime of its own, and connections stay on the runtime that
/// made them: one that hops threads costs a wake-up across cores for each request.
pub(crate) struct Pools {
    pub(crate) options: ClientOptions,
    pool: Pool,
    keeps_cookies: bool,
    /// Tells apart the states that minions keep for several clients.
    id: usize,
    workers: Box<[OnceLock<Box<Connections>>]>,
    /// What is used outside of steps: while a world is opened.
    outside: Arc<Own>,
}

/// What a minion has for itself.
#[derive(Default)]
struct Own {
    connections: OnceLock<Connections>,
    cookies: Mutex<CookieStore>,
}

impl Pools {
    pub(crate) fn new(options: ClientOptions, pool: Pool, keeps_cookies: bool) -> Self {
        static NEXT_ID: AtomicUsize = AtomicUsize::new(0);
        Self {
            options,
            pool,
            keeps_cookies,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            workers: std::iter::repeat_with(OnceLock::new).take(WORKERS).collect(),
            outside: Arc::default(),
        }
    }

    /// Sends on a connection of the current minion or worker.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Option<Arc<Facts>>), Failure> {
        let make = || self.options.connections();
        let answering = match (self.pool, execution::worker()) {
            (Pool::PerFactory, Some(worker)) => {
                let slot = &self.workers[worker as usize % WORKERS];
                slot.get_or_init(|| Box::new(make())).request(request)
            }
            (Pool::PerMinion, Some(_)) | (_, None) => {
                self.own().connections.get_or_init(make).request(request)
            }
        };
        let mut answer = answering.await.map_err(|error| Failure::from_chain(&error))?;
        let facts = answer.extensions_mut().remove::<Arc<Facts>>();
        Ok((answer, facts))
    }

    fn own(&self) -> Arc<Own> {
        execution::minion_state(self.id, Own::default).unwrap_or_else(|| Arc::clone(&self.outside))
    }

    /// The cookies that the current minion sends there.
    pub(crate) fn cookies_for(&self, address: &Uri) -> Option<HeaderValue> {
        if !self.keeps_cookies {
            return None;
        }
        let url = Url::parse(&address.to_string()).ok()?;
        let own = self.own();
        let cookies = own.cookies.lock();
        let pairs: Vec<_> =
            cookies.get_request_values(&url).map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { HeaderValue::try_from(pairs.join("; ")).ok() }
    }

    /// Keeps the cookies of an answer for the current minion.
    pub(crate) fn keep_cookies(&self, address: &Uri, headers: &HeaderMap) {
        if !self.keeps_cookies || !headers.contains_key(SET_COOKIE) {
            return;
        }
        let Ok(url) = Url::parse(&address.to_string()) else { return };
        let given = headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| RawCookie::parse(value.to_str().ok()?.to_owned()).ok());
        self.own().cookies.lock().store_response_cookies(given, &url);
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools")
            .field("pool", &self.pool)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
