//! Where a request comes from.

use std::net::SocketAddr;

/// Both ends of the connection of a request.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The client.
    pub peer: SocketAddr,
    /// The address that it has connected to.
    pub local: SocketAddr,
}
