//! The order of the files of a container: each is read after the end of the one before, and what was begun there is
//! completed here.

use crate::{
    files::Files,
    follower::{READ, Stage},
    lines::{Settings, Taken},
};

/// When a file may be read, as far as others come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Now.
    First,
    /// After another one, which is not at its end.
    Behind,
    /// After one more turn of the file with this number, which is to be the last for all that is known.
    BehindOneMoreTurn(u64),
}

impl Files {
    pub(crate) fn order_of(&mut self, index: usize) -> Order {
        let Some(number) = self.followers[index].behind else { return Order::First };
        let before = self.index_of(number).filter(|before| self.followers[*before].stage != Stage::Finished);
        let Some(before) = before else { return self.let_pass(index) };
        if !self.followers[before].is_at_end() {
            return Order::Behind;
        }
        let follower = &mut self.followers[index];
        if follower.is_empty() {
            // Its first bytes tell that its writer has gone on.
            follower.ready = false;
            return Order::Behind;
        }
        if follower.is_next {
            return self.let_pass(index);
        }
        if let Some(further) = self.followers[before].behind {
            if self.followers[before].wakes_up() {
                return Order::Behind;
            }
            // Nothing was ever written to the one in between.
            self.followers[index].behind = Some(further);
            return self.order_of(index);
        }
        let Some(next) = self.beginning_of_next(before, index) else { return Order::Behind };
        self.followers[before].be_succeeded(next);
        self.followers[index].is_next = true;
        Order::BehindOneMoreTurn(number)
    }

    fn let_pass(&mut self, index: usize) -> Order {
        self.followers[index].behind = None;
        Order::First
    }

    /// What the file at `index` begins with, to complete the texts that are open in the one before; nothing where there
    /// are none, and `None` where more of it has to come.
    fn beginning_of_next(&mut self, before: usize, index: usize) -> Option<Vec<u8>> {
        let [before, follower] = self.followers.get_disjoint_mut([before, index]).ok()?;
        if !before.is_joining() || before.identity() != follower.identity() {
            return Some(Vec::new());
        }
        // An error shows again when it is read, and is told then.
        let Ok(beginning) = follower.peek() else { return Some(Vec::new()) };
        let is_whole = follower.stage != Stage::Present && !follower.is_rewritten();
        let is_enough =
            |next: &Vec<u8>| is_whole || next.len() >= READ || before.ends_in(next, Settings::of(&self.config));
        beginning.filter(is_enough).or_else(|| is_whole.then(Vec::new))
    }

    /// Has the file that comes after this one leave out what was taken of it.
    pub(crate) fn leave_out(&mut self, number: u64, taken: Taken) {
        if taken == Taken::default() {
            return;
        }
        let next = self.followers.iter_mut().find(|follower| follower.is_next && follower.behind == Some(number));
        if let Some(next) = next {
            next.leave_out(taken, number, self.generation.clone());
        }
    }

    /// Lets the files go of which others took something that is delivered now.
    pub(crate) fn release(&mut self) {
        for index in 0..self.followers.len() {
            let Some(number) = self.followers[index].held_by() else { continue };
            if self.index_of(number).is_none_or(|before| self.followers[before].is_settled()) {
                self.followers[index].release();
            }
        }
    }
}
