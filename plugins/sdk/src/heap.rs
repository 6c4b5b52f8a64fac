//! The memory of a component. The library's allocator is made for every program; a plugin asks for a few blocks a call
//! and gives them back, from one thread: this one has a sixth of its size, and takes a fraction of its time.
//!
//! Small blocks have sizes of powers of two, and what is free of one size is a list. Large blocks are cut from free
//! pieces in the order of their addresses, and neighbours become one piece again when they are given back.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::ptr::{copy_nonoverlapping, null_mut};

/// Large blocks are multiples of this, in bytes, and begin at one.
const GRAIN: usize = 64;
/// Sizes of small blocks, in bytes: the powers of two between these.
const SMALLEST: usize = 16;
const LARGEST: usize = 2048;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// What small blocks are cut from.
const CHUNK: usize = 4096;
/// What memory grows by.
const PAGE: usize = 64 << 10;

/// Where memory comes from.
pub trait Source {
    /// So many bytes of memory, a multiple of [`PAGE`], that begin at a multiple of 64; null if there are no more.
    fn more(&self, size: usize) -> *mut u8;
}

pub struct Heap<S> {
    source: S,
    small: [*mut Free; CLASSES],
    large: *mut Free,
}

/// What stands at the beginning of a free block. Small ones do not need the size.
struct Free {
    next: *mut Free,
    size: usize,
}

/// How a block of some layout is held.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Of a class of small blocks.
    Small(usize),
    /// Of so many bytes.
    Large(usize),
}

impl Kind {
    fn of(layout: Layout) -> Self {
        let size = layout.size().max(layout.align()).max(SMALLEST);
        if size <= LARGEST {
            return Self::Small((size.next_power_of_two() / SMALLEST).ilog2() as usize);
        }
        // The size of a layout leaves room for this.
        Self::Large(layout.size().next_multiple_of(GRAIN))
    }
}

impl<S: Source> Heap<S> {
    pub const fn new(source: S) -> Self {
        Self { source, small: [null_mut(); CLASSES], large: null_mut() }
    }

    /// A block for a layout; null if there is no memory.
    pub fn take(&mut self, layout: Layout) -> *mut u8 {
        match Kind::of(layout) {
            Kind::Small(class) => {
                let head = self.small[class];
                if head.is_null() {
                    return self.cut(class);
                }
                // SAFETY: what is in a list is a free block.
                self.small[class] = unsafe { (*head).next };
                head.cast()
            }
            Kind::Large(size) => self.take_large(size, layout.align().max(GRAIN)),
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It was taken from here for this layout, and is not used any more.
    #[allow(clippy::cast_ptr_alignment)]
    pub unsafe fn give(&mut self, block: *mut u8, layout: Layout) {
        let block = block.cast::<Free>();
        match Kind::of(layout) {
            Kind::Small(class) => {
                // SAFETY: it has at least 16 bytes, at a multiple of 16, and is nobody else's.
                unsafe { (*block).next = self.small[class] };
                self.small[class] = block;
            }
            // SAFETY: as above.
            Kind::Large(size) => unsafe { self.give_large(block, size) },
        }
    }

    /// A block of another size with the same content, where it was if there is room; null if there is no memory.
    ///
    /// # Safety
    /// As for [`Heap::give`]; with `size` the layout must still be one.
    pub unsafe fn resize(&mut self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for it.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let (old, new) = (Kind::of(layout), Kind::of(wanted));
        if old == new {
            return block;
        }
        if let (Kind::Large(old), Kind::Large(new)) = (old, new)
            // SAFETY: it is a large block of the old size.
            && unsafe { self.resize_large(block, old, new) }
        {
            return block;
        }
        let moved = self.take(wanted);
        if !moved.is_null() {
            // SAFETY: both have at least so many bytes, and the new block is no part of the old one.
            unsafe {
                copy_nonoverlapping(block, moved, layout.size().min(size));
                self.give(block, layout);
            }
        }
        moved
    }

    /// Cuts small blocks of one class, and takes the first of them.
    #[inline(never)]
    fn cut(&mut self, class: usize) -> *mut u8 {
        let size = SMALLEST << class;
        let chunk = self.take_large(CHUNK, size.max(GRAIN));
        if chunk.is_null() {
            return chunk;
        }
        for at in (size..CHUNK).step_by(size).rev() {
            // SAFETY: the chunk has CHUNK bytes.
            let block = unsafe { chunk.add(at) }.cast::<Free>();
            // SAFETY: nobody has this part of it yet.
            unsafe { (*block).next = self.small[class] };
            self.small[class] = block;
        }
        chunk
    }

    #[inline(never)]
    fn take_large(&mut self, size: usize, align: usize) -> *mut u8 {
        let mut link = &raw mut self.large;
        loop {
            // SAFETY: links lead from one free piece to the next, each as large as it says.
            unsafe {
                let piece = *link;
                if piece.is_null() {
                    let missing = (size + align).next_multiple_of(PAGE);
                    let more = self.source.more(missing);
                    if more.is_null() {
                        return more;
                    }
                    self.give_large(more.cast(), missing);
                    link = &raw mut self.large;
                    continue;
                }
                let before = piece.addr().wrapping_neg() & (align - 1);
                let Free { next, size: whole } = piece.read();
                if whole >= size.saturating_add(before) {
                    let block = piece.cast::<u8>().add(before);
                    let rest = whole - before - size;
                    let mut behind = next;
                    if rest > 0 {
                        behind = block.add(size).cast();
                        behind.write(Free { next, size: rest });
                    }
                    if before > 0 {
                        piece.write(Free { next: behind, size: before });
                    } else {
                        *link = behind;
                    }
                    return block;
                }
                link = &raw mut (*piece).next;
            }
        }
    }

    /// Puts a piece among the free ones, and makes it one with those beside it.
    #[inline(never)]
    unsafe fn give_large(&mut self, piece: *mut Free, size: usize) {
        // SAFETY: pieces that are free are as large as they say, and this one is nobody else's.
        unsafe {
            let (mut before, mut next) = (null_mut::<Free>(), self.large);
            while !next.is_null() && next < piece {
                (before, next) = (next, (*next).next);
            }
            let mut size = size;
            if piece.byte_add(size) == next {
                size += (*next).size;
                next = (*next).next;
            }
            if before.is_null() {
                self.large = piece;
            } else if before.byte_add((*before).size) == piece {
                (*before).size += size;
                (*before).next = next;
                return;
            } else {
                (*before).next = piece;
            }
            piece.write(Free { next, size });
        }
    }

    /// Makes a large block smaller, or larger if what is behind it is free; false if that is not so.
    unsafe fn resize_large(&mut self, block: *mut u8, old: usize, new: usize) -> bool {
        // SAFETY: the block has `old` bytes, and links lead from one free piece to the next.
        unsafe {
            if new < old {
                self.give_large(block.add(new).cast(), old - new);
                return true;
            }
            let (end, more) = (block.add(old).cast::<Free>(), new - old);
            let mut link = &raw mut self.large;
            while !(*link).is_null() && *link < end {
                link = &raw mut (**link).next;
            }
            if *link != end || (*end).size < more {
                return false;
            }
            let Free { next, size } = end.read();
            *link = next;
            if size > more {
                let rest = end.byte_add(more);
                rest.write(Free { next, size: size - more });
                *link = rest;
            }
            true
        }
    }
}

/// Every block of a component comes from its one heap.
#[cfg(target_family = "wasm")]
mod component {
    use std::alloc::{GlobalAlloc, Layout};
    use std::cell::UnsafeCell;

    use super::{Heap, PAGE, Source};

    struct Pages;

    impl Source for Pages {
        fn more(&self, size: usize) -> *mut u8 {
            match core::arch::wasm32::memory_grow::<0>(size / PAGE) {
                usize::MAX => std::ptr::null_mut(),
                first => (first * PAGE) as *mut u8,
            }
        }
    }

    struct Blocks(UnsafeCell<Heap<Pages>>);

    // SAFETY: a component has one thread.
    unsafe impl Sync for Blocks {}

    // SAFETY: no two calls of the heap overlap, as it calls nothing that allocates.
    unsafe impl GlobalAlloc for Blocks {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            unsafe { (*self.0.get()).take(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            unsafe { (*self.0.get()).give(block, layout) }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            unsafe { (*self.0.get()).resize(block, layout, size) }
        }
    }

    #[global_allocator]
    static BLOCKS: Blocks = Blocks(UnsafeCell::new(Heap::new(Pages)));
}

#[cfg(test)]
mod tests;
