//! Where a request comes from.

use std::net::SocketAddr;

/// Both ends of the connection of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    /// The client.
    pub(crate) peer: SocketAddr,
    /// The address that it has connected to.
    pub(crate) local: SocketAddr,
}
