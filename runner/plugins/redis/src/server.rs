//! Where the server is, and how connections to it are opened.

use crate::text::{cause, code, is_outage};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may take, login included.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer may take.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Set once a connection is of no use any more.
pub(crate) type Lost = Arc<AtomicBool>;

/// A server, or a cluster of them.
pub(crate) struct Server {
    /// `127.0.0.1:6379`, with the number of the database unless that is 0.
    pub(crate) name: String,
    /// Never to be shown.
    pub(crate) passwords: Vec<String>,
    pub(crate) route: Route,
}

/// How the server is reached.
pub(crate) enum Route {
    Single(Client),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
}

/// A cluster, by the nodes that are asked for the others.
#[cfg(feature = "cluster")]
pub(crate) struct Cluster {
    pub(crate) seeds: Vec<Client>,
    #[cfg(feature = "tls")]
    pub(crate) certificates: Option<redis::TlsCertificates>,
}

/// An open connection. Clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

impl Connection {
    pub(crate) async fn query(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => command.query_async(connection).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }

    /// The type of what a key holds, such as `list`, for errors where another one was expected.
    pub(crate) async fn type_of(&mut self, key: &str) -> Option<String> {
        let answer = self.query(Cmd::new().arg("TYPE").arg(key)).await.ok()?;
        crate::entry::text(&answer)
    }

    /// Runs commands as a transaction.
    pub(crate) async fn transact(&mut self, commands: &Pipeline) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => commands.query_async(connection).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => commands.query_async(connection).await,
        }
    }
}

impl Server {
    /// A new connection, whose tasks run on the runtime of the caller.
    pub(crate) async fn open(&self, answer_limit: Duration, lost: Lost) -> RedisResult<Connection> {
        match &self.route {
            Route::Single(client) => {
                let pushed = move |push: PushInfo| {
                    if push.kind == PushKind::Disconnection {
                        lost.store(true, Relaxed);
                    }
                    Ok::<_, std::convert::Infallible>(())
                };
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_LIMIT))
                    .set_response_timeout(Some(answer_limit))
                    .set_push_sender(pushed);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
            }
            #[cfg(feature = "cluster")]
            Route::Cluster(cluster) => cluster.open(answer_limit).await.map(Connection::Cluster),
        }
    }

    /// A new connection for subscriptions. In a cluster any node will do: they pass messages on.
    pub(crate) async fn open_for_messages(&self) -> RedisResult<PubSub> {
        let clients: &[Client] = match &self.route {
            Route::Single(client) => std::slice::from_ref(client),
            #[cfg(feature = "cluster")]
            Route::Cluster(cluster) => &cluster.seeds,
        };
        let mut opened = Err(RedisError::from((redis::ErrorKind::InvalidClientConfig, "no node is given")));
        for client in clients {
            opened = match timeout(CONNECT_LIMIT, client.get_async_pubsub()).await {
                Ok(opened) => opened,
                Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
            };
            if opened.is_ok() {
                break;
            }
        }
        opened
    }

    /// Why no connection could be opened.
    pub(crate) fn unreachable(&self, error: &RedisError) -> Fault {
        let place = format!("redis at {}", self.name);
        if error.is_timeout() {
            let limit = human(CONNECT_LIMIT);
            // A server without TLS waits for the end of what it takes for a command.
            let hint = if self.is_tls() { ", perhaps the server does not speak TLS there" } else { "" };
            return Fault::error(format!("{place}: no connection within {limit}{hint}")).code("unreachable");
        }
        let (code, problem) = (code(error), self.redact(&cause(error)));
        match code.as_str() {
            "login" => Fault::error(format!("{place}: the login was refused: {problem}")).code("login"),
            _ if error.kind() == redis::ErrorKind::RESP3NotSupported => {
                Fault::error(format!("{place}: Redis 6 or later is needed, this one is older"))
                    .code("version")
            }
            _ if is_outage(error) => {
                let hint = match error.is_connection_dropped() && !error.is_connection_refusal() {
                    true if !self.is_tls() => ", perhaps the server wants TLS (rediss://)",
                    true => ", perhaps the server refused the client certificate (identity_pem) or wants one",
                    _ => "",
                };
                Fault::error(format!("{place}: {}{hint}", tls_named(&problem))).code("unreachable")
            }
            _ => Fault::error(format!("{place}: {problem}")).code(code),
        }
    }

    fn is_tls(&self) -> bool {
        let client = match &self.route {
            Route::Single(client) => Some(client),
            #[cfg(feature = "cluster")]
            Route::Cluster(cluster) => cluster.seeds.first(),
        };
        client.is_some_and(|client| {
            matches!(client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. })
        })
    }

    /// Why a command failed that was sent, or was to be sent, as `shown`.
    pub(crate) fn failed(&self, shown: &str, error: &RedisError) -> Fault {
        let place = format!("redis at {}: {shown}", self.name);
        if error.is_timeout() {
            return Fault::timeout(format!("{place}: no answer within {}", human(ANSWER_LIMIT)))
                .code("timeout");
        }
        Fault::error(format!("{place}: {}", self.redact(&cause(error)))).code(code(error))
    }

    /// Without passwords.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for password in self.passwords.iter().filter(|password| !password.is_empty()) {
            text = text.replace(password.as_str(), "***");
        }
        text
    }
}

/// rustls does not say that it is TLS which failed.
fn tls_named(problem: &str) -> String {
    let rustls =
        ["invalid peer certificate", "received corrupt message", "received fatal alert", "tls handshake"];
    match rustls.iter().any(|words| problem.starts_with(words)) {
        true if problem.contains("UnknownIssuer") => {
            format!("tls was refused: {problem}; trust its authority with root_certificate")
        }
        true => format!("tls was refused: {problem}"),
        false => problem.to_owned(),
    }
}

#[cfg(feature = "cluster")]
impl Cluster {
    async fn open(&self, answer_limit: Duration) -> RedisResult<redis::cluster_async::ClusterConnection> {
        let nodes = self.seeds.iter().map(|client| client.get_connection_info().clone());
        let builder = redis::cluster::ClusterClient::builder(nodes)
            .connection_timeout(CONNECT_LIMIT)
            .response_timeout(answer_limit)
            .retries(2);
        #[cfg(feature = "tls")]
        let builder = match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()),
            None => builder,
        };
        builder.build()?.get_async_connection().await
    }
}
