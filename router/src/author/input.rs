//! Log files and NDJSON as records: what an indexer would get from them.

use std::{
    io::{self, BufRead, Read as _},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use sluice_core::Stream;
use sluice_tail::Format;

/// Records that are asked about at once.
const RECORDS: usize = 1000;
const BYTES: usize = 1 << 20;
/// A longer line is no line of a log.
const LONGEST_LINE: u64 = 16 << 20;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The line of the input that it ends in, from 1 on.
    pub line: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// A JSON object.
    pub document: Vec<u8>,
}

/// What the lines are, decided by the first one that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Each is a record: a JSON object with a member `log`.
    Records,
    /// Each is a line of a log.
    Lines(Format),
}

/// Reads records, as many at once as there are.
pub struct Reader<R> {
    lines: R,
    line: u64,
    shape: Option<Shape>,
    /// What goes on in the next line of its stream.
    open: [Vec<u8>; 2],
    time: u64,
}

impl<R: BufRead> Reader<R> {
    pub fn new(lines: R) -> Self {
        Self { lines, line: 0, shape: None, open: Default::default(), time: 0 }
    }

    /// The next records: some if there are any, and no more than one call of a plugin takes. Does not wait for more
    /// than the first while none is there. At least one, or the input has ended.
    pub fn next(&mut self, whole_lines_wait: impl Fn(&R) -> bool) -> io::Result<Vec<Input>> {
        let (mut records, mut bytes, mut text) = (Vec::new(), 0, Vec::new());
        while records.len() < RECORDS && bytes < BYTES {
            text.clear();
            if (&mut self.lines).take(LONGEST_LINE).read_until(b'\n', &mut text)? == 0 {
                records.extend(self.rest());
                break;
            }
            self.line += 1;
            if text.len() as u64 == LONGEST_LINE && !text.ends_with(b"\n") {
                let why = format!("line {} is longer than {} MiB; is this a log?", self.line, LONGEST_LINE >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if let Some(record) = self.record(text.trim_ascii_end()) {
                bytes += record.document.len();
                records.push(record);
            }
            if !records.is_empty() && !whole_lines_wait(&self.lines) {
                break;
            }
        }
        Ok(records)
    }

    fn record(&mut self, line: &[u8]) -> Option<Input> {
        if line.is_empty() {
            return None;
        }
        let shape = *self.shape.get_or_insert_with(|| shape(line));
        if shape == Shape::Records && line.starts_with(b"{") {
            return Some(Input { line: self.line, time: now(), document: line.to_vec() });
        }
        let Some(fragment) = (match shape {
            Shape::Lines(format) => format.parse(line),
            Shape::Records => None,
        }) else {
            return Some(self.document(line, None, now()));
        };
        self.time = fragment.time;
        let open = &mut self.open[fragment.stream as usize];
        let room = (LONGEST_LINE as usize).saturating_sub(open.len());
        if fragment.body.append(open, room).partial {
            return None;
        }
        let text = std::mem::take(open);
        Some(self.document(text.trim_ascii_end(), Some(fragment.stream), fragment.time))
    }

    /// What the last line left open.
    fn rest(&mut self) -> Vec<Input> {
        let open = Stream::ALL.map(|stream| (stream, std::mem::take(&mut self.open[stream as usize])));
        let open = open.into_iter().filter(|(_, text)| !text.is_empty());
        open.map(|(stream, text)| self.document(&text, Some(stream), self.time)).collect()
    }

    fn document(&self, text: &[u8], stream: Option<Stream>, time: u64) -> Input {
        let mut members = Map::new();
        members.insert("log".to_owned(), json!(String::from_utf8_lossy(text)));
        if let Some(stream) = stream {
            members.insert("stream".to_owned(), json!(stream.name()));
            members.insert("time".to_owned(), json!(time / 1_000_000_000));
        }
        Input { line: self.line, time, document: Value::Object(members).to_string().into_bytes() }
    }
}

/// What docker's driver writes; a record that has more members than these is none of its lines.
const DOCKER: [&str; 4] = ["log", "stream", "time", "attrs"];

fn shape(line: &[u8]) -> Shape {
    match serde_json::from_slice(line) {
        Ok(Value::Object(members)) if members.contains_key("log") => match Format::of_first_line(line) {
            Format::Docker if members.keys().all(|key| DOCKER.contains(&key.as_str())) => Shape::Lines(Format::Docker),
            _ => Shape::Records,
        },
        _ => Shape::Lines(Format::of_first_line(line)),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> Vec<String> {
        let mut reader = Reader::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            let records = reader.next(|_| true).unwrap();
            if records.is_empty() {
                return all;
            }
            all.extend(records.into_iter().map(|record| {
                serde_json::from_slice::<Value>(&record.document).unwrap().to_string() + &format!(" @{}", record.line)
            }));
        }
    }

    #[test]
    fn each_format_becomes_records() {
        for (text, expect) in [
            ("a\n\nb", vec![r#"{"log":"a"} @1"#, r#"{"log":"b"} @3"#]),
            (r#"{"level":"debug"}"#, vec![r#"{"log":"{\"level\":\"debug\"}"} @1"#]),
            ("{\"log\":\"a\",\"x\":1}\n", vec![r#"{"log":"a","x":1} @1"#]),
            (
                "2023-11-14T22:13:20Z stdout P a\n2023-11-14T22:13:20Z stderr F e\n2023-11-14T22:13:21Z stdout F b\n",
                vec![
                    r#"{"log":"e","stream":"stderr","time":1700000000} @2"#,
                    r#"{"log":"ab","stream":"stdout","time":1700000001} @3"#,
                ],
            ),
            // The last line goes on, and nothing follows.
            ("2023-11-14T22:13:20Z stdout P a\n", vec![r#"{"log":"a","stream":"stdout","time":1700000000} @1"#]),
            (
                "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\n",
                vec![r#"{"log":"a","stream":"stdout","time":1700000000} @1"#],
            ),
            // A line of another kind among them is text.
            (
                "2023-11-14T22:13:20Z stdout F a\nbroken\n",
                vec![r#"{"log":"a","stream":"stdout","time":1700000000} @1"#, r#"{"log":"broken"} @2"#],
            ),
        ] {
            assert_eq!(documents(text), expect, "{text}");
        }
    }

    #[test]
    fn records_do_not_wait_for_those_behind_them() {
        let mut reader = Reader::new("a\nb\n".as_bytes());
        assert_eq!(reader.next(|_| false).unwrap().len(), 1);
        assert_eq!(reader.next(|_| false).unwrap().len(), 1);
        assert!(reader.next(|_| false).unwrap().is_empty());
        let many = "line\n".repeat(2 * RECORDS + 1);
        let mut reader = Reader::new(many.as_bytes());
        let sizes: Vec<usize> = (0..4).map(|_| reader.next(|_| true).unwrap().len()).collect();
        assert_eq!(sizes, [RECORDS, RECORDS, 1, 0]);
    }
}
