//! The head as a service end to end: the built command serves, and real scenarios run.

mod arrivals;
mod autostart;
mod broken;
mod campaigns;
mod client;
mod controlled;
mod described;
mod disk;
mod head;
mod kept;
mod page;
mod publish;
mod refused;
mod remote;
mod replay;
mod schedules;
mod security;
mod tls;
mod zones;
