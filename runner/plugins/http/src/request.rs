//! A request before it is sent.

use crate::builder::{bearer, header};
use crate::client::Inner;
use crate::error::{ErrorKind, HttpError};
use crate::exchange;
use crate::multipart::Multipart;
use crate::redaction;
use crate::response::Response;
use crate::target;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use qalipsis_core::fault::Fault;
use serde::Serialize;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::form_urlencoded;

/// A request to be sent: an action of a step, or to be awaited as it is.
///
/// Errors in its parts are reported when it is sent.
#[must_use = "a request does nothing unless it is a step's action or awaited"]
pub struct Request {
    pub(crate) client: Arc<Inner>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    pub(crate) timeout: Option<Duration>,
    pub(crate) error: Option<Box<HttpError>>,
}

impl Request {
    pub(crate) fn new(client: Arc<Inner>, method: Method, path: String) -> Self {
        let timeout = client.timeout;
        Self {
            client,
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout,
            error: None,
        }
    }

    /// Appends to the query, encoded.
    pub fn query<K: Into<String>, V: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.query.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Adds a header. It replaces the client's own of that name.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        match header(name, value) {
            Ok(header) => self.headers.push(header),
            Err(error) => self.fail(error),
        }
        self
    }

    /// `Authorization: Bearer secret`.
    pub fn bearer(mut self, secret: &str) -> Self {
        match bearer(secret) {
            Ok(value) => self.headers.push((AUTHORIZATION, value)),
            Err(error) => self.fail(error),
        }
        self
    }

    /// `Authorization: Basic ...`.
    pub fn basic(mut self, user: &str, secret: &str) -> Self {
        self.headers.push((AUTHORIZATION, target::basic(user, secret)));
        self
    }

    /// A body in JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => self.set_body(Bytes::from(text), HeaderValue::from_static("application/json")),
            Err(error) => {
                self.fail(HttpError::new(ErrorKind::Body, format!("body is not valid JSON: {error}")));
                self
            }
        }
    }

    /// A body of fields, as HTML forms send them.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (K, V)>) -> Self {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.set_body(Bytes::from(text), HeaderValue::from_static("application/x-www-form-urlencoded"))
    }

    /// A body of bytes.
    pub fn body(mut self, content: impl Into<Bytes>, content_type: &str) -> Self {
        match header(CONTENT_TYPE, content_type) {
            Ok((_, value)) => self.set_body(content.into(), value),
            Err(error) => {
                self.fail(error);
                self
            }
        }
    }

    /// A body of plain text in UTF-8.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.set_body(Bytes::from(text.into()), HeaderValue::from_static("text/plain; charset=utf-8"))
    }

    /// A body of several parts.
    pub fn multipart(self, form: Multipart) -> Self {
        let (body, content_type) = form.encode();
        self.body(body, &content_type)
    }

    /// How long it may take to its last byte, instead of the client's own limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    fn set_body(mut self, body: Bytes, content_type: HeaderValue) -> Self {
        self.body = body;
        if !self.headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
            self.headers.push((CONTENT_TYPE, content_type));
        }
        self
    }

    fn fail(&mut self, error: HttpError) {
        self.error.get_or_insert_with(|| Box::new(error));
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("base", &self.client.base.shown())
            .field("path", &redaction::url(&self.path))
            .finish_non_exhaustive()
    }
}

/// Sends the request. The error has the kind `timeout` or `error`, the code of an [`ErrorKind`]
/// and one line with method, address and the deepest cause.
impl IntoFuture for Request {
    type Output = Result<Response, Fault>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(exchange::perform(self))
    }
}
