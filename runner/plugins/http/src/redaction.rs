//! What must not be shown, in headers and addresses.

use http::header::{
    AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION, SET_COOKIE,
};
use qalipsis_core::text::names_secret;
use std::fmt::Write;

/// Stands for what is left out.
pub(crate) const REDACTED: &str = "***";

/// Names in queries whose values are secrets, beside those that [`names_secret`] knows.
const SECRET_NAMES: [&str; 5] = ["key", "sig", "auth", "code", "pwd"];

pub(crate) fn is_secret_header(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive()
        || [AUTHORIZATION, COOKIE, SET_COOKIE, PROXY_AUTHORIZATION].contains(name)
        || names_secret(name.as_str())
}

/// The same headers without their secrets.
pub(crate) fn headers(headers: &HeaderMap) -> HeaderMap {
    let mut shown = headers.clone();
    for (name, value) in &mut shown {
        if is_secret_header(name, value) {
            *value = HeaderValue::from_static(REDACTED);
        }
    }
    shown
}

/// One line for each header, secrets left out.
pub(crate) fn lines(headers: &HeaderMap) -> String {
    let mut text = String::with_capacity(headers.len() * 32);
    for (name, value) in headers {
        let secret = is_secret_header(name, value);
        text.push_str(name.as_str());
        text.push_str(": ");
        match value.to_str() {
            _ if secret => text.push_str(REDACTED),
            Ok(value) => text.push_str(value),
            Err(_) => text.push_str(&String::from_utf8_lossy(value.as_bytes())),
        }
        text.push('\n');
    }
    text
}

/// An address as it may be shown: no user information, no secrets in its query.
pub(crate) fn url(url: &str) -> String {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let mut shown = String::with_capacity(url.len());
    match before.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let _infallible = write!(shown, "{scheme}://{host}{path}");
        }
        None => shown.push_str(before),
    }
    if let Some(query) = query {
        let mut separator = '?';
        for pair in query.split('&') {
            shown.push(separator);
            separator = '&';
            match pair.split_once('=') {
                Some((name, _)) if names_secret(name) || SECRET_NAMES.contains(&name) => {
                    let _infallible = write!(shown, "{name}={REDACTED}");
                }
                _ => shown.push_str(pair),
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        assert_eq!(url("http://ann:pw@shop:1/a?b=c"), "http://shop:1/a?b=c");
        assert_eq!(
            url("https://shop/a?page=1&access_token=x&key=y&monkey=z"),
            "https://shop/a?page=1&access_token=***&key=***&monkey=z"
        );
        assert_eq!(url("/plain"), "/plain");
    }

    #[test]
    fn headers_are_shown_without_their_secrets() {
        let mut map = HeaderMap::new();
        map.insert("authorization", HeaderValue::from_static("Bearer abc"));
        map.insert("x-api-key", HeaderValue::from_static("abc"));
        map.insert("x-tenant", HeaderValue::from_static("a"));
        map.append("set-cookie", HeaderValue::from_static("id=abc"));
        let text = lines(&map);
        assert!(!text.contains("abc") && text.contains("x-tenant: a\n"), "{text}");
        assert!(!format!("{:?}", headers(&map)).contains("abc"));
    }
}
