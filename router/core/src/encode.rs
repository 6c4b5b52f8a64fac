//! Records as JSON, in the shape that Fluentd gave them. Encoded once, at the sink.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    Batch, Edits, Origin, Record, Shape,
    json::plain_end,
    splice::{LineEdits, splice},
};

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
    /// follow the text as base64 in `log_raw`, and `"log_truncated":true` marks a line that was cut, `"log_partial":true` one
    /// that goes on in another record, and `"log_part":2` says which piece of a split line it is. A document goes out
    /// as it came in. Both with the edits of [`Batch::edits`], each of which is counted where it is blocked: append
    /// a record once.
    pub fn append(self, batch: &Batch, index: usize, out: &mut Vec<u8>) {
        let record = &batch.records()[index];
        let edits = batch.edits().filter(|edits| edits.is_edited(index));
        match (batch.shape(), edits) {
            (Shape::Documents, None) => out.extend_from_slice(batch.text(record)),
            (Shape::Documents, Some(edits)) => splice(batch.text(record), edits, index, out),
            (Shape::Lines, None) => self.append_line(batch, record, &LineEdits::default(), out),
            (Shape::Lines, Some(edits)) => self.append_edited(batch, index, edits, out),
        }
    }

    fn append_edited(self, batch: &Batch, index: usize, edits: &Edits, out: &mut Vec<u8>) {
        let record = &batch.records()[index];
        if let Some(edits) = LineEdits::of(edits, index) {
            return self.append_line(batch, record, &edits, out);
        }
        let mut line = Vec::with_capacity(2 * batch.text(record).len() + 512);
        self.append_line(batch, record, &LineEdits::default(), &mut line);
        splice(&line, edits, index, out);
    }

    fn append_line(self, batch: &Batch, record: &Record, edits: &LineEdits, out: &mut Vec<u8>) {
        let origin: &Origin = batch.origin(record);
        out.extend_from_slice(b"{\"log\":");
        if !edits.append_log(out) {
            append_text(batch.text(record), out);
        }
        if let Some(raw) = batch.raw(record).filter(|_| !edits.without_raw()) {
            out.extend_from_slice(b",\"log_raw\":\"");
            out.extend_from_slice(STANDARD.encode(raw).as_bytes());
            out.push(b'"');
        }
        if record.truncated {
            out.extend_from_slice(b",\"log_truncated\":true");
        }
        if record.part.goes_on {
            out.extend_from_slice(b",\"log_partial\":true");
        }
        if record.part.number > 0 {
            out.extend_from_slice(b",\"log_part\":");
            out.extend_from_slice(itoa::Buffer::new().format(record.part.number).as_bytes());
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
        edits.append_added(out);
        out.push(b'}');
    }
}

/// Appends what should be UTF-8 as a JSON string with its quotes.
pub(crate) fn append_text(text: &[u8], out: &mut Vec<u8>) {
    match simdutf8::basic::from_utf8(text) {
        Ok(text) => append_string(text, out),
        Err(_) => append_string(&String::from_utf8_lossy(text), out),
    }
}

const SHORT: usize = 32;

/// Appends `text` as a JSON string with its quotes.
pub fn append_string(text: &str, out: &mut Vec<u8>) {
    // Keys and short values mostly stand as they are, which is seen faster than the library is called.
    if text.len() <= SHORT && plain_end::<true>(text.as_bytes(), 0) == text.len() {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let before = out.len();
    if sonic_rs::to_writer(&mut *out, text).is_err() {
        // Writing to memory does not fail; if the library says so all the same, the record is still well-formed.
        out.truncate(before);
        out.extend_from_slice(b"\"\"");
    }
}

#[cfg(test)]
mod tests;
