//! Where the broker is, and who logs in.

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::suggest;
use qalipsis_plugin::tls::TlsOptions;
use rustls::ClientConfig;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// How often broker and client show that they are there, where the URL does not say: a broker that is
/// gone without closing the connection is noticed after twice that time.
const HEARTBEAT_S: u16 = 5;

/// Parameters that a URL can have.
const PARAMETERS: [&str; 4] = ["heartbeat", "channel_max", "frame_max", "auth_mechanism"];

/// The broker that the URL and the builder specify, and how to connect to it.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) uri: AMQPUri,
    pub(crate) tls: TlsOptions,
    /// The configuration of TLS handshakes, once it was prepared.
    pub(crate) handshakes: Option<Arc<ClientConfig>>,
    /// For connecting, and for the broker to confirm a message.
    pub(crate) timeout: Duration,
}

impl Target {
    /// Reads `amqp://user:password@host:port/vhost?heartbeat=5`. Errors don't quote the URL, because that
    /// holds the password.
    pub(crate) fn parse(url: &str, tls: TlsOptions, timeout: Duration) -> Result<Self, Fault> {
        let bad = |problem: String| {
            Fault::error(format!(
                "rabbitmq url: {problem}, expected amqp://user:password@host:5672/vhost (amqps for TLS)"
            ))
            .code("configuration")
        };
        let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        let scheme: AMQPScheme =
            parsed.scheme().parse().map_err(|_| bad(format!("unknown scheme '{}'", parsed.scheme())))?;
        // lapin takes an IPv6 address for no host at all, and goes to localhost.
        let host = match parsed.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(Host::Domain(_)) | None => return Err(bad("it names no host".to_owned())),
        };
        let user = parsed.username();
        let username = if user.is_empty() { "guest".to_owned() } else { decoded(user).map_err(&bad)? };
        let password = match parsed.password() {
            Some(password) => decoded(password).map_err(&bad)?,
            None => "guest".to_owned(),
        };
        let vhost = decoded(parsed.path().trim_start_matches('/')).map_err(&bad)?;
        let mut query = AMQPQueryString { heartbeat: Some(HEARTBEAT_S), ..AMQPQueryString::default() };
        for (name, value) in parsed.query_pairs() {
            parameter(&mut query, &name, &value).map_err(&bad)?;
        }
        let port = parsed.port().unwrap_or_else(|| scheme.default_port());
        let uri = AMQPUri {
            authority: AMQPAuthority { userinfo: AMQPUserInfo { username, password }, host, port },
            vhost: if vhost.is_empty() { "/".to_owned() } else { vhost },
            scheme,
            query,
        };
        Ok(Self { uri, tls, handshakes: None, timeout })
    }

    /// Makes the configuration of TLS handshakes. What the builder was given is checked here.
    pub(crate) fn prepare_tls(&mut self) -> Result<(), Fault> {
        let config = self
            .tls
            .client_config()
            .map_err(|error| Fault::error(format!("rabbitmq TLS: {error}")).code("configuration"))?;
        self.handshakes = Some(Arc::new(config));
        Ok(())
    }

    /// `127.0.0.1:5672`.
    pub(crate) fn address(&self) -> String {
        let (host, port) = (&self.uri.authority.host, self.uri.authority.port);
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The fault with the address before its message.
    pub(crate) fn locate(&self, mut fault: Fault) -> Fault {
        fault.message = format!("rabbitmq at {}: {}", self.address(), fault.message);
        fault
    }

    pub(crate) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    pub(crate) fn secure(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }
}

/// `127.0.0.1:5672`, with the virtual host where it is not the default one.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uri.vhost.as_str() {
            "/" => f.write_str(&self.address()),
            vhost => write!(f, "{} vhost {vhost}", self.address()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.address())
            .field("vhost", &self.uri.vhost)
            .field("user", &self.user())
            .field("password", &"***")
            .field("tls", &self.secure())
            .finish_non_exhaustive()
    }
}

fn parameter(query: &mut AMQPQueryString, name: &str, value: &str) -> Result<(), String> {
    let number = |_| format!("parameter {name}: '{value}' is not a number in range");
    match name {
        "heartbeat" => query.heartbeat = Some(value.parse().map_err(number)?),
        "channel_max" => query.channel_max = Some(value.parse().map_err(number)?),
        "frame_max" => query.frame_max = Some(value.parse().map_err(number)?),
        "auth_mechanism" => {
            let mechanism: SASLMechanism =
                value.parse().map_err(|_| format!("unknown auth_mechanism '{value}'"))?;
            query.auth_mechanism = Some(mechanism);
        }
        _ => {
            let near = suggest::nearest(name, PARAMETERS);
            let hint = near.map_or_else(
                || format!("there are {}", PARAMETERS.join(", ")),
                |near| format!("did you mean '{near}'?"),
            );
            return Err(format!("unknown parameter '{name}', {hint}"));
        }
    }
    Ok(())
}

/// Undoes the percent encoding.
fn decoded(text: &str) -> Result<String, String> {
    let invalid = || "a percent encoding is broken (a '%' is written %25)".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(invalid)?;
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, Fault> {
        Target::parse(url, TlsOptions::default(), Duration::from_secs(1))
    }

    #[test]
    fn a_url_names_the_broker_and_the_user() {
        let target = parse("amqp://al%40ice:p%2Fw@broker:5673/shop?heartbeat=7").unwrap();
        assert_eq!(target.to_string(), "broker:5673 vhost shop");
        assert_eq!((target.user(), target.uri.authority.userinfo.password.as_str()), ("al@ice", "p/w"));
        assert_eq!(target.uri.query.heartbeat, Some(7));
        for url in ["amqp://h", "amqp://h/", "amqp://h/%2f", "amqp://h/%2F"] {
            let target = parse(url).unwrap();
            assert_eq!((target.to_string().as_str(), target.uri.vhost.as_str()), ("h:5672", "/"), "{url}");
        }
        assert_eq!(parse("amqps://[::1]").unwrap().to_string(), "[::1]:5671");
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        let refused = |url: &str| parse(url).expect_err(url).message.clone();
        assert!(refused("http://a:hunter2@h").contains("unknown scheme 'http'"));
        assert!(refused("amqp://a:hunter2@h?hartbeat=1").contains("did you mean 'heartbeat'?"));
        assert!(refused("amqp://a:hunter2@h?heartbeat=soon").contains("'soon' is not a number"));
        assert!(refused("amqp://a:hunter2%zz@h").contains("percent encoding"));
        assert!(refused("amqp:hunter2").contains("names no host"));
        for url in ["http://a:hunter2@h", "amqp://a:hunter2%zz@h", "amqp://a:hunter2@h:port", "hunter2"] {
            assert!(!refused(url).contains("hunter2"), "{}", refused(url));
        }
        let shown = format!("{:?}", parse("amqp://alice:hunter2@h").unwrap());
        assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    }
}
