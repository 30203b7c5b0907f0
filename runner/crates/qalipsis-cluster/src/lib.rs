//! How the head and its factories talk: versioned messages, the local socket that carries them, and the signals that
//! stop either.
//!
//! The contract is written down in `runner/docs/contract.md`.

mod connection;
mod local;
mod message;
mod outbox;
mod relay;
mod signals;
mod transport;

pub use connection::HeadConnection;
pub use local::{ConnectError, Listener, Receiver, Sender, connect};
pub use message::{FactoryMessage, HeadMessage, ToFactory, ToHead};
pub use outbox::Outbox;
pub use relay::relay;
pub use signals::StopSignals;
pub use transport::{Arrival, FactoryEnd, FactoryId, InProcess, Transport};
