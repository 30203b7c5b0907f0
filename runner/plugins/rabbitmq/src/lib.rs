#![doc = include_str!("../README.md")]

mod client;
mod consume;
mod evidence;
mod handed;
mod link;
mod message;
mod publish;
mod queue;
mod reader;
mod slot;
mod target;
mod text;

pub use client::{Builder, RabbitMq};
pub use consume::Consume;
pub use message::{BorrowedMessage, Message, Properties};
pub use publish::{Confirmed, Publish};
pub use queue::{Queue, QueueProbe};
