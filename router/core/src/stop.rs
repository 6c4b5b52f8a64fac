//! How a stop went: what was left undone, where reading goes on, and what took how long.

use std::{fmt, sync::Arc, time::Duration};

use crate::Place;

/// Where reading goes on at the next start, of a file or a partition of which not everything has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    pub place: Arc<Place>,
    /// A byte offset in the file, or an offset in the partition: that of the first record that has not left.
    pub position: u64,
}

/// The end of a generation that was stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stop {
    /// Records that left after the last one was taken.
    pub settled: u64,
    /// Records that did not leave: they are read again at the next start.
    pub left: u64,
    /// As the source told it when it closed; empty if it had no time to.
    pub rest: Vec<Rest>,
    /// From the order to stop until nothing more was taken: a batch for which the sink had no room is waited for.
    pub reading: Duration,
    /// Until everything that was read had left, or the time for it was over.
    pub running_dry: Duration,
    /// Until the positions were saved and the source was left.
    pub closing: Duration,
}

/// Places that are named; of more only the number is told.
const NAMED: usize = 5;

impl fmt::Display for Rest {
    /// `/var/log/containers/web.log at 4096`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.place, self.position)
    }
}

impl Stop {
    /// Where reading goes on, for a log line: `logs/0 at 12, logs/1 at 7 and 3 more`; empty if nothing is left.
    pub fn places(&self) -> String {
        let mut text: Vec<String> = self.rest.iter().take(NAMED).map(Rest::to_string).collect();
        let more = self.rest.len().saturating_sub(NAMED);
        if let (Some(last), 1..) = (text.last_mut(), more) {
            last.push_str(&format!(" and {more} more"));
        }
        text.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_up_to_a_bound() {
        let stop = |count: u64| {
            let place = |partition| Arc::new(Place::Partition { topic: "logs".into(), partition });
            let rest = (0..count).map(|number| Rest { place: place(number as i32), position: 10 * number }).collect();
            Stop { rest, ..Stop::default() }
        };
        assert_eq!(stop(0).places(), "");
        assert_eq!(stop(2).places(), "logs/0 at 0, logs/1 at 10");
        assert_eq!(stop(5).places(), "logs/0 at 0, logs/1 at 10, logs/2 at 20, logs/3 at 30, logs/4 at 40");
        assert_eq!(stop(7).places(), "logs/0 at 0, logs/1 at 10, logs/2 at 20, logs/3 at 30, logs/4 at 40 and 2 more");
        let place = Arc::new(Place::File { path: "/var/log/web.log".into() });
        assert_eq!(Rest { place, position: 4096 }.to_string(), "/var/log/web.log at 4096");
    }
}
