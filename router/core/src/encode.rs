//! Records as JSON, in the shape that Fluentd gave them. Encoded once, at the sink.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Batch, Origin, Record, Shape};

/// What a sink adds to the record of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// `"tag"`, last: the origin's tag.
    pub include_tag: bool,
    /// `"time"`, before the tag: whole seconds since 1970.
    pub include_time: bool,
}

impl Encoding {
    /// Appends the JSON object of the record at `index` to `out`.
    ///
    /// A line becomes `{"log":…,"stream":…,"docker":…,"kubernetes":…,"time":…,"tag":…}`; bytes that were not UTF-8
    /// follow the text as base64 in `log_raw`, and `"log_truncated":true` marks a line that was cut. A document goes
    /// out as it came in.
    pub fn append(self, batch: &Batch, index: usize, out: &mut Vec<u8>) {
        let record = &batch.records()[index];
        match batch.shape() {
            Shape::Documents => out.extend_from_slice(batch.text(record)),
            Shape::Lines => self.append_line(batch, record, out),
        }
    }

    fn append_line(self, batch: &Batch, record: &Record, out: &mut Vec<u8>) {
        let origin: &Origin = batch.origin(record);
        out.extend_from_slice(b"{\"log\":");
        match simdutf8::basic::from_utf8(batch.text(record)) {
            Ok(text) => append_string(text, out),
            Err(_) => append_string(&String::from_utf8_lossy(batch.text(record)), out),
        }
        if let Some(raw) = batch.raw(record) {
            out.extend_from_slice(b",\"log_raw\":\"");
            out.extend_from_slice(STANDARD.encode(raw).as_bytes());
            out.push(b'"');
        }
        if record.truncated {
            out.extend_from_slice(b",\"log_truncated\":true");
        }
        out.extend_from_slice(b",\"stream\":\"");
        out.extend_from_slice(record.stream.name().as_bytes());
        out.push(b'"');
        let members = origin.members();
        if !members.is_empty() {
            out.push(b',');
            out.extend_from_slice(members.as_bytes());
        }
        if self.include_time {
            out.extend_from_slice(b",\"time\":");
            out.extend_from_slice(itoa::Buffer::new().format(record.time / 1_000_000_000).as_bytes());
        }
        if self.include_tag && !origin.tag.is_empty() {
            out.extend_from_slice(b",\"tag\":");
            append_string(&origin.tag, out);
        }
        out.push(b'}');
    }
}

/// Appends `text` as a JSON string with its quotes.
pub fn append_string(text: &str, out: &mut Vec<u8>) {
    let before = out.len();
    if sonic_rs::to_writer(&mut *out, text).is_err() {
        // Writing to memory does not fail; if the library says so all the same, the record is still well-formed.
        out.truncate(before);
        out.extend_from_slice(b"\"\"");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Generation, Ledger, Place, RecordId, Stream, Watermark};

    fn line(text: &[u8], raw: &[u8], truncated: bool, origin: Origin) -> Batch {
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
            position: 0,
            id: RecordId(1),
        };
        let place = Arc::new(Place::File { path: "f".into() });
        Batch::new(Shape::Lines, place, [text, raw].concat(), vec![record], vec![Arc::new(origin)], receipt)
    }

    #[test]
    fn lines_take_the_shape_of_fluentd() {
        let origin =
            || Origin::new("c", "kubernetes.x.log", r#"{"docker":{"container_id":"c"},"kubernetes":{"host":"n"}}"#);
        let all = Encoding { include_tag: true, include_time: true };
        let none = Encoding::default();
        let (docker, tag) =
            (r#""docker":{"container_id":"c"},"kubernetes":{"host":"n"}"#, r#""tag":"kubernetes.x.log""#);
        for (batch, encoding, expected) in [
            (
                line(b"boom\n", b"", false, origin()),
                all,
                format!(r#"{{"log":"boom\n","stream":"stderr",{docker},"time":1700000000,{tag}}}"#),
            ),
            (line(b"a", b"", false, origin()), none, format!(r#"{{"log":"a","stream":"stderr",{docker}}}"#)),
            (
                line(b"a", b"", false, Origin::unknown()),
                all,
                r#"{"log":"a","stream":"stderr","time":1700000000}"#.into(),
            ),
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
}
