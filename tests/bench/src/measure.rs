//! One module for each measure.

pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod kafka;
pub(crate) mod lag;
pub(crate) mod startup;
pub(crate) mod steps;
