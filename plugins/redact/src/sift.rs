//! Tells at once for many records which of them no rule can find anything in.
//!
//! Each loop is over the places of a window, without a branch, so that it becomes vector instructions. They find too
//! much, and never too little: what is looked for are a few characters of each thing that a rule knows.
use sluice_plugin::{Batch, Field, Window};

use crate::rules::Rule;

/// The records in whose field a rule may find something, ascending.
pub fn sift(rules: &[Rule], batch: &Batch, field: Field) -> Vec<usize> {
    let has = |rule| rules.contains(&rule);
    let (emails, cards, tokens) = (has(Rule::Email), has(Rule::CreditCard), has(Rule::ApiToken));
    let (bearers, addresses) = (has(Rule::Bearer), has(Rule::Ip));
    batch.sift(field, |window| {
        emails && email(window)
            || cards && card(window)
            || tokens && token(window)
            || bearers && bearer(window)
            || addresses && address(window)
    })
}

#[inline(always)]
fn any(test: impl Fn(usize) -> bool) -> bool {
    (0..64).fold(0, |any, at| any | u8::from(test(at))) != 0
}

fn email(window: &Window) -> bool {
    any(|at| window[at] == b'@')
}

/// Four digits, a digit or a separator, four digits, and a digit at the place that all groupings have one.
fn card(window: &Window) -> bool {
    let digits: [u8; 80] = std::array::from_fn(|at| u8::from(window[at].wrapping_sub(b'0') < 10));
    let pairs: [u8; 78] = std::array::from_fn(|at| digits[at] & digits[at + 1]);
    any(|at| {
        let separated = (window[at + 4] == b' ') | (window[at + 4] == b'-');
        let in_groups = pairs[at] & pairs[at + 2] & pairs[at + 5] & pairs[at + 7] & digits[at + 12];
        in_groups & (digits[at + 4] | u8::from(separated)) != 0
    })
}

/// Parts of `passwd`, `pwd`, `passphrase`, `secret`, `token`, `key`, and of how tokens begin.
fn token(window: &Window) -> bool {
    any(|at| {
        let lower = |ahead: usize| window[at + ahead] | 0x20;
        let (first, second, third, fourth) = (lower(0), lower(1), lower(2), lower(3));
        let (next, after) = (window[at + 1], window[at + 2]);
        // key, token, AKIA, sk_live_, sk-, slack.com
        let k = (first == b'k')
            & ((third == b'y') | (third == b'n') | (third == b'a') | (next == b'_') | (next == b'-') | (next == b'.'));
        let password = ((first == b's') | (first == b'p')) & (second == b'w');
        let passphrase = (first == b's') & (second == b'p') & (third == b'h');
        let secret = (first == b's') & (third == b'c') & (fourth == b'r');
        let github = (first == b'h') & (after == b'_') | (first == b'b') & (next == b'_');
        let gitlab = (second == b'p') & (third == b'a') & (fourth == b't') & (first == b'l');
        let others = (first == b'x') & (third == b'x')
            | (first == b'y') & (second == b'j')
            | (first == b'i') & (second == b'z') & (third == b'a')
            | (first == b'a') & (second == b's') & (third == b'i') & (fourth == b'a');
        k | password | passphrase | secret | github | gitlab | others | (window[at] == b'@')
    })
}

/// Parts of `bearer` and of `authorization`.
fn bearer(window: &Window) -> bool {
    any(|at| {
        let lower = |ahead: usize| window[at + ahead] | 0x20;
        (lower(0) == b'b') & (lower(1) == b'e') & (lower(3) == b'r')
            | (lower(0) == b'h') & (lower(2) == b'r') & (lower(4) == b'z')
    })
}

/// A dot between digits, or two colons near one another.
fn address(window: &Window) -> bool {
    any(|at| {
        let is_digit = |ahead: usize| window[at + ahead].wrapping_sub(b'0') < 10;
        let is_colon = |ahead: usize| window[at + ahead] == b':';
        is_digit(0) & (window[at + 1] == b'.') & is_digit(2)
            | is_colon(0) & (is_colon(1) | is_colon(2) | is_colon(3) | is_colon(4) | is_colon(5))
    })
}
