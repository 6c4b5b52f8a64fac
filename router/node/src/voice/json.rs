//! Lines that are JSON documents.

use std::fmt::Write as _;

use super::{Level, Line, SECRETS};

/// With a field `payload` unless it is empty.
pub(super) fn line(seq: u64, payload: &str) -> Line {
    let level = Level::of(seq);
    let message = match level {
        Level::Trace | Level::Debug => "cache looked up for the price list",
        Level::Info => "order taken",
        Level::Warn => "payment slower than usual, trying the second provider",
        Level::Error => "payment refused: card expired",
    };
    let (user, took) = (seq * 7919 % 10_000, seq * 31 % 900);
    let mut text = format!(
        r#"{{"level":"{}","seq":{seq},"msg":"{message}","user":"u-{user}","path":"/cart/{user}/pay","took_ms":{took},"agent":"Mozilla/5.0 (X11; Linux x86_64)""#,
        level.name(),
    );
    if !payload.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, r#","payload":"{payload}""#);
    }
    text.push('}');
    Line { text, stream: level.stream(), level: Some(level) }
}

/// A shop's order, told with more than should be told.
pub(super) fn order(seq: u64) -> Line {
    let level = Level::of(seq);
    let (round, took) = (seq / 10, seq * 31 % 900);
    let email = SECRETS[(round % 3) as usize];
    let card = SECRETS[3 + (round % 2) as usize];
    let rest = match level {
        Level::Trace => r#""msg":"price list read from the cache""#.to_owned(),
        Level::Debug => format!(r#""msg":"calling the provider","authorization":"Bearer {}""#, SECRETS[5]),
        Level::Info => format!(r#""msg":"order taken","customer":"{email}","card":"{card}","items":{}"#, 1 + seq % 7),
        Level::Warn => format!(r#""msg":"provider is slow","api_token":"{}""#, SECRETS[6]),
        Level::Error => format!(r#""msg":"payment of {email} refused: card {card} has expired""#),
    };
    let text = format!(r#"{{"level":"{}","seq":{seq},{rest},"took_ms":{took}}}"#, level.name());
    Line { text, stream: level.stream(), level: Some(level) }
}
