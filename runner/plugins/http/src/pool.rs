//! Connections and cookies: who shares them.

use crate::builder::{HeadLimits, Pool, Version};
use crate::connector::Connector;
use crate::host::Host;
use cookie_store::{CookieStore, RawCookie};
use http::Uri;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use http::uri::{Authority, Scheme};
use parking_lot::Mutex;
use qalipsis_core::execution;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use url::Url;

/// The threads that have connections of their own; more threads than this share.
const WORKERS: usize = 256;

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionOptions {
    pub(crate) connector: Connector,
    pub(crate) version: Version,
    pub(crate) head: HeadLimits,
    /// Of the client's own server.
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
}

/// The connections of one client.
///
/// Every worker is a thread with a runtime of its own, and connections stay on the runtime that
/// made them: one that hops threads costs a wake-up across cores for each request.
pub(crate) struct Pools {
    pub(crate) options: ConnectionOptions,
    pool: Pool,
    keeps_cookies: bool,
    /// Distinguishes the states that a minion keeps for several clients.
    id: usize,
    workers: Box<[OnceLock<Connections>]>,
    /// What is used outside of steps: while a world is opened.
    outside: Arc<Own>,
}

/// Connections to the client's own server, and to others that redirects or scenarios lead to.
struct Connections {
    own: Arc<Host>,
    others: Mutex<HashMap<(Scheme, Authority), Arc<Host>>>,
}

/// What a minion has for itself.
#[derive(Default)]
struct Own {
    connections: OnceLock<Connections>,
    cookies: Mutex<CookieStore>,
}

impl ConnectionOptions {
    fn host(&self, scheme: Scheme, authority: Authority) -> Arc<Host> {
        Arc::new(Host::new(self.connector.clone(), self.version, self.head, scheme, authority))
    }

    fn connections(&self) -> Connections {
        Connections { own: self.host(self.scheme.clone(), self.authority.clone()), others: Mutex::default() }
    }
}

impl Connections {
    fn to(&self, address: &Uri, is_own: bool, options: &ConnectionOptions) -> Option<Arc<Host>> {
        if is_own {
            return Some(Arc::clone(&self.own));
        }
        let (scheme, authority) = (address.scheme()?, address.authority()?);
        let mut others = self.others.lock();
        let other = others
            .entry((scheme.clone(), authority.clone()))
            .or_insert_with(|| options.host(scheme.clone(), authority.clone()));
        Some(Arc::clone(other))
    }
}

impl Pools {
    pub(crate) fn new(options: ConnectionOptions, pool: Pool, keeps_cookies: bool) -> Self {
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

    /// The connections of the current minion or worker to where `address` leads, if it is absolute. Whether that is
    /// the client's own server is known to who joined the address.
    pub(crate) fn host(&self, address: &Uri, is_own: bool) -> Option<Arc<Host>> {
        let make = || self.options.connections();
        match (self.pool, execution::worker()) {
            (Pool::PerFactory, Some(worker)) => {
                self.workers[worker as usize % WORKERS].get_or_init(make).to(address, is_own, &self.options)
            }
            (Pool::PerMinion, Some(_)) | (_, None) => {
                self.own().connections.get_or_init(make).to(address, is_own, &self.options)
            }
        }
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
