//! The shop as a process, seen from outside: over HTTP, on Kafka, in its other servers, and by its exit.

mod faults;
mod healthy;
mod outside;
mod process;
mod real_broker;
mod servers;
mod sinks;
