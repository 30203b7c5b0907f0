//! How to reach a database.

use crate::client::{Inner, Postgres};
use crate::connection::Connector;
use crate::pool::Lease;
use crate::target::Target;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use parking_lot::Mutex;
use qalipsis_core::fault::Fault;
use qalipsis_core::warm_up::waiting_for;
use qalipsis_plugin::tls::TlsOptions;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How many connections a pool has by default.
const POOL_SIZE: usize = 8;

/// How long a free connection is waited for by default.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);

/// What makes two connections to the same database differ. It is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Options {
    url: String,
    pool_size: usize,
    pool_timeout: Duration,
    statement_timeout: Option<Duration>,
    trace: bool,
    prepared: bool,
    tls: TlsOptions,
}

/// The pools of this process, so that scenarios of one factory share them. A pool belongs to a runtime,
/// and ends with the last [`Postgres`] that uses it.
static POOLS: LazyLock<Mutex<Pools>> = LazyLock::new(Mutex::default);

type Pools = HashMap<(Id, Options), Weak<Inner>>;

/// Collects the options of a [`Postgres`]. [`PostgresBuilder::build`] reports the errors in them.
#[derive(Clone)]
#[must_use = "a connection is made by `.build().await`"]
pub struct PostgresBuilder(Options);

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("target", &Target::parse(&self.0.url).ok())
            .field("pool_size", &self.0.pool_size)
            .finish_non_exhaustive()
    }
}

impl PostgresBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self(Options {
            url: url.to_owned(),
            pool_size: POOL_SIZE,
            pool_timeout: POOL_TIMEOUT,
            statement_timeout: None,
            trace: true,
            prepared: true,
            tls: TlsOptions::default(),
        })
    }

    /// Connections that the pool has at most. Default: 8. Each poll and each probe has one more of its own.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.0.pool_size = connections.max(1);
        self
    }

    /// How long an action waits for a free connection. Default: 10 s.
    pub fn pool_timeout(mut self, limit: Duration) -> Self {
        self.0.pool_timeout = limit;
        self
    }

    /// How long the server may work on one statement, of polls and probes as well. Default: what the server
    /// is configured for, which usually is no limit; the timeout of a step works in any case.
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        // What the server cannot count is no limit.
        self.0.statement_timeout = Some(limit).filter(|limit| limit.as_millis() <= i32::MAX as u128);
        self
    }

    /// Whether the statements of a step send the step's trace to the server, as `application_name`.
    /// Default: true.
    pub fn trace(mut self, trace: bool) -> Self {
        self.0.trace = trace;
        self
    }

    /// Whether statements are prepared once on each connection and run by their name from then on. `false` sends
    /// each statement whole and nameless, for poolers that give each transaction another connection, such as
    /// pgbouncer with `pool_mode = transaction` before 1.21. Types that no parameter of Rust has, such as enums,
    /// need a cast in the statement then: `$1::text::grade`. Default: true.
    pub fn prepared_statements(mut self, prepared: bool) -> Self {
        self.0.prepared = prepared;
        self
    }

    /// Trusts servers certified by these authorities (PEM, one or more) and by no others; may repeat.
    /// Default: the certificate authorities of the machine.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.0.tls.ca_pem.push(pem.as_ref().to_vec());
        self
    }

    /// Presents this certificate (and its chain) with this private key, both in one PEM text.
    /// Default: no client certificate.
    pub fn identity_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.0.tls.identity_pem = Some(pem.as_ref().to_vec());
        self
    }

    /// Trusts whoever answers. For servers with throw-away certificates only.
    pub fn accept_any_certificate(mut self) -> Self {
        self.0.tls.accept_any = true;
        self
    }

    /// Connects, or shares the pool of whoever connected with the same options on this runtime before.
    ///
    /// # Errors
    /// Options that can't be used; a server that can't be reached or refuses, with its address, database,
    /// user and the reason.
    pub async fn build(self) -> Result<Postgres, Fault> {
        let runtime = Handle::try_current()
            .map_err(|_| Fault::error("postgres: a connection can only be made on a tokio runtime"))?;
        let key = (runtime.id(), self.0);
        let known = POOLS.lock().get(&key).and_then(Weak::upgrade);
        let inner = match known {
            Some(inner) => inner,
            None => {
                let inner = open(&key.1, runtime)?;
                let mut pools = POOLS.lock();
                pools.retain(|_, pool| pool.strong_count() > 0);
                // Another scenario may have been faster.
                match pools.get(&key).and_then(Weak::upgrade) {
                    Some(other) => other,
                    None => {
                        pools.insert(key, Arc::downgrade(&inner));
                        inner
                    }
                }
            }
        };
        let _waiting = waiting_for(|| format!("PostgreSQL at {}", inner.target));
        // Has the server refuse now what it would refuse later.
        drop(Lease::take(&inner).await?);
        Ok(Postgres(inner))
    }
}

/// A pool without connections yet.
fn open(options: &Options, runtime: Handle) -> Result<Arc<Inner>, Fault> {
    let mut target = Target::parse(&options.url)?;
    let mut tls = options.tls.clone();
    if let Some(path) = &target.root_certificates {
        let pem = std::fs::read(path)
            .map_err(|error| Fault::error(format!("{target}: sslrootcert {}: {error}", path.display())))?;
        tls.ca_pem.push(pem);
    }
    // Who gives certificates wants TLS.
    let mode = target.tls.unwrap_or(if tls.is_given() { SslMode::Require } else { SslMode::Disable });
    target.config.ssl_mode(mode);
    if let Some(limit) = options.statement_timeout {
        let others = target.config.get_options().unwrap_or_default();
        let all = format!("{others} -c statement_timeout={}", limit.as_millis().max(1));
        target.config.options(all.trim_start());
    }
    // Without TLS nothing is read from this machine.
    let config =
        if mode == SslMode::Disable { tls.client_config_without_platform() } else { tls.client_config() };
    let config = config.map_err(|error| Fault::error(format!("postgres: {error}")).code("configuration"))?;
    let connector = Connector { runtime, tls: MakeRustlsConnect::new(config) };
    let manager = Manager::from_connect(
        target.config.clone(),
        connector.clone(),
        // What was given up halfway does not come back, so there is nothing to clean.
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let pool = Pool::builder(manager)
        .max_size(options.pool_size)
        .wait_timeout(Some(options.pool_timeout))
        // tokio-postgres limits the way to the server only, not how long the server takes to greet.
        .create_timeout(Some(target.connect_timeout()))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| Fault::error(format!("{target}: {error}")).code("pool"))?;
    let (pool_timeout, trace, prepared) = (options.pool_timeout, options.trace, options.prepared);
    Ok(Arc::new(Inner { target, pool, connector, pool_timeout, trace, prepared }))
}
