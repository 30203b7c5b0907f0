#![doc = include_str!("../README.md")]

mod again;
mod age;
mod backlog;
#[cfg(feature = "ssl")]
mod certificate;
mod client;
mod closing;
mod consume;
mod evidence;
mod lag;
mod position;
mod producer;
mod properties;
mod reader;
mod record;
mod sentinel;
mod text;
mod topics;
mod trouble;
mod watch;

pub use client::Kafka;
pub use consume::{Consume, Position};
pub use lag::LagOf;
pub use producer::{Delivery, Message, Producer};
pub use record::{BorrowedRecord, Header, Record, RecordTime, TimeKind};
pub use topics::Topics;
