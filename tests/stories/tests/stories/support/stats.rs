//! What the shop says that it did.

use shop::Running;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The answer of `/stats`.
pub(crate) struct Stats(serde_json::Value);

impl Stats {
    pub(crate) fn of(shop: &Running) -> Self {
        let address = shop.http().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        Self(serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }

    /// A count.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    /// Orders that a fault hit.
    pub(crate) fn ids(&self, fault: &str) -> BTreeSet<String> {
        let ids = self.0[fault].as_array().unwrap_or_else(|| panic!("no {fault} in {}", self.0));
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }
}
