//! A volume as the kubelet mounts a ConfigMap: each file is a link into `..data`, a link that is swapped.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use anyhow::Result;

pub struct ConfigMap {
    folder: PathBuf,
    versions: u32,
}

impl ConfigMap {
    /// `folder` is made.
    pub fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, versions: 0 })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Swaps all files at once; each version has the same names.
    pub fn publish(&mut self, files: &[(&str, &[u8])]) -> Result<()> {
        let before = self.folder.join(format!("..{}", self.versions));
        self.versions += 1;
        let version = format!("..{}", self.versions);
        fs::create_dir(self.folder.join(&version))?;
        for (name, bytes) in files {
            fs::write(self.folder.join(&version).join(name), bytes)?;
            if self.versions == 1 {
                symlink(format!("..data/{name}"), self.folder.join(name))?;
            }
        }
        let next = self.folder.join("..data_tmp");
        symlink(&version, &next)?;
        fs::rename(next, self.folder.join("..data"))?;
        if self.versions > 1 {
            fs::remove_dir_all(before)?;
        }
        Ok(())
    }
}
