//! What was gone, or given up, before it was read: by cause in the books, and by container for a metric.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use sluice_core::{Generation, Tally};

use crate::{Counters, container::Container};

/// Containers that are told apart. The bytes of all that come later are counted together.
const MOST_CONTAINERS: usize = 100;

/// Bytes by container.
#[derive(Debug, Default)]
pub struct Lost(Mutex<BTreeMap<[String; 3], u64>>);

impl Lost {
    /// Namespace, pod and container, and the bytes. All three are empty for files of no container, and `other` for the
    /// containers that came after the first hundred.
    pub fn by_container(&self) -> BTreeMap<[String; 3], u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts what is lost of the file that was found at `path`.
    pub fn add(&self, path: &Path, bytes: u64) {
        let container = Container::of_path(path).unwrap_or_default();
        let key = [container.namespace, container.pod, container.name];
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = lost.len() < MOST_CONTAINERS || lost.contains_key(&key);
        let key = if is_known { key } else { ["other"; 3].map(str::to_owned) };
        *lost.entry(key).or_default() += bytes;
    }
}

/// Counts what is lost of the file that was found at `path`. The cause is one of few words.
pub(crate) fn lose(path: &Path, bytes: u64, cause: &str, counters: &Counters, generation: &Generation) {
    if bytes > 0 {
        counters.lost.add(path, bytes);
        add(&generation.ledger().expired_bytes_by(cause), bytes);
    }
}

/// Adds bytes to a tally, which counts in steps of 32 bits.
fn add(tally: &Tally, mut bytes: u64) {
    while bytes > 0 {
        let step = u32::try_from(bytes).unwrap_or(u32::MAX);
        tally.add(step);
        bytes -= u64::from(step);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sluice_core::Ledger;

    use super::*;

    #[test]
    fn containers_are_told_apart_up_to_a_bound() {
        let (ledger, counters) = (Arc::<Ledger>::default(), Counters::default());
        let generation = Generation::new(ledger.clone());
        for pod in 0..150 {
            for _ in 0..2 {
                let path = format!("/var/log/pods/shop_web-{pod}_uid/app/0.log");
                lose(Path::new(&path), 5 << 30, "truncated", &counters, &generation);
            }
        }
        lose(Path::new("/var/log/kubelet.log"), 0, "truncated", &counters, &generation);
        let lost = counters.lost.by_container();
        let key = |pod: &str| ["shop".to_owned(), pod.to_owned(), "app".to_owned()];
        assert_eq!((lost.len(), lost[&key("web-7")]), (101, 10 << 30));
        assert_eq!(lost[&["other"; 3].map(str::to_owned)], 500 << 30);
        assert_eq!(ledger.balance().expired_bytes["truncated"], 1500 << 30);
    }
}
