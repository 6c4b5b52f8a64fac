//! The action line of a document: its index and its `_id`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{
    Timestamp,
    fmt::strtime::{self, BrokenDownTime},
};
use sluice_core::{AllowList, RecordId, encode::append_string};

use crate::config::Index;

const HOUR: u64 = 3600 * 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
/// 22 bytes as base64 without padding.
const ID: usize = 30;

/// Writes action lines. The part up to the `_id` is kept while the index's name stays the same.
#[derive(Debug)]
pub struct Names {
    index: Index,
    /// Others that a document may be named for.
    allowed: AllowList,
    /// Whether all moments of an hour have the same index.
    hourly: bool,
    /// The hour that `head` is for, or the moment if the format is finer than that; `None` before the first.
    known: Option<u64>,
    /// `{"create":{"_index":"…","_id":"`
    head: Vec<u8>,
}

impl Names {
    /// Fails if `date_format` is not one that strftime knows.
    pub fn new(index: Index, allowed: AllowList) -> Result<Self, String> {
        let mut names = Self { index, allowed, hourly: true, known: None, head: Vec::new() };
        // The ends of an hour and what lies between them in the finest step: alike means that finer steps do not show.
        let mut written = Vec::new();
        for nanosecond in [0, 1, MILLISECOND, 60_000 * MILLISECOND, HOUR - 1] {
            written.push(names.name(1_700_002_800_000_000_000 + nanosecond)?);
        }
        names.hourly = written.windows(2).all(|pair| pair[0] == pair[1]);
        Ok(names)
    }

    /// Appends `{"create":{"_index":"…","_id":"…"}}` and a line feed.
    pub fn append_action(&mut self, moment: u64, id: RecordId, out: &mut Vec<u8>) {
        let key = match (&self.index, self.hourly) {
            (Index::Name(_), _) => 0,
            (Index::Logstash { .. }, true) => moment / HOUR,
            (Index::Logstash { .. }, false) => moment,
        };
        if self.known != Some(key) {
            self.known = Some(key);
            // `new` has tried the format; a moment cannot change what it takes.
            let name = self.name(moment).unwrap_or_default();
            self.head.clear();
            append_head(&name, &mut self.head);
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&document_id(moment, id));
        out.extend_from_slice(b"\"}}\n");
    }

    /// Appends the same for the index that a plugin named.
    pub fn append_action_for(&self, index: &str, moment: u64, id: RecordId, out: &mut Vec<u8>) {
        append_head(index, out);
        out.extend_from_slice(&document_id(moment, id));
        out.extend_from_slice(b"\"}}\n");
    }

    /// Whether a document may go to the index that a plugin named; the error says why not.
    pub fn check(&self, index: &str) -> Result<(), String> {
        if !is_index(index) {
            return Err(format!("{:?} cannot be an index", &index[..index.floor_char_boundary(64)]));
        }
        if self.allowed.allows(index) {
            Ok(())
        } else {
            Err(format!("index {index} is not among index.allow of the sink"))
        }
    }

    /// At least as long as any action line will be, but for one with another index.
    pub fn longest_action(&self) -> usize {
        // A name in JSON is at most six times as long, and names of a format differ by a few characters.
        self.head.len() + ID + 32
    }

    fn name(&self, moment: u64) -> Result<String, String> {
        match &self.index {
            Index::Name(name) => Ok(name.clone()),
            Index::Logstash { prefix, separator, date_format } => {
                let timestamp = Timestamp::from_nanosecond(i128::from(moment)).map_err(|error| error.to_string())?;
                let date = strtime::format(date_format, BrokenDownTime::from(timestamp))
                    .map_err(|error| format!("date format {date_format:?}: {error}"))?;
                Ok(format!("{prefix}{separator}{date}").to_lowercase())
            }
        }
    }
}

/// `{"create":{"_index":"…","_id":"`
fn append_head(index: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"create\":{\"_index\":");
    append_string(index, out);
    out.extend_from_slice(b",\"_id\":\"");
}

/// Elasticsearch's own rule.
fn is_index(name: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || c.is_uppercase() || "\\/*?\"<>|,#:".contains(c);
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with(['-', '_', '+'])
        && name != "."
        && name != ".."
        && !name.contains(refused)
}

/// The `_id` of a document: 6 bytes of milliseconds and 16 of the record's identity, as base64url.
///
/// Elasticsearch stores an id in this alphabet as the bytes that it stands for (22 instead of 30), and ids that begin
/// with the time lie close together in its term dictionary, so that looking for a repeat stays cheap.
fn document_id(moment: u64, id: RecordId) -> [u8; ID] {
    let mut bytes = [0; 22];
    bytes[..6].copy_from_slice(&(moment / MILLISECOND).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&id.0.to_be_bytes());
    let mut text = [b'-'; ID];
    // 30 characters are exactly what 22 bytes need.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(ID));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: u64 = 1_700_000_000_123_456_789;

    fn logstash(prefix: &str, separator: &str, date_format: &str) -> Index {
        Index::Logstash { prefix: prefix.into(), separator: separator.into(), date_format: date_format.into() }
    }

    fn indices(index: Index, moments: &[u64]) -> Vec<String> {
        let mut names = Names::new(index, AllowList::default()).unwrap();
        let mut write = |&moment: &u64| {
            let mut out = Vec::new();
            names.append_action(moment, RecordId(1), &mut out);
            let action: serde_json::Value = serde_json::from_slice(&out).unwrap();
            action["create"]["_index"].as_str().unwrap().to_owned()
        };
        moments.iter().map(&mut write).collect()
    }

    #[test]
    fn the_index_follows_the_date_in_utc() {
        let day = 24 * HOUR;
        for (index, expected) in [
            (
                logstash("logstash", "-", "%Y.%m.%d"),
                ["logstash-2023.11.14", "logstash-2023.11.15", "logstash-2023.11.14"],
            ),
            (logstash("Kube", "_", "%Y%m"), ["kube_202311", "kube_202311", "kube_202311"]),
            (logstash("a", "-", "%Y.%m.%d.%H"), ["a-2023.11.14.22", "a-2023.11.15.22", "a-2023.11.14.22"]),
            (logstash("a", "-", "%d-%M"), ["a-14-13", "a-15-13", "a-14-13"]),
            (logstash("a", "-", "%b"), ["a-nov", "a-nov", "a-nov"]),
            (logstash("é\"", "-", "x"), ["é\"-x", "é\"-x", "é\"-x"]),
            (Index::Name("logs".into()), ["logs", "logs", "logs"]),
        ] {
            assert_eq!(indices(index, &[MOMENT, MOMENT + day, MOMENT]), expected);
        }
    }

    #[test]
    fn a_format_finer_than_an_hour_is_not_kept() {
        let moments = [MOMENT, MOMENT + 1, MOMENT + MILLISECOND, MOMENT + 60_000 * MILLISECOND];
        for format in ["%M", "%S", "%s", "%T", "%f", "%3f", "%N"] {
            let names = indices(logstash("a", "-", format), &moments);
            let fresh: Vec<_> =
                moments.iter().flat_map(|&moment| indices(logstash("a", "-", format), &[moment])).collect();
            assert_eq!(names, fresh, "{format}");
        }
    }

    #[test]
    fn a_wrong_format_is_told_at_the_start() {
        for format in ["%", "%Y-%!", "%5"] {
            assert!(
                Names::new(logstash("a", "-", format), AllowList::default()).is_err_and(|text| text.contains(format)),
                "{format}"
            );
        }
    }

    #[test]
    fn the_id_is_the_time_and_the_identity() {
        for (moment, id, expected) in [
            (0, RecordId(0), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            (MOMENT, RecordId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), "AYvP5Wh7ASNFZ4mrze8BI0VniavN7w"),
            (u64::MAX, RecordId(u128::MAX), "EMb3oLXt_____________________w"),
        ] {
            let text = String::from_utf8(document_id(moment, id).to_vec()).unwrap();
            assert_eq!(text, expected);
            let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            assert_eq!(bytes[..6], (moment / MILLISECOND).to_be_bytes()[2..]);
            assert_eq!(bytes[6..], id.0.to_be_bytes());
        }
    }
}
