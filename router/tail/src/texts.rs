//! What a stream of a file wrote: lines that are put together to texts, and texts that are put together to traces.

use sluice_core::{Part, Stream};
use tokio::time::Instant;

use crate::{
    assembly::{Assembly, Head},
    config::LongLines,
    fragment::{Body, whole_characters},
    join::{Join, Lead, Reach},
    lines::Settings,
    multiline::{Multiline, Trace, without_line_break},
};

/// Bytes of the longest character in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// What comes of a text is put there.
pub struct Desk<'a> {
    pub settings: Settings<'a>,
    /// The stream identity of `docs/adr/0004-identity.md`.
    pub identity: u64,
    /// Texts end with the line break of their line, as docker's do.
    pub keeps_line_breaks: bool,
    pub out: &'a mut Assembly,
}

impl Desk<'_> {
    /// Bytes after which a text is cut.
    fn limit(&self) -> usize {
        match self.settings.long_lines {
            LongLines::Truncate => self.settings.max_line,
            // A line that is held is bounded as it is, and what is joined leaves in pieces.
            LongLines::Split => usize::MAX,
        }
    }

    fn must_split(&self, length: usize) -> bool {
        length > self.longest_piece()
    }

    /// Bytes after which a text leaves in pieces.
    fn longest_piece(&self) -> usize {
        match self.settings.long_lines {
            LongLines::Truncate => usize::MAX,
            LongLines::Split => self.settings.max_line,
        }
    }
}

/// One stream of a file.
#[derive(Debug)]
pub struct Texts {
    stream: Stream,
    /// Lines before were delivered in an earlier life.
    done: u64,
    /// Whether its texts may be lines of a trace.
    has_traces: bool,
    join: Join,
    trace: Join,
    state: Trace,
    lines_of_trace: usize,
}

impl Texts {
    pub fn new(stream: Stream, done: u64, has_traces: bool) -> Self {
        let (join, trace, state) = (Join::default(), Join::default(), Trace::default());
        Self { stream, done, has_traces, join, trace, state, lines_of_trace: 0 }
    }

    /// Takes the text of one line, or a part of it.
    pub fn take(&mut self, body: Body<'_>, lead: Lead, utf8: bool, desk: &mut Desk<'_>) {
        if lead.range.start < self.done {
            return;
        }
        let now = desk.settings.now;
        if self.join.is_open() && self.join.reach(lead.last, desk.settings.join_timeout) != Reach::Near {
            self.end_join(true, desk);
        }
        if self.join.is_open() {
            let is_last = self.join.append(body, &lead, desk.limit(), now);
            self.let_pieces_go(desk.longest_piece(), desk);
            if is_last {
                self.end_join(false, desk);
            }
            return;
        }
        let start = desk.out.arena.len();
        let limit = desk.limit();
        let appended = body.append(&mut desk.out.arena, limit);
        let lead = Lead { cut: lead.cut || appended.cut, ..lead };
        if !appended.partial && !desk.must_split(desk.out.arena.len() - start) {
            return self.text(start, lead, utf8, false, desk);
        }
        self.join.open(lead, &desk.out.arena[start..], now);
        desk.out.arena.truncate(start);
        self.let_pieces_go(desk.longest_piece(), desk);
        if !appended.partial {
            self.end_join(false, desk);
        }
    }

    /// Takes more of the line that [`Texts::take`] was given as a part, up to `end`.
    pub fn take_more(&mut self, bytes: &[u8], end: u64, desk: &mut Desk<'_>) {
        if self.join.is_open() {
            self.join.append_bytes(bytes, end, desk.settings.now);
            self.let_pieces_go(desk.longest_piece(), desk);
        }
    }

    /// The carriage return before the line break of a plain line is no text.
    pub fn take_back_carriage_return(&mut self) {
        if self.join.text.last() == Some(&b'\r') {
            self.join.text.pop();
        }
    }

    /// What is joined is a text; one of which more may come if it `goes_on`.
    pub fn end_join(&mut self, goes_on: bool, desk: &mut Desk<'_>) {
        let start = desk.out.arena.len();
        desk.out.arena.extend_from_slice(&self.join.text);
        let pieces = self.join.pieces;
        let Some(lead) = self.join.close() else { return };
        if pieces == 0 {
            self.text(start, lead, false, goes_on, desk);
        } else {
            self.seal(start, lead, false, Part { number: pieces + 1, goes_on }, desk);
        }
    }

    /// Lets what is longer than `longest` go in pieces. One byte is left at least: the last piece is there when the end
    /// is known.
    fn let_pieces_go(&mut self, longest: usize, desk: &mut Desk<'_>) {
        let Some(lead) = self.join.lead().cloned().filter(|_| self.join.text.len() > longest) else { return };
        if self.join.pieces == 0 && self.trace.is_open() {
            let goes_on = self.next_of_trace(&self.join.text, desk).is_some();
            self.end_trace(goes_on, desk);
        }
        let mut at = 0;
        while self.join.text.len() - at > longest {
            let most = (at + desk.settings.max_line).min(self.join.text.len() - 1);
            let end = whole_characters(&self.join.text[..most], at);
            let start = desk.out.arena.len();
            desk.out.arena.extend_from_slice(&self.join.text[at..end]);
            self.join.pieces += 1;
            let part = Part { number: self.join.pieces, goes_on: true };
            self.seal(start, lead.clone(), false, part, desk);
            at = end;
        }
        self.join.text.drain(..at);
    }

    /// A text that is whole lies in `arena[start..]`: it is a record, or a line of a trace.
    fn text(&mut self, start: usize, lead: Lead, utf8: bool, goes_on: bool, desk: &mut Desk<'_>) {
        let Some(multiline) = desk.settings.multiline.filter(|_| self.has_traces) else {
            return self.seal(start, lead, utf8, Part { number: 0, goes_on }, desk);
        };
        let mut start = start;
        if self.trace.is_open() {
            match self.join_trace(start, &lead, goes_on, multiline, desk) {
                Some(moved_to) => start = moved_to,
                None => return,
            }
        }
        let begins = || multiline.first(without_line_break(&desk.out.arena[start..]));
        match if goes_on || lead.cut { None } else { begins() } {
            None => self.seal(start, lead, utf8, Part { number: 0, goes_on }, desk),
            Some(state) => {
                self.trace.open(lead, &desk.out.arena[start..], desk.settings.now);
                desk.out.arena.truncate(start);
                (self.state, self.lines_of_trace) = (state, 1);
            }
        }
    }

    /// Makes the text in `arena[start..]` a line of the open trace. Where it is none the trace ends, and the text then
    /// lies behind it, from the answer on.
    fn join_trace(
        &mut self,
        start: usize,
        lead: &Lead,
        goes_on: bool,
        multiline: &Multiline,
        desk: &mut Desk<'_>,
    ) -> Option<usize> {
        let text = &desk.out.arena[start..];
        let reach = self.trace.reach(lead.last, desk.settings.join_timeout);
        let next = self.next_of_trace(text, desk);
        let fits = self.lines_of_trace < multiline.max_lines
            && self.trace.text.len() + 1 + text.len() <= desk.settings.max_line;
        if let Some(state) = next
            && reach == Reach::Near
            && fits
            && !lead.cut
        {
            let separator = !desk.keeps_line_breaks || !self.trace.text.ends_with(b"\n");
            self.trace.append_line(text, separator, lead, desk.settings.now);
            desk.out.arena.truncate(start);
            (self.state, self.lines_of_trace) = (state, self.lines_of_trace + 1);
            if goes_on {
                self.end_trace(true, desk);
            }
            return None;
        }
        let text = desk.out.arena.split_off(start);
        self.end_trace(next.is_some() && reach != Reach::Apart, desk);
        let start = desk.out.arena.len();
        desk.out.arena.extend_from_slice(&text);
        Some(start)
    }

    fn next_of_trace(&self, text: &[u8], desk: &Desk<'_>) -> Option<Trace> {
        desk.settings.multiline?.next(self.state, without_line_break(text))
    }

    fn end_trace(&mut self, goes_on: bool, desk: &mut Desk<'_>) {
        let start = desk.out.arena.len();
        desk.out.arena.extend_from_slice(&self.trace.text);
        if let Some(lead) = self.trace.close() {
            self.seal(start, lead, false, Part { number: 0, goes_on }, desk);
        }
    }

    fn seal(&self, start: usize, lead: Lead, utf8: bool, part: Part, desk: &mut Desk<'_>) {
        let head = Head { time: lead.time, stream: self.stream, range: lead.range, cut: lead.cut, part };
        desk.out.seal(start, head, desk.identity, utf8, desk.settings.counters);
    }

    /// When what is open has been silent for too long. A line that comes later parts from it by its own time as well,
    /// so that it does when all is read again; a tenth more is for what a runtime writes a moment after the time it
    /// gives it.
    pub fn due(&self, settings: Settings<'_>) -> Option<Instant> {
        let touched = self.join.touched().or(self.trace.touched())?;
        Some(touched + settings.join_timeout + settings.join_timeout / 10)
    }

    /// Lets go what is open.
    pub fn end(&mut self, desk: &mut Desk<'_>) {
        if self.join.is_open() {
            self.end_join(true, desk);
        }
        if self.trace.is_open() {
            self.end_trace(false, desk);
        }
    }

    /// Lets go what is open although more of it may come, for its memory. What is joined of a line that is not whole
    /// stays open, and leaves as far as it is there: the rest of the line belongs to it.
    pub fn make_room(&mut self, within_line: bool, desk: &mut Desk<'_>) {
        if within_line {
            self.let_pieces_go(LONGEST_CHARACTER, desk);
        } else if self.join.is_open() {
            self.end_join(true, desk);
        }
        if self.trace.is_open() {
            self.end_trace(true, desk);
        }
        self.join.text.shrink_to_fit();
        self.trace.text.shrink_to_fit();
    }

    /// The first text that is open: nothing of the stream is done with from there on.
    pub fn open(&self) -> Option<&Lead> {
        self.trace.lead().or(self.join.lead())
    }

    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether a text in parts is open.
    pub fn is_joining(&self) -> bool {
        self.join.is_open()
    }

    /// Whether a line that was written at that time, in nanoseconds since 1970 UTC, is the next part of an open text.
    pub fn takes_part_of(&self, time: u64, settings: Settings<'_>) -> bool {
        self.join.is_open() && self.join.reach(time, settings.join_timeout) == Reach::Near
    }

    /// Bytes of memory that what is open takes. What is kept for the next text is not: letting go would not free it.
    pub fn memory(&self) -> usize {
        let taken = |text: &Vec<u8>| if text.is_empty() { 0 } else { text.capacity() };
        taken(&self.join.text) + taken(&self.trace.text)
    }
}
