//! One record: where its bytes lie in the batch, when it was written, and who it is.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

/// A record of a [`crate::Batch`]. Small and `Copy`: the bytes stay in the batch's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The text of a line, or the JSON object of a document: `arena[start..end]`.
    pub start: u32,
    pub end: u32,
    /// Lines only: the bytes as read, where they were not UTF-8: `arena[end..raw_end]`; else `raw_end == end`.
    pub raw_end: u32,
    /// Index of the record's origin in [`crate::Batch::origins`].
    pub origin: u32,
    /// When it was written, nanoseconds since 1970 UTC.
    pub time: u64,
    /// False where `time` is only the broker's timestamp; the document may know better (`@timestamp`, `time`).
    pub timed: bool,
    pub stream: Stream,
    /// The line was longer than the limit, and the text is its beginning.
    pub truncated: bool,
    pub part: Part,
    /// Where it was read: the byte offset of its first fragment in a file, or the offset in a Kafka partition.
    pub position: u64,
    pub id: RecordId,
}

/// How much of a line the text is. `Part::default()` is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Which piece of a line that was split because of its length, from 1 on; 0 where it was not.
    pub number: u32,
    /// What follows is in a record of its own: the next piece, or what came after the bound up to which the end of the
    /// text was waited for.
    pub goes_on: bool,
}

/// The stream that a container wrote a line to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    #[default]
    Stdout,
    Stderr,
}

impl Stream {
    pub const ALL: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }

    /// `None` for any other word than `stdout` and `stderr`.
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Stream::Stdout),
            b"stderr" => Some(Stream::Stderr),
            _ => None,
        }
    }
}

/// Who a record is, wherever it travels: 128 bits over what was read and where (`docs/adr/0004-identity.md`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u128);

impl RecordId {
    /// The identity of a line: the container's stream identity, the byte range read, and the text before plugins.
    pub fn of_line(identity: u64, range: std::ops::Range<u64>, text: &[u8]) -> Self {
        let mut hash = Xxh3::with_seed(identity);
        hash.update(&range.start.to_le_bytes());
        hash.update(&range.end.to_le_bytes());
        hash.update(text);
        Self(hash.digest128())
    }

    /// The identity of a piece of a line that was split: the stream identity, the offset of the line's first byte, the
    /// number of the piece, and its text. Where the line ends is not known yet when its first pieces leave.
    pub fn of_piece(identity: u64, start: u64, number: u32, text: &[u8]) -> Self {
        let mut hash = Xxh3::with_seed(identity);
        hash.update(&start.to_le_bytes());
        // No line ends where it begins.
        hash.update(&start.to_le_bytes());
        hash.update(&number.to_le_bytes());
        hash.update(text);
        Self(hash.digest128())
    }

    /// The identity of a message that carries none: where it lies in Kafka, and its value.
    pub fn of_message(topic: &str, partition: i32, offset: u64, timestamp: u64, value: &[u8]) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&(topic.len() as u64).to_le_bytes());
        hash.update(topic.as_bytes());
        hash.update(&partition.to_le_bytes());
        hash.update(&offset.to_le_bytes());
        hash.update(&timestamp.to_le_bytes());
        hash.update(value);
        Self(hash.digest128())
    }

    /// 32 hexadecimal digits, as the Kafka header `sluice-id` carries them.
    pub fn to_hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        for (i, digit) in text.iter_mut().enumerate() {
            let nibble = (self.0 >> (124 - 4 * i)) as u8 & 15;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        text
    }

    /// Reads what [`RecordId::to_hex`] wrote; `None` for anything else.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if text.len() != 32 {
            return None;
        }
        let mut value = 0u128;
        for &digit in text {
            value = value << 4 | u128::from((digit as char).to_digit(16)?);
        }
        Some(Self(value))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Where the records of a batch were read; what an error or a dead letter points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File { path: String },
    Partition { topic: String, partition: i32 },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path } => write!(f, "{path}"),
            Place::Partition { topic, partition } => write!(f, "{topic}/{partition}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_back() {
        for value in [0, 1, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef, u128::MAX] {
            let id = RecordId(value);
            assert_eq!(RecordId::from_hex(&id.to_hex()), Some(id));
        }
        for bad in [&b""[..], b"12", &[b'g'; 32], &[b'0'; 33], "éééééééééééééééé".as_bytes()] {
            assert_eq!(RecordId::from_hex(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn identity_depends_on_every_part() {
        let base = RecordId::of_line(7, 10..20, b"text");
        for other in [
            RecordId::of_line(8, 10..20, b"text"),
            RecordId::of_line(7, 11..20, b"text"),
            RecordId::of_line(7, 10..21, b"text"),
            RecordId::of_line(7, 10..20, b"texT"),
        ] {
            assert_ne!(base, other);
        }
        let base = RecordId::of_piece(7, 10, 1, b"text");
        for other in [
            RecordId::of_piece(8, 10, 1, b"text"),
            RecordId::of_piece(7, 11, 1, b"text"),
            RecordId::of_piece(7, 10, 2, b"text"),
            RecordId::of_piece(7, 10, 1, b"texT"),
            RecordId::of_line(7, 10..10, b"text"),
        ] {
            assert_ne!(base, other);
        }
        let base = RecordId::of_message("logs", 1, 2, 3, b"{}");
        for other in [
            RecordId::of_message("log", 1, 2, 3, b"{}"),
            RecordId::of_message("logs", 2, 2, 3, b"{}"),
            RecordId::of_message("logs", 1, 3, 3, b"{}"),
            RecordId::of_message("logs", 1, 2, 4, b"{}"),
            RecordId::of_message("logs", 1, 2, 3, b"{ }"),
        ] {
            assert_ne!(base, other);
        }
    }
}
