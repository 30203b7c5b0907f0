//! A connection that is made again when it was lost.

use crate::link::Link;
use crate::target::Target;
use lapin::Channel;
use parking_lot::Mutex as Lock;
use qalipsis_core::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// Most channels, and so messages on their way, of one connection.
const CHANNELS: usize = 256;

/// One connection for many users, on whatever runtimes they are.
#[derive(Debug)]
pub(crate) struct Slot {
    target: Arc<Target>,
    handle: Handle,
    purpose: &'static str,
    link: Mutex<Option<Arc<Link>>>,
}

impl Slot {
    pub(crate) fn new(target: Arc<Target>, handle: Handle, purpose: &'static str) -> Self {
        Self { target, handle, purpose, link: Mutex::new(None) }
    }

    /// Connects, or reports at once why it can't.
    pub(crate) async fn connect_once(&self, deadline: Instant) -> Result<(), Fault> {
        let link = Link::open(&self.target, &self.handle, self.purpose, deadline).await;
        let link = link.map_err(|refusal| self.target.locate(refusal.fault))?;
        *self.link.lock().await = Some(Arc::new(link));
        Ok(())
    }

    /// The connection; a new one if there is none or it was lost. Tries until `deadline`, unless the broker
    /// refuses for good. Faults do not name the broker.
    pub(crate) async fn get(&self, deadline: Instant) -> Result<Arc<Link>, Fault> {
        let mut slot = self.link.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| link.alive()) {
            return Ok(Arc::clone(link));
        }
        *slot = None;
        loop {
            match Link::open(&self.target, &self.handle, self.purpose, deadline).await {
                Ok(link) => return Ok(Arc::clone(slot.insert(Arc::new(link)))),
                Err(refusal) if refusal.lasting || Instant::now() + PAUSE >= deadline => {
                    return Err(refusal.fault);
                }
                Err(_) => sleep_until(Instant::now() + PAUSE).await,
            }
        }
    }
}

impl Slot {
    /// The connection as it is, if nobody is making a new one.
    pub(crate) fn peek(&self) -> Option<Arc<Link>> {
        self.link.try_lock().ok()?.clone()
    }
}

/// Channels for messages, each used by one message at a time.
///
/// A channel that many share would be faster still. But a broker closes the whole channel over one message
/// for an exchange that does not exist, and lapin hands a returned message to whichever confirmation of
/// the channel comes next: innocent messages would fail.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) slot: Slot,
    idle: Lock<Vec<Channel>>,
    permits: Arc<Semaphore>,
}

impl Channels {
    pub(crate) fn new(slot: Slot) -> Self {
        Self { slot, idle: Lock::new(Vec::new()), permits: Arc::new(Semaphore::new(CHANNELS)) }
    }

    /// A channel with confirmations, for one message.
    pub(crate) async fn take(self: &Arc<Self>, deadline: Instant) -> Result<Lease, Fault> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| Fault::error(error.to_string()))?;
        while let Some(channel) = self.pop() {
            if channel.status().connected() {
                return Ok(Lease { channels: Arc::clone(self), channel, _permit: permit });
            }
        }
        loop {
            let link = self.slot.get(deadline).await?;
            match open(&link).await {
                Ok(channel) => return Ok(Lease { channels: Arc::clone(self), channel, _permit: permit }),
                // Lost in between: there will be another.
                Err(_) if !link.alive() && Instant::now() < deadline => {}
                Err(error) => {
                    let (text, code) = crate::text::cause(&error);
                    return Err(Fault::error(text).code(code));
                }
            }
        }
    }

    fn pop(&self) -> Option<Channel> {
        self.idle.lock().pop()
    }
}

async fn open(link: &Link) -> lapin::Result<Channel> {
    let channel = link.channel().await?;
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// A channel of one message. Unless it is given back, because its message is done with, it is closed.
pub(crate) struct Lease {
    channels: Arc<Channels>,
    pub(crate) channel: Channel,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(crate) fn give_back(self) {
        self.channels.idle.lock().push(self.channel);
    }
}
