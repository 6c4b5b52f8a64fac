//! The lines of one file, turned into records.

use std::ops::Range;

use sluice_core::Stream;

use crate::{
    Counters,
    assembly::{Assembly, Head},
    format::Format,
    fragment::{Body, Fragment},
    join::Join,
    position::Position,
};

/// What all files of a tail have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Bytes of text after which a record is cut.
    pub max_line: usize,
    pub clock: fn() -> u64,
    pub counters: &'a Counters,
}

/// Where a file is read, and which texts are still open there.
#[derive(Debug)]
pub struct Lines {
    format: Format,
    /// The format is that of the first line that has one.
    adopts: bool,
    /// The stream identity of `docs/adr/0004-identity.md`.
    identity: u64,
    /// The offset of the next line; inside of a line only while `overlong`.
    read: u64,
    joins: [Join; 2],
    /// The line at `read` began here and was cut; what comes up to its newline is passed over.
    overlong: Option<Hold>,
    /// Where each stream was when reading began: lines before were delivered in an earlier life.
    done: [u64; 2],
    /// The time of the last well-formed line.
    time: u64,
}

/// A place that positions must not pass yet.
#[derive(Clone, Copy, Debug)]
struct Hold {
    start: u64,
    time_before: u64,
}

/// A physical line and its place in the file.
#[derive(Clone, Debug)]
struct Line<'a> {
    bytes: &'a [u8],
    range: Range<u64>,
    /// Known to be UTF-8.
    utf8: bool,
    /// Only its beginning.
    cut: bool,
}

impl Lines {
    pub fn new(format: Format, identity: u64, from: Position) -> Self {
        Self {
            format,
            adopts: false,
            identity,
            read: from.lowest(),
            joins: Default::default(),
            overlong: None,
            done: [from.stdout, from.stderr],
            time: from.time,
        }
    }

    /// The lines of a container's log, which has a format also where its first line is torn: until a line has one, each
    /// is taken as it stands.
    pub fn of_container(self) -> Self {
        Self { adopts: self.format == Format::Plain, ..self }
    }

    pub fn read(&self) -> u64 {
        self.read
    }

    /// Takes the complete lines of `chunk`, which begins at [`Lines::read`], until the assembly is full. Returns the
    /// bytes taken.
    pub fn take(&mut self, chunk: &[u8], settings: Settings<'_>, out: &mut Assembly) -> usize {
        // One look at the whole chunk is much cheaper than one at each line.
        let utf8_to = std::str::from_utf8(chunk).map_or_else(|error| error.valid_up_to(), str::len);
        let mut at = self.pass_overlong(chunk);
        let start = self.read - at as u64;
        while self.overlong.is_none() && !out.is_full() {
            let Some(length) = memchr::memchr(b'\n', &chunk[at..]) else { break };
            let end = at + length + 1;
            let range = start + at as u64..start + end as u64;
            self.line(Line { bytes: &chunk[at..end - 1], range, utf8: end <= utf8_to, cut: false }, settings, out);
            at = end;
        }
        self.read = start + at as u64;
        at
    }

    /// Passes over the rest of an overlong line, as far as `chunk` holds it.
    fn pass_overlong(&mut self, chunk: &[u8]) -> usize {
        if self.overlong.is_none() {
            return 0;
        }
        let newline = memchr::memchr(b'\n', chunk);
        if newline.is_some() {
            self.overlong = None;
        }
        let passed = newline.map_or(chunk.len(), |at| at + 1);
        self.read += passed as u64;
        passed
    }

    /// Takes the beginning of a line that is too long to be held; the rest of it will be passed over.
    pub fn take_beginning(&mut self, beginning: &[u8], settings: Settings<'_>, out: &mut Assembly) {
        let hold = Hold { start: self.read, time_before: self.time };
        self.line(self.at_read(beginning, true), settings, out);
        self.read += beginning.len() as u64;
        self.overlong = Some(hold);
    }

    /// Takes the last line of a file that will not grow any more, without a newline, and the texts still open.
    pub fn take_end(&mut self, rest: &[u8], settings: Settings<'_>, out: &mut Assembly) {
        if !rest.is_empty() {
            self.line(self.at_read(rest, false), settings, out);
            self.read += rest.len() as u64;
        }
        // Its newline will not come: nothing of it is left to pass over.
        self.overlong = None;
        for stream in Stream::ALL {
            if self.joins[stream as usize].is_open() {
                self.seal_join(stream, settings, out);
            }
        }
    }

    fn at_read<'a>(&self, bytes: &'a [u8], cut: bool) -> Line<'a> {
        Line { bytes, range: self.read..self.read + bytes.len() as u64, utf8: false, cut }
    }

    fn line(&mut self, line: Line<'_>, settings: Settings<'_>, out: &mut Assembly) {
        if self.adopts {
            self.format = Format::of_first_line(line.bytes);
            self.adopts = self.format == Format::Plain;
        }
        match (self.format.parse(line.bytes), self.format) {
            (Some(fragment), _) => self.fragment(fragment, line, settings, out),
            // There is a time where an earlier life knew the format already.
            (None, Format::Plain) if self.time == 0 => {
                let text = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
                self.whole(text, (settings.clock)(), line, settings, out);
            }
            (None, _) => {
                settings.counters.lines_malformed.add(1);
                self.whole(line.bytes, self.time, line, settings, out);
            }
        }
    }

    /// A line that is a record as it stands. It counts as stdout, and leaves an open join alone.
    fn whole(&mut self, text: &[u8], time: u64, line: Line<'_>, settings: Settings<'_>, out: &mut Assembly) {
        let stream = Stream::Stdout;
        if line.range.start < self.done[stream as usize] {
            return;
        }
        let start = out.arena.len();
        let appended = Body::Plain { text, partial: false }.append(&mut out.arena, settings.max_line);
        let head = Head { time, stream, range: line.range, cut: line.cut || appended.cut };
        out.seal(start, head, self.identity, line.utf8, settings.counters);
    }

    fn fragment(&mut self, fragment: Fragment<'_>, line: Line<'_>, settings: Settings<'_>, out: &mut Assembly) {
        let Fragment { time, stream, body } = fragment;
        let time_before = std::mem::replace(&mut self.time, time);
        if line.range.start < self.done[stream as usize] {
            return;
        }
        let join = &mut self.joins[stream as usize];
        if join.is_open() {
            let is_last = join.append(body, line.range.end, settings.max_line);
            join.cut |= line.cut;
            if is_last {
                self.seal_join(stream, settings, out);
            }
            return;
        }
        let start = out.arena.len();
        let appended = body.append(&mut out.arena, settings.max_line);
        let cut = line.cut || appended.cut;
        if appended.partial {
            join.open(line.range, time, time_before, &out.arena[start..], cut);
            out.arena.truncate(start);
        } else {
            out.seal(start, Head { time, stream, range: line.range, cut }, self.identity, line.utf8, settings.counters);
        }
    }

    fn seal_join(&mut self, stream: Stream, settings: Settings<'_>, out: &mut Assembly) {
        let join = &mut self.joins[stream as usize];
        let start = out.arena.len();
        out.arena.extend_from_slice(&join.text);
        let head = Head { time: join.time, stream, range: join.range.clone(), cut: join.cut };
        join.close();
        out.seal(start, head, self.identity, false, settings.counters);
    }

    /// Where reading may go on when everything so far is delivered. An open text holds its stream at its first byte,
    /// an overlong line holds both.
    pub fn position(&self) -> Position {
        let open = self.joins.iter().filter(|join| join.is_open());
        let holds =
            open.map(|join| Hold { start: join.range.start, time_before: join.time_before }).chain(self.overlong);
        let time = holds.min_by_key(|hold| hold.start).map_or(self.time, |hold| hold.time_before);
        let of = |stream: Stream| {
            let join = &self.joins[stream as usize];
            let join = if join.is_open() { join.range.start } else { u64::MAX };
            let overlong = self.overlong.map_or(u64::MAX, |hold| hold.start);
            self.read.min(join).min(overlong).max(self.done[stream as usize])
        };
        Position { stdout: of(Stream::Stdout), stderr: of(Stream::Stderr), memory: 0, time }
    }
}

#[cfg(test)]
mod tests;
