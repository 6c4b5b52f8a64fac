//! Component files that were compressed, to fit a ConfigMap: known by their first bytes, whatever they are called.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Bytes that zstd may look back: as much memory is taken for them. No level without `--ultra` needs more.
const LARGEST_WINDOW: u64 = 16 << 20;

/// A component file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

/// A compressed component is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnpackError {
    #[error(
        "is compressed and holds more than the {limit} bytes that are allowed; build it optimized and without debug information"
    )]
    Large { limit: usize },
    #[error("is compressed with {with} and cannot be unpacked: {why}; compress it, or copy it, anew")]
    Damaged { with: &'static str, why: String },
}

/// The component in a file, unpacked; of one that is too large and not compressed, enough to be refused for it. `limit`
/// is in bytes and holds for the file and for what is in it.
///
/// # Errors
/// The file cannot be read, or unpacked within `limit`.
pub fn read(file: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    File::open(file)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if is_packed(&bytes) { Ok(unpack(&bytes, limit)?) } else { Ok(bytes) }
}

/// Whether these are the first bytes of a compressed file.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(GZIP) || bytes.starts_with(ZSTD)
}

/// What a compressed file holds. It is never unpacked further than `limit` bytes: a small file may hold a large one.
///
/// # Errors
/// The file is damaged, or holds more.
pub fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    if packed.len() > limit {
        return Err(UnpackError::Large { limit });
    }
    if packed.starts_with(GZIP) {
        return read_all(MultiGzDecoder::new(packed), limit, "gzip");
    }
    let mut rest = packed;
    let frame = StreamingDecoder::new_with_max_window_size(&mut rest, LARGEST_WINDOW);
    let bytes = read_all(frame.map_err(|error| damaged("zstd", &error))?, limit, "zstd")?;
    if rest.is_empty() { Ok(bytes) } else { Err(damaged("zstd", &"something follows its first frame")) }
}

fn read_all(from: impl Read, limit: usize, with: &'static str) -> Result<Vec<u8>, UnpackError> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| damaged(with, &error))?;
    if bytes.len() > limit { Err(UnpackError::Large { limit }) } else { Ok(bytes) }
}

fn damaged(with: &'static str, why: &dyn std::fmt::Display) -> UnpackError {
    UnpackError::Damaged { with, why: crate::fault::one_line(&why.to_string()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[test]
    fn what_is_compressed_is_unpacked_up_to_the_limit() {
        let component: Vec<u8> = (0..100_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for packed in [gzip(&component), zstd(&component)] {
            assert!(is_packed(&packed) && packed.len() < component.len());
            assert!(unpack(&packed, component.len()).unwrap() == component);
            let limit = component.len() - 1;
            assert_eq!(unpack(&packed, limit), Err(UnpackError::Large { limit }));
            assert_eq!(unpack(&packed, packed.len() - 1), Err(UnpackError::Large { limit: packed.len() - 1 }));
        }
        assert!(!is_packed(b"\0asm\x0d\0\x01\0") && !is_packed(b""));
    }

    #[test]
    fn files_are_read_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.wasm");
        for (held, limit, expect) in [
            (b"plain".to_vec(), 100, Ok(b"plain".to_vec())),
            (b"plain and long".to_vec(), 5, Ok(b"plain ".to_vec())),
            (gzip(b"packed"), 100, Ok(b"packed".to_vec())),
            (zstd(b"packed"), 100, Ok(b"packed".to_vec())),
            (gzip(&[0; 1000]), 100, Err("is compressed and holds more than the 100 bytes")),
        ] {
            std::fs::write(&path, &held).unwrap();
            match (read(&path, limit), expect) {
                (Ok(read), Ok(expect)) => assert_eq!(read, expect),
                (Err(error), Err(expect)) => assert!(error.to_string().starts_with(expect), "{error}"),
                (read, expect) => panic!("{read:?} instead of {expect:?}"),
            }
        }
        assert!(matches!(read(folder.path(), 1), Err(FileError::Read(_))));
    }

    /// A gibibyte of zeros: 1 MiB of gzip. Of a frame of zstd its window alone may claim more than there is.
    #[test]
    fn a_bomb_takes_no_more_than_the_limit() {
        let limit = 1 << 20;
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        (0..1024).for_each(|_| bomb.write_all(&vec![0; 1 << 20]).unwrap());
        let bomb = bomb.finish().unwrap();
        assert_eq!(unpack(&bomb, 2 << 20), Err(UnpackError::Large { limit: 2 << 20 }));
        // No checksum, no content size, a window of 2 TiB; then one last block of 2 MiB of one byte, which is too long.
        let window = [ZSTD, &[0, 0xf8, 0x03, 0, 0]].concat();
        let error = unpack(&window, limit).unwrap_err();
        assert!(matches!(error, UnpackError::Damaged { with: "zstd", .. }), "{error}");
        // 16,000 blocks of 128 KiB of zeros, four bytes each: 2 GiB in 64 KB.
        let mut blocks = [ZSTD, &[0, 0x58]].concat();
        (0..16_000).for_each(|_| blocks.extend([0x02, 0x00, 0x10, 0x00]));
        assert_eq!(unpack(&blocks, limit), Err(UnpackError::Large { limit }));
        assert!(matches!(unpack(&[zstd(b"a"), zstd(b"b")].concat(), limit), Err(UnpackError::Damaged { .. })));
    }

    proptest! {
        /// What is torn or garbled is refused or is something else, and nothing worse happens.
        #[test]
        fn damage_is_survived(text in ".{0,200}", use_zstd: bool, at: prop::sample::Index, flip in 1u8.., cut: bool) {
            let mut packed = if use_zstd { zstd(text.as_bytes()) } else { gzip(text.as_bytes()) };
            let at = at.index(packed.len());
            if cut { packed.truncate(at) } else { packed[at] ^= flip }
            if is_packed(&packed) {
                let unpacked = unpack(&packed, 10_000);
                prop_assert!(!cut || unpacked.is_err());
            }
        }
    }
}
