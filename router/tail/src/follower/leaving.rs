//! Files that are given up, cut off or copied.

use std::fs::{File, Metadata};

use super::{Follower, Stage};
use crate::{
    content::Content,
    fingerprint::{Inode, Stamp},
    found::Found,
};

impl Follower {
    /// Closes the file before its end.
    pub fn give_up(&mut self) {
        self.finish_if(true);
    }

    /// The file's content is gone from where it was. Goes on in `copy`, which has the same bytes, or closes; returns
    /// the file for someone else to follow from its beginning.
    pub fn leave_for(&mut self, copy: Option<(Content, Metadata)>) -> Option<File> {
        self.stage = if copy.is_some() { Stage::Leaving } else { Stage::Finishing };
        (self.ready, self.is_rewritten) = (true, false);
        let left = self.content.take();
        if let Some((copy, metadata)) = copy {
            self.go_on_in(copy, &metadata);
        }
        match left {
            Some(Content::Plain(file)) => Some(file),
            Some(Content::Packed(_)) | None => None,
        }
    }

    /// Goes on in a copy, which has the same bytes.
    pub fn go_on_in(&mut self, copy: Content, metadata: &Metadata) {
        let stamp = Stamp::of(metadata);
        (self.inode, self.born, self.modified) = (Inode::of(metadata), stamp.born, stamp.modified);
        (self.content, self.deleted, self.ready, self.peeked) = (Some(copy), None, true, None);
    }

    /// What is found when the same path holds another content.
    pub fn found_again(&self, file: File, inode: Inode, stamp: Stamp) -> Found {
        Found {
            path: self.path.clone(),
            base: self.base.clone(),
            content: Content::Plain(file),
            inode,
            stamp,
            identity: self.identity.clone(),
            place: self.place.clone(),
            origin: self.origin.clone(),
        }
    }
}
