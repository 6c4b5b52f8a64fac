//! What a file has to do with the one after it, where its writer goes on.

use std::{io, sync::Arc};

use sluice_core::Generation;

use super::{Follower, READ, Stage};
use crate::{
    lines::{Lines, Settings, Taken},
    position::Position,
};

impl Follower {
    /// Whether this one is at its end, for all that is known.
    pub fn is_at_end(&self) -> bool {
        // What is compressed has an end of its own, and is waited for where it is being written.
        self.stage == Stage::Finished || !self.ready && (!self.is_packed() || self.waits_for_next)
    }

    /// Whether nothing was written to it, for all that is known.
    pub fn is_empty(&self) -> bool {
        self.size == 0
            && self.seen == 0
            && !self.is_packed()
            && !matches!(self.stage, Stage::Finishing | Stage::Finished)
    }

    /// Whether a file that was empty when it was looked at is so no more.
    pub fn wakes_up(&mut self) -> bool {
        self.size = self.file().and_then(|file| file.metadata().ok()).map_or(0, |metadata| metadata.len());
        self.ready |= self.size > 0;
        self.ready
    }

    /// Whether a text is open whose other parts may stand in the next file.
    pub fn is_joining(&self) -> bool {
        self.content.is_some() && self.lines.as_ref().is_some_and(Lines::is_joining)
    }

    /// Whether the beginning of the next file tells the ends of all texts that are open.
    pub fn ends_in(&self, next: &[u8], settings: Settings<'_>) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.ends_in(next, settings))
    }

    /// What the file begins with, where that is more than at the last call, or `None`.
    pub fn peek(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (Some((fingerprint, _)), Some(content)) = (self.start, &mut self.content) else { return Ok(None) };
        if self.peeked.replace(self.size) == Some(self.size) {
            return Ok(None);
        }
        let mut beginning = vec![0; READ];
        let (filled, _) = content.read(&mut beginning, 0, 0)?;
        beginning.truncate(filled);
        if !content.still_is(fingerprint)? {
            self.is_rewritten = true;
            return Ok(None);
        }
        Ok(Some(beginning))
    }

    /// The writer has gone on in the next file, which begins so: one more look, then this one's end is the end of all
    /// texts that are not completed there.
    pub fn be_succeeded(&mut self, next: Vec<u8>) {
        (self.next, self.ready, self.waits_for_next) = (Some(next), true, false);
    }

    /// What was taken of the next file just now.
    pub fn take_taken(&mut self) -> Option<Taken> {
        self.taken.take()
    }

    /// Leaves out what the file with this number took of this one, of which nothing was read yet.
    pub fn leave_out(&mut self, taken: Taken, number: u64, generation: Arc<Generation>) {
        let before = self.watermark.position();
        let Position { stdout, stderr, .. } = before;
        let position = Position { stdout: stdout.max(taken.stdout), stderr: stderr.max(taken.stderr), ..before };
        let time = if position.lowest() > before.lowest() { taken.time } else { before.time };
        self.begin_at(Position { time, memory: 0, ..position }, generation);
        let held = |taken: u64, before: u64| if taken > 0 { before } else { u64::MAX };
        let again = Position { stdout: held(taken.stdout, stdout), stderr: held(taken.stderr, stderr), ..before };
        (self.hold, self.left_out) = (Some((number, again)), taken.lines);
    }

    /// Bytes that were seen and not read, neither here nor by the file before.
    pub fn unread(&self) -> u64 {
        let ahead = self.left_out.iter().filter(|line| line.start >= self.read()).map(|line| line.end - line.start);
        self.size.max(self.seen).saturating_sub(self.read()).saturating_sub(ahead.sum())
    }

    /// The number of the file that took some of this one, as far as is known not delivered yet.
    pub fn held_by(&self) -> Option<u64> {
        self.hold.map(|(number, _)| number)
    }

    /// All that the file before took of this one is delivered.
    pub fn release(&mut self) {
        self.hold = None;
    }

    /// Where a restart goes on. What the file before took is looked at again until it is delivered with the text that
    /// begins there.
    pub(super) fn position_to_save(&mut self) -> Position {
        let position = self.watermark.position();
        let Some((_, again)) = self.hold else { return position };
        let (stdout, stderr) = (position.stdout.min(again.stdout), position.stderr.min(again.stderr));
        let time = if stdout.min(stderr) < position.lowest() { again.time } else { position.time };
        Position { stdout, stderr, time, ..position }
    }

    /// Whether all that was read is delivered.
    pub fn is_settled(&mut self) -> bool {
        self.watermark.is_settled()
    }
}
