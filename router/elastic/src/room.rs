//! The bytes that a sink may hold in bodies, and who holds them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

use crate::Counters;

/// A bound on the bytes of all bodies of a sink.
#[derive(Debug)]
pub struct Room {
    used: AtomicUsize,
    limit: usize,
    freed: Notify,
    counters: Arc<Counters>,
}

impl Room {
    pub fn new(limit: usize, counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit, freed: Notify::new(), counters })
    }

    /// Bytes that still fit.
    pub fn left(&self) -> usize {
        self.limit.saturating_sub(self.used.load(Ordering::Acquire))
    }

    /// Waits until at least one byte fits.
    pub async fn available(&self) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Registered before the look, so that bytes given back in between are not missed.
            freed.as_mut().enable();
            if self.left() > 0 {
                return;
            }
            freed.await;
        }
    }
}

/// Bytes held in a [`Room`]; given back on drop.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Held {
    pub fn none(room: &Arc<Room>) -> Self {
        Self { room: room.clone(), bytes: 0 }
    }

    /// Holds `bytes` in all from now on, more than the room has if need be: a document that is larger than the room
    /// has to pass all the same.
    pub fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            self.room.used.fetch_add(more, Ordering::AcqRel);
            self.room.counters.in_flight_bytes.add(more);
        } else if bytes < self.bytes {
            let less = self.bytes - bytes;
            self.room.used.fetch_sub(less, Ordering::AcqRel);
            self.room.counters.in_flight_bytes.subtract(less);
            self.room.freed.notify_waiters();
        }
        self.bytes = bytes;
    }

    /// Hands `bytes` (at most all) over to another holder.
    pub fn split(&mut self, bytes: usize) -> Held {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Held { room: self.room.clone(), bytes }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_are_given_back_once() {
        let counters = Arc::new(Counters::default());
        let room = Room::new(100, counters.clone());
        let mut held = Held::none(&room);
        held.set(70);
        assert_eq!(room.left(), 30);
        held.set(150);
        assert_eq!((room.left(), counters.in_flight_bytes.get()), (0, 150));
        let part = held.split(60);
        drop(held);
        assert_eq!((room.left(), counters.in_flight_bytes.get()), (40, 60));
        drop(part);
        assert_eq!((room.left(), counters.in_flight_bytes.get()), (100, 0));
    }

    #[tokio::test]
    async fn waits_for_room() {
        let room = Room::new(10, Arc::default());
        let mut held = Held::none(&room);
        held.set(10);
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.available().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        held.set(9);
        waiting.await.unwrap();
    }
}
