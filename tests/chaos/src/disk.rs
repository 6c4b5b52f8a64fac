//! A small file system that can be filled: in memory, and seen by this run alone.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sluice_servers::{Launch, Process, wait_until};

/// Room for the positions of hundreds of files, twice.
const SIZE: &str = "1m";
const START: Duration = Duration::from_secs(10);
/// Mounts in a namespace of its own, which ends with this process, and with it the mount.
const HOLD: &str = r#"mount -t tmpfs -o size="$1" chaos "$2" && touch "$2/mounted" && exec sleep 2147483647"#;

/// It is gone when this is dropped.
pub struct Disk {
    _holder: Process,
    folder: PathBuf,
}

impl Disk {
    /// Mounts it below `folder`; fails where the system does not let us.
    pub fn mount(folder: &Path) -> Result<Self> {
        let point = folder.join("disk");
        fs::create_dir(&point).with_context(|| format!("cannot create {}", point.display()))?;
        // As root by our own right, else as the root of a namespace of users.
        let mut last = None;
        for flags in ["-m", "-Urm"] {
            match Self::hold(folder, &point, flags) {
                Ok(disk) => return Ok(disk),
                Err(error) => last = Some(error),
            }
        }
        last.map_or_else(|| bail!("no way to mount was tried"), Err)
    }

    fn hold(folder: &Path, point: &Path, flags: &str) -> Result<Self> {
        let log = folder.join("disk.log");
        let mut holder = Process::spawn(&Launch {
            program: "unshare".into(),
            arguments: vec![
                flags.into(),
                "--propagation".into(),
                "private".into(),
                "sh".into(),
                "-c".into(),
                HOLD.into(),
                "sh".into(),
                SIZE.into(),
                point.into(),
            ],
            environment: Vec::new(),
            folder: folder.to_path_buf(),
            log: log.clone(),
            as_nobody: false,
        })?;
        // From outside of the namespace the mount is seen through the process that holds it.
        let seen = PathBuf::from(format!("/proc/{}/root{}", holder.pid(), point.display()));
        wait_until(START, || {
            if let Some(status) = holder.ended()? {
                bail!("unshare {flags} ended ({status}): {}", fs::read_to_string(&log).unwrap_or_default().trim());
            }
            Ok(seen.join("mounted").exists())
        })?;
        Ok(Self { _holder: holder, folder: seen })
    }

    /// A folder on it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves no room for a byte.
    pub fn fill(&self) -> Result<()> {
        let path = self.filler();
        let mut file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        // Ends with the error that there is no room, which is what is wanted.
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        Ok(())
    }

    pub fn free(&self) -> Result<()> {
        let path = self.filler();
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_freed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = match Disk::mount(folder.path()) {
            Ok(disk) => disk,
            Err(error) => return println!("skipped, as this system mounts nothing for us: {error:#}"),
        };
        let file = disk.folder().join("positions");
        disk.fill().unwrap();
        assert!(fs::write(&file, "x").is_err());
        disk.free().unwrap();
        fs::write(&file, "x").unwrap();
        drop(disk);
        assert!(!file.exists());
        assert!(!folder.path().join("disk/positions").exists(), "not in the folder that it was mounted on");
    }
}
