//! Finding one follower among thousands.

use std::collections::HashMap;

use crate::{files::Files, fingerprint::Inode};

/// The number of the follower that has the file open which lies there. Made anew by each scan; what changed since is
/// looked at again, so that an entry that is stale does no harm.
pub type Inodes = HashMap<Inode, u64>;

impl Files {
    /// Makes the index of inodes; in between only what is added has to be told, by [`Files::lies_at`].
    pub(crate) fn index_inodes(&mut self) {
        self.inodes.clear();
        let open = self.followers.iter().filter(|follower| follower.file().is_some());
        self.inodes.extend(open.map(|follower| (follower.inode(), follower.number)));
    }

    /// The follower with this number has a file open that lies there.
    pub(crate) fn lies_at(&mut self, number: u64, inode: Inode) {
        self.inodes.insert(inode, number);
    }

    /// Where the follower is that has the file open which lies there.
    pub(crate) fn open_at(&self, inode: Inode) -> Option<usize> {
        let index = self.index_of(*self.inodes.get(&inode)?)?;
        self.followers[index].is_at(inode).then_some(index)
    }

    /// Where the follower with this number is: they are kept in the order of their numbers.
    pub(crate) fn index_of(&self, number: u64) -> Option<usize> {
        self.followers.binary_search_by_key(&number, |follower| follower.number).ok()
    }
}
