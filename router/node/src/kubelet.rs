//! What the kubelet does with the log files of a container that prints: it rotates them, compresses all but the newest
//! of the rotated ones, and deletes the oldest.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Container, Error};

/// When the kubelet rotates, and what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Bytes of a log file.
    pub rotate_at: u64,
    /// Rotated files that a life of a container keeps: the kubelet's `containerLogMaxFiles` less one.
    pub keep: usize,
    /// Whether rotated files are compressed when the next one is rotated, as the kubelet always does.
    pub compress: bool,
}

/// A file and the number of the first line in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    pub line: u64,
    pub path: PathBuf,
}

/// The log files of one container.
#[derive(Debug)]
pub(crate) struct Kubelet {
    /// Bytes written before the last rotation.
    rotated_at: u64,
    /// Rotated files of this life, the oldest first, under their present names.
    rotated: VecDeque<PathBuf>,
    /// Every file that ever was, under the name that it had when it was rotated.
    pub(crate) begins: Vec<Begin>,
}

impl Kubelet {
    /// For a container that has printed nothing.
    pub(crate) fn new(container: &Container) -> Self {
        let begins = vec![Begin { line: 0, path: container.log() }];
        Self { rotated_at: 0, rotated: VecDeque::new(), begins }
    }

    /// Rotates if it is time; whether it was. `lines` were printed before.
    pub(crate) fn look(&mut self, container: &mut Container, retention: Retention, lines: u64) -> Result<bool, Error> {
        if container.bytes_written() - self.rotated_at < retention.rotate_at {
            return Ok(false);
        }
        self.rotated_at = container.bytes_written();
        while self.rotated.len() >= retention.keep.max(1)
            && let Some(oldest) = self.rotated.pop_front()
        {
            fs::remove_file(&oldest).map_err(Error::file("remove", &oldest))?;
        }
        if retention.compress {
            for path in self.rotated.iter_mut().filter(|path| path.extension().is_none_or(|end| end != "gz")) {
                *path = compress(path)?;
            }
        }
        let rotated = container.rotate()?;
        if let Some(begin) = self.begins.last_mut() {
            begin.path.clone_from(&rotated);
        }
        self.rotated.push_back(rotated);
        self.begins.push(Begin { line: lines, path: container.log() });
        Ok(true)
    }

    /// The container starts again; of its earlier lives the last one's files stay.
    pub(crate) fn restart(&mut self, container: &mut Container, lines: u64) -> Result<(), Error> {
        container.restart()?;
        container.collect()?;
        self.rotated.clear();
        self.rotated_at = container.bytes_written();
        self.begins.push(Begin { line: lines, path: container.log() });
        Ok(())
    }
}

/// By a temporary file that is renamed, as the kubelet does it: `LOG.gz` is whole from the moment that it is there.
fn compress(log: &Path) -> Result<PathBuf, Error> {
    let named = |end: &str| PathBuf::from(format!("{}.{end}", log.display()));
    let (part, done) = (named("tmp"), named("gz"));
    let copy = || -> io::Result<()> {
        let mut encoder = GzEncoder::new(File::create(&part)?, Compression::fast());
        io::copy(&mut File::open(log)?, &mut encoder)?;
        encoder.finish()?;
        fs::rename(&part, &done)?;
        fs::remove_file(log)
    };
    copy().map_err(Error::file("compress", log))?;
    Ok(done)
}
