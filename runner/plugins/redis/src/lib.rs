#![doc = include_str!("../README.md")]

mod backlog;
mod call;
mod channel;
mod client;
mod entry;
mod evidence;
mod group;
mod link;
mod outage;
mod read;
mod record;
mod save;
mod server;
mod stream;
mod stream_reader;
mod text;

pub use backlog::Backlog;
pub use call::Call;
pub use channel::Subscribe;
pub use client::{Connector, Redis};
pub use entry::{Entry, EntryId};
pub use read::Expiry;
pub use record::{Message, StreamRecord};
pub use save::{Add, Save};
pub use stream::{ConsumeStream, Fields, Position};
