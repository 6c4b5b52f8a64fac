//! The lines of one file, turned into records.

use std::{ops::Range, time::Duration};

use sluice_core::Stream;
use tokio::time::Instant;

use crate::{
    Config, Counters,
    assembly::Assembly,
    config::LongLines,
    format::{Format, without_byte_order_mark},
    fragment::{Body, Fragment},
    join::Lead,
    line_time::LineTime,
    multiline::Multiline,
    position::Position,
    texts::{Desk, Texts},
};

mod succession;

pub use succession::Taken;

/// What all files of a tail have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Bytes of text after which a record is cut, or split.
    pub max_line: usize,
    pub long_lines: LongLines,
    /// The format of all files, where it is not that of their first lines.
    pub format: Option<Format>,
    pub line_time: Option<&'a LineTime>,
    pub multiline: Option<&'a Multiline>,
    pub join_timeout: Duration,
    pub clock: fn() -> u64,
    pub now: Instant,
    pub counters: &'a Counters,
}

impl<'a> Settings<'a> {
    /// Those of a turn that begins now.
    pub fn of(config: &'a Config) -> Self {
        Self {
            max_line: config.max_line,
            long_lines: config.long_lines,
            format: config.format,
            line_time: config.line_time.as_ref(),
            multiline: config.multiline.as_ref(),
            join_timeout: config.join_timeout,
            clock: config.clock,
            now: Instant::now(),
            counters: &config.counters,
        }
    }
}

/// Where a file is read, and which texts are still open there.
#[derive(Debug)]
pub struct Lines {
    format: Format,
    /// A container's log has a format also where its first line is torn.
    is_container: bool,
    /// The stream identity of `docs/adr/0004-identity.md`.
    identity: u64,
    /// The offset of the next line; inside of a line only while `overlong`.
    read: u64,
    /// By stream, and [`MALFORMED`].
    texts: [Texts; 3],
    overlong: Option<Overlong>,
    /// The time of the last well-formed line.
    time: u64,
}

/// Lines that are records as they stand: they count as stdout, and leave alone what is open there.
const MALFORMED: usize = 2;

/// The line at [`Lines::read`] is too long to be held.
#[derive(Clone, Copy, Debug)]
struct Overlong {
    /// Where it begins: no position may pass that yet.
    start: u64,
    time_before: u64,
    /// Where the rest of it belongs to, up to its newline; nowhere where it was cut.
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    texts: usize,
    /// The text goes on in the next line.
    partial: bool,
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
    /// Only its beginning, and the rest will follow.
    goes_on: bool,
}

impl Lines {
    pub fn new(format: Format, identity: u64, from: Position) -> Self {
        let texts = [
            Texts::new(Stream::Stdout, from.stdout, true),
            Texts::new(Stream::Stderr, from.stderr, true),
            Texts::new(Stream::Stdout, from.stdout, false),
        ];
        Self { format, is_container: false, identity, read: from.lowest(), texts, overlong: None, time: from.time }
    }

    /// The lines of a container's log, whose format is that of the first line that has one: until then each is taken
    /// as it stands.
    pub fn of_container(self) -> Self {
        Self { is_container: true, ..self }
    }

    pub fn read(&self) -> u64 {
        self.read
    }

    /// Takes the complete lines of `chunk`, which begins at [`Lines::read`], until the assembly is full. Returns the
    /// bytes taken.
    pub fn take(&mut self, chunk: &[u8], settings: Settings<'_>, out: &mut Assembly) -> usize {
        // One look at the whole chunk is much cheaper than one at each line.
        let utf8_to = std::str::from_utf8(chunk).map_or_else(|error| error.valid_up_to(), str::len);
        let mut at = self.take_rest(chunk, settings, out);
        let start = self.read - at as u64;
        while self.overlong.is_none() && !out.is_full() {
            let Some(length) = memchr::memchr(b'\n', &chunk[at..]) else { break };
            let end = at + length + 1;
            let range = start + at as u64..start + end as u64;
            let line = Line { bytes: &chunk[at..end - 1], range, utf8: end <= utf8_to, cut: false, goes_on: false };
            self.line(line, settings, out);
            at = end;
        }
        self.read = start + at as u64;
        at
    }

    /// Takes or passes over the rest of an overlong line, as far as `chunk` holds it.
    fn take_rest(&mut self, chunk: &[u8], settings: Settings<'_>, out: &mut Assembly) -> usize {
        let Some(overlong) = self.overlong else { return 0 };
        let newline = memchr::memchr(b'\n', chunk);
        let taken = newline.map_or(chunk.len(), |at| at + 1);
        self.read += taken as u64;
        if let Some(rest) = overlong.rest {
            let text = &chunk[..newline.unwrap_or(chunk.len())];
            let end = self.read;
            self.with_texts(rest.texts, settings, out, |texts, desk| texts.take_more(text, end, desk));
        }
        if newline.is_some() {
            self.end_overlong(settings, out);
        }
        taken
    }

    fn end_overlong(&mut self, settings: Settings<'_>, out: &mut Assembly) {
        let Some(Rest { texts, partial }) = self.overlong.take().and_then(|overlong| overlong.rest) else { return };
        let is_plain = self.format(settings) == Format::Plain;
        self.with_texts(texts, settings, out, |texts, desk| {
            if is_plain {
                texts.take_back_carriage_return();
            }
            if !partial {
                texts.end_join(false, desk);
            }
        });
    }

    /// Takes the beginning of a line that is too long to be held. The rest of it will follow, or be passed over.
    pub fn take_beginning(&mut self, beginning: &[u8], settings: Settings<'_>, out: &mut Assembly) {
        let overlong = Overlong { start: self.read, time_before: self.time, rest: None };
        let goes_on = settings.long_lines == LongLines::Split;
        let rest = self.line(self.at_read(beginning, !goes_on, goes_on), settings, out);
        self.read += beginning.len() as u64;
        self.overlong = Some(Overlong { rest: rest.filter(|_| goes_on), ..overlong });
    }

    /// Takes the last line of a file that will not grow any more, without a newline, and the texts still open.
    pub fn take_end(&mut self, rest: &[u8], settings: Settings<'_>, out: &mut Assembly) {
        if !rest.is_empty() {
            self.line(self.at_read(rest, false, false), settings, out);
            self.read += rest.len() as u64;
        }
        // Its newline will not come: nothing of it is left to wait for.
        self.end_overlong(settings, out);
        self.end_texts(settings, out);
    }

    /// Lets go the texts that are open.
    pub fn end_texts(&mut self, settings: Settings<'_>, out: &mut Assembly) {
        for texts in 0..self.texts.len() {
            self.with_texts(texts, settings, out, Texts::end);
        }
    }

    /// When what is open has been silent for too long.
    pub fn due(&self, settings: Settings<'_>) -> Option<Instant> {
        let due = self.texts.iter().filter_map(|texts| texts.due(settings)).min();
        // The rest of a line is a matter of its writer.
        due.filter(|_| self.overlong.is_none())
    }

    /// Lets go what has been silent for too long in a file of which everything is read.
    pub fn take_silent(&mut self, settings: Settings<'_>, out: &mut Assembly) {
        for texts in 0..self.texts.len() {
            let due = self.texts[texts].due(settings);
            if self.overlong.is_none() && due.is_some_and(|due| due <= settings.now) {
                self.with_texts(texts, settings, out, Texts::end);
            }
        }
    }

    /// Lets go what is open, and the memory that is kept for what will be. Of a line that is not whole a piece leaves.
    pub fn make_room(&mut self, settings: Settings<'_>, out: &mut Assembly) {
        let goes_on = self.overlong.and_then(|overlong| overlong.rest).map(|rest| rest.texts);
        for texts in 0..self.texts.len() {
            let within_line = goes_on == Some(texts);
            self.with_texts(texts, settings, out, |texts, desk| texts.make_room(within_line, desk));
        }
    }

    fn at_read<'a>(&self, bytes: &'a [u8], cut: bool, goes_on: bool) -> Line<'a> {
        Line { bytes, range: self.read..self.read + bytes.len() as u64, utf8: false, cut, goes_on }
    }

    fn format(&self, settings: Settings<'_>) -> Format {
        settings.format.unwrap_or(self.format)
    }

    /// Whether its lines are of a format that carries their time, known or not.
    fn is_container(&self, settings: Settings<'_>) -> bool {
        self.is_container && settings.format.is_none()
    }

    fn with_texts(
        &mut self,
        texts: usize,
        settings: Settings<'_>,
        out: &mut Assembly,
        run: impl FnOnce(&mut Texts, &mut Desk<'_>),
    ) {
        let keeps_line_breaks = self.format(settings) == Format::Docker;
        run(&mut self.texts[texts], &mut Desk { settings, identity: self.identity, keeps_line_breaks, out });
    }

    /// Takes a line, and says where its rest would belong to.
    fn line(&mut self, mut line: Line<'_>, settings: Settings<'_>, out: &mut Assembly) -> Option<Rest> {
        if line.range.start == 0 {
            line.bytes = without_byte_order_mark(line.bytes);
        }
        if self.is_container && self.format == Format::Plain {
            self.format = Format::of_first_line(line.bytes);
        }
        let format = self.format(settings);
        if let Some(Fragment { time, stream, body }) = format.parse(line.bytes) {
            let lead = self.lead(&line, time, time);
            self.time = time;
            return self.body(stream as usize, body, lead, &line, settings, out);
        }
        // There is a time where an earlier life knew the format of a container already.
        if format == Format::Plain && !(self.is_container(settings) && self.time > 0) {
            return self.plain(&line, settings, out);
        }
        settings.counters.lines_malformed.add(1);
        let time = if self.time == 0 { (settings.clock)() } else { self.time };
        let lead = self.lead(&line, time, 0);
        self.body(MALFORMED, Body::Plain { text: line.bytes, partial: false }, lead, &line, settings, out)
    }

    fn plain(&mut self, line: &Line<'_>, settings: Settings<'_>, out: &mut Assembly) -> Option<Rest> {
        let text = if line.goes_on { line.bytes } else { line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes) };
        let pattern = settings.line_time.filter(|_| !self.is_container(settings));
        let said = pattern.and_then(|pattern| pattern.of_line(text, settings.clock));
        // The lines of a trace, and others without a time, are of the moment of the line before them.
        let known = said.or(pattern.map(|_| self.time).filter(|time| *time > 0));
        let lead = self.lead(line, known.unwrap_or_else(settings.clock), known.unwrap_or_default());
        self.time = said.unwrap_or(self.time);
        self.body(Stream::Stdout as usize, Body::Plain { text, partial: false }, lead, line, settings, out)
    }

    fn lead(&self, line: &Line<'_>, time: u64, last: u64) -> Lead {
        Lead { range: line.range.clone(), time, time_before: self.time, last, cut: line.cut }
    }

    fn body(
        &mut self,
        texts: usize,
        body: Body<'_>,
        lead: Lead,
        line: &Line<'_>,
        settings: Settings<'_>,
        out: &mut Assembly,
    ) -> Option<Rest> {
        let (body, partial) = match body {
            Body::Plain { text, partial } if line.goes_on => (Body::Plain { text, partial: true }, partial),
            other => (other, false),
        };
        self.with_texts(texts, settings, out, |texts, desk| texts.take(body, lead, line.utf8, desk));
        Some(Rest { texts, partial })
    }

    /// Where reading may go on when everything so far is delivered. An open text holds its stream at its first byte,
    /// an overlong line holds both.
    pub fn position(&self) -> Position {
        let open = self.texts.iter().filter_map(Texts::open).map(|lead| (lead.range.start, lead.time_before));
        let holds = open.chain(self.overlong.map(|overlong| (overlong.start, overlong.time_before)));
        let time = holds.min_by_key(|(start, _)| *start).map_or(self.time, |(_, time_before)| time_before);
        let of = |stream: Stream| {
            let texts = &self.texts[stream as usize];
            let open = texts.open().map_or(u64::MAX, |lead| lead.range.start);
            let overlong = self.overlong.map_or(u64::MAX, |overlong| overlong.start);
            self.read.min(open).min(overlong).max(texts.done())
        };
        Position { stdout: of(Stream::Stdout), stderr: of(Stream::Stderr), memory: 0, time }
    }

    /// Bytes of memory that what is open takes.
    pub fn memory(&self) -> usize {
        self.texts.iter().map(Texts::memory).sum()
    }
}

#[cfg(test)]
mod tests;
