//! The broker, as a scenario reaches it.

use crate::consume::{Consume, Origin};
use crate::publish::Publish;
use crate::queue::Queue;
use crate::slot::{Channels, Slot};
use crate::target::Target;
use bytes::Bytes;
use qalipsis_core::clock;
use qalipsis_core::fault::Fault;
use qalipsis_core::warm_up::waiting_for;
use qalipsis_plugin::tls::TlsOptions;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// How long connecting may take, and the confirmation of a message, unless the builder says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A virtual host of a RabbitMQ broker. Clones share its connections.
#[derive(Clone)]
pub struct RabbitMq(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) target: Arc<Target>,
    pub(crate) channels: Arc<Channels>,
    /// Apart from publishing: a broker that is short of memory does not read from connections that publish,
    /// and that is when depths matter.
    pub(crate) watching: Slot,
}

impl fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RabbitMq").field(&self.0.target).finish()
    }
}

impl RabbitMq {
    /// Connects to `amqp://user:password@host:5672/vhost`, within 10 s. For `World::open`.
    ///
    /// Without user and password it is `guest` with `guest`, without a virtual host it is `/`. `amqps`
    /// means TLS, with the certificate authorities of this machine; see [`builder`](Self::builder) for
    /// others. Parameters: `heartbeat` (seconds, default 5), `channel_max`, `frame_max` and
    /// `auth_mechanism` (`plain`, `external`).
    ///
    /// The connections live on the runtime of the caller, but for those of sources, which have their own.
    /// Messages can be published from any runtime.
    ///
    /// # Errors
    /// One line that names address and cause: nobody listens, the login is refused, the virtual host is
    /// unknown, TLS fails. The password is in none of them.
    pub async fn connect(url: &str) -> Result<Self, Fault> {
        Self::builder(url).connect().await
    }

    /// A connection with certificates or limits of its own.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder { url: url.into(), tls: TlsOptions::default(), timeout: TIMEOUT }
    }

    /// Reads a queue that exists. Without further calls the values are bytes.
    pub fn consume(&self, queue: impl Into<String>) -> Consume<Bytes> {
        Consume::new(Arc::clone(&self.0.target), Origin::Queue(queue.into()))
    }

    /// Reads what an exchange that exists routes by this key, through a temporary queue of the source's own:
    /// exclusive, deleted with its connection, bound before the source is ready. Every source, and so every
    /// factory, sees all messages.
    pub fn consume_exchange(
        &self,
        exchange: impl Into<String>,
        routing_key: impl Into<String>,
    ) -> Consume<Bytes> {
        let origin = Origin::Exchange { exchange: exchange.into(), routing_key: routing_key.into() };
        Consume::new(Arc::clone(&self.0.target), origin)
    }

    /// A message to be published: the action of a step. The default exchange is `""`; its routing keys are
    /// the names of queues.
    pub fn publish(&self, exchange: impl Into<String>, routing_key: impl Into<String>) -> Publish {
        Publish::new(self.clone(), exchange.into(), routing_key.into())
    }

    /// A queue to be watched: `setup.watch("backlog", rabbit.queue("orders").depth())`.
    pub fn queue(&self, name: impl Into<String>) -> Queue {
        Queue::new(self.clone(), name.into())
    }
}

/// Says how to connect.
#[must_use = "nothing is connected until `.connect().await`"]
pub struct Builder {
    url: String,
    tls: TlsOptions,
    timeout: Duration,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds the password.
        f.debug_struct("Builder").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Builder {
    /// Trusts these certificate authorities, in PEM form, instead of those of the machine. May repeat.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.ca_pem.push(pem.into());
        self
    }

    /// Presents this certificate: its chain and its private key in PEM form, one after the other.
    pub fn identity_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.identity_pem = Some(pem.into());
        self
    }

    /// How long connecting may take, and the broker to confirm a message. Default: 10 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// As [`RabbitMq::connect`], and certificates that can't be read.
    pub async fn connect(self) -> Result<RabbitMq, Fault> {
        let mut target = Target::parse(&self.url, self.tls, self.timeout)?;
        if target.secure() {
            target.prepare_tls()?;
        }
        let target = Arc::new(target);
        let handle = Handle::current();
        let slot = |purpose| Slot::new(Arc::clone(&target), handle.clone(), purpose);
        let channels = Channels::new(slot("publisher"));
        let inner =
            Inner { channels: Arc::new(channels), watching: slot("watcher"), target: Arc::clone(&target) };
        let _waiting = waiting_for(|| format!("RabbitMQ at {target}"));
        inner.channels.slot.connect_once(clock::after(Instant::now(), target.timeout)).await?;
        Ok(RabbitMq(Arc::new(inner)))
    }
}
