//! Lines of docker's json-file driver, beside a parser of JSON that knows nothing of them.
#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sluice_core::Stream;
use sluice_tail::{cri, docker, fragment::Body};

/// The members of an object as they stand, if no key has an escape: one that has is another member to the scanner.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl Members<'_> {
    /// The text of a member that is there once and is a string.
    fn text(&self, key: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(name, _)| *name == key);
        let (value, None) = (values.next()?.1, values.next()) else { return None };
        serde_json::from_str(value.get()).ok()
    }

    /// The same, as it stands between its quotes.
    fn raw(&self, key: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(name, _)| *name == key);
        let (value, None) = (values.next()?.1, values.next()) else { return None };
        value.get().strip_prefix('"')?.strip_suffix('"')
    }
}

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let fragment = docker::parse(line);
    let text = fragment.as_ref().map(|fragment| {
        let Body::Json(escaped) = fragment.body else { panic!("a docker line is JSON") };
        let mut text = Vec::new();
        let appended = fragment.body.append(&mut text, usize::MAX / 2);
        assert!(!appended.cut);
        assert_eq!(appended.partial, text.last() != Some(&b'\n'), "a text that ends in a newline is whole");
        let limit = usize::from(line[0]) % 40;
        let mut out = Vec::new();
        let cut = fragment.body.append(&mut out, limit).cut;
        assert!(text.starts_with(&out) && out.len() <= limit);
        assert_eq!(cut, text.len() > limit);
        if std::str::from_utf8(escaped).is_ok() {
            assert!(std::str::from_utf8(&out).is_ok(), "half a character at {limit}");
        }
        text
    });

    let Ok(members) = serde_json::from_slice::<Members>(line) else { return };
    let (Some(log), Some(stream), Some(time)) = (members.text("log"), members.raw("stream"), members.raw("time"))
    else {
        return;
    };
    let stream = Stream::parse(stream.as_bytes());
    // Times are read alike in both formats, but for what is too long to be one on a CRI line.
    if time.len() > 60 {
        return;
    }
    let line = format!("{time} stdout F");
    let time = if time.contains(' ') { None } else { cri::parse(line.as_bytes()) };
    assert_eq!(fragment.is_some(), stream.is_some() && time.is_some());
    if let (Some(fragment), Some(text)) = (fragment, text) {
        assert_eq!(std::str::from_utf8(&text), Ok(log.as_str()));
        assert_eq!((Some(fragment.stream), Some(fragment.time)), (stream, time.map(|line| line.time)));
    }
});
