//! Finds a field in JSON that nobody parsed.
//!
//! Lazily: what lies behind the field is not looked at, so JSON that is broken there gives its field all the same.
//! What comes behind a value nested deeper than [`sluice_core::json::DEEPEST`] is not found, nor what comes behind
//! something broken. The walk is that of the splicer: what a plugin sees of a document is what an edit of it meets.
use std::borrow::Cow;

use memchr::memmem;
use sluice_core::json::plain_end;
use sluice_core::members::{Member, Members};
use sonic_rs::LazyValue;

use crate::column::{Builder, Kind};
use crate::first_text::FirstText;
use crate::manifest::MOST_READS;

/// A path to a field, prepared.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    keys: Vec<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    name: String,
    /// `"name.`: the beginning of a literal key that joins this one and more. Hardly any JSON has one, and one search
    /// for it is cheaper than to look for each join. A key that is written with escapes is not found that way.
    joined: memmem::Finder<'static>,
}

/// What a path has led to so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Value(Kind, &'a str),
    /// A text; paths go on if it is a JSON object itself.
    Text(&'a str),
}

/// Finds several fields of a record in one pass over its JSON.
#[derive(Debug)]
pub(crate) struct Search<'p> {
    paths: Vec<&'p Path>,
    first: Option<FirstText>,
    /// The paths that end at their first key, and the others.
    parted: (Set, Set),
    /// The groups of all paths, where the walk over a record begins: behind the same number of keys each time.
    known: Option<Known<'p>>,
}

/// Groups that were made before.
#[derive(Debug)]
struct Known<'p> {
    set: Set,
    depth: usize,
    groups: Groups<'p>,
}

/// Paths by their next key.
#[derive(Debug, Default)]
struct Groups<'p> {
    all: Vec<Group<'p>>,
    /// The [`hint`]s of all keys.
    hints: u64,
}

/// Paths that have their next key in common.
#[derive(Debug)]
struct Group<'p> {
    key: &'p Key,
    same: Set,
    /// Those of them that go on behind it.
    further: Set,
    /// The [`hint`] of the key.
    hint: u64,
}

/// Some of the paths of a search, as bits.
type Set = u64;

impl Path {
    pub fn new(keys: &[String]) -> Self {
        Self { keys: keys.iter().map(|name| Key::new(name)).collect() }
    }

    /// The name of a field of the record itself.
    pub fn only_key(&self) -> Option<&str> {
        match self.keys.as_slice() {
            [key] => Some(&key.name),
            _ => None,
        }
    }
}

impl Key {
    fn new(name: &str) -> Self {
        let quoted = sonic_rs::to_string(name).unwrap_or_default();
        let joined = format!("{}.", quoted.strip_suffix('"').unwrap_or_default());
        Self { name: name.into(), joined: memmem::Finder::new(&joined).into_owned() }
    }
}

impl<'p> Search<'p> {
    /// At most as many paths as a manifest may read.
    pub fn new(paths: Vec<&'p Path>) -> Self {
        debug_assert!(paths.len() <= MOST_READS && MOST_READS <= Set::BITS as usize);
        let first = match paths.as_slice() {
            [path] => FirstText::new(path),
            _ => None,
        };
        let mut search = Self { paths, first, parted: (0, 0), known: None };
        search.parted = search.parted(search.all(), 1);
        // Behind the first key, unless a path ends there.
        let (set, shortest) = (search.all(), search.paths.iter().map(|path| path.keys.len()).min());
        let depth = usize::from(shortest > Some(1) && begins_alike(&search.paths));
        search.known = Some(Known { set, depth, groups: Groups::new(&search.paths, set, depth) });
        search
    }

    /// Appends to each of `out` what its path leads to in an object.
    pub fn append(&self, json: &str, out: &mut [Builder]) {
        if let Some(first) = &self.first
            && first.append(json, &mut out[0])
        {
            return;
        }
        let answered = self.in_object(self.all(), 0, json, out);
        self.append_absent(answered, out);
    }

    /// Appends to each of `out` what its path leads to behind the first key.
    pub fn append_behind_first(&self, found: Option<Found>, out: &mut [Builder]) {
        let (here, further) = self.parted;
        let answered = found.map_or(0, |found| self.in_found(here, further, 1, found, out));
        self.append_absent(answered, out);
    }

    fn append_absent(&self, answered: Set, out: &mut [Builder]) {
        members(self.all() & !answered).for_each(|path| out[path].push_absent());
    }

    fn all(&self) -> Set {
        Set::MAX.checked_shr(Set::BITS - self.paths.len() as u32).unwrap_or_default()
    }

    /// Looks for the paths of `set`, of which `depth` keys are behind, and returns those that were found.
    fn in_object(&self, set: Set, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        match &self.known {
            Some(known) if known.set == set && known.depth == depth => self.of_groups(&known.groups, depth, json, out),
            _ => self.of_groups(&Groups::new(&self.paths, set, depth), depth, json, out),
        }
    }

    fn of_groups(&self, groups: &Groups, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        let (mut answered, mut pending) = (0, 0);
        for group in &groups.all {
            if group.further != 0 && group.key.joined.find(json.as_bytes()).is_some() {
                answered |= members(group.further).fold(0, |found, path| found | self.joined(path, depth, json, out));
            }
            pending |= group.same & !answered;
        }
        let Some(mut walk) = Members::of(json.as_bytes()) else { return answered };
        while pending != 0
            && let Some(member) = walk.next()
        {
            let Some(key) = member.key.as_deref() else { continue };
            let hint = hint(key);
            if groups.hints & hint == 0 {
                continue;
            }
            let is_named =
                |group: &&Group| group.hint == hint && group.same & pending != 0 && group.key.name.as_bytes() == key;
            if let Some(group) = groups.all.iter().find(is_named) {
                // The first of several members with one key counts, wherever it leads.
                let named = group.same & pending;
                pending &= !named;
                let (here, further) = (named & !group.further, named & group.further);
                answered |= self.in_value(here, further, depth + 1, &json[member.value], out);
            }
        }
        answered
    }

    /// Looks for literal keys that join several of one path's, the longest first.
    fn joined(&self, path: usize, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        let keys = &self.paths[path].keys[depth..];
        for count in (2..=keys.len()).rev() {
            let name = keys[..count].iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(".");
            let is_named = |member: &Member| member.key.as_deref() == Some(name.as_bytes());
            let member = Members::of(json.as_bytes()).and_then(|mut walk| walk.find(is_named));
            if let Some(member) = member
                && let (here, further) = self.parted(1 << path, depth + count)
                && self.in_value(here, further, depth + count, &json[member.value], out) != 0
            {
                return 1 << path;
            }
        }
        0
    }

    /// `json` is one value as a [`Members`] walk found it, at which paths end `here` or go on.
    fn in_value(&self, here: Set, further: Set, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        // Most texts are no objects, which can be seen before their escapes are resolved.
        if here == 0 && is_plain_text(json) {
            return 0;
        }
        let found = match json.as_bytes().first() {
            Some(b'"') => return self.in_found(here, further, depth, Found::Text(&text_of(json)), out),
            Some(b'n') => Found::Value(Kind::Null, ""),
            Some(b't' | b'f') => Found::Value(Kind::Boolean, json),
            // The walk passes over them by their brackets; a plugin gets only whole ones.
            Some(b'{' | b'[') if here != 0 && sonic_rs::from_str::<LazyValue>(json).is_err() => return 0,
            Some(b'{') => Found::Value(Kind::Object, json),
            Some(b'[') => Found::Value(Kind::Array, json),
            _ => Found::Value(Kind::Number, json),
        };
        self.in_found(here, further, depth, found, out)
    }

    fn in_found(&self, here: Set, further: Set, depth: usize, found: Found, out: &mut [Builder]) -> Set {
        let (kind, text) = match found {
            Found::Value(kind, json) => (kind, json),
            Found::Text(text) => (Kind::Text, text),
        };
        members(here).for_each(|path| out[path].push(kind, text));
        let goes_on = match found {
            _ if further == 0 => false,
            Found::Value(kind, _) => kind == Kind::Object,
            Found::Text(text) => starts_an_object(text),
        };
        if goes_on { here | self.in_object(further, depth, text, out) } else { here }
    }

    /// Those of `set` that end after `depth` keys, and those that go on.
    fn parted(&self, set: Set, depth: usize) -> (Set, Set) {
        let here = only(set, |path| self.paths[path].keys.len() == depth);
        (here, set & !here)
    }
}

impl<'p> Groups<'p> {
    /// Of the paths of `set`, which have more than `depth` keys.
    fn new(paths: &[&'p Path], set: Set, depth: usize) -> Self {
        let key = |path: usize| &paths[path].keys[depth];
        let (mut groups, mut rest) = (Self::default(), set);
        while rest != 0 {
            let first = key(rest.trailing_zeros() as usize);
            let same = only(rest, |other| key(other).name == first.name);
            rest &= !same;
            let further = only(same, |path| paths[path].keys.len() > depth + 1);
            let hint = hint(first.name.as_bytes());
            groups.hints |= hint;
            groups.all.push(Group { key: first, same, further, hint });
        }
        groups
    }
}

/// One bit that a key has in common with few others: most members are none of those looked for, which is seen without
/// comparing them.
fn hint(key: &[u8]) -> u64 {
    1 << ((key.len() + 5 * usize::from(key.first().copied().unwrap_or_default())) % 64)
}

/// Whether all paths have their first key in common, as those into the text of a line.
fn begins_alike(paths: &[&Path]) -> bool {
    paths.windows(2).all(|pair| pair[0].keys[0].name == pair[1].keys[0].name)
}

fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(next)
    })
}

fn only(set: Set, keep: impl Fn(usize) -> bool) -> Set {
    members(set).filter(|path| keep(*path)).fold(0, |kept, path| kept | 1 << path)
}

/// The text of a JSON string, without its quotes and escapes. What is no text all the same, as one with half of a
/// surrogate pair, is U+FFFD.
fn text_of(json: &str) -> Cow<'_, str> {
    let inner = &json[1..json.len() - 1];
    if plain_end::<false>(inner.as_bytes(), 0) == inner.len() {
        return inner.into();
    }
    sonic_rs::from_str::<String>(json).unwrap_or_else(|_| "\u{fffd}".into()).into()
}

/// True for a JSON string that does not [start an object](starts_an_object), with escapes or without.
fn is_plain_text(json: &str) -> bool {
    json.strip_prefix('"').is_some_and(|text| !text.trim_ascii_start().starts_with(['{', '\\']))
}

fn starts_an_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

#[cfg(test)]
mod tests;
