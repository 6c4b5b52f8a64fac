//! Reading a file turn by turn.

use std::{io, sync::Arc};

use sluice_core::{Batch, Generation, Record, Watermark};

use super::{Follower, READ, Stage};
use crate::{
    assembly::Assembly, content::Content, fingerprint::Fingerprint, format::Format, lines::Settings, packed::End,
    position::Position,
};

/// What a container runtime may put around a text of the longest length.
const AROUND_A_TEXT: usize = 4 << 10;

/// What comes after a chunk.
struct Ending {
    /// Nothing, for good.
    is_last: bool,
    /// Nothing, for now at least.
    reaches_end: bool,
    /// Nobody will write to the file any more.
    is_finishing: bool,
    /// Why nothing more can be read.
    broken: Option<io::Error>,
}

impl Ending {
    fn of(end: End, stage: Stage) -> Self {
        let is_finishing = stage == Stage::Finishing;
        let reaches_end = !matches!(end, End::NotYet);
        let is_last = matches!(end, End::ForGood) || is_finishing && matches!(end, End::ForNow);
        Self { is_last, reaches_end, is_finishing, broken: end.error(is_finishing) }
    }
}

impl Follower {
    /// Looks at the first line, as far as it is there, without taking it.
    pub fn learn(&mut self, buffer: &mut Vec<u8>, max_line: usize) -> io::Result<()> {
        let longest = longest_line(max_line);
        let (filled, _) = self.fill(buffer, longest, READ)?;
        self.recognise(&buffer[..filled], false, longest);
        self.beginning = (filled > 0).then(|| Fingerprint::of_first_line(&buffer[..filled]));
        self.seen = filled as u64;
        self.rest();
        Ok(())
    }

    /// Goes on there instead of at the beginning, where the first line is known; nothing was read yet.
    pub fn begin_at(&mut self, position: Position, generation: Arc<Generation>) {
        if let Some((fingerprint, format)) = self.start {
            self.watermark = Watermark::new(generation, position);
            self.seen = position.lowest();
            self.begin(fingerprint, format, position);
        }
    }

    /// Reads on for one turn, of about `most` bytes: whole lines, one at least. `None` where nothing became a record;
    /// then `ready` says whether there may be more.
    pub fn turn(&mut self, buffer: &mut Vec<u8>, settings: Settings<'_>, most: usize) -> io::Result<Option<Batch>> {
        if self.start.is_none() && self.stage != Stage::Finishing && !self.is_packed() {
            // A look has to find its first line, and what left before that came.
            self.ready = false;
            return Ok(None);
        }
        let (filled, end) = self.fill(buffer, longest_line(settings.max_line), most)?;
        // Looked at after reading: what was read is then of the content that is known.
        if let (Some((fingerprint, _)), Some(content)) = (self.start, &self.content)
            && !content.still_is(fingerprint)?
        {
            (self.is_rewritten, self.ready) = (true, false);
            return Ok(None);
        }
        let chunk = &buffer[..filled];
        self.seen = self.read() + filled as u64;
        let ending = Ending::of(end, self.stage);
        self.recognise(chunk, ending.is_last, longest_line(settings.max_line));
        let Some(lines) = &mut self.lines else {
            self.ready = false;
            self.finish_if(ending.is_last);
            return ending.broken.map_or(Ok(None), Err);
        };
        let mut assembly = Assembly::with_capacity(filled);
        let before = lines.read();
        let taken = lines.take(chunk, settings, &mut assembly);
        let ended = !assembly.is_full() && self.take_rest(chunk, taken, ending, settings, &mut assembly)?;
        let Some(lines) = &self.lines else { return Ok(None) };
        let (read, position) = (lines.read() - before, lines.position());
        settings.counters.bytes_read.add(read);
        self.finish_if(ended);
        Ok(self.book(assembly, position, read))
    }

    /// Lets go the texts that are open, although more of them may come: their memory is needed.
    pub fn make_room(&mut self, settings: Settings<'_>) -> Option<Batch> {
        let lines = self.lines.as_mut()?;
        let mut assembly = Assembly::default();
        lines.make_room(settings, &mut assembly);
        let position = lines.position();
        self.book(assembly, position, 0)
    }

    /// Takes what comes after the last complete line of a chunk, of which `taken` bytes are taken. True if it is the end.
    fn take_rest(
        &mut self,
        chunk: &[u8],
        taken: usize,
        ending: Ending,
        settings: Settings<'_>,
        out: &mut Assembly,
    ) -> io::Result<bool> {
        let Some(lines) = &mut self.lines else { return Ok(false) };
        let Ending { is_last, reaches_end, is_finishing, broken } = ending;
        self.ready = !reaches_end || broken.is_some();
        let next = self.next.take_if(|_| reaches_end);
        self.taken = next.as_ref().map(|next| lines.take_beginning_of_next(next, settings, out));
        self.waits_for_next = is_last && !is_finishing && self.has_next && next.is_none() && lines.is_joining();
        if self.waits_for_next {
            // What is open may go on there.
        } else if is_last {
            lines.take_end(&chunk[taken..], settings, out);
            return Ok(true);
        } else if taken == 0 && chunk.len() >= longest_line(settings.max_line) {
            lines.take_beginning(chunk, settings, out);
        } else if let Some(error) = broken
            && taken == 0
        {
            // The line that breaks off is none; the texts that are open get no more parts.
            lines.take_end(&[], settings, out);
            if out.len() == 0 {
                return Err(error);
            }
        }
        if reaches_end {
            lines.take_silent(settings, out);
        }
        Ok(false)
    }

    /// Fills the buffer from where reading goes on: with `most` bytes, or up to the end of the first line where that is
    /// longer. Also says what comes after that.
    fn fill(&mut self, buffer: &mut Vec<u8>, longest: usize, most: usize) -> io::Result<(usize, End)> {
        let (at, most) = (self.read(), most.clamp(1, READ));
        let Some(content) = &mut self.content else { return Ok((0, End::ForNow)) };
        buffer.resize(buffer.len().max(READ), 0);
        let (filled, end) = content.read(&mut buffer[..most], 0, at)?;
        if filled < most || most >= longest || memchr::memchr(b'\n', &buffer[..most]).is_some() {
            return Ok((filled, end));
        }
        buffer.resize(buffer.len().max(longest), 0);
        let (filled, end) = content.read(&mut buffer[..longest], most, at)?;
        match memchr::memchr(b'\n', &buffer[most..filled]) {
            Some(newline) => Ok((most + newline + 1, End::NotYet)),
            None => Ok((filled, end)),
        }
    }

    /// Learns format and identity from the first line, once it is complete or will never be.
    fn recognise(&mut self, chunk: &[u8], is_last: bool, longest: usize) {
        if self.lines.is_some() || chunk.is_empty() {
            return;
        }
        let line = match memchr::memchr(b'\n', chunk) {
            Some(newline) => &chunk[..=newline],
            None if is_last || chunk.len() >= longest => chunk,
            None => return,
        };
        let format = Format::of_first_line(line.strip_suffix(b"\n").unwrap_or(line));
        self.begin(Fingerprint::of_first_line(line), format, Position::default());
    }

    pub(super) fn finish_if(&mut self, ended: bool) {
        if ended {
            self.stage = Stage::Finished;
            self.ready = false;
            let content = self.content.take().filter(Content::is_packed);
            let metadata = content.and_then(|content| content.file().metadata().ok());
            self.passed = metadata.map(|metadata| (self.inode, metadata.len()));
        }
    }

    fn book(&mut self, assembly: Assembly, position: Position, read: u64) -> Option<Batch> {
        let count = assembly.len() as u32;
        if count == 0 && read == 0 {
            return None;
        }
        // Short lines take less space in the file than their records in memory, and a text that was open was read
        // before.
        self.memory += read.max(assembly.arena.len() as u64) + u64::from(count) * size_of::<Record>() as u64;
        let receipt = self.watermark.open(count, Position { memory: self.memory, ..position });
        (count > 0).then(|| assembly.into_batch(self.place.clone(), self.origin.clone(), receipt))
    }
}

/// The longest line that is held whole. Longer ones are cut at that length, wherever the turns fall, so that they
/// have the same identity whenever they are read.
fn longest_line(max_line: usize) -> usize {
    READ.max(max_line.saturating_add(AROUND_A_TEXT))
}
