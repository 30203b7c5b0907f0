//! One connection to the broker.

use crate::target::Target;
use crate::text::{cause, lowercase_first, rustls_error, tls_cause};
use lapin::tcp::RustlsConnector;
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties};
use parking_lot::Mutex;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use std::fmt;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long the broker may take to answer a farewell.
const FAREWELL: Duration = Duration::from_millis(300);

/// A connection that is open, or was. Dropping it closes it in the background.
pub(crate) struct Link {
    connection: Connection,
    socket: Socket,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("alive", &self.alive()).finish_non_exhaustive()
    }
}

/// Why there is no connection.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Without the address, which callers add.
    pub(crate) fault: Fault,
    /// Whether trying again is of no use: wrong password, unknown virtual host, untrusted certificate.
    pub(crate) lasting: bool,
}

/// The socket under a connection, to cut it: lapin waits without a limit for a broker that accepts a
/// connection and says nothing.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<SocketState>>);

#[derive(Default)]
struct SocketState {
    stream: Option<TcpStream>,
    cut: bool,
}

impl Socket {
    fn opened(&self, stream: TcpStream) {
        let mut state = self.0.lock();
        if state.cut {
            let _ = stream.shutdown(Shutdown::Both);
        }
        state.stream = Some(stream);
    }

    fn cut(&self) {
        let mut state = self.0.lock();
        state.cut = true;
        if let Some(stream) = &state.stream {
            // It fails if the connection is gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Cuts the connection unless it was established.
struct Attempt(Option<Socket>);

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take() {
            socket.cut();
        }
    }
}

impl Link {
    /// Connects and logs in before `deadline`. The connection lives on the runtime of `handle`; this
    /// future may run on any. `purpose` is shown by the broker's management page.
    pub(crate) async fn open(
        target: &Target,
        handle: &Handle,
        purpose: &str,
        deadline: Instant,
    ) -> Result<Self, Refusal> {
        let socket = Socket::default();
        let mut attempt = Attempt(Some(socket.clone()));
        let runtime = {
            let _entered = handle.enter();
            lapin::runtime::default_runtime()
        };
        let runtime = runtime.map_err(|error| refusal(target, &error))?;
        let secure = target.secure();
        let tls = target.handshakes.clone().filter(|_| secure);
        let opened = socket.clone();
        let properties = ConnectionProperties::default()
            .with_connection_name(format!("qalipsis {purpose}").into_bytes().into());
        let connecting = Connection::connector(
            target.uri.clone(),
            runtime,
            async move |uri: AMQPUri, runtime| {
                let (host, port) = (uri.authority.host, uri.authority.port);
                let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), port)).await?.collect();
                let stream = AsyncTcpStream::connect(&runtime, addresses).await?;
                if let AsyncTcpStream::Plain(stream) = &stream {
                    let stream = stream.get_ref();
                    // The time of a step is the broker's, not that of a kernel that waits for more to send.
                    stream.set_nodelay(true)?;
                    opened.opened(stream.as_fd().try_clone_to_owned()?.into());
                }
                match &tls {
                    None if secure => Err(TlsFailure::error("it was not prepared").into()),
                    None => Ok(stream),
                    Some(config) => {
                        let connector = RustlsConnector::from(Arc::clone(config));
                        stream
                            .into_rustls(&connector, &host)
                            .await
                            .map_err(|error| TlsFailure::wrap(&error).into())
                    }
                }
            },
            properties,
        );
        let began = Instant::now();
        match timeout_at(deadline, connecting).await {
            Ok(Ok(connection)) => {
                attempt.0 = None;
                Ok(Self { connection, socket })
            }
            Ok(Err(error)) => Err(refusal(target, &error)),
            Err(_) => {
                let waited = human(began.elapsed());
                let fault = Fault::timeout(format!("no answer within {waited}")).code("connect");
                Err(Refusal { fault, lasting: false })
            }
        }
    }

    pub(crate) fn alive(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the broker has asked not to publish, because memory or disk are short.
    pub(crate) fn blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    pub(crate) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    /// Says farewell if the broker is there to hear it, and closes the socket.
    pub(crate) async fn close(self) {
        let _ = timeout(FAREWELL, self.connection.close(200, "OK".into())).await;
        self.socket.cut();
    }
}

/// A failed handshake, which is distinguished from a connection that failed otherwise.
#[derive(Debug)]
struct TlsFailure(String);

impl TlsFailure {
    fn error(text: impl Into<String>) -> io::Error {
        io::Error::other(Self(text.into()))
    }

    fn wrap(error: &io::Error) -> io::Error {
        Self::error(match rustls_error(error) {
            Some(error) => tls_cause(error),
            None => lowercase_first(&error.to_string()),
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS handshake: {}", self.0)
    }
}

impl std::error::Error for TlsFailure {}

/// Why no connection came about, as people need to know it.
fn refusal(target: &Target, error: &lapin::Error) -> Refusal {
    let (text, code) = match error.kind() {
        lapin::ErrorKind::IOError(io) if io.get_ref().is_some_and(|inner| inner.is::<TlsFailure>()) => {
            (io.to_string(), "tls")
        }
        _ => cause(error),
    };
    let user = target.user();
    // A broker that refuses a client's certificate does so after the handshake is done for the client, and
    // its reason may be lost with the connection.
    let hint = match (target.secure(), target.tls.identity_pem.is_some()) {
        (false, _) => "; does that port want TLS (amqps)?",
        (true, true) => "; did it refuse the certificate of this client (identity_pem)?",
        (true, false) => "; does it want a certificate of this client (identity_pem)?",
    };
    let (text, code, lasting) = match code {
        "access-refused" => (format!("login of user '{user}' was refused: {text}"), "login", true),
        // Unknown, or not for this user: the broker's text says which.
        "not-allowed" => (format!("virtual host '{}': {text}", target.uri.vhost), "vhost", true),
        "connection-lost" => {
            (format!("the broker closed the connection before the login was done{hint}"), "connect", false)
        }
        "protocol" if !target.secure() => (format!("{text}{hint}"), "protocol", false),
        "tls" => (text, "tls", true),
        code => (text, code, false),
    };
    Refusal { fault: Fault::error(text).code(code), lasting }
}
