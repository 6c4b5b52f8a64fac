//! The faults that left a bundle not long ago: the same one over and over would push out all other bundles.
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// How long one bundle stands for all faults like it.
const LONGEST: Duration = Duration::from_secs(3600);
/// Faults that are remembered; the oldest is forgotten first.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Left>);

#[derive(Debug)]
struct Left {
    when: Instant,
    fault: Fault,
    path: PathBuf,
}

impl Recent {
    /// The bundle that the same fault of the same plugin and component left.
    pub fn find(&self, fault: &Fault, now: Instant) -> Option<&PathBuf> {
        let of_it = |of: &&Left| {
            (&of.fault.plugin, of.fault.digest) == (&fault.plugin, fault.digest)
                && of.fault.is_same(fault)
                && now.duration_since(of.when) < LONGEST
        };
        self.0.iter().find(of_it).map(|left| &left.path)
    }

    pub fn add(&mut self, fault: &Fault, path: PathBuf, now: Instant) {
        self.0.retain(|left| now.duration_since(left.when) < LONGEST);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Left { when: now, fault: fault.clone(), path });
    }

    /// This bundle was not written.
    pub fn forget(&mut self, path: &Path) {
        self.0.retain(|left| left.path != path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Digest;
    use crate::fault::Cause;

    #[test]
    fn one_fault_is_remembered_for_an_hour() {
        let fault = |plugin: &str, of: u8, call: &'static str, text: &str| Fault {
            plugin: plugin.into(),
            digest: Digest([of; 32]),
            version: None,
            call,
            cause: Cause::Trap(text.into()),
            before: 0,
        };
        let (start, known) = (Instant::now(), fault("p", 1, "filter", "x"));
        let mut recent = Recent::default();
        recent.add(&known, "a".into(), start);
        let later = |seconds| start + Duration::from_secs(seconds);
        for (seconds, fault, is_known) in [
            (0, known.clone(), true),
            (3599, Fault { before: 7, ..known.clone() }, true),
            (3600, known.clone(), false),
            (0, fault("q", 1, "filter", "x"), false),
            (0, fault("p", 2, "filter", "x"), false),
            (0, fault("p", 1, "tick", "x"), false),
            (0, fault("p", 1, "filter", "y"), false),
        ] {
            assert_eq!(recent.find(&fault, later(seconds)).is_some(), is_known, "{seconds} {fault:?}");
        }
        recent.forget(Path::new("a"));
        assert_eq!(recent.find(&known, start), None, "it was not written");

        // Their number is bounded, and the newest stay.
        for n in 0..=MOST {
            recent.add(&fault("p", 1, "filter", &n.to_string()), n.to_string().into(), start);
        }
        assert_eq!(recent.0.len(), MOST);
        assert_eq!(recent.find(&fault("p", 1, "filter", "0"), start), None);
        assert_eq!(recent.find(&fault("p", 1, "filter", "64"), start), Some(&"64".into()));
    }
}
