//! `sluice chown`: gives folders to a user. An image without a shell has nothing else that could, and a folder that a
//! kubelet made for a `hostPath` belongs to root.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, lchown},
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use anyhow::{Context as _, Result, bail};

#[derive(Debug, clap::Args)]
pub(super) struct Chown {
    /// Numbers of the user and of the group
    #[arg(value_name = "USER:GROUP")]
    owner: Owner,
    /// What they get, with everything in it
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').ok_or("write two numbers, as in 65532:0")?;
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number; write 65532:0"));
        Ok(Self { user: number(user)?, group: number(group)? })
    }
}

impl Chown {
    pub fn run(&self) -> ExitCode {
        match self.folders.iter().try_for_each(|folder| give(self.owner, folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("sluice: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

/// What belongs to `owner` already is not touched, nor what lies in it: it may be closed to everybody else, and the second
/// time needs no rights. So a folder is given after what it holds.
fn give(owner: Owner, path: &Path) -> Result<()> {
    let place = || path.display().to_string();
    // A link is given itself, and not followed: it may lead anywhere.
    let found = fs::symlink_metadata(path).with_context(place)?;
    if (found.uid(), found.gid()) == (owner.user, owner.group) {
        return Ok(());
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).with_context(place)? {
            give(owner, &entry.with_context(place)?.path())?;
        }
    }
    match lchown(path, Some(owner.user), Some(owner.group)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            bail!("{}: only root, with the capability CHOWN, may give it to {}:{}", place(), owner.user, owner.group)
        }
        given => given.with_context(place),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn owners_are_two_numbers() {
        assert_eq!("65532:0".parse(), Ok(Owner { user: 65532, group: 0 }));
        for text in ["65532", "a:0", "0:", ":0", "1:2:3", "-1:0", "4294967296:0"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_inside_is_given_and_what_links_lead_to_is_not() {
        let (given, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = given.path().join("deep/er/ship.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "{}").unwrap();
        symlink(kept.path(), given.path().join("link")).unwrap();
        let owner = |path: &Path| fs::symlink_metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
        let mine = owner(kept.path());

        // Needs no rights: all of it is mine.
        give(Owner { user: mine.0, group: mine.1 }, given.path()).unwrap();

        let other = Owner { user: 65532, group: mine.1 };
        match give(other, given.path()) {
            Ok(()) => {
                for path in [given.path(), &file, &given.path().join("link")] {
                    assert_eq!(owner(path), (65532, mine.1), "{}", path.display());
                }
            }
            Err(error) => assert!(mine.0 != 0 && error.to_string().contains("only root"), "{error:#}"),
        }
        assert_eq!(owner(kept.path()), mine);
        assert!(give(other, Path::new("/not/there")).unwrap_err().to_string().contains("/not/there"));
    }
}
