//! Ports of the loopback address that nobody else uses.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, bail};
use parking_lot::Mutex;
use rand::RngExt;

/// Below the kernel's ephemeral range (from 32768 on), on purpose. A port of that range can be taken at any
/// time as the source of somebody's outgoing connection, so that a stopped server may not get it back; and
/// a client that keeps trying to reach a stopped server there can end up connected to itself.
const RANGE: Range<u16> = 20_000..32_000;

/// How many ports are tried before giving up: far more than there are ever taken.
const ATTEMPTS: usize = 1_000;

/// One locked file per port given out by this process, kept until it ends.
static RESERVED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A TCP port of 127.0.0.1 that is free now, and that no other call gives out while this process lives,
/// also not in another process. Nothing listens there: a test of a closed port can use it as it is.
///
/// # Errors
///
/// When no free port is found, or the temporary directory can't be written to.
pub fn free_port() -> anyhow::Result<u16> {
    let directory = std::env::temp_dir().join("qalipsis-testkit-ports");
    fs::create_dir_all(&directory).with_context(|| format!("failed to create {}", directory.display()))?;
    for _ in 0..ATTEMPTS {
        let port = rand::rng().random_range(RANGE);
        if let Some(reservation) = reserve(&directory, port)?
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        {
            RESERVED.lock().push(reservation);
            return Ok(port);
        }
    }
    bail!("failed to find a free port on 127.0.0.1 in {RANGE:?} after {ATTEMPTS} attempts")
}

/// Locks the port's file; `None` if it is locked already, by this process or another one.
fn reserve(directory: &Path, port: u16) -> anyhow::Result<Option<File>> {
    let path = directory.join(port.to_string());
    let file = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("failed to lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn ports_are_closed_and_given_out_once() {
        let ports: Vec<u16> = (0..200).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
        for port in ports {
            assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        }
    }
}
