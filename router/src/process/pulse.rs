//! Whether records leave: what no state and no counter alone says.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use sluice_core::Balance;

use super::{Fleet, Observed};

/// Between two looks, and so how exactly the beginning of a stall is known.
const LOOK: Duration = Duration::from_secs(1);

/// When records were last seen to leave each pipeline. Only as good as the looks at it are frequent.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<HashMap<String, Beat>>);

#[derive(Clone, Copy, Debug)]
struct Beat {
    left: u64,
    /// Since when nothing more has left although something is in flight.
    since: Instant,
}

impl Pulse {
    /// For how long records of the pipeline have been in flight and none has left, by its books of now.
    pub fn stalled(&self, pipeline: &str, balance: &Balance) -> Duration {
        self.stalled_at(Instant::now(), pipeline, balance)
    }

    fn stalled_at(&self, now: Instant, pipeline: &str, balance: &Balance) -> Duration {
        // What was given back is not in flight any more, and is a change, too.
        let left = balance.left() + balance.returned;
        let mut beats = self.lock();
        if let Some(beat) = beats.get_mut(pipeline) {
            if beat.left != left || balance.in_flight() == 0 {
                *beat = Beat { left, since: now };
            }
            return now - beat.since;
        }
        beats.insert(pipeline.to_owned(), Beat { left, since: now });
        Duration::ZERO
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Beat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the pulse of every pipeline until the order to stop, from a thread of its own.
pub(super) fn start(fleet: Arc<Fleet>, observed: Arc<Observed>) -> io::Result<()> {
    let look = move || {
        while fleet.pause(LOOK) {
            for view in observed.pipelines().iter() {
                observed.pulse().stalled(&view.name, &view.ledger.balance());
            }
        }
    };
    thread::Builder::new().name("pulse".into()).spawn(look).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(read: u64, delivered: u64, returned: u64) -> Balance {
        Balance { read, delivered, returned, ..Balance::default() }
    }

    #[test]
    fn a_stall_begins_when_nothing_leaves_and_ends_when_something_does() {
        let (pulse, mut now) = (Pulse::default(), Instant::now());
        for (wait, of_now, stalled) in [
            (0, balance(0, 0, 0), 0),
            (5, balance(0, 0, 0), 0),
            // One came a moment ago: the stall may have begun then, or at the look before.
            (1, balance(3, 0, 0), 1),
            (4, balance(3, 0, 0), 5),
            (1, balance(9, 0, 0), 6),
            (1, balance(9, 1, 0), 0),
            (7, balance(9, 1, 0), 7),
            (1, balance(9, 9, 0), 0),
            (9, balance(9, 9, 0), 0),
            (1, balance(12, 9, 0), 1),
            (1, balance(12, 9, 1), 0),
        ] {
            now += Duration::from_secs(wait);
            for _ in 0..2 {
                assert_eq!(pulse.stalled_at(now, "ship", &of_now), Duration::from_secs(stalled), "{of_now}");
            }
        }
        assert_eq!(pulse.stalled("index", &balance(1, 0, 0)), Duration::ZERO);
    }
}
