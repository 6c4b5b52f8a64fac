//! Loopback ports that stay ours while their server is down.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

use crate::cache::servers_folder;

/// Below the ranges that Linux gives to outgoing connections (32768 and up): a client that keeps calling a dead
/// server on an ephemeral port can be given that very port as its own and then talks to itself.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;
const TRIES: u64 = 200;

/// A free TCP port of 127.0.0.1, kept from other users of this crate on this machine until dropped.
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub(crate) fn reserve() -> Result<Self> {
        let folder = servers_folder()?.join("ports");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let random = RandomState::new();
        for attempt in 0..TRIES {
            let offset = u16::try_from(random.hash_one(attempt) % u64::from(COUNT))?;
            let number = FIRST + offset;
            let path = folder.join(number.to_string());
            let lock = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        bail!("no free port of 127.0.0.1 between {FIRST} and {} after {TRIES} tries", FIRST + COUNT)
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_port_is_given_once_while_it_is_held() {
        let held: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let distinct: HashSet<u16> = held.iter().map(Port::number).collect();
        assert_eq!(distinct.len(), held.len());
    }

    #[test]
    fn a_busy_port_is_not_given() {
        let port = Port::reserve().unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
        let path = servers_folder().unwrap().join("ports").join(port.number().to_string());
        let second = File::create(path).unwrap();
        assert!(second.try_lock().is_err());
    }
}
