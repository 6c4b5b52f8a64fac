//! One file, from the moment it is found to the moment everything read of it is delivered.

use std::{fs::File, io, path::PathBuf, sync::Arc, time::Duration};

use sluice_core::{Generation, Origin, Place, Watermark, stop::Rest};
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    checkpoint::Entry,
    container::PATH_IDENTITY,
    content::Content,
    fingerprint::{Fingerprint, Inode, Stamp},
    format::Format,
    found::Found,
    lines::{Lines, Settings, Taken},
    position::Position,
    shares::Held,
};

mod leaving;
mod reading;
mod succession;

/// Bytes read in one turn.
pub const READ: usize = 256 << 10;

/// A file that grew in this time is looked at often.
const BUSY: Duration = Duration::from_secs(1);

/// What bytes of compressed files count as that could not be unpacked.
const DAMAGED: &str = "damaged_gz";

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
    /// The number of the file before that took some of this one, and where this one is read again from as long as that
    /// is not delivered.
    hold: Option<(u64, Position)>,
    /// The lines of this one that the file before took.
    left_out: Vec<std::ops::Range<u64>>,
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
            hold: None,
            left_out: Vec::new(),
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

    /// Whether it is to be looked at often: it grew just now, or moves away.
    pub fn is_busy(&self, now: Instant) -> bool {
        match self.stage {
            Stage::Present => now - self.grown < BUSY,
            Stage::Leaving | Stage::Finishing => !self.is_packed(),
            Stage::Finished => false,
        }
    }

    /// The memory that what was read and is not resolved takes, about.
    pub fn held(&mut self) -> Held {
        let open = self.lines.as_ref().map_or(0, Lines::memory) as u64;
        Held { unresolved: self.memory - self.watermark.position().memory, open }
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
        self.stage == Stage::Finished && self.hold.is_none() && self.watermark.is_settled()
    }

    /// What a checkpoint says of it; nothing before its first line is complete.
    pub fn entry(&mut self) -> Option<Entry> {
        let (fingerprint, format) = self.start?;
        let Position { stdout, stderr, time, .. } = self.position_to_save();
        let (path, base, inode, identity) = (self.path.clone(), self.base.clone(), self.inode, self.identity.clone());
        // What could not be read of a file that is closed is in the books already.
        let size = if self.content.is_some() { self.size.max(self.seen) } else { self.read() };
        // What is not delivered is read again after a kill.
        let (born, modified, ended) = (self.born, self.modified, self.is_done());
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
