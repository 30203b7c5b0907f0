#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod connector;
mod encoding;
mod error;
mod exchange;
mod host;
mod multipart;
mod pool;
mod redaction;
mod request;
mod response;
mod retry;
mod target;
mod tls;
mod transcript;
mod watch;

pub use builder::{HttpBuilder, Pool, Redirects, Version};
pub use client::Http;
pub use error::{ErrorKind, HttpError};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method};
pub use multipart::Multipart;
pub use request::Request;
pub use response::{JsonError, Response, Timings};
pub use transcript::RequestHead;
