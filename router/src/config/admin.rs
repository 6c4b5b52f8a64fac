//! `admin`: where the process can be looked at.

use std::net::{IpAddr, SocketAddr};

use super::decode::Block;
use super::document::Value;
use super::kinds::{self, Reading};
use super::plan::Admin;

/// Reads `admin`.
pub(super) fn admin(block: Block) -> Option<Admin> {
    let listen = block.required("listen", "listen: 127.0.0.1:9600", listen);
    block.finish();
    Some(Admin { listen: listen? })
}

/// An IP address and a port: a name could stand for several addresses, or for another one tomorrow.
fn listen(value: &Value) -> Reading<SocketAddr> {
    let written = match value {
        Value::Integer(port) => port.to_string(),
        Value::List(_) => {
            return Err("expected HOST:PORT, not a list; put it in quotes, as in \"[::]:9600\"".to_owned());
        }
        value => kinds::text(value)?,
    };
    let port = written.trim_start_matches(':');
    if port.parse::<u16>().is_ok() {
        return Err(format!(
            "{written} is a port alone; write 0.0.0.0:{port}, or 127.0.0.1:{port} for this machine only"
        ));
    }
    if let Ok(address) = written.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Err(format!("{written:?} has no port; write {}", SocketAddr::new(address, 9600)));
    }
    written.parse().map_err(|_| {
        format!(
            "{written:?} is not an address to listen on; write HOST:PORT with a numeric address such as 0.0.0.0:9600"
        )
    })
}
