//! How the head and its factories talk: versioned messages, and the local socket that carries them.
//!
//! The contract is written down in `runner/docs/contract.md`.

mod local;
mod message;

pub use local::{ConnectError, Listener, Receiver, Sender, connect};
pub use message::{ToFactory, ToHead};
