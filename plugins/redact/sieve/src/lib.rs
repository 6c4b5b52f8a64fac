//! Tells at once for many records which of them have no mark of a secret. Looked at with every byte of every record, and
//! so a crate of its own: the rest of redact is compiled to be small.
//!
//! A mark is three characters. At every place of a text, small tables say which groups of marks each of three characters
//! fits, one table by its upper half and one by its lower half; where some group fits all three, a mark may be. Sixteen
//! places are looked at at once. So too much is found, and never too little.
use sluice_plugin::{Batch, Field, Window};

mod lanes;

use lanes::Lanes;

/// What is looked for: marks, numbers of cards, addresses of machines.
pub struct Sieve {
    marks: Vec<[Table; 3]>,
    cards: bool,
    addresses: bool,
}

/// Which groups a character at one place of a mark fits, a bit for each: those of both its halves.
#[derive(Clone, Copy, Default)]
struct Table {
    by_low: [u8; 16],
    by_high: [u8; 16],
}

impl Sieve {
    /// Groups of marks; a letter stands for both cases, `*` for any character. A group also fits what is mixed of its
    /// marks. Eight groups are one pass over a text.
    pub fn new(groups: &[&[&str]], cards: bool, addresses: bool) -> Self {
        Self { marks: groups.chunks(8).map(tables).collect(), cards, addresses }
    }

    /// How often a text is looked through.
    pub fn passes(&self) -> usize {
        self.marks.len()
    }

    /// Whether something may begin at one of the window's first 64 bytes.
    pub fn may_begin(&self, window: &Window) -> bool {
        self.marks.iter().any(|one| marks(window, [one]))
            || self.cards && card(window)
            || self.addresses && address(window)
    }

    /// The records in whose field something may be, ascending.
    #[inline(never)]
    pub fn sift(&self, batch: &Batch, field: Field) -> Vec<usize> {
        let Self { cards, addresses, .. } = *self;
        match self.marks.as_slice() {
            [one] => batch
                .sift(field, |window| marks(window, [one]) || cards && card(window) || addresses && address(window)),
            [one, two] => batch.sift(field, |window| {
                marks(window, [one, two]) || cards && card(window) || addresses && address(window)
            }),
            _ => batch.sift(field, |window| self.may_begin(window)),
        }
    }
}

fn tables(groups: &[&[&str]]) -> [Table; 3] {
    let mut tables = [Table::default(); 3];
    for (group, marks) in groups.iter().enumerate() {
        for (table, place) in tables.iter_mut().zip(0..) {
            marks.iter().for_each(|mark| table.add(mark.as_bytes()[place], 1 << group));
        }
    }
    tables
}

impl Table {
    fn add(&mut self, character: u8, group: u8) {
        if character == b'*' {
            self.by_low.iter_mut().chain(&mut self.by_high).for_each(|groups| *groups |= group);
        }
        for case in [character.to_ascii_lowercase(), character.to_ascii_uppercase()] {
            self.by_low[usize::from(case & 15)] |= group;
            self.by_high[usize::from(case >> 4)] |= group;
        }
    }
}

#[inline(always)]
fn marks<const N: usize>(window: &Window, sieves: [&[Table; 3]; N]) -> bool {
    let sieves = sieves.map(|tables| tables.map(|table| (Lanes::load(&table.by_low), Lanes::load(&table.by_high))));
    let mut found = Lanes::NONE;
    for at in (0..64).step_by(16) {
        let halves = [0, 1, 2].map(|ahead| at_place(window, at + ahead).halves());
        for sieve in &sieves {
            let fits = |place: usize| {
                let ((by_low, by_high), (low, high)) = (sieve[place], halves[place]);
                low.looked_up(by_low).and(high.looked_up(by_high))
            };
            found = found.or(fits(0).and(fits(1)).and(fits(2)));
        }
    }
    found.any()
}

/// Two groups of four digits with one character in between, and digits behind them where all ways to group a card's
/// digits have some.
#[inline(always)]
fn card(window: &Window) -> bool {
    let digits = (0..80).step_by(16).fold(0, |digits, at| digits | u128::from(at_place(window, at).digits()) << at);
    let pairs = digits & digits >> 1;
    let fours = pairs & pairs >> 2;
    (fours & fours >> 5 & digits >> 10 & digits >> 12) as u64 != 0
}

/// A dot between digits, or two colons near one another.
fn address(window: &Window) -> bool {
    let is_digit = |at: usize| window[at].is_ascii_digit();
    (0..64).any(|at| match window[at] {
        b':' => window[at + 1..at + 6].contains(&b':'),
        b'.' => at == 0 || is_digit(at - 1) && is_digit(at + 1),
        _ => is_digit(at) && window[at + 1] == b'.' && is_digit(at + 2),
    })
}

#[inline(always)]
fn at_place(window: &Window, at: usize) -> Lanes {
    window[at..].first_chunk().map_or(Lanes::NONE, Lanes::load)
}
