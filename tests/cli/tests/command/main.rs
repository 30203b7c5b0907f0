//! The command `qalipsis` end to end: the built runner with the built scenario executable `fixture`.

mod baseline;
mod configuration;
mod console;
mod contract;
mod crash;
mod criteria;
mod events;
mod hostile;
mod invalid;
mod junit;
mod meters;
mod notify;
mod outputs;
mod overload;
mod replay;
mod secrets;
mod stop;
mod summary;
mod support;
mod trying;
mod usage;
mod verdict;
mod written;
mod zones;
