//! One file, from the moment it is found to the moment everything read of it is delivered.

use std::{fs::File, io, path::PathBuf, sync::Arc, time::Duration};

use sluice_core::{Batch, Generation, Origin, Place, Record, Watermark};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    assembly::Assembly,
    checkpoint::Entry,
    container::PATH_IDENTITY,
    fingerprint::{Fingerprint, Inode, read_full},
    format::Format,
    found::Found,
    lines::{Lines, Settings},
    position::Position,
};

/// Bytes read in one turn.
pub const READ: usize = 256 << 10;

/// A file that grew in this time is looked at often.
const BUSY: Duration = Duration::from_secs(1);

/// What a container runtime may put around a text of the longest length.
const AROUND_A_TEXT: usize = 4 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A path of the patterns leads to it.
    Present,
    /// Renamed, deleted or emptied: no path leads to it, but its writer may go on for a moment.
    Leaving,
    /// It will not grow any more: an incomplete last line is taken as it is.
    Finishing,
    /// Read to its end and closed; receipts may be open.
    Finished,
}

#[derive(Debug)]
pub struct Follower {
    /// Ascending in the order in which files were found.
    pub number: u64,
    pub path: PathBuf,
    pub base: PathBuf,
    pub stage: Stage,
    /// The number of the file whose end comes before this one's beginning.
    pub behind: Option<u64>,
    /// There may be something to read.
    pub ready: bool,
    /// Notifications of its growth are on.
    pub is_watched: bool,
    /// Its length when it was last looked at.
    pub size: u64,
    /// When it was last seen to grow.
    pub grown: Instant,
    file: Option<File>,
    inode: Inode,
    identity: String,
    place: Arc<Place>,
    origin: Arc<Origin>,
    /// Known from the first line on.
    start: Option<(Fingerprint, Format)>,
    lines: Option<Lines>,
    watermark: Watermark<Position>,
    /// Up to where the file was looked at, an incomplete line included.
    seen: u64,
    /// Its content was found to be another one: to be split by the next look at it.
    is_rewritten: bool,
    /// Memory that everything read so far took, in bytes.
    memory: u64,
}

impl Follower {
    /// Follows a file from its beginning, or from where `entry` remembers it.
    pub fn new(number: u64, found: Found, entry: Option<Entry>, generation: Arc<Generation>) -> Self {
        let Found { path, base, file, inode, identity, place, origin } = found;
        let mut follower = Self {
            number,
            path,
            base,
            stage: Stage::Present,
            behind: None,
            ready: true,
            is_watched: false,
            size: 0,
            grown: Instant::now(),
            file: Some(file),
            inode,
            identity,
            place,
            origin,
            start: None,
            lines: None,
            watermark: Watermark::new(generation, entry.as_ref().map(Entry::position).unwrap_or_default()),
            seen: 0,
            is_rewritten: false,
            memory: 0,
        };
        if let Some(entry) = entry {
            let position = entry.position();
            follower.seen = position.lowest();
            follower.identity = entry.identity;
            follower.begin(entry.fingerprint, entry.format, position);
        }
        follower
    }

    fn begin(&mut self, fingerprint: Fingerprint, format: Format, from: Position) {
        let identity = xxh3_64(format!("{}\0{:016x}", self.identity, fingerprint.hash).as_bytes());
        self.start = Some((fingerprint, format));
        let lines = Lines::new(format, identity, from);
        self.lines = Some(if self.identity.starts_with(PATH_IDENTITY) { lines } else { lines.of_container() });
    }

    /// Looks at the first line without taking it.
    pub fn learn(&mut self, buffer: &mut Vec<u8>, max_line: usize) -> io::Result<()> {
        let longest = longest_line(max_line);
        let (filled, _) = self.fill(buffer, longest)?;
        self.recognise(&buffer[..filled], false, longest);
        Ok(())
    }

    /// Reads on for one turn. `None` where nothing became a record; then `ready` says whether there may be more.
    pub fn turn(&mut self, buffer: &mut Vec<u8>, settings: Settings<'_>) -> io::Result<Option<Batch>> {
        let (filled, reaches_end) = self.fill(buffer, longest_line(settings.max_line))?;
        // Looked at after reading: what was read is then of the content that is known.
        if let (Some((fingerprint, _)), Some(file)) = (self.start, &self.file)
            && !fingerprint.is_of(file)?
        {
            (self.is_rewritten, self.ready) = (true, false);
            return Ok(None);
        }
        let chunk = &buffer[..filled];
        self.seen = self.read() + filled as u64;
        let is_last = reaches_end && self.stage == Stage::Finishing;
        self.recognise(chunk, is_last, longest_line(settings.max_line));
        let Some(lines) = &mut self.lines else {
            self.ready = false;
            self.finish_if(is_last);
            return Ok(None);
        };
        let mut assembly = Assembly::with_capacity(filled);
        let (before, mut ended) = (lines.read(), false);
        let taken = lines.take(chunk, settings, &mut assembly);
        if !assembly.is_full() {
            // No complete line is left in the chunk.
            if is_last {
                lines.take_end(&chunk[taken..], settings, &mut assembly);
                ended = true;
            } else if taken == 0 && filled >= longest_line(settings.max_line) {
                lines.take_beginning(chunk, settings, &mut assembly);
            }
            self.ready = !reaches_end;
        }
        let (read, position) = (lines.read() - before, lines.position());
        settings.counters.bytes_read.add(read);
        self.finish_if(ended);
        Ok(self.book(assembly, position, read))
    }

    /// Fills the buffer from where reading goes on: with one turn's bytes, or with more where one line is longer.
    fn fill(&self, buffer: &mut Vec<u8>, longest: usize) -> io::Result<(usize, bool)> {
        let Some(file) = &self.file else { return Ok((0, true)) };
        let at = self.read();
        buffer.resize(buffer.len().max(READ), 0);
        let mut filled = read_full(file, &mut buffer[..READ], at)?;
        let mut asked = READ;
        if filled == READ && longest > READ && memchr::memchr(b'\n', &buffer[..READ]).is_none() {
            buffer.resize(buffer.len().max(longest), 0);
            filled += read_full(file, &mut buffer[READ..longest], at + READ as u64)?;
            asked = longest;
        }
        Ok((filled, filled < asked))
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

    fn finish_if(&mut self, ended: bool) {
        if ended {
            self.stage = Stage::Finished;
            self.ready = false;
            self.file = None;
        }
    }

    fn book(&mut self, assembly: Assembly, position: Position, read: u64) -> Option<Batch> {
        let count = assembly.len() as u32;
        if count == 0 && read == 0 {
            return None;
        }
        // Short lines take less space in the file than their records in memory.
        self.memory += read + u64::from(count) * size_of::<Record>() as u64;
        let receipt = self.watermark.open(count, Position { memory: self.memory, ..position });
        (count > 0).then(|| assembly.into_batch(self.place.clone(), self.origin.clone(), receipt))
    }

    /// Up to where the file was read, whole lines only.
    pub fn read(&self) -> u64 {
        self.lines.as_ref().map_or(0, Lines::read)
    }

    /// Up to where the file was looked at.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub fn is_rewritten(&self) -> bool {
        self.is_rewritten
    }

    pub fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    pub fn inode(&self) -> Inode {
        self.inode
    }

    /// Whether this is the open file that lies there.
    pub fn is_at(&self, inode: Inode) -> bool {
        self.file.is_some() && self.inode == inode
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.start.map(|(fingerprint, _)| fingerprint)
    }

    /// Whether a file that comes after this one may be read: this one is at its end, for all that is known.
    pub fn lets_pass(&self) -> bool {
        match self.stage {
            Stage::Present | Stage::Finished => true,
            Stage::Leaving | Stage::Finishing => !self.ready,
        }
    }

    /// Whether it is to be looked at often: it grew just now, or moves away.
    pub fn is_busy(&self, now: Instant) -> bool {
        match self.stage {
            Stage::Present => now - self.grown < BUSY,
            Stage::Leaving | Stage::Finishing => true,
            Stage::Finished => false,
        }
    }

    /// Bytes of memory that what was read and is not resolved takes, about.
    pub fn in_flight(&mut self) -> u64 {
        self.memory - self.watermark.position().memory
    }

    /// Up to where everything is delivered.
    pub fn delivered(&mut self) -> u64 {
        self.watermark.position().lowest()
    }

    /// Finished, and everything read is resolved.
    pub fn is_done(&mut self) -> bool {
        self.stage == Stage::Finished && self.watermark.is_settled()
    }

    /// Closes the file before its end.
    pub fn give_up(&mut self) {
        self.finish_if(true);
    }

    /// The file's content is gone from where it was. Goes on in `copy`, which has the same bytes, or closes; returns
    /// the file for someone else to follow from its beginning.
    pub fn leave_for(&mut self, copy: Option<(File, Inode)>) -> Option<File> {
        self.stage = if copy.is_some() { Stage::Leaving } else { Stage::Finishing };
        (self.ready, self.is_rewritten) = (true, false);
        let (copy, inode) = copy.map_or((None, None), |(file, inode)| (Some(file), Some(inode)));
        self.inode = inode.unwrap_or(self.inode);
        std::mem::replace(&mut self.file, copy)
    }

    /// What is found when the same path holds another content.
    pub fn found_again(&self, file: File, inode: Inode) -> Found {
        Found {
            path: self.path.clone(),
            base: self.base.clone(),
            file,
            inode,
            identity: self.identity.clone(),
            place: self.place.clone(),
            origin: self.origin.clone(),
        }
    }

    /// What a checkpoint says of it; nothing before its first line is complete.
    pub fn entry(&mut self) -> Option<Entry> {
        let (fingerprint, format) = self.start?;
        let Position { stdout, stderr, time, .. } = self.watermark.position();
        let (path, base, inode, identity) = (self.path.clone(), self.base.clone(), self.inode, self.identity.clone());
        // What could not be read of a file that is closed is in the books already.
        let size = if self.file.is_some() { self.size.max(self.seen) } else { self.read() };
        Some(Entry { path, base, inode, fingerprint, identity, format, stdout, stderr, time, size })
    }
}

/// The longest line that is held whole. Longer ones are cut at that length, wherever the turns fall, so that they
/// have the same identity whenever they are read.
fn longest_line(max_line: usize) -> usize {
    READ.max(max_line.saturating_add(AROUND_A_TEXT))
}
