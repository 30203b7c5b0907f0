//! What of a path and a query goes out as it is, and what is percent-encoded.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;

/// What browsers encode in a path (<https://url.spec.whatwg.org/#path-percent-encode-set>), and the
/// backslash, which they turn into a slash. Everything beyond ASCII is always encoded.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'\\');

/// What browsers encode in a query (<https://url.spec.whatwg.org/#special-query-percent-encode-set>), and
/// the backslash.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\'').add(b'\\');

/// Appends a path, which may carry a query, encoded. What is encoded already stays as it is. A fragment is
/// left out, because it is never sent.
pub(crate) fn push(out: &mut String, path_and_query: &str) {
    let sent = path_and_query.split_once('#').map_or(path_and_query, |(before, _)| before);
    if !sent.bytes().any(needs_attention) {
        out.push_str(sent);
        return;
    }
    let (path, query) = match sent.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (sent, None),
    };
    push_part(out, path, PATH);
    if let Some(query) = query {
        out.push('?');
        push_part(out, query, QUERY);
    }
}

/// Whether a byte may have to be encoded: it is one of the sets, or a percent sign.
fn needs_attention(byte: u8) -> bool {
    !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'?' | b'&' | b'=' | b'-' | b'_' | b'.'
        | b'~' | b'+' | b':' | b',' | b';' | b'@' | b'!' | b'$' | b'(' | b')' | b'*' | b'[' | b']')
}

fn push_part(out: &mut String, text: &str, set: &'static AsciiSet) {
    out.extend(utf8_percent_encode(&whole_escapes(text), set));
}

/// A percent sign that does not begin an escape stands for itself, so it is encoded: servers refuse `100%`.
fn whole_escapes(text: &str) -> Cow<'_, str> {
    let mut fixed = String::new();
    let mut copied = 0;
    for (index, _) in text.match_indices('%') {
        let escape = text.as_bytes().get(index + 1..index + 3);
        if !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            fixed.push_str(&text[copied..index]);
            fixed.push_str("%25");
            copied = index + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    fixed.push_str(&text[copied..]);
    Cow::Owned(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        push(&mut out, text);
        out
    }

    #[test]
    fn d2_path_and_query_are_percent_encoded() {
        for (text, expected) in [
            ("/münchen", "/m%C3%BCnchen"),
            ("/a b", "/a%20b"),
            ("/m%C3%BCnchen/a%20b%2F", "/m%C3%BCnchen/a%20b%2F"),
            ("/ü/%C3%BC?q=ü&r=%C3%BC", "/%C3%BC/%C3%BC?q=%C3%BC&r=%C3%BC"),
            ("/search?q=grüße an alle", "/search?q=gr%C3%BC%C3%9Fe%20an%20alle"),
            ("/a?q='x'\"<>", "/a?q=%27x%27%22%3C%3E"),
            ("/😀?e=😀", "/%F0%9F%98%80?e=%F0%9F%98%80"),
            ("/a[0]?filter[name]=x|y", "/a[0]?filter[name]=x|y"),
            ("/{id}?t={id}", "/%7Bid%7D?t={id}"),
            ("/a\\b\tc\nd\u{7f}", "/a%5Cb%09c%0Ad%7F"),
            ("/100%", "/100%25"),
            ("/100%/%zz/%4?p=50%&q=%41", "/100%25/%25zz/%254?p=50%25&q=%41"),
            ("/a#b", "/a"),
            ("/ü?q=ü#ü?", "/%C3%BC?q=%C3%BC"),
            ("/a?b?c", "/a?b?c"),
            ("/it's", "/it's"),
            ("/a/../b/./c", "/a/../b/./c"),
        ] {
            assert_eq!(encoded(text), expected, "{text}");
        }
    }

    proptest! {
        /// The same bytes as the `url` crate, but for what that takes out or takes for something else: dots as
        /// segments, control characters, backslashes and single percent signs.
        #[test]
        fn d2_the_same_as_browsers_send(
            path in "[a-zA-Z0-9 !\"$&'()*+,;:=@~_\\[\\]|^`{}<>äßé漢字😀\u{a0}-]{0,20}",
            query in "[a-zA-Z0-9 !\"$&'()*+,;:=@~_./?\\[\\]|^`{}<>äßé漢字😀-]{0,20}x",
            escape in 0_u8..=255,
        ) {
            let text = format!("/{path}/%{escape:02x}x?{query}#{path}");
            let url = Url::parse(&format!("http://shop{text}")).unwrap();
            prop_assert_eq!(encoded(&text), format!("{}?{}", url.path(), url.query().unwrap()));
        }

        #[test]
        fn d2_whatever_is_asked_for_can_be_sent_and_is_understood(text in "/\\PC{0,30}") {
            let sent = encoded(&text);
            prop_assert!(sent.is_ascii() && http::uri::PathAndQuery::try_from(sent.as_str()).is_ok(), "{}", sent);
            prop_assert_eq!(encoded(&sent), sent.clone(), "encoded once");
            let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
            let before_fragment = text.split('#').next().unwrap();
            prop_assert_eq!(decoded(&sent), decoded(before_fragment));
        }
    }
}
