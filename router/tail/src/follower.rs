//! One file, from the moment it is found to the moment everything read of it is delivered.

use std::{
    fs::{File, Metadata},
    io,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use sluice_core::{Batch, Generation, Origin, Place, Record, Watermark, stop::Rest};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    assembly::Assembly,
    checkpoint::Entry,
    container::PATH_IDENTITY,
    content::Content,
    fingerprint::{Fingerprint, Inode, Stamp},
    format::Format,
    found::Found,
    lines::{Lines, Settings, Taken},
    packed::End,
    position::Position,
};

/// Bytes read in one turn.
pub const READ: usize = 256 << 10;

/// A file that grew in this time is looked at often.
const BUSY: Duration = Duration::from_secs(1);

/// What bytes of compressed files count as that could not be unpacked.
const DAMAGED: &str = "damaged_gz";

/// Bytes of texts that are open which count as in flight. More would keep a file from reading their ends, where
/// `max_line` is near what a file may have in flight.
const MOST_OPEN: u64 = 4 << 20;

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
    /// The one before knows that this one comes next, and has had a last look at its own end.
    pub is_next: bool,
    /// Another file comes behind this one.
    pub has_next: bool,
    /// There may be something to read.
    pub ready: bool,
    /// Notifications of its growth are on.
    pub is_watched: bool,
    /// Its length when it was last looked at.
    pub size: u64,
    /// When it was last seen to grow.
    pub grown: Instant,
    /// When it was last written to, as far as it was looked at.
    pub modified: u64,
    /// The length of a compressed file when it was last looked at.
    pub packed: u64,
    /// Since when no name leads to it.
    pub deleted: Option<Instant>,
    content: Option<Content>,
    inode: Inode,
    born: u64,
    identity: String,
    container: u64,
    place: Arc<Place>,
    origin: Arc<Origin>,
    /// Known from the first line on.
    start: Option<(Fingerprint, Format)>,
    /// What it began with before its first line was complete.
    beginning: Option<Fingerprint>,
    /// What the next file begins with, once this one's writer goes on there.
    next: Option<Vec<u8>>,
    /// What is taken of the next file to complete texts of this one.
    taken: Option<Taken>,
    /// A compressed file that is read to its end, and has texts open that the next file may complete.
    waits_for_next: bool,
    /// How long this file was when its beginning was looked at to complete the texts of the one before.
    peeked: Option<u64>,
    lines: Option<Lines>,
    watermark: Watermark<Position>,
    /// Up to where the file was looked at, an incomplete line included.
    seen: u64,
    /// Its content was found to be another one: to be split by the next look at it.
    is_rewritten: bool,
    /// Memory that everything read so far took, in bytes.
    memory: u64,
    passed: Option<(Inode, u64)>,
}

impl Follower {
    /// Follows a file from its beginning, or from where `entry` remembers it.
    pub fn new(number: u64, found: Found, entry: Option<Entry>, generation: Arc<Generation>) -> Self {
        let Found { path, base, content, inode, stamp, identity, place, origin } = found;
        let container = if identity.starts_with(PATH_IDENTITY) { &identity } else { &origin.key };
        let container = xxh3_64(container.as_bytes());
        let mut follower = Self {
            number,
            path,
            base,
            stage: Stage::Present,
            behind: None,
            is_next: false,
            has_next: false,
            ready: true,
            is_watched: false,
            size: 0,
            grown: Instant::now(),
            modified: stamp.modified,
            packed: 0,
            deleted: None,
            content: Some(content),
            inode,
            born: stamp.born,
            identity,
            container,
            place,
            origin,
            start: None,
            beginning: None,
            next: None,
            taken: None,
            waits_for_next: false,
            peeked: None,
            lines: None,
            watermark: Watermark::new(generation, entry.as_ref().map(Entry::position).unwrap_or_default()),
            seen: 0,
            is_rewritten: false,
            memory: 0,
            passed: None,
        };
        if let Some(entry) = entry {
            let position = entry.position();
            follower.seen = position.lowest();
            if follower.is_packed() {
                // It was plain then: what its content has at least.
                follower.size = entry.size;
            }
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
        let (is_finishing, reaches_end) = (self.stage == Stage::Finishing, !matches!(end, End::NotYet));
        let is_last = matches!(end, End::ForGood) || is_finishing && matches!(end, End::ForNow);
        let broken = end.error(is_finishing);
        let is_broken = broken.is_some();
        self.recognise(chunk, is_last, longest_line(settings.max_line));
        let Some(lines) = &mut self.lines else {
            self.ready = false;
            self.finish_if(is_last);
            return broken.map_or(Ok(None), Err);
        };
        let mut assembly = Assembly::with_capacity(filled);
        let (before, mut ended) = (lines.read(), false);
        let taken = lines.take(chunk, settings, &mut assembly);
        if !assembly.is_full() {
            // No complete line is left in the chunk.
            let next = self.next.take_if(|_| reaches_end);
            self.taken = next.as_ref().map(|next| lines.take_beginning_of_next(next, settings, &mut assembly));
            self.waits_for_next =
                is_last && !is_finishing && self.has_next && next.is_none() && lines.is_joining();
            if self.waits_for_next {
                // What is open may go on there.
            } else if is_last {
                lines.take_end(&chunk[taken..], settings, &mut assembly);
                ended = true;
            } else if taken == 0 && filled >= longest_line(settings.max_line) {
                lines.take_beginning(chunk, settings, &mut assembly);
            } else if let Some(error) = broken
                && taken == 0
            {
                // The line that breaks off is none; the texts that are open get no more parts.
                lines.take_end(&[], settings, &mut assembly);
                if assembly.len() == 0 {
                    return Err(error);
                }
            }
            if reaches_end && !ended {
                lines.take_silent(settings, &mut assembly);
            }
            self.ready = !reaches_end || is_broken;
        }
        let (read, position) = (lines.read() - before, lines.position());
        settings.counters.bytes_read.add(read);
        self.finish_if(ended);
        Ok(self.book(assembly, position, read))
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

    fn finish_if(&mut self, ended: bool) {
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

    /// The file as it lies on the disk, for what is known of it there.
    pub fn file(&self) -> Option<&File> {
        self.content.as_ref().map(Content::file)
    }

    /// Whether what is read is the content of a compressed file.
    pub fn is_packed(&self) -> bool {
        self.content.as_ref().is_some_and(Content::is_packed)
    }

    /// Whether it holds the memory that unpacking takes.
    pub fn is_unpacking(&self) -> bool {
        matches!(&self.content, Some(Content::Packed(packed)) if packed.is_unpacking())
    }

    fn rest(&mut self) {
        if let Some(Content::Packed(packed)) = &mut self.content {
            packed.rest();
        }
    }

    /// About how many bytes the content has.
    pub fn length(&self) -> u64 {
        self.content.as_ref().map_or(self.seen, |content| content.about(self.seen.max(self.size)))
    }

    /// What was not read of a file that is given up after this error, and what it counts as.
    pub fn unread_after(&self, error: &io::Error) -> (u64, &'static str) {
        let found = self.seen.max(self.size);
        match &self.content {
            // The trailer of what is torn is none.
            Some(Content::Packed(_)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                (found.saturating_sub(self.read()), DAMAGED)
            }
            Some(content @ Content::Packed(_)) => (content.about(found).saturating_sub(self.read()), DAMAGED),
            _ => (self.seen.saturating_sub(self.read()), "unreadable"),
        }
    }

    pub fn inode(&self) -> Inode {
        self.inode
    }

    pub fn stamp(&self) -> Stamp {
        Stamp { born: self.born, modified: self.modified }
    }

    /// The part of the stream identity that is not in the file.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The compressed file that was read to its end or given up, and its length there.
    pub fn passed(&self) -> Option<(Inode, u64)> {
        self.passed
    }

    /// Whether this is the open file that lies there.
    pub fn is_at(&self, inode: Inode) -> bool {
        self.content.is_some() && self.inode == inode
    }

    pub fn format(&self) -> Option<Format> {
        self.start.map(|(_, format)| format)
    }

    /// The same for all files of a container, and another for each that is not a container's.
    pub fn container(&self) -> u64 {
        self.container
    }

    /// What it began with when it was last looked at, while its first line is incomplete.
    pub fn beginning(&self) -> Option<Fingerprint> {
        self.beginning
    }

    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.start.map(|(fingerprint, _)| fingerprint)
    }

    /// Whether this one is at its end, for all that is known.
    pub fn is_at_end(&self) -> bool {
        // What is compressed has an end of its own, and is waited for where it is being written.
        self.stage == Stage::Finished || !self.ready && (!self.is_packed() || self.waits_for_next)
    }

    /// Whether nothing was written to it, for all that is known.
    pub fn is_empty(&self) -> bool {
        self.size == 0 && self.seen == 0 && !self.is_packed() && !matches!(self.stage, Stage::Finishing | Stage::Finished)
    }

    /// Whether a file that was empty when it was looked at is so no more.
    pub fn wakes_up(&mut self) -> bool {
        self.size = self.file().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        self.ready |= self.size > 0;
        self.ready
    }

    /// Whether a text is open whose other parts may stand in the next file.
    pub fn is_joining(&self) -> bool {
        self.content.is_some() && self.lines.as_ref().is_some_and(Lines::is_joining)
    }

    /// Whether the beginning of the next file tells the ends of all texts that are open.
    pub fn ends_in(&self, next: &[u8], settings: Settings<'_>) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.ends_in(next, settings))
    }

    /// What the file begins with, where that is more than at the last call.
    pub fn peek(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.peeked.replace(self.size) == Some(self.size) {
            return Ok(None);
        }
        let mut beginning = vec![0; READ];
        let filled = self.content.as_mut().map_or(Ok(0), |content| content.read(&mut beginning, 0, 0).map(|it| it.0))?;
        beginning.truncate(filled);
        Ok(Some(beginning))
    }

    /// The writer has gone on in the next file, which begins so: one more look, then this one's end is the end of all
    /// texts that are not completed there.
    pub fn be_succeeded(&mut self, next: Vec<u8>) {
        (self.next, self.ready, self.waits_for_next) = (Some(next), true, false);
    }

    /// What was taken of the next file just now.
    pub fn take_taken(&mut self) -> Option<Taken> {
        self.taken.take()
    }

    /// Leaves out what the file before took of this one. Nothing of it was read yet.
    pub fn leave_out(&mut self, taken: Taken, generation: Arc<Generation>) {
        let Position { stdout, stderr, time, .. } = self.watermark.position();
        let position = Position { stdout: stdout.max(taken.stdout), stderr: stderr.max(taken.stderr), memory: 0, time };
        let is_further = position.lowest() > stdout.min(stderr);
        self.begin_at(Position { time: if is_further { taken.time } else { time }, ..position }, generation);
    }

    /// Whether it is to be looked at often: it grew just now, or moves away.
    pub fn is_busy(&self, now: Instant) -> bool {
        match self.stage {
            Stage::Present => now - self.grown < BUSY,
            Stage::Leaving | Stage::Finishing => !self.is_packed(),
            Stage::Finished => false,
        }
    }

    /// Bytes of memory that what was read and is not resolved takes, about.
    pub fn in_flight(&mut self) -> u64 {
        let open = self.lines.as_ref().map_or(0, Lines::memory) as u64;
        self.memory - self.watermark.position().memory + open.min(MOST_OPEN)
    }

    /// Whether a text is open there whose end has not come in time.
    pub fn is_silent(&self, settings: Settings<'_>) -> bool {
        let due = self.lines.as_ref().and_then(|lines| lines.due(settings));
        self.content.is_some() && due.is_some_and(|due| due <= settings.now)
    }

    /// Where reading goes on, if not everything that was read has left.
    pub fn unsettled(&mut self) -> Option<Rest> {
        let position = self.watermark.position().lowest();
        (!self.watermark.is_settled()).then(|| Rest { place: self.place.clone(), position })
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
    pub fn leave_for(&mut self, copy: Option<(Content, Metadata)>) -> Option<File> {
        self.stage = if copy.is_some() { Stage::Leaving } else { Stage::Finishing };
        (self.ready, self.is_rewritten) = (true, false);
        let left = self.content.take();
        if let Some((copy, metadata)) = copy {
            self.go_on_in(copy, &metadata);
        }
        match left {
            Some(Content::Plain(file)) => Some(file),
            Some(Content::Packed(_)) | None => None,
        }
    }

    /// Goes on in a copy, which has the same bytes.
    pub fn go_on_in(&mut self, copy: Content, metadata: &Metadata) {
        let stamp = Stamp::of(metadata);
        (self.inode, self.born, self.modified) = (Inode::of(metadata), stamp.born, stamp.modified);
        (self.content, self.deleted, self.ready) = (Some(copy), None, true);
    }

    /// What is found when the same path holds another content.
    pub fn found_again(&self, file: File, inode: Inode, stamp: Stamp) -> Found {
        Found {
            path: self.path.clone(),
            base: self.base.clone(),
            content: Content::Plain(file),
            inode,
            stamp,
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
        let size = if self.content.is_some() { self.size.max(self.seen) } else { self.read() };
        let (born, modified, ended) = (self.born, self.modified, self.stage == Stage::Finished);
        Some(Entry {
            path,
            base,
            inode,
            fingerprint,
            identity,
            format,
            stdout,
            stderr,
            time,
            size,
            born,
            modified,
            ended,
            foreign: false,
        })
    }
}

/// The longest line that is held whole. Longer ones are cut at that length, wherever the turns fall, so that they
/// have the same identity whenever they are read.
fn longest_line(max_line: usize) -> usize {
    READ.max(max_line.saturating_add(AROUND_A_TEXT))
}
