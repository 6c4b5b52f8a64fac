//! Whose turn it is: the files that have something to read, one after another.

use std::collections::{HashSet, VecDeque};

/// Numbers of followers. What one turn costs does not depend on how many files there are.
#[derive(Debug, Default)]
pub struct Turns {
    queue: VecDeque<u64>,
    listed: HashSet<u64>,
}

impl Turns {
    /// Lets a file have its turn after all others that wait; one that waits already keeps its place.
    pub fn add(&mut self, number: u64) {
        if self.listed.insert(number) {
            self.queue.push_back(number);
        }
    }

    pub fn take(&mut self) -> Option<u64> {
        let number = self.queue.pop_front()?;
        self.listed.remove(&number);
        Some(number)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_once_and_in_order() {
        let mut turns = Turns::default();
        [1, 2, 1, 3].into_iter().for_each(|number| turns.add(number));
        assert_eq!((turns.len(), turns.take()), (3, Some(1)));
        turns.add(1);
        assert_eq!([turns.take(), turns.take(), turns.take(), turns.take()], [Some(2), Some(3), Some(1), None]);
        turns.add(2);
        assert_eq!(turns.take(), Some(2));
    }
}
