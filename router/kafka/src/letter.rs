//! What a dead letter says beside its value, and how it is cut down where the whole is too large.

use std::sync::Arc;

use rdkafka::message::{Header, OwnedHeaders};
use sluice_core::{Place, RecordId};

use crate::headers;

/// What is kept of a record that the dead-letter topic itself finds too large; the headers point to the whole.
pub(crate) const LONGEST_EXCERPT: usize = 64 << 10;
/// The bytes that are tried, one after the other, when more are refused; in the end the headers alone are a pointer.
const EXCERPTS: [usize; 3] = [LONGEST_EXCERPT, 4 << 10, 0];
/// What is kept of an index's explanation.
const LONGEST_DETAIL: usize = 4 << 10;

/// A dead letter without its value.
#[derive(Debug)]
pub(crate) struct Letter {
    pub reason: String,
    /// What the refusing side said of this record.
    pub detail: String,
    /// The HTTP status of the refusal, where there was one.
    pub status: Option<u16>,
    pub place: Arc<Place>,
    pub position: u64,
    pub id: RecordId,
    pub time: u64,
    /// Bytes of the whole value.
    pub length: usize,
    /// Bytes of it that are sent.
    pub kept: usize,
}

impl Letter {
    pub fn headers(&self) -> OwnedHeaders {
        let detail = &self.detail[..self.detail.floor_char_boundary(LONGEST_DETAIL)];
        let mut headers = headers::write(self.time, self.id, 0)
            .insert(Header { key: "sluice-reason", value: Some(&self.reason) })
            .insert(Header { key: "sluice-detail", value: Some(detail) })
            .insert(Header { key: "sluice-place", value: Some(&self.place.to_string()) })
            .insert(Header { key: "sluice-position", value: Some(&self.position.to_string()) });
        if let Some(status) = self.status {
            headers = headers.insert(Header { key: "sluice-status", value: Some(&status.to_string()) });
        }
        if self.kept < self.length {
            headers = headers.insert(Header { key: "sluice-truncated", value: Some(&self.length.to_string()) });
        }
        headers
    }

    /// Gives up a part, the least needed first: of the value, then the explanation. False if nothing is left to give.
    pub fn cut(&mut self) -> bool {
        if let Some(shorter) = EXCERPTS.into_iter().find(|excerpt| *excerpt < self.kept) {
            self.kept = shorter;
            return true;
        }
        let had_detail = !self.detail.is_empty();
        self.detail.clear();
        had_detail
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Headers;

    use super::*;

    fn letter(length: usize, detail: &str) -> Letter {
        Letter {
            reason: "mapping".into(),
            detail: detail.into(),
            status: Some(400),
            place: Arc::new(Place::File { path: "/var/log/c1.log".into() }),
            position: 7,
            id: RecordId(1),
            time: 2,
            length,
            kept: length,
        }
    }

    #[test]
    fn cutting_ends_with_a_pointer() {
        for (length, detail, expected) in [
            (1 << 20, "why", &[65_536, 4_096, 0, 0][..]),
            (65_536, "why", &[4_096, 0, 0]),
            (10, "", &[0]),
            (0, "why", &[0]),
            (0, "", &[]),
        ] {
            let mut letter = letter(length, detail);
            let mut kept = Vec::new();
            while letter.cut() {
                kept.push(letter.kept);
            }
            assert_eq!(kept, expected, "{length} {detail:?}");
            let headers = letter.headers();
            let position =
                headers.iter().find(|header| header.key == "sluice-position").and_then(|header| header.value);
            assert_eq!(position, Some(&b"7"[..]));
            let whole = headers.iter().find(|header| header.key == "sluice-truncated").and_then(|header| header.value);
            assert_eq!(whole, (length > 0).then(|| length.to_string()).as_deref().map(str::as_bytes));
        }
    }

    #[test]
    fn a_long_explanation_is_cut_between_characters() {
        let headers = letter(0, &"ä".repeat(4_000)).headers();
        let detail = headers.iter().find(|header| header.key == "sluice-detail").and_then(|header| header.value);
        assert_eq!(detail.map(<[u8]>::len), Some(4_096));
        assert!(std::str::from_utf8(detail.unwrap()).is_ok());
    }
}
