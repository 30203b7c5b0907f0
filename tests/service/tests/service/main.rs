//! The head as a service end to end: the built command serves, and real scenarios run.

mod campaigns;
mod client;
mod head;
mod kept;
mod refused;
mod remote;
mod schedules;
mod security;
