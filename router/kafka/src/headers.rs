//! The Kafka headers that carry what Fluentd's record cannot: nanoseconds, identity and origin.
//!
//! All values are text, so that any consumer's tool shows them: `sluice-time` is decimal nanoseconds since 1970,
//! `sluice-id` 32 and `sluice-origin` 16 hexadecimal digits.

use rdkafka::message::{BorrowedHeaders, Header, Headers, OwnedHeaders};
use sluice_core::RecordId;

pub(crate) const TIME: &str = "sluice-time";
pub(crate) const ID: &str = "sluice-id";
pub(crate) const ORIGIN: &str = "sluice-origin";

/// What the headers of a message said; `None` for what is missing or malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub time: Option<u64>,
    pub id: Option<RecordId>,
    pub origin: Option<u64>,
}

/// `origin` 0 (not known) is left out.
pub(crate) fn write(time: u64, id: RecordId, origin: u64) -> OwnedHeaders {
    let mut digits = itoa::Buffer::new();
    let headers = OwnedHeaders::new_with_capacity(3)
        .insert(Header { key: TIME, value: Some(digits.format(time)) })
        .insert(Header { key: ID, value: Some(&id.to_hex()[..]) });
    match origin {
        0 => headers,
        origin => headers.insert(Header { key: ORIGIN, value: Some(&hex16(origin)[..]) }),
    }
}

pub(crate) fn read(headers: &BorrowedHeaders) -> Identity {
    let mut identity = Identity::default();
    for header in headers.iter() {
        let Some(value) = header.value else { continue };
        match header.key {
            TIME => identity.time = decimal(value),
            ID => identity.id = RecordId::from_hex(value),
            ORIGIN => identity.origin = from_hex16(value),
            _ => {}
        }
    }
    identity
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn hex16(value: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (i, digit) in text.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(value >> (60 - 4 * i)) as usize & 15];
    }
    text
}

fn from_hex16(text: &[u8]) -> Option<u64> {
    if text.len() != 16 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back() {
        for (time, id, origin) in [(0, 0, 1), (1_700_000_000_123_456_789, u128::MAX, u64::MAX), (u64::MAX, 7, 0)] {
            let headers = write(time, RecordId(id), origin);
            let expected =
                Identity { time: Some(time), id: Some(RecordId(id)), origin: (origin != 0).then_some(origin) };
            assert_eq!(read(headers.as_borrowed()), expected);
        }
    }

    #[test]
    fn malformed_headers_are_as_good_as_missing() {
        for (key, value) in [
            (TIME, "now"),
            (TIME, "-1"),
            (TIME, ""),
            (TIME, "18446744073709551616"),
            (ID, "12"),
            (ID, "zz000000000000000000000000000000"),
            (ORIGIN, "+123456789abcdef"),
            (ORIGIN, "0"),
            ("other", "1"),
        ] {
            let headers = OwnedHeaders::new().insert(Header { key, value: Some(value) });
            assert_eq!(read(headers.as_borrowed()), Identity::default(), "{key}: {value}");
        }
    }
}
