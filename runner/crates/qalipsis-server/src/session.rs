//! Sessions of people who have logged in with a token: a browser keeps the id of one, never the token.

use crate::log::Log;
use crate::settings::ServerSettings;
use crate::token::{Right, Token};
use http::{HeaderMap, header};
use parking_lot::Mutex;
use rustls::crypto::SecureRandom;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Name of the cookie.
const COOKIE: &str = "qalipsis-session";

/// How long a session lasts that nobody uses.
const IDLE: Duration = Duration::from_secs(12 * 3600);

/// Sessions at the same time; the one that was not used for longest ends for a further one.
const MOST: usize = 1_000;

/// What a wrong token costs whoever gives it.
pub(crate) const WRONG_TOKEN_PAUSE: Duration = Duration::from_millis(500);

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The name of the token; `None` when this head needs none.
    pub name: Option<String>,
    /// What it permits.
    pub right: Right,
}

/// The tokens of a head and who has logged in with them. Clones are the same sessions.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: Vec<Token>,
    log: Log,
    is_encrypted: bool,
    random: &'static dyn SecureRandom,
    open: Mutex<BTreeMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    access: Access,
    used: Instant,
}

impl Sessions {
    /// None yet, for the tokens of these settings.
    pub fn new(settings: &ServerSettings, log: Log) -> Self {
        Self(Arc::new(Inner {
            tokens: settings.tokens.clone(),
            log,
            is_encrypted: settings.tls.is_some(),
            random: rustls::crypto::ring::default_provider().secure_random,
            open: Mutex::default(),
        }))
    }

    /// Whether this head needs a token.
    pub fn needs_token(&self) -> bool {
        !self.0.tokens.is_empty()
    }

    /// Opens a session for whoever has a token, and gives what sets the cookie; `None` for a wrong token, which takes a
    /// while and is logged with the place that it comes from.
    pub async fn log_in(&self, secret: &str, from: &str) -> Option<String> {
        let Some(token) = self.token(secret) else {
            self.0.log.line(&format!("wrong token from {from}: log-in"));
            tokio::time::sleep(WRONG_TOKEN_PAUSE).await;
            return None;
        };
        let access = Access { name: Some(token.name().to_owned()), right: token.right() };
        let mut bytes = [0; 32];
        self.0.random.fill(&mut bytes).expect("the system gives random bytes");
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = Instant::now();
        let mut open = self.0.open.lock();
        open.retain(|_, session| now.duration_since(session.used) < IDLE);
        if open.len() >= MOST
            && let Some(oldest) =
                open.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone())
        {
            open.remove(&oldest);
        }
        open.insert(id.clone(), Session { access, used: now });
        Some(self.cookie(&id, ""))
    }

    /// Ends the session of a request, and gives what removes the cookie.
    pub fn log_out(&self, headers: &HeaderMap) -> String {
        if let Some(id) = session_id(headers) {
            self.0.open.lock().remove(id);
        }
        self.cookie("", "; Max-Age=0")
    }

    /// What the session of a request permits.
    pub(crate) fn access(&self, headers: &HeaderMap) -> Option<Access> {
        let id = session_id(headers)?;
        let now = Instant::now();
        let mut open = self.0.open.lock();
        let session = open.get_mut(id).filter(|session| now.duration_since(session.used) < IDLE)?;
        session.used = now;
        Some(session.access.clone())
    }

    /// The token with this secret. How long it takes says nothing about how much of it is right.
    pub(crate) fn token(&self, given: &str) -> Option<&Token> {
        let mut found = None;
        for token in &self.0.tokens {
            if token.is(given) {
                found = Some(token);
            }
        }
        found
    }

    fn cookie(&self, id: &str, further: &str) -> String {
        let secure = if self.0.is_encrypted { "; Secure" } else { "" };
        format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}{further}")
    }
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, id)| *name == COOKIE && !id.is_empty()).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn sessions() -> Sessions {
        let settings = ServerSettings {
            address: ([127, 0, 0, 1], 0).into(),
            hosts: Vec::new(),
            origins: Vec::new(),
            tls: None,
            tokens: Token::parse("ci:read:0123456789abcdef").unwrap(),
            campaigns: 1,
        };
        Sessions::new(&settings, Log::new(|_| ()))
    }

    fn with_cookie(set: &str) -> HeaderMap {
        let pair = set.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap())])
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_has_the_right_of_its_token_until_it_is_logged_out() {
        let sessions = sessions();
        assert_eq!(sessions.log_in("fedcba9876543210", "there").await, None);
        let set = sessions.log_in("0123456789abcdef", "there").await.unwrap();
        assert!(
            !set.contains("0123456789abcdef") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
            "{set}"
        );
        let headers = with_cookie(&set);
        let access = sessions.access(&headers).unwrap();
        assert_eq!((access.name.as_deref(), access.right), (Some("ci"), Right::Read));
        assert!(sessions.log_out(&headers).ends_with("; Max-Age=0"));
        assert_eq!(sessions.access(&headers), None);
    }

    #[tokio::test]
    async fn the_number_of_sessions_is_limited() {
        let sessions = sessions();
        let first = sessions.log_in("0123456789abcdef", "there").await.unwrap();
        for _ in 0..MOST {
            sessions.log_in("0123456789abcdef", "there").await.unwrap();
        }
        assert_eq!(sessions.0.open.lock().len(), MOST);
        assert_eq!(sessions.access(&with_cookie(&first)), None);
    }
}
