//! Logs whose name nothing has now: what was rotated away before anything opened it is found beside it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{attach::Log, files::Files, fingerprint::Inode, follower::Stage};

/// The most symbolic links that lead to a log.
const MOST_LINKS: usize = 8;

impl Files {
    /// Follows what rotation left of the logs that nothing has the name of: those that the links `dangling` lead to, and
    /// those of the files that are leaving.
    pub(crate) fn begin_rotated(&mut self, dangling: Vec<PathBuf>) {
        let linked = dangling.into_iter().filter_map(|link| Some((target_of(&link)?, link)));
        let mut absent: BTreeMap<PathBuf, PathBuf> = linked.collect();
        let leaving = self.followers.iter().filter(|follower| follower.stage == Stage::Leaving);
        absent.extend(leaving.map(|follower| (follower.base.clone(), follower.path.clone())));
        for (base, path) in absent {
            let is_absent = fs::symlink_metadata(&base).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            let result = if !is_absent {
                Ok(())
            } else if self.knows_all {
                let predecessor = self.predecessor(&path, &base);
                let log = Log { path: &path, base: &base, predecessor, current: None };
                self.attach_rotated(log, predecessor).map(drop)
            } else {
                self.pass_over(&base)
            };
            if let Err(error) = result {
                self.complaints.about(&path, &error);
            }
        }
    }

    /// Before a first start, what was rotated is history, whenever the log has its name again.
    fn pass_over(&mut self, base: &Path) -> io::Result<()> {
        let rotated = self.folders.rotated(base)?;
        self.passed.extend(rotated.iter().map(|it| (Inode::of(&it.metadata), it.metadata.len())));
        Ok(())
    }
}

/// Where a symbolic link leads to, be there something or not; `None` for what is no link.
fn target_of(link: &Path) -> Option<PathBuf> {
    let mut path = link.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent()?.join(target),
            Err(_) if path == link => return None,
            Err(_) => return Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?)),
        }
    }
    None
}
