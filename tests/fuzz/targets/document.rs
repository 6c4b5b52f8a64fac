//! Messages of a topic that somebody else fills: what passes for a JSON object is one, to every other parser too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, value::RawValue};
use sluice_core::{Record, RecordId, Stream};

#[path = "../../../router/elastic/src/moment.rs"]
#[allow(dead_code)]
mod moment;
#[path = "../../../router/elastic/src/scan.rs"]
#[allow(dead_code)]
mod scan;

use scan::{Members, Scanner};

const TAG: &str = "tag";

fuzz_target!(|document: &[u8]| {
    let scanned = Scanner::default().scan(document, Some(TAG));
    let is_object = document.trim_ascii_start().starts_with(b"{");
    let other = serde_json::from_slice::<&RawValue>(document).is_ok() && is_object;
    match scanned {
        Ok(members) => {
            assert!(other, "no JSON object: {}", String::from_utf8_lossy(document));
            check(document, &members);
        }
        Err(defect) => {
            assert!(defect.offset <= document.len() && !defect.what.is_empty());
            assert!(!other || defect.what == "a repeated key", "{defect:?}: {}", String::from_utf8_lossy(document));
        }
    }
});

fn check(document: &[u8], members: &Members) {
    assert_eq!((document[members.open], document[members.close]), (b'{', b'}'));
    assert!(members.has_lines || !document.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
    // Numbers that no float holds and half characters are JSON, and more than this parser takes.
    if let Ok(value) = serde_json::from_slice::<Value>(document) {
        assert_eq!(members.is_empty, value.as_object().is_some_and(|object| object.is_empty()));
        let found = [(&members.timestamp, "@timestamp"), (&members.time, "time"), (&members.tag, TAG)];
        for (range, key) in found {
            let found = range.clone().map(|range| serde_json::from_slice::<Value>(&document[range]).expect("a value"));
            assert_eq!(found.as_ref(), value.get(key), "{key}");
        }
    }
    for timed in [false, true] {
        let moment = moment::of(document, members, &record(timed));
        let mut text = Vec::new();
        moment::Clock::default().append(moment, &mut text);
        let read: jiff::Timestamp = String::from_utf8_lossy(&text).parse().expect("a timestamp");
        assert_eq!(read.as_nanosecond(), i128::from(moment));
    }
}

fn record(timed: bool) -> Record {
    Record {
        start: 0,
        end: 0,
        raw_end: 0,
        origin: 0,
        time: 1_700_000_000_123_456_789,
        timed,
        stream: Stream::Stdout,
        truncated: false,
        part: Default::default(),
        position: 0,
        id: RecordId(1),
    }
}
