//! Finds a field in JSON that nobody parsed.
//!
//! Lazily: what lies behind the field is not looked at, so JSON that is broken there gives its field all the same.
//! What is not UTF-8 or nested deeper than [`sluice_core::json::DEEPEST`] has no fields, nor has what is broken before the field
//! (though where keys are malformed, the library may still find one).
use memchr::memmem;
use sluice_core::json::is_shallow;
use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use crate::column::{Builder, Kind};
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
}

/// Some of the paths of a search, as bits.
type Set = u64;

impl Path {
    pub fn new(keys: &[String]) -> Self {
        let key = |name: &String| {
            let start = format!("{}.", sonic_rs::to_string(name).unwrap_or_default().trim_end_matches('"'));
            Key { name: name.clone(), joined: memmem::Finder::new(&start).into_owned() }
        };
        Self { keys: keys.iter().map(key).collect() }
    }
}

impl<'p> Search<'p> {
    /// At most as many paths as a manifest may read.
    pub fn new(paths: Vec<&'p Path>) -> Self {
        debug_assert!(paths.len() <= MOST_READS && MOST_READS <= Set::BITS as usize);
        Self { paths }
    }

    /// Appends to each of `out` what its path leads to in an object.
    pub fn append(&self, json: &str, out: &mut [Builder]) {
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
        let mut answered = 0;
        for path in members(set) {
            let keys = &self.paths[path].keys[depth..];
            if keys.len() > 1 && keys[0].joined.find(json.as_bytes()).is_some() {
                answered |= self.joined(path, depth, json, out);
            }
        }
        let mut pending = set & !answered;
        if pending == 0 {
            return answered;
        }
        for (key, value) in sonic_rs::to_object_iter(json).map_while(Result::ok) {
            let named = members(pending).filter(|path| self.paths[*path].keys[depth].name == key);
            let named = named.fold(0, |named, path| named | 1 << path);
            if named != 0 {
                // The first of several members with one key counts, wherever it leads.
                pending &= !named;
                answered |= with_found(&value, |found| self.in_found(named, depth + 1, found, out));
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
                && with_found(&value, |found| self.in_found(1 << path, depth + count, found, out)) != 0
            {
                return 1 << path;
            }
        }
        0
    }

    fn in_found(&self, set: Set, depth: usize, found: Found, out: &mut [Builder]) -> Set {
        let here = members(set).filter(|path| self.paths[*path].keys.len() == depth);
        let here = here.fold(0, |here, path| here | 1 << path);
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

fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(next)
    })
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

fn starts_an_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

#[cfg(test)]
mod tests;
