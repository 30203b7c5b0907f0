//! How the head and its factories talk: versioned messages, the local socket that carries them, and the signals that
//! stop either.
//!
//! The contract is written down in `runner/docs/contract.md`.

mod connection;
mod local;
mod message;
mod signals;

pub use connection::HeadConnection;
pub use local::{ConnectError, Listener, Receiver, Sender, connect};
pub use message::{ToFactory, ToHead};
pub use signals::StopSignals;
