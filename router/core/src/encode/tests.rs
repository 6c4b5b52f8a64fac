use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{Edit, EditPath, Generation, Ledger, Part, Place, RecordId, Stream, Tally, ValueKind, Watermark};

fn line(text: &[u8], raw: &[u8], truncated: bool, origin: Origin) -> Batch {
    part_of_line(text, raw, truncated, Part::default(), origin)
}

fn part_of_line(text: &[u8], raw: &[u8], truncated: bool, part: Part, origin: Origin) -> Batch {
    let mut watermark = Watermark::new(Generation::new(Arc::new(Ledger::default())), 0u64);
    let receipt = watermark.open(1, 1);
    let end = text.len() as u32;
    let record = Record {
        start: 0,
        end,
        raw_end: end + raw.len() as u32,
        origin: 0,
        time: 1_700_000_000_123_456_789,
        timed: true,
        stream: Stream::Stderr,
        truncated,
        part,
        position: 0,
        id: RecordId(1),
    };
    let place = Arc::new(Place::File { path: "f".into() });
    Batch::new(Shape::Lines, place, [text, raw].concat(), vec![record], vec![Arc::new(origin)], receipt)
}

#[test]
fn lines_take_the_shape_of_fluentd() {
    let all = Encoding { include_tag: true, include_time: true };
    let none = Encoding::default();
    let (docker, tag) =
        (r#""docker":{"container_id":"c"},"kubernetes":{"host":"n","labels":{}}"#, r#""tag":"kubernetes.x.log""#);
    for (batch, encoding, expected) in [
        (
            line(b"boom\n", b"", false, origin()),
            all,
            format!(r#"{{"log":"boom\n","stream":"stderr",{docker},"time":1700000000,{tag}}}"#),
        ),
        (line(b"a", b"", false, origin()), none, format!(r#"{{"log":"a","stream":"stderr",{docker}}}"#)),
        (line(b"a", b"", false, Origin::unknown()), all, r#"{"log":"a","stream":"stderr","time":1700000000}"#.into()),
        (
            line("\u{fffd}".as_bytes(), b"\xff", false, Origin::unknown()),
            none,
            "{\"log\":\"\u{fffd}\",\"log_raw\":\"/w==\",\"stream\":\"stderr\"}".into(),
        ),
        (
            line(b"cut", b"", true, Origin::unknown()),
            none,
            r#"{"log":"cut","log_truncated":true,"stream":"stderr"}"#.into(),
        ),
        (
            part_of_line(b"a", b"", false, Part { number: 0, goes_on: true }, Origin::unknown()),
            none,
            r#"{"log":"a","log_partial":true,"stream":"stderr"}"#.into(),
        ),
        (
            part_of_line(b"a", b"", false, Part { number: 12, goes_on: true }, Origin::unknown()),
            none,
            r#"{"log":"a","log_partial":true,"log_part":12,"stream":"stderr"}"#.into(),
        ),
        (
            line(b"\"\\\x00\x1f\t/\xc3\xa9", b"", false, Origin::unknown()),
            none,
            r#"{"log":"\"\\\u0000\u001f\t/é","stream":"stderr"}"#.into(),
        ),
    ] {
        let mut out = Vec::new();
        encoding.append(&batch, 0, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

fn origin() -> Origin {
    Origin::new("c", "kubernetes.x.log", r#"{"docker":{"container_id":"c"},"kubernetes":{"host":"n","labels":{}}}"#)
}

/// Paths with slashes between their keys, and what they are set to.
type Change = (&'static str, ValueKind, &'static str);

fn edits(changes: &[Change]) -> (Edits, Tally) {
    let (mut edits, blocked) = (Edits::new(1), Tally::default());
    for (keys, kind, value) in changes {
        let keys = keys.split('/').map(str::to_owned).collect();
        let path = edits.add_path(&Arc::new(EditPath::new(keys, blocked.clone())));
        let at = edits.add_bytes(value.as_bytes());
        edits.push(0, Edit { path, kind: *kind, at, size: value.len() as u32 });
    }
    (edits, blocked)
}

#[test]
fn edited_lines_are_encoded_once() {
    use ValueKind::{Absent, Boolean, Number, Text};
    for (changes, expected) in [
        (&[("log", Text, "b\"")][..], r#"{"log":"b\"","log_raw":"/w==","stream":"stderr"}"#),
        (&[("log", Text, "b"), ("log_raw", Absent, "")], r#"{"log":"b","stream":"stderr"}"#),
        (
            &[("level", Text, "warn"), ("http/status", Number, "500"), ("http/ok", Boolean, "false")],
            r#"{"log":"a","log_raw":"/w==","stream":"stderr","level":"warn","http":{"status":500,"ok":false}}"#,
        ),
        (&[("log", Absent, ""), ("log_raw", Absent, "")], r#"{"stream":"stderr"}"#),
        (&[("stream", Absent, ""), ("x", Number, "1")], r#"{"log":"a","log_raw":"/w==","x":1}"#),
    ] {
        let mut batch = line(b"a", b"\xff", false, Origin::unknown());
        batch.set_edits(edits(changes).0);
        let mut out = Vec::new();
        Encoding::default().append(&batch, 0, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let paths = vec![
        "log",
        "log",
        "log",
        "log/x",
        "log_raw",
        "log_raw",
        "log_truncated",
        "log_partial",
        "log_part",
        "stream",
        "time",
        "tag",
        "docker",
        "kubernetes/labels/app",
        "kubernetes.host",
        "level",
        "level",
        "level/x",
        "a.b",
        "a/b",
        "a/c",
        "log.x",
    ];
    let values = vec![
        (ValueKind::Absent, ""),
        (ValueKind::Absent, ""),
        (ValueKind::Text, "t\n\"ü"),
        (ValueKind::Text, "{\"x\":1}"),
        (ValueKind::Null, ""),
        (ValueKind::Number, "-1e9"),
        (ValueKind::Object, "{\"x\": {} }"),
        (ValueKind::Array, "[1]"),
    ];
    let change = (select(paths), select(values)).prop_map(|(path, (kind, value))| (path, kind, value));
    vec(change, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// What is made while a line is encoded is what would be made of the encoded line.
    #[test]
    fn a_line_is_edited_as_the_document_that_it_becomes(
        text in vec(any::<char>(), 0..20),
        flags in any::<[bool; 6]>(),
        changes in changes(),
    ) {
        let [has_raw, truncated, is_piece, has_origin, include_tag, include_time] = flags;
        let encoding = Encoding { include_tag, include_time };
        let raw = if has_raw { &b"\xff\xfe"[..] } else { b"" };
        let origin = if has_origin { origin() } else { Origin::unknown() };
        let text: String = text.into_iter().collect();
        let part = if is_piece { Part { number: 3, goes_on: true } } else { Part::default() };
        let mut batch = part_of_line(text.as_bytes(), raw, truncated, part, origin);
        let (edits, expected_blocked) = self::edits(&changes);
        let (mut plain, mut expected) = (Vec::new(), Vec::new());
        encoding.append(&batch, 0, &mut plain);
        splice(&plain, &edits, 0, &mut expected);

        let (edits, blocked) = self::edits(&changes);
        batch.set_edits(edits);
        let mut out = Vec::new();
        encoding.append(&batch, 0, &mut out);
        prop_assert_eq!(String::from_utf8(out), String::from_utf8(expected));
        prop_assert_eq!(blocked.get(), expected_blocked.get());
    }
}
