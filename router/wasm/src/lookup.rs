//! Finds a field in JSON that nobody parsed.
//!
//! Lazily: what lies behind the field is not looked at, so JSON that is broken there gives its field all the same.
//! What is not UTF-8 or nested deeper than [`sluice_core::json::DEEPEST`] has no fields, nor has what is broken before the field
//! (though where keys are malformed, the library may still find one).
//!
//! Walking an object costs more than to search its bytes for a key. So of several keys those that occur nowhere are not
//! walked for, and a walk ends where the last of the others is found. A single key is mostly there: it is not searched.
use memchr::memmem;
use sluice_core::json::is_shallow;
use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

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
    /// `"name"`, if it can be written in no other way than this, or by [`ESCAPE`].
    quoted: Option<memmem::Finder<'static>>,
}

/// The beginning of an escape that can stand for any character. JSON without it writes letters as themselves.
const ESCAPE: &[u8] = b"\\u";

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
    escape: memmem::Finder<'static>,
    first: Option<FirstText>,
    /// The groups of all paths, where the walk over a record begins: behind the same number of keys each time.
    known: Option<Known>,
}

/// Groups that were made before.
#[derive(Debug)]
struct Known {
    set: Set,
    depth: usize,
    groups: Vec<Group>,
}

/// Paths that have their next key in common.
#[derive(Debug)]
struct Group {
    /// One of them.
    path: usize,
    same: Set,
    /// Those of them that go on behind it.
    further: Set,
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
        let finder = |bytes: &str| memmem::Finder::new(bytes).into_owned();
        let quoted = sonic_rs::to_string(name).unwrap_or_default();
        let joined = finder(&format!("{}.", quoted.strip_suffix('"').unwrap_or_default()));
        // Quotes, backslashes, slashes and control characters have escapes of their own.
        let is_plain = !name.contains(|c: char| matches!(c, '"' | '\\' | '/') || c.is_ascii_control());
        Self { name: name.into(), joined, quoted: is_plain.then(|| finder(&quoted)) }
    }

    /// False if no object in this JSON, which is without [`ESCAPE`], has the key.
    fn may_occur(&self, json: &[u8]) -> bool {
        self.quoted.as_ref().is_none_or(|quoted| quoted.find(json).is_some())
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
        let mut search = Self { paths, escape: memmem::Finder::new(ESCAPE), first, known: None };
        // Behind the first key, unless a path ends there.
        let (set, shortest) = (search.all(), search.paths.iter().map(|path| path.keys.len()).min());
        let depth = usize::from(shortest > Some(1) && begins_alike(&search.paths));
        search.known = Some(Known { set, depth, groups: groups(&search.paths, set, depth) });
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
        let answered = found.map_or(0, |found| self.in_found(self.all(), 1, found, out));
        self.append_absent(answered, out);
    }

    fn append_absent(&self, answered: Set, out: &mut [Builder]) {
        members(self.all() & !answered).for_each(|path| out[path].push(Kind::Absent, ""));
    }

    fn all(&self) -> Set {
        Set::MAX.checked_shr(Set::BITS - self.paths.len() as u32).unwrap_or_default()
    }

    /// Looks for the paths of `set`, of which `depth` keys are behind, and returns those that were found.
    fn in_object(&self, set: Set, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        match &self.known {
            Some(known) if known.set == set && known.depth == depth => self.of_groups(&known.groups, depth, json, out),
            _ => self.of_groups(&groups(&self.paths, set, depth), depth, json, out),
        }
    }

    fn of_groups(&self, groups: &[Group], depth: usize, json: &str, out: &mut [Builder]) -> Set {
        let (mut answered, mut pending) = (0, 0);
        let sifts = groups.len() > 1 && self.escape.find(json.as_bytes()).is_none();
        for group in groups {
            let key = &self.paths[group.path].keys[depth];
            if group.further != 0 && key.joined.find(json.as_bytes()).is_some() {
                answered |= members(group.further).fold(0, |found, path| found | self.joined(path, depth, json, out));
            }
            if group.same & !answered != 0 && (!sifts || key.may_occur(json.as_bytes())) {
                pending |= group.same & !answered;
            }
        }
        if pending == 0 {
            return answered;
        }
        for (key, value) in sonic_rs::to_object_iter(json).map_while(Result::ok) {
            let named = groups
                .iter()
                .find(|group| group.same & pending != 0 && self.paths[group.path].keys[depth].name.as_str() == key);
            if let Some(group) = named {
                // The first of several members with one key counts, wherever it leads.
                let named = group.same & pending;
                pending &= !named;
                answered |= self.in_value(named, depth + 1, &value, out);
                if pending == 0 {
                    break;
                }
            }
        }
        answered
    }

    /// Looks for literal keys that join several of one path's, the longest first.
    fn joined(&self, path: usize, depth: usize, json: &str, out: &mut [Builder]) -> Set {
        let keys = &self.paths[path].keys[depth..];
        for count in (2..=keys.len()).rev() {
            let name = keys[..count].iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(".");
            let member = sonic_rs::to_object_iter(json).map_while(Result::ok).find(|(key, _)| *key == name);
            if let Some((_, value)) = member
                && self.in_value(1 << path, depth + count, &value, out) != 0
            {
                return 1 << path;
            }
        }
        0
    }

    fn in_value(&self, set: Set, depth: usize, value: &LazyValue, out: &mut [Builder]) -> Set {
        // Most texts are no objects, which can be seen before their escapes are resolved.
        let ends_here = members(set).any(|path| self.paths[path].keys.len() == depth);
        if !ends_here && is_plain_text(value.as_raw_str()) {
            return 0;
        }
        with_found(value, |found| self.in_found(set, depth, found, out))
    }

    fn in_found(&self, set: Set, depth: usize, found: Found, out: &mut [Builder]) -> Set {
        let here = only(set, |path| self.paths[path].keys.len() == depth);
        let (kind, text) = match found {
            Found::Value(kind, json) => (kind, json),
            Found::Text(text) => (Kind::Text, text),
        };
        members(here).for_each(|path| out[path].push(kind, text));
        let further = set & !here;
        let goes_on = match found {
            _ if further == 0 => false,
            Found::Value(kind, _) => kind == Kind::Object,
            Found::Text(text) => starts_an_object(text) && is_shallow(text.as_bytes()),
        };
        if goes_on { here | self.in_object(further, depth, text, out) } else { here }
    }
}

fn groups(paths: &[&Path], set: Set, depth: usize) -> Vec<Group> {
    let name = |path: usize| paths[path].keys[depth].name.as_str();
    let (mut groups, mut rest) = (Vec::new(), set);
    while rest != 0 {
        let path = rest.trailing_zeros() as usize;
        let same = only(rest, |other| name(other) == name(path));
        rest &= !same;
        groups.push(Group { path, same, further: only(same, |path| paths[path].keys.len() > depth + 1) });
    }
    groups
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

/// Hands over a value; texts come without their escapes.
fn with_found<T>(value: &LazyValue, then: impl FnOnce(Found) -> T) -> T {
    then(match value.get_type() {
        // Only a lone surrogate is valid so far and no text.
        JsonType::String => Found::Text(value.as_str().unwrap_or("\u{fffd}")),
        JsonType::Null => Found::Value(Kind::Null, ""),
        JsonType::Boolean => Found::Value(Kind::Boolean, value.as_raw_str()),
        JsonType::Number => Found::Value(Kind::Number, value.as_raw_str()),
        JsonType::Object => Found::Value(Kind::Object, value.as_raw_str()),
        JsonType::Array => Found::Value(Kind::Array, value.as_raw_str()),
    })
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
