//! A rotated file that was compressed: read as if it were plain, without ever being unpacked whole.

use std::{
    fs::File,
    io::{self, BufRead, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;

use crate::fingerprint::{Fingerprint, LONGEST};

/// Compressed bytes that are read at once.
const BLOCK: usize = 32 << 10;
/// Unpacked bytes that are passed over in one turn, on the way to where reading goes on.
const PASSED_IN_A_TURN: u64 = 8 << 20;
/// Bytes of the trailer that say how long the content is, modulo 2^32.
const TRAILER: u64 = 4;
/// The content of a file up to this long is shorter than 2^32 bytes: deflate makes at most 1,032 of one.
const EXACT: u64 = u32::MAX as u64 / 1032;

/// Where the content ends that was asked for.
#[derive(Debug)]
pub enum End {
    /// There is more.
    NotYet,
    /// There is no more now.
    ForNow,
    /// There will never be more.
    ForGood,
    /// The file ends in the middle: it is being written, or was torn.
    Torn(io::Error),
    /// What comes next cannot be unpacked.
    Damaged(io::Error),
}

impl End {
    /// Why nothing more can be read, for good; what is torn may be whole later, unless it `is_finishing`.
    pub fn error(self, is_finishing: bool) -> Option<io::Error> {
        match self {
            Self::Damaged(error) => Some(error),
            Self::Torn(error) if is_finishing => Some(error),
            _ => None,
        }
    }
}

/// A gzip file. Offsets are those of its content.
#[derive(Debug)]
pub struct Packed {
    file: Arc<File>,
    path: PathBuf,
    /// Only while it is read: it takes some 300 KiB.
    unpacking: Option<Box<Unpacking>>,
}

#[derive(Debug)]
struct Unpacking {
    decoder: MultiGzDecoder<Blocks>,
    /// Where `window` begins.
    start: u64,
    /// Unpacked, and asked for again where it ends in the middle of a line.
    window: Vec<u8>,
    end: End,
}

impl Packed {
    /// `path` is what errors name.
    pub fn new(file: File, path: &Path) -> Self {
        Self { file: Arc::new(file), path: path.into(), unpacking: None }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether it takes memory to go on where reading was.
    pub fn is_unpacking(&self) -> bool {
        self.unpacking.is_some()
    }

    /// Lets the memory go. The next read begins anew, which costs time.
    pub fn rest(&mut self) {
        self.unpacking = None;
    }

    /// Fills `buffer` with what stands at `at`, as far as there is any; no bytes and [`End::NotYet`] where it did not
    /// get there in one turn.
    pub fn read(&mut self, buffer: &mut [u8], at: u64) -> (usize, End) {
        let file = &self.file;
        let mut unpacking = match self.unpacking.take() {
            Some(unpacking) if unpacking.start <= at => unpacking,
            _ => Box::new(Unpacking::new(file.clone())),
        };
        let filled = unpacking.read(buffer, at);
        let is_there = unpacking.start == at;
        let end = match &unpacking.end {
            End::Torn(error) => End::Torn(self.named(error)),
            End::Damaged(error) => End::Damaged(self.named(error)),
            End::ForGood if is_there && filled < buffer.len() => End::ForGood,
            // The content is shorter than what was read of it before it was compressed.
            End::ForGood if !is_there => End::Damaged(self.named(&io::ErrorKind::UnexpectedEof.into())),
            _ => End::NotYet,
        };
        let ends = filled < buffer.len() && !matches!(end, End::NotYet);
        if !matches!(unpacking.end, End::Torn(_)) {
            self.unpacking = Some(unpacking);
        }
        (filled, if ends { end } else { End::NotYet })
    }

    fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{} cannot be unpacked to its end: {error}", self.path.display()))
    }

    /// The fingerprint of the content; `None` where no first line can be unpacked.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        let mut start = [0; LONGEST];
        let (length, _) = Self::new(self.file.try_clone().ok()?, &self.path).read(&mut start, 0);
        Fingerprint::of_start(&start[..length])
    }

    /// How long the content is, as the trailer says: exact for a whole file of one member that is not too long to
    /// tell, and nothing to rely on otherwise.
    pub fn length(&self) -> io::Result<Length> {
        let packed = self.file.metadata()?.len();
        let mut trailer = [0; TRAILER as usize];
        if packed < TRAILER {
            return Ok(Length { low: 0, packed });
        }
        self.file.read_exact_at(&mut trailer, packed - TRAILER)?;
        Ok(Length { low: u32::from_le_bytes(trailer), packed })
    }
}

/// What the trailer of a gzip file says of the length of its content.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Modulo 2^32.
    low: u32,
    packed: u64,
}

impl Length {
    /// Whether the content may be `bytes` long.
    pub fn is(self, bytes: u64) -> bool {
        u64::from(self.low) == bytes & u64::from(u32::MAX)
    }

    /// The most bytes that the content may have.
    pub fn most(self) -> u64 {
        if self.packed <= EXACT { u64::from(self.low) } else { u64::MAX }
    }

    /// About how many bytes the content has; at least as many as were found already.
    pub fn about(self, found: u64) -> u64 {
        let possible = self.packed > EXACT || u64::from(self.low) <= self.packed * 1032;
        if possible { found.max(self.low.into()) } else { found }
    }
}

impl Unpacking {
    fn new(file: Arc<File>) -> Self {
        let decoder = MultiGzDecoder::new(Blocks { file, at: 0, block: vec![0; BLOCK], unread: 0..0 });
        Self { decoder, start: 0, window: Vec::new(), end: End::NotYet }
    }

    fn read(&mut self, buffer: &mut [u8], at: u64) -> usize {
        if !self.pass_to(at) {
            return 0;
        }
        if self.window.len() < buffer.len() {
            self.fill(buffer.len());
        }
        let filled = self.window.len().min(buffer.len());
        buffer[..filled].copy_from_slice(&self.window[..filled]);
        filled
    }

    /// Drops what comes before `at`; false where that is not reached in one turn, or never.
    fn pass_to(&mut self, at: u64) -> bool {
        let mut left = PASSED_IN_A_TURN;
        loop {
            let passed = (at - self.start).min(self.window.len() as u64);
            self.window.drain(..passed as usize);
            self.start += passed;
            if self.start == at {
                return true;
            }
            let step = (at - self.start).min(BLOCK as u64).min(left);
            left -= step;
            if step == 0 || !matches!(self.end, End::NotYet) {
                return false;
            }
            self.fill(step as usize);
        }
    }

    /// Unpacks until the window has `length` bytes, or nothing more comes.
    fn fill(&mut self, length: usize) {
        let mut filled = self.window.len();
        self.window.resize(length.max(filled), 0);
        while filled < length && matches!(self.end, End::NotYet) {
            match self.decoder.read(&mut self.window[filled..]) {
                Ok(0) => self.end = End::ForGood,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end = End::Torn(error),
                Err(error) => self.end = End::Damaged(error),
            }
        }
        self.window.truncate(filled);
    }
}

/// The compressed file, read at offsets of its own: nobody else's place in it changes.
#[derive(Debug)]
struct Blocks {
    file: Arc<File>,
    at: u64,
    block: Vec<u8>,
    unread: std::ops::Range<usize>,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Blocks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let count = self.file.read_at(&mut self.block, self.at)?;
            self.at += count as u64;
            self.unread = 0..count;
        }
        Ok(&self.block[self.unread.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = (self.unread.start + count).min(self.unread.end);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn packed(bytes: &[u8]) -> Packed {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log.1.gz");
        fs::write(&path, bytes).unwrap();
        Packed::new(File::open(&path).unwrap(), &path)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).take(length).collect()
    }

    /// Reads as a follower does: chunks that begin where the last one was understood.
    fn read_all(packed: &mut Packed, from: u64, chunk: usize, taken: usize) -> (Vec<u8>, End) {
        let (mut all, mut buffer, mut at) = (Vec::new(), vec![0; chunk], from);
        loop {
            let (filled, end) = packed.read(&mut buffer, at);
            let took = if matches!(end, End::NotYet) { filled.min(taken) } else { filled };
            all.extend_from_slice(&buffer[..took]);
            at += took as u64;
            if !matches!(end, End::NotYet) {
                return (all, end);
            }
        }
    }

    #[test]
    fn the_content_is_read_from_anywhere() {
        let content = content(1_000_000);
        let mut members = gzip(&content[..300_000]);
        members.extend(gzip(&content[300_000..]));
        for bytes in [gzip(&content), members] {
            for (from, chunk, taken) in [(0, 1000, 1000), (0, 70_000, 65_000), (999_999, 10, 1), (400_000, 4096, 5)] {
                let mut packed = packed(&bytes);
                let (all, end) = read_all(&mut packed, from, chunk, taken.max(4000.min(chunk)));
                assert!(matches!(end, End::ForGood), "{end:?}");
                assert!(all == content[from as usize..], "{from} {chunk}");
                // Back again, which begins anew.
                assert_eq!(packed.read(&mut [0; 3], 0).0, 3);
                packed.rest();
                assert!(!packed.is_unpacking());
            }
        }
    }

    #[test]
    fn the_way_to_a_far_offset_takes_several_turns_and_little_memory() {
        let content = vec![b'x'; 40 << 20];
        let mut packed = packed(&gzip(&content));
        let (mut turns, mut buffer) = (0, [0; 10]);
        while let (0, End::NotYet) = packed.read(&mut buffer, (40 << 20) - 4) {
            turns += 1;
            assert!(packed.unpacking.as_ref().unwrap().window.capacity() <= 4 * BLOCK);
        }
        assert_eq!((turns, &buffer), (4, b"xxxx\0\0\0\0\0\0"));
    }

    #[test]
    fn what_is_torn_or_damaged_is_read_as_far_as_it_goes() {
        let content = content(100_000);
        let whole = gzip(&content);
        for length in [0, 1, 9, 10, 11, 5000, whole.len() - 9, whole.len() - 1] {
            let mut packed = packed(&whole[..length]);
            let (all, end) = read_all(&mut packed, 0, 4096, 4096);
            assert!(matches!(end, End::Torn(_)), "{length} {end:?}");
            assert!(content.starts_with(&all), "{length}");
            assert!(!packed.is_unpacking(), "the rest may come");
        }
        let mut flipped = whole.clone();
        *flipped.iter_mut().nth_back(7).unwrap() ^= 1;
        let (all, end) = read_all(&mut packed(&flipped), 0, 4096, 4096);
        let End::Damaged(error) = end else { panic!("{end:?}") };
        assert!(error.to_string().contains("0.log.1.gz cannot be unpacked"), "{error}");
        assert!(all == content, "the checksum comes last");
        // No gzip file at all, and one that is shorter than what was read before.
        for (bytes, at) in [(&b"2023-11-14T22:13:20Z stdout F a\n"[..], 0), (&whole, 100_001)] {
            assert!(matches!(packed(bytes).read(&mut [0; 10], at), (0, End::Damaged(_))));
        }
    }

    #[test]
    fn what_was_torn_is_read_on_when_it_is_whole() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content(50_000));
        let (path, whole) = (folder.path().join("a.gz"), gzip(&content));
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut packed = Packed::new(File::open(&path).unwrap(), &path);
        let (first, _) = read_all(&mut packed, 0, 4096, 4096);
        fs::write(&path, &whole).unwrap();
        let (rest, end) = read_all(&mut packed, first.len() as u64, 4096, 4096);
        assert!(matches!(end, End::ForGood), "{end:?}");
        assert_eq!([first, rest].concat(), content);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_content() {
        for content in ["first line\nsecond\n".to_owned(), format!("{}\n", "x".repeat(5000))] {
            let plain = Fingerprint::of_start(content.as_bytes());
            assert_eq!(packed(&gzip(content.as_bytes())).fingerprint(), plain);
            assert!(plain.is_some());
        }
        for bytes in [gzip(b""), gzip(b"no newline"), b"no gzip\n".to_vec()] {
            assert_eq!(packed(&bytes).fingerprint(), None);
        }
    }

    #[test]
    fn the_trailer_tells_the_length() {
        let length = packed(&gzip(&[b'x'; 5000])).length().unwrap();
        assert!(length.is(5000) && length.is(5000 + (1 << 32)) && !length.is(4999));
        assert_eq!((length.most(), length.about(10), length.about(6000)), (5000, 5000, 6000));
        let long = Length { low: 7, packed: EXACT + 1 };
        assert_eq!((long.most(), long.about(10)), (u64::MAX, 10));
        // No file of four bytes holds so much.
        assert_eq!(packed(&[0xff; 4]).length().unwrap().about(10), 10);
        assert!(packed(b"").length().unwrap().is(0));
    }
}
