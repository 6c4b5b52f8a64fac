//! Addresses of Elasticsearch and OpenSearch.

use super::document::Value;
use super::kinds::{self, Reading};

/// An address like `https://elasticsearch:9200`, with a path if a proxy wants one.
pub(super) fn host(value: &Value) -> Reading<String> {
    let text = kinds::text(value)?;
    // Whatever stands before an "@" may be a password, so that such an address is never quoted.
    if text.contains('@') {
        return Err("credentials do not belong in an address; write \"auth: { user: …, password: { file: /path } }\""
            .to_owned());
    }
    let wrong = |advice: &str| Err(format!("{text:?} is not an address; write {advice}"));
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return if text.contains("://") {
            wrong("it with http:// or https://")
        } else {
            wrong(&format!("https://{text} (or http://)"))
        };
    };
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) || text.contains(['?', '#', ',', '"', '\\']) {
        return wrong("scheme, host and port alone, as in https://elasticsearch:9200");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if is_authority(authority) { Ok(text) } else { wrong("it like https://elasticsearch:9200") }
}

/// Whether a password sent to this address can be read on the way.
pub(super) fn is_open(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let (name, _) = name_and_port(authority);
    let loopback = name == "localhost" || name == "[::1]";
    let loopback = loopback || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    !loopback
}

fn is_authority(authority: &str) -> bool {
    let (name, port) = name_and_port(authority);
    let port_is_one = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_is_one = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && !name.contains(['[', ']', ':']),
    };
    port_is_one && name_is_one
}

fn name_and_port(authority: &str) -> (&str, Option<&str>) {
    let after_address = authority.rfind(']').unwrap_or(0);
    match authority.rfind(':').filter(|at| *at >= after_address) {
        Some(at) => (authority.get(..at).unwrap_or_default(), authority.get(at + 1..)),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, valid: bool, open: bool| {
            let value = Value::Text { text: text.to_owned(), from_environment: false };
            assert_eq!(host(&value).is_ok(), valid, "{text}");
            assert_eq!(valid && is_open(text), open, "{text}");
        };
        check("https://elasticsearch:443", true, false);
        check("http://elasticsearch:9200", true, true);
        check("http://elasticsearch", true, true);
        check("http://localhost:9200", true, false);
        check("http://127.0.0.1:9200", true, false);
        check("http://127.1.2.3", true, false);
        check("http://[::1]:9200", true, false);
        check("http://[2001:db8::1]:9200", true, true);
        check("https://proxy/elastic/", true, false);
        check("http://127.0.0.1.example.org", true, true);
        check("elasticsearch:9200", false, false);
        check("ftp://elasticsearch", false, false);
        check("https://user:pass@elasticsearch", false, false);
        check("https://", false, false);
        check("https://:9200", false, false);
        check("https://a:0", false, false);
        check("https://a:65536", false, false);
        check("https://a:b", false, false);
        check("https://[::1", false, false);
        check("https://[nine]", false, false);
        check("https://::1", false, false);
        check("https://a b", false, false);
        check("https://a,https://b", false, false);
        check("https://a/?q=1", false, false);
    }
}
