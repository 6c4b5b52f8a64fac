//! The files that this process may hold open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

/// With a lower limit of open files it is time to say that there should be room for more.
const FEW: u64 = 4096;

/// Raises the bound on open files as far as this process may: a rotated file that cannot be opened before it is deleted
/// is lost.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => info!(from = current, to = maximum, "the limit of open files was raised"),
            Err(error) => warn!(%error, limit = current, "the limit of open files could not be raised"),
        }
    }
    let limit = getrlimit(Resource::Nofile).current;
    if limit.is_some_and(|limit| limit < FEW) {
        warn!(limit, "few files may be open at once; raise the hard limit of open files of this process");
    }
}

/// Whether the error says that no more files can be opened now: not a property of the one that was to be opened.
pub fn are_exhausted(error: &io::Error) -> bool {
    // ENFILE and EMFILE, for which the standard library has no kind.
    matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let before = getrlimit(Resource::Nofile);
        raise_limit();
        let after = getrlimit(Resource::Nofile);
        assert_eq!((after.current, after.maximum), (before.maximum, before.maximum));
    }

    #[test]
    fn only_a_lack_of_descriptors_counts() {
        for (code, expected) in [(23, true), (24, true), (2, false), (13, false)] {
            assert_eq!(are_exhausted(&io::Error::from_raw_os_error(code)), expected, "{code}");
        }
    }
}
