//! How the head and its factories communicate: versioned messages, the local socket that carries them, and the signals
//! that stop either.
//!
//! The contract is written down in `runner/docs/contract.md`, and its messages are defined in `runner/contract`.

mod connection;
mod convert;
mod frame;
mod local;
mod malformed;
mod message;
mod outbox;
mod relay;
mod signals;
mod transport;
#[expect(unreachable_pub, clippy::large_enum_variant, clippy::module_inception, reason = "it is generated")]
mod wire;

pub use connection::{HEARTBEAT, HeadConnection};
pub use convert::{decode_figures, encode_figures};
pub use local::{ConnectError, Listener, Receiver, Sender, connect};
pub use malformed::Malformed;
pub use message::{BATCH, FactoryMessage, HeadMessage, ToFactory, ToHead};
pub use outbox::{Outbox, Received};
pub use relay::relay;
pub use signals::StopSignals;
pub use transport::{Arrival, FactoryEnd, FactoryId, InProcess, Transport};
