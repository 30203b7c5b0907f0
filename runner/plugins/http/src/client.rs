//! The client that a scenario's world holds.

use crate::builder::{HttpBuilder, Redirects};
use crate::error::HttpError;
use crate::pool::Pools;
use crate::request::Request;
use crate::target::Base;
use http::{HeaderMap, Method};
use qalipsis_core::warm_up::waiting_for;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Sends requests to one base address. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

/// What all requests of a client share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) base: Base,
    /// For the base address, credentials included.
    pub(crate) own_headers: Arc<HeaderMap>,
    /// For every other address.
    pub(crate) foreign_headers: Arc<HeaderMap>,
    pub(crate) pools: Pools,
    pub(crate) redirects: Redirects,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_body: usize,
}

impl Http {
    /// A client with the default options: see the methods of [`HttpBuilder`].
    ///
    /// The address may have a path, to which those of requests are joined. User information in
    /// it becomes basic authorization.
    ///
    /// # Errors
    /// The address is not one.
    pub fn new(address: impl AsRef<str>) -> Result<Self, HttpError> {
        Self::builder(address).build()
    }

    /// A client with options.
    pub fn builder(address: impl AsRef<str>) -> HttpBuilder {
        HttpBuilder::new(address.as_ref())
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Connects to the base address and closes the connection: the warm-up of a world.
    ///
    /// Over TLS the handshake is part of it. No request is sent.
    ///
    /// # Errors
    /// The server cannot be reached, or one side does not trust the other.
    pub async fn check(&self) -> Result<(), HttpError> {
        let connector = self.0.pools.options.connector.clone();
        let _waiting = waiting_for(|| self.0.base.shown());
        match connector.connect(self.0.base.uri()).await {
            Ok(_connection) => Ok(()),
            Err(failure) => {
                let resolved = self.0.base.resolved().await;
                Err(failure.into_error(format_args!("{}{resolved}", self.0.base.shown())))
            }
        }
    }

    /// A request with any method. `path` is joined to the base address; an absolute address is
    /// taken as it is, and does not get the client's credentials unless it is the same server.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        Request::new(Arc::clone(&self.0), method, path.into())
    }

    /// A `GET` request; see [`Http::request`].
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request(Method::GET, path)
    }

    /// A `POST` request; see [`Http::request`].
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request(Method::POST, path)
    }

    /// A `PUT` request; see [`Http::request`].
    pub fn put(&self, path: impl Into<String>) -> Request {
        self.request(Method::PUT, path)
    }

    /// A `PATCH` request; see [`Http::request`].
    pub fn patch(&self, path: impl Into<String>) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE` request; see [`Http::request`].
    pub fn delete(&self, path: impl Into<String>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A `HEAD` request; see [`Http::request`].
    pub fn head(&self, path: impl Into<String>) -> Request {
        self.request(Method::HEAD, path)
    }

    /// An `OPTIONS` request; see [`Http::request`].
    pub fn options(&self, path: impl Into<String>) -> Request {
        self.request(Method::OPTIONS, path)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.0.base.shown()).finish_non_exhaustive()
    }
}
