//! Real servers on free ports, and a way to run requests as steps of a minion.
#![allow(dead_code, reason = "every test file is a crate of its own and uses a part")]

pub(crate) mod frames;
pub(crate) mod server;
pub(crate) mod steps;
