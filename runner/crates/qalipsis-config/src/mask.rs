//! Values without the secrets in them.

/// What stands for a secret.
pub const HIDDEN: &str = "***";

/// Endings of names whose values are never shown, no matter what declares them.
const SECRETS: [&str; 9] =
    ["password", "passwd", "passphrase", "pwd", "token", "secret", "apikey", "accesskey", "credentials"];

/// Schemes in whose addresses an `@` may well stand in the path.
const WEB: [&str; 4] = ["http", "https", "ws", "wss"];

/// Whether what has this name is a secret: `sasl.password`, `access_token`, `apiKey`.
pub(super) fn is_secret(name: &str) -> bool {
    let end: Vec<char> = name
        .chars()
        .rev()
        .filter(|c| !matches!(c, '-' | '_'))
        .take_while(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let end: String = end.into_iter().rev().collect();
    SECRETS.iter().any(|word| end.ends_with(word))
}

/// `text` without passwords: those of addresses, `redis://user:***@host`, and those that have a name, `password=***`.
///
/// Where it cannot be known what belongs to a password, rather too much is hidden.
pub(super) fn masked(text: &str) -> String {
    without_named(&without_credentials(text))
}

/// `text` with the passwords of all addresses hidden.
fn without_credentials(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut scheme = None;
    loop {
        // What is before the first address may be one without its scheme.
        let (address, others) = rest.split_at(next_address(rest, scheme.is_none()));
        masked.push_str(&without_password(scheme.unwrap_or_default(), address));
        let Some(end) = others.find(SCHEME_END).map(|at| at + SCHEME_END.len()) else { return masked };
        scheme = Some(others[..end].trim_end_matches(SCHEME_END));
        masked.push_str(&others[..end]);
        rest = &others[end..];
    }
}

const SCHEME_END: &str = "://";

/// Where the next address begins, with its scheme, or the end; only the `first` may begin the text.
fn next_address(text: &str, first: bool) -> usize {
    let address = text.match_indices(SCHEME_END).find_map(|(end, _)| {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let start = text[..end].trim_end_matches(is_of_scheme).len();
        let follows = text[..start].chars().next_back();
        // Elsewhere it is a part of a password or path.
        let is_start = follows.map_or(first, |c| c.is_whitespace() || ",;|=\"'([{<".contains(c));
        (start < end && is_start).then_some(start)
    });
    address.unwrap_or(text.len())
}

/// What comes after the scheme of one address, without the password in it.
fn without_password(scheme: &str, address: &str) -> String {
    let is_web = WEB.iter().any(|web| web.eq_ignore_ascii_case(scheme));
    let authority = address.find(['/', '?', '#']).map_or(address, |end| &address[..end]);
    let before_path = address.find('/').map_or(address, |end| &address[..end]);
    // A password may hold what ends an authority, and an `@`: drivers differ in what they take for its end.
    let password = before_path.find(':').map(|colon| colon + 1).filter(|start| {
        let is_port = before_path[*start..].bytes().all(|byte| byte.is_ascii_digit());
        !(is_web && is_port || address.starts_with('['))
    });
    let hidden = password.and_then(|start| Some(start..address.rfind('@').filter(|end| *end >= start)?));
    // A user without a password is the name of an account in a database, and a token on the web.
    let hidden = hidden.or_else(|| authority.rfind('@').filter(|_| is_web).map(|end| 0..end));
    match hidden {
        Some(hidden) => format!("{}{HIDDEN}{}", &address[..hidden.start], &address[hidden.end..]),
        None => address.to_owned(),
    }
}

/// `text` with the values of secret names hidden: `password=***`, `"token": ***`.
fn without_named(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let (name, after) = (rest[..at].trim_end().trim_end_matches(QUOTES), &rest[at + 1..]);
        let value = after.trim_start_matches(' ');
        let gives = rest[at..].starts_with('=') || value.starts_with(QUOTES);
        masked.push_str(&rest[..=at]);
        rest = after;
        if gives && is_secret(name) && !value.is_empty() {
            masked.push_str(&after[..after.len() - value.len()]);
            masked.push_str(HIDDEN);
            rest = &value[length(value)..];
        }
    }
    masked.push_str(rest);
    masked
}

const QUOTES: [char; 2] = ['"', '\''];

/// How far a value reaches: to the quote that ends it, else to the next `&`, space or `;name=`.
fn length(value: &str) -> usize {
    if let Some(quote) = value.chars().next().filter(|first| QUOTES.contains(first)) {
        let mut escaped = false;
        let end = value.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        return end.map_or(value.len(), |(at, quote)| at + quote.len_utf8());
    }
    let ends = |(at, c): &(usize, char)| match c {
        '&' => true,
        ';' | ',' => {
            let next = value[at + 1..].trim_start();
            next.split_once(['=', ':']).is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c))
            })
        }
        c => c.is_whitespace(),
    };
    value.char_indices().find(ends).map_or(value.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn law_4_no_password_of_an_address_is_shown() {
        for (given, shown) in [
            ("postgres://app:hunter2@db:5432/shop", "postgres://app:***@db:5432/shop"),
            ("postgres://app:p?ss@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:p/ss@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:p#ss@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:p@ss@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app://@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:12/34@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:p%40s:s@db/shop", "postgres://app:***@db/shop"),
            ("postgres://app:a,b@db1,db2/shop", "postgres://app:***@db1,db2/shop"),
            ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
            ("amqp://guest:hunter2@queue:5672/%2f", "amqp://guest:***@queue:5672/%2f"),
            ("http://user:p?ss@shop:8080/a@b", "http://user:***@b"),
            ("https://hunter2@shop/path", "https://***@shop/path"),
            ("app:hunter2@db/shop", "app:***@db/shop"),
            (
                "amqp://a:x@h1:5672,amqps://b:y,z@h2,redis://:w@h3",
                "amqp://a:***@h1:5672,amqps://b:***@h2,redis://:***@h3",
            ),
            ("https://shop/?next=https://a:b@other/", "https://shop/?next=https://a:***@other/"),
            ("jdbc:postgresql://app:hunter2@db/shop", "jdbc:***@db/shop"),
            ("http://user:12?4@shop", "http://user:***@shop"),
        ] {
            assert_eq!(masked(given), shown);
        }
    }

    #[test]
    fn law_4_no_value_of_a_secret_name_is_shown() {
        for (given, shown) in [
            (
                "postgres://db/shop?user=app&password=hunter2&sslmode=require",
                "postgres://db/shop?user=app&password=***&sslmode=require",
            ),
            ("postgres://db/shop?sslPassword=a,b#c", "postgres://db/shop?sslPassword=***"),
            (
                "https://shop/callback#access_token=hunter2&state=1",
                "https://shop/callback#access_token=***&state=1",
            ),
            ("https://shop/?api-key=hunter2", "https://shop/?api-key=***"),
            (
                "host=db user=app password = 'hun\\' ter2' dbname=shop",
                "host=db user=app password = *** dbname=shop",
            ),
            ("Server=db;Password=hunter2;Timeout=3", "Server=db;Password=***;Timeout=3"),
            (
                "keystore=a.p12,keystore.password=hunter2,type=x",
                "keystore=a.p12,keystore.password=***,type=x",
            ),
            ("required username=\"app\" password=\"hun ter2\";", "required username=\"app\" password=***;"),
            (
                "{\"user\": \"app\", \"clientSecret\": \"hunter2\"}",
                "{\"user\": \"app\", \"clientSecret\": ***}",
            ),
        ] {
            assert_eq!(masked(given), shown);
        }
    }

    #[test]
    fn what_holds_no_secret_is_shown_as_it_is() {
        for plain in [
            "",
            "10 s",
            "kafka1:9092,kafka2:9092",
            "http://shop:8080/a@b",
            "http://[::1]:8080/a@b",
            "https://shop/?q=a:b",
            "postgres://app@db:5432/shop",
            "redis://cache:6379/0",
            "QA <qa@example.org>, ops@example.org",
            "SUCCESSFUL,FAILED",
            "tokens=3",
        ] {
            assert_eq!(masked(plain), plain);
        }
        assert!(is_secret("report.export.mail.password") && is_secret("API_KEY") && !is_secret("keys"));
    }

    proptest! {
        #[test]
        fn law_4_whatever_a_password_holds_it_is_hidden(password in "[A-Z/?#@:&;,=%. ]{1,12}") {
            // That would be the next address.
            prop_assume!(!password.contains("://"));
            let shown = masked(&format!("postgres://app:{password}@db:5432/shop"));
            prop_assert_eq!(shown, "postgres://app:***@db:5432/shop");
        }
    }
}
