//! The heap is held against what blocks must be: apart from each other, aligned, and unchanged until given back.
use std::cell::Cell;

use super::*;

/// So much memory, and no more.
struct Arena {
    memory: Box<[Line]>,
    used: Cell<usize>,
}

#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line {
    _bytes: [u8; 64],
}

impl Arena {
    fn new(pages: usize) -> Self {
        Self { memory: vec![Line { _bytes: [0; 64] }; pages * PAGE / 64].into(), used: Cell::new(0) }
    }
}

impl Source for &Arena {
    fn more(&self, size: usize) -> *mut u8 {
        let start = self.used.get();
        if start + size > self.memory.len() * 64 {
            return null_mut();
        }
        self.used.set(start + size);
        // SAFETY: so much is left of the memory.
        unsafe { self.memory.as_ptr().cast_mut().cast::<u8>().add(start) }
    }
}

struct Block {
    at: *mut u8,
    layout: Layout,
    mark: u8,
}

impl Block {
    fn fill(&self) {
        // SAFETY: the block is as large as its layout says.
        unsafe { self.at.write_bytes(self.mark, self.layout.size()) }
    }

    fn check(&self, size: usize) {
        // SAFETY: as above, and it was filled.
        let bytes = unsafe { std::slice::from_raw_parts(self.at, size) };
        assert!(bytes.iter().all(|byte| *byte == self.mark), "{:?} was written over", self.layout);
        assert_eq!(self.at.align_offset(self.layout.align()), 0, "{:?}", self.layout);
    }
}

/// The same numbers each time.
fn random(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % below as u64) as usize
}

fn layout(state: &mut u64) -> Layout {
    let most = 1 << (1 + random(state, 15));
    let size = 1 + random(state, most);
    Layout::from_size_align(size, 1 << random(state, if size > 4096 { 9 } else { 5 })).unwrap()
}

#[test]
fn blocks_are_apart_and_stay_as_they_are() {
    for seed in 1..20 {
        let arena = Arena::new(160);
        let (mut heap, mut blocks, mut state) = (Heap::new(&arena), Vec::new(), 0x9e37_79b9_7f4a_7c15 ^ seed);
        for step in 0..3000 {
            match random(&mut state, 5) {
                0..2 => {
                    let layout = layout(&mut state);
                    let block = Block { at: heap.take(layout), layout, mark: step as u8 };
                    assert!(!block.at.is_null(), "{layout:?}");
                    block.fill();
                    blocks.push(block);
                }
                2 if !blocks.is_empty() => {
                    let index = random(&mut state, blocks.len());
                    let (block, size) = (&mut blocks[index], layout(&mut state).size());
                    // SAFETY: it was taken for this layout.
                    block.at = unsafe { heap.resize(block.at, block.layout, size) };
                    block.check(size.min(block.layout.size()));
                    block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
                    block.fill();
                }
                _ if blocks.is_empty() => {}
                _ => {
                    let block = blocks.swap_remove(random(&mut state, blocks.len()));
                    block.check(block.layout.size());
                    // SAFETY: it was taken for this layout, and is forgotten.
                    unsafe { heap.give(block.at, block.layout) };
                }
            }
            if step % 100 == 0 {
                blocks.iter().for_each(|block| block.check(block.layout.size()));
            }
        }
    }
}

#[test]
fn what_is_given_back_becomes_one_piece_again() {
    let arena = Arena::new(4);
    let mut heap = Heap::new(&arena);
    let whole = Layout::from_size_align(4 * PAGE - 64, 64).unwrap();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        let layout = Layout::from_size_align(PAGE - 64, 8).unwrap();
        let blocks = [(); 4].map(|()| heap.take(layout));
        assert!(heap.take(whole).is_null(), "there is no more");
        // SAFETY: they were taken for this layout.
        order.iter().for_each(|index| unsafe { heap.give(blocks[*index], layout) });
        let block = heap.take(whole);
        assert!(!block.is_null(), "{order:?}");
        // SAFETY: as above.
        unsafe { heap.give(block, whole) };
    }
}

#[test]
fn a_call_like_the_one_before_takes_no_more_memory() {
    let arena = Arena::new(64);
    let mut heap = Heap::new(&arena);
    let sizes = [250_000, 4_000, 1_000, 64, 100_000, 20];
    let mut used = 0;
    for round in 0..50 {
        let layouts = sizes.map(|size| Layout::from_size_align(size + round % 7 * 3, 4).unwrap());
        let blocks = layouts.map(|layout| heap.take(layout));
        for (block, layout) in blocks.into_iter().zip(layouts) {
            assert!(!block.is_null());
            // SAFETY: it was taken for this layout.
            unsafe { heap.give(block, layout) };
        }
        if round == 7 {
            used = arena.used.get();
        }
    }
    assert_eq!(arena.used.get(), used);
}

#[test]
fn a_block_grows_where_it_is_while_nothing_is_behind_it() {
    let arena = Arena::new(8);
    let mut heap = Heap::new(&arena);
    let mut layout = Layout::from_size_align(5_000, 1).unwrap();
    let block = heap.take(layout);
    for size in [10_000, 40_000, 5_000, 60_000] {
        // SAFETY: it was taken for this layout.
        assert_eq!(unsafe { heap.resize(block, layout, size) }, block, "{size}");
        layout = Layout::from_size_align(size, 1).unwrap();
    }
    let behind = heap.take(Layout::from_size_align(3_000, 1).unwrap());
    assert!(!behind.is_null());
    // SAFETY: as above.
    assert_ne!(unsafe { heap.resize(block, layout, 70_000) }, block);
}
