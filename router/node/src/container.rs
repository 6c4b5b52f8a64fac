//! One container's log files, and the link to the one that is being written.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::runtime::{Writer, format_second};
use crate::{Error, Spec, Stream};

/// Written to the file at once, as long as nobody asks for less by [`Container::flush`].
const BUFFER: usize = 256 * 1024;

/// A running container. What it writes is on disk after [`Container::flush`], and at the latest when it is dropped.
#[derive(Debug)]
pub struct Container {
    spec: Spec,
    /// `…/var/log/pods/<namespace>_<pod>_<uid>`
    pod_folder: PathBuf,
    link: PathBuf,
    restarts: u32,
    file: File,
    writer: Writer,
    pending: Vec<u8>,
    bytes_written: u64,
    /// Of the last record, in ns since 1970.
    time: u64,
}

impl Container {
    pub(crate) fn start(spec: Spec, pod_folder: PathBuf, link: PathBuf) -> Result<Self, Error> {
        let folder = pod_folder.join(&spec.container);
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let log = folder.join("0.log");
        let file = open(&log)?;
        point(&link, &log)?;
        let writer = Writer::new(spec.format);
        let pending = Vec::with_capacity(BUFFER);
        Ok(Self { spec, pod_folder, link, restarts: 0, file, writer, pending, bytes_written: 0, time: 0 })
    }

    /// One line that the container prints, without its newline; the runtime splits a long one into several records.
    /// `time` is in nanoseconds since 1970.
    pub fn write(&mut self, stream: Stream, text: impl AsRef<[u8]>, time: u64) -> Result<(), Error> {
        self.time = time;
        let before = self.pending.len();
        self.writer.append(stream, text.as_ref(), time, &mut self.pending);
        self.written(before)
    }

    /// Bytes of the log file as they are: what no runtime should write, or half a line.
    pub fn write_raw(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        let before = self.pending.len();
        self.pending.extend_from_slice(bytes.as_ref());
        self.written(before)
    }

    pub fn flush(&mut self) -> Result<(), Error> {
        self.file.write_all(&self.pending).map_err(Error::file("write", &self.log()))?;
        self.pending.clear();
        Ok(())
    }

    /// Renames the log file as the kubelet does, to `N.log.YYYYMMDD-HHMMSS`, and goes on in a new `N.log`; the link
    /// stays. The time in the name is the last record's, or the next second that no earlier rotation took. Returns the
    /// path of the rotated file.
    pub fn rotate(&mut self) -> Result<PathBuf, Error> {
        self.flush()?;
        let log = self.log();
        let mut second = self.time / 1_000_000_000;
        let rotated = loop {
            let path = PathBuf::from(format!("{}.{}", log.display(), format_second(second, "%Y%m%d-%H%M%S")));
            if !path.exists() {
                break path;
            }
            second += 1;
        };
        fs::rename(&log, &rotated).map_err(Error::file("rename", &log))?;
        self.file = open(&log)?;
        Ok(rotated)
    }

    /// The container starts again: its next log file, and the link to that.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.restarts += 1;
        self.file = open(&self.log())?;
        point(&self.link, &self.log())
    }

    /// The log files of the lives before the last one go, as when the kubelet collects containers that are dead: it
    /// keeps one.
    pub fn collect(&mut self) -> Result<(), Error> {
        let folder = self.pod_folder.join(&self.spec.container);
        for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))? {
            let path = entry.map_err(Error::file("list", &folder))?.path();
            if life(&path).is_some_and(|life| life + 1 < self.restarts) {
                fs::remove_file(&path).map_err(Error::file("remove", &path))?;
            }
        }
        Ok(())
    }

    /// The pod is deleted: the link, the container's files and, with the last container, the pod's folder go.
    pub fn remove(mut self) -> Result<(), Error> {
        self.flush()?;
        fs::remove_file(&self.link).map_err(Error::file("remove", &self.link))?;
        let folder = self.pod_folder.join(&self.spec.container);
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
        // Fails while other containers of the pod have logs in it, as it must.
        let _ = fs::remove_dir(&self.pod_folder);
        Ok(())
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// 64 hexadecimal digits.
    pub fn id(&self) -> String {
        self.spec.container_id()
    }

    /// The file being written: `…/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`.
    pub fn log(&self) -> PathBuf {
        self.pod_folder.join(&self.spec.container).join(format!("{}.log", self.restarts))
    }

    /// `…/var/log/containers/<pod>_<namespace>_<container>-<id>.log`
    pub fn link(&self) -> &Path {
        &self.link
    }

    /// Bytes of all its log files, also those not flushed yet.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    fn written(&mut self, before: usize) -> Result<(), Error> {
        self.bytes_written += (self.pending.len() - before) as u64;
        if self.pending.len() < BUFFER { Ok(()) } else { self.flush() }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // An error has nobody left to tell; who wants to know flushes before.
        let _ = self.flush();
    }
}

/// Of `3.log` and `3.log.20231114-221320.gz`: 3.
fn life(log: &Path) -> Option<u32> {
    let (life, rest) = log.file_name()?.to_str()?.split_once('.')?;
    (rest == "log" || rest.starts_with("log.")).then(|| life.parse().ok())?
}

/// As runtimes create log files: for their owner and, to read, for its group.
fn open(log: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o640);
    options.open(log).map_err(Error::file("create", log))
}

/// Makes `link` point to `log`, in one step where it pointed elsewhere.
fn point(link: &Path, log: &Path) -> Result<(), Error> {
    let next = link.with_extension("next");
    symlink(log, &next).map_err(Error::file("create", &next))?;
    fs::rename(&next, link).map_err(Error::file("create", link))
}
