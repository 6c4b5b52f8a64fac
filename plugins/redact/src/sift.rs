//! Tells at once for many records which of them no rule can find anything in.
//!
//! What rules find is known by three characters somewhere in it, a mark: passwords by `ssw`, Stripe's keys by `k_l`. At
//! every place of a text, small tables say which groups of marks each of three characters fits, one table by its upper
//! half and one by its lower half; where some group fits all three, a mark may be. Sixteen places are looked at at once.
//! So too much is found, and never too little.
use sluice_plugin::{Batch, Field, Window};

use crate::rules::Rule;

mod lanes;

use lanes::Lanes;

/// Marks; a letter stands for both cases, `*` for any character. A group also fits what is mixed of its marks, and those
/// that are together here give no words when they are mixed. Eight groups
/// are one pass over a text, and the usual rules need two: so `riz` of the bearer stands with the tokens as well.
const GROUPS: [(Rule, &[&str]); 18] = [
    (Rule::Email, &["@**"]),
    // Passwords in addresses.
    (Rule::ApiToken, &["@**"]),
    // passwd, password, passphrase, pwd and glpat-, pass_word, github_pat_, pass-phrase
    (Rule::ApiToken, &["ssw", "sph"]),
    (Rule::ApiToken, &["pwd", "glp"]),
    (Rule::ApiToken, &["s_w", "s_p", "ub_"]),
    (Rule::ApiToken, &["s-w", "s-p", "s.w", "s.p"]),
    // secret, token, key (also that of a private key), eyJ
    (Rule::ApiToken, &["ecr"]),
    (Rule::ApiToken, &["tok"]),
    (Rule::ApiToken, &["key", "eyj"]),
    // AKIA, ASIA, AIza and xoxb-
    (Rule::ApiToken, &["kia"]),
    (Rule::ApiToken, &["sia"]),
    (Rule::ApiToken, &["aiz", "xox", "riz"]),
    // ghp_
    (Rule::ApiToken, &["h*_"]),
    // sk_live_, rk_test_, sk-, hooks.slack.com
    (Rule::ApiToken, &["k_l", "k_t"]),
    (Rule::ApiToken, &["sk-"]),
    (Rule::ApiToken, &["k.c"]),
    // Bearer, Authorization
    (Rule::Bearer, &["bea"]),
    (Rule::Bearer, &["riz"]),
];

/// What the rules of a configuration look for.
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
    pub fn new(rules: &[Rule]) -> Self {
        let mut groups: Vec<&[&str]> = Vec::new();
        for (_, marks) in GROUPS.iter().filter(|(rule, _)| rules.contains(rule)) {
            if !groups.iter().any(|group| marks.iter().all(|mark| group.contains(mark))) {
                groups.push(marks);
            }
        }
        let marks = groups.chunks(8).map(tables).collect();
        Self { marks, cards: rules.contains(&Rule::CreditCard), addresses: rules.contains(&Rule::Ip) }
    }

    /// The records in whose field a rule may find something, ascending.
    pub fn sift(&self, batch: &Batch, field: Field) -> Vec<usize> {
        let Self { cards, addresses, .. } = *self;
        match self.marks.as_slice() {
            [one] => batch
                .sift(field, |window| marks(window, [one]) || cards && card(window) || addresses && address(window)),
            [one, two] => batch.sift(field, |window| {
                marks(window, [one, two]) || cards && card(window) || addresses && address(window)
            }),
            many => batch.sift(field, |window| {
                many.iter().any(|one| marks(window, [one])) || cards && card(window) || addresses && address(window)
            }),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rules: &[Rule], text: &str) -> bool {
        let mut window = [0; 80];
        window[..text.len()].copy_from_slice(text.as_bytes());
        let sieve = Sieve::new(rules);
        sieve.marks.iter().any(|tables| marks(&window, [tables])) || sieve.cards && card(&window)
    }

    #[test]
    fn usual_words_pass_no_sieve() {
        let all = [Rule::Email, Rule::CreditCard, Rule::Bearer, Rule::ApiToken];
        for text in [
            "2026-01-02 03:04:05,678 INFO [http-nio-8080-exec-5] request",
            "2026-01-02T03:04:05.678901Z level=info msg=\"order accepted\"",
            "c.s.OrderService - took 57ms status=200 bytes=5123 region=eu",
            "the number of special characters is required by their public",
            "because variable names are being built from the section title",
            "java.lang.IllegalStateException: no route to host 10.0.0.1:80",
            "1700000000, 17000000, 1234-567, 0x7fff 4111",
            "orders-service: always group so that weights/people show up",
            "task done, requests_total=5 bytes_sent=7 class=gateway/pages",
        ] {
            assert!(!fits(&all, text), "{text}");
        }
    }

    #[test]
    fn names_with_marks_between_their_words_pass() {
        for name in ["pass_word", "Pass-Word", "pass.word", "PASS_PHRASE", "pass-phrase", "pass.phrase", "pass_wd"] {
            assert!(fits(&[Rule::ApiToken], name), "{name}");
        }
        for name in ["api_key", "API-KEY", "access.key", "github_pat_", "glpat-", "hooks.slack.com", "xoxb-"] {
            assert!(fits(&[Rule::ApiToken], name), "{name}");
        }
    }

    /// More than two passes over a text would make clean records half as dear again.
    #[test]
    fn the_usual_rules_need_two_passes() {
        assert_eq!(Sieve::new(&crate::rules::USUAL).marks.len(), 2);
    }

    #[test]
    fn marks_pass_in_either_case_at_every_place() {
        for (rule, marks) in GROUPS {
            for mark in marks {
                for at in 0..64 {
                    let text = format!("{}{}", " ".repeat(at), mark.replace('*', "x"));
                    assert!(fits(&[rule], &text) && fits(&[rule], &text.to_ascii_uppercase()), "{mark} at {at}");
                    assert!(!fits(&[Rule::CreditCard], &text), "{mark}");
                }
            }
        }
        for at in 0..64 {
            let text = format!("{}4111-1111-1111-1", " ".repeat(at));
            assert!(fits(&[Rule::CreditCard], &text), "{at}");
        }
    }
}
