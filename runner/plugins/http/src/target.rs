//! Where requests go.

use crate::encoding;
use crate::error::{ErrorKind, HttpError};
use crate::redaction;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Uri};
use std::net::IpAddr;
use url::{Url, form_urlencoded};

/// The base address of a client, taken apart once.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
}

/// Where one request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    /// Whether it is the client's own server, which may see its credentials.
    pub(crate) is_own: bool,
    /// From user information in an absolute address.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Base {
    /// Also gives the authorization that stands in the address, if any.
    pub(crate) fn parse(address: &str) -> Result<(Self, Option<HeaderValue>), HttpError> {
        let bad = |why: &str| {
            HttpError::new(
                ErrorKind::Url,
                format!("'{}' is not a base address: {why}", shown_if_invalid(address)),
            )
        };
        if !address.contains("://") {
            return Err(bad("it must begin with http:// or https://"));
        }
        let mut url = Url::parse(address).map_err(|error| bad(&error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it must end with the path"));
        }
        let authorization = take_authorization(&mut url);
        let uri = to_uri(&url).map_err(|why| bad(&why))?.into_parts();
        let (Some(scheme), Some(authority)) = (uri.scheme, uri.authority) else {
            return Err(bad("it names no host"));
        };
        let path = url.path().trim_end_matches('/').to_owned();
        Ok((Self { scheme, authority, path }, authorization))
    }

    /// Scheme, host and port.
    pub(crate) fn uri(&self) -> Uri {
        let parts = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        parts.path_and_query("/").build().expect("all three parts are valid and present")
    }

    pub(crate) fn server(&self) -> (Scheme, Authority) {
        (self.scheme.clone(), self.authority.clone())
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    pub(crate) fn host_header(&self) -> HeaderValue {
        HeaderValue::from_str(self.authority.as_str()).expect("an authority is a valid header value")
    }

    /// `http://host:port/base`.
    pub(crate) fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }

    /// What the host's name stands for, for people who wonder where a connection went: ` (127.0.0.1:80)`. Empty
    /// for an address, and for a name that is not known.
    pub(crate) async fn resolved(&self) -> String {
        let host = self.authority.host();
        if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
            return String::new();
        }
        let port = self.authority.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 });
        let Ok(found) = tokio::net::lookup_host((host, port)).await else { return String::new() };
        let found: Vec<String> = found.map(|address| address.to_string()).collect();
        format!(" ({})", found.join(", "))
    }

    /// What a request with this path is called, whether or not it can be joined.
    pub(crate) fn shown_with(&self, path: &str) -> String {
        if is_absolute(path) {
            return shown_if_invalid(path);
        }
        let slash = slash_before(path);
        format!("{}{slash}{}", self.shown(), redaction::url(path))
    }

    /// Joins a path, which may carry a query, or takes an absolute address as it is.
    pub(crate) fn target(&self, path: &str, query: &[(String, String)]) -> Result<Target, HttpError> {
        if is_absolute(path) {
            return self.absolute(path, query);
        }
        let slash = slash_before(path);
        let mut joined = String::with_capacity(self.path.len() + path.len() + 1);
        joined.push_str(&self.path);
        joined.push_str(slash);
        encoding::push(&mut joined, path);
        append_query(&mut joined, query);
        if !joined.starts_with('/') {
            joined.insert(0, '/');
        }
        let path_and_query =
            PathAndQuery::try_from(joined).map_err(|error| invalid(path, &error.to_string()))?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query);
        let uri = Uri::from_parts(parts).map_err(|error| invalid(path, &error.to_string()))?;
        Ok(Target { uri, is_own: true, authorization: None })
    }

    /// Where a redirect from `from` leads.
    pub(crate) fn redirected(&self, from: &Uri, headers: &HeaderMap) -> Result<Target, String> {
        let location = headers.get(http::header::LOCATION).ok_or("a redirect without a location")?;
        let location = String::from_utf8_lossy(location.as_bytes());
        let from = Url::parse(&from.to_string()).map_err(|error| error.to_string())?;
        let url =
            from.join(&location).map_err(|error| format!("to '{}': {error}", redaction::url(&location)))?;
        self.absolute(url.as_str(), &[]).map_err(|error| error.to_string())
    }

    fn absolute(&self, address: &str, query: &[(String, String)]) -> Result<Target, HttpError> {
        let mut text = address.to_owned();
        append_query(&mut text, query);
        let mut url = Url::parse(&text).map_err(|error| invalid(address, &error.to_string()))?;
        url.set_fragment(None);
        let authorization = take_authorization(&mut url);
        let uri = to_uri(&url).map_err(|why| invalid(address, &why))?;
        let is_own = uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority);
        Ok(Target { uri, is_own, authorization })
    }
}

/// An empty path, or a query alone, belongs to the base path as it is.
fn slash_before(path: &str) -> &'static str {
    if path.is_empty() || path.starts_with(['/', '?']) { "" } else { "/" }
}

/// Whether it begins with a scheme: `go?to=http://other/` does not.
fn is_absolute(path: &str) -> bool {
    let Some((scheme, _)) = path.split_once("://") else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn invalid(address: &str, why: &str) -> HttpError {
    HttpError::new(ErrorKind::Url, format!("'{}' is not an address: {why}", shown_if_invalid(address)))
}

/// An address that could not be parsed may have its password anywhere before an `@`.
fn shown_if_invalid(address: &str) -> String {
    match address.rsplit_once('@') {
        None => redaction::url(address),
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            redaction::url(&format!("{scheme}://{rest}"))
        }
    }
}

fn to_uri(url: &Url) -> Result<Uri, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("scheme '{}' is neither http nor https", url.scheme()));
    }
    Uri::try_from(url.as_str()).map_err(|error| error.to_string())
}

fn append_query(text: &mut String, query: &[(String, String)]) {
    if query.is_empty() {
        return;
    }
    let fragment = text.find('#').unwrap_or(text.len());
    text.truncate(fragment);
    text.push(if text.contains('?') { '&' } else { '?' });
    let start = text.len();
    let mut pairs = form_urlencoded::Serializer::for_suffix(text, start);
    pairs.extend_pairs(query);
    pairs.finish();
}

/// Takes user information out of an address, as a header.
fn take_authorization(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| {
        let escaped = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
        let plain = form_urlencoded::parse(escaped.as_bytes()).next();
        plain.map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    let value = basic(&decoded(url.username()), &decoded(url.password().unwrap_or_default()));
    // Both can only fail for addresses without a host, which have no user information.
    let _hosted = url.set_username("").and_then(|()| url.set_password(None));
    Some(value)
}

pub(crate) fn basic(user: &str, secret: &str) -> HeaderValue {
    let encoded = BASE64_STANDARD.encode(format!("{user}:{secret}"));
    let mut value =
        HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is a valid header value");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(base: &str, path: &str, query: &[(&str, &str)]) -> String {
        let query: Vec<_> = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Base::parse(base).unwrap().0.target(path, &query).unwrap().uri.to_string()
    }

    #[test]
    fn paths_are_joined_to_the_base() {
        assert_eq!(join("http://shop:8080", "/orders", &[]), "http://shop:8080/orders");
        assert_eq!(join("http://shop/api/", "orders", &[]), "http://shop/api/orders");
        assert_eq!(
            join("http://shop/api", "/orders?a=b", &[("c", "d e&")]),
            "http://shop/api/orders?a=b&c=d+e%26"
        );
        assert_eq!(join("http://shop", "", &[("a", "ü")]), "http://shop/?a=%C3%BC");
        assert_eq!(join("http://shop/api", "?a=b", &[]), "http://shop/api?a=b");
        assert_eq!(join("http://shop", "/a b/ü", &[]), "http://shop/a%20b/%C3%BC");
        assert_eq!(join("http://shop", "https://other/x#y", &[("a", "b")]), "https://other/x?a=b");
        assert_eq!(join("http://shop", "/go?to=http://other/", &[]), "http://shop/go?to=http://other/");
    }

    #[test]
    fn user_information_becomes_a_header() {
        let (base, authorization) = Base::parse("http://ann:p%40ss+1@shop/").unwrap();
        assert_eq!(base.shown(), "http://shop");
        assert_eq!(authorization.unwrap(), basic("ann", "p@ss+1"));
        let target = base.target("http://bob:x@other/", &[]).unwrap();
        assert!(!target.is_own && target.authorization.is_some());
    }

    #[test]
    fn wrong_bases_are_named_without_secrets() {
        for (address, expected) in [
            (
                "127.0.0.1:8080",
                "'127.0.0.1:8080' is not a base address: it must begin with http:// or https://",
            ),
            ("ftp://shop", "'ftp://shop' is not a base address: scheme 'ftp' is neither http nor https"),
            ("http://ann:p/w@shop:x", "'http://shop:x' is not a base address: invalid port number"),
            ("http://shop/?a=b", "'http://shop/?a=b' is not a base address: it must end with the path"),
        ] {
            assert_eq!(Base::parse(address).unwrap_err().to_string(), expected);
        }
    }
}
