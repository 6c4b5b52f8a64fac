//! One JSON object and what edits make of it. Objects inside of it are taken apart when a path leads into them.

use std::{borrow::Cow, ops::Range};

use crate::{
    ValueKind,
    encode::append_text,
    json::DEEPEST,
    members::{Member, Members},
};

/// A value that an edit sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct New<'a> {
    pub kind: ValueKind,
    /// In the form that `kind` says.
    pub bytes: &'a [u8],
}

/// An object, with its bytes as they came and what is different.
#[derive(Debug, Default)]
pub(crate) struct Object<'a> {
    /// White space, the object, and whatever follows it; empty for an object that an edit made.
    json: &'a [u8],
    /// Behind the opening brace.
    open: usize,
    /// The members as they came, then those that were added. A removed one keeps its place.
    slots: Vec<Slot<'a>>,
    /// The end was not reached: nothing can be added.
    is_broken: bool,
}

#[derive(Debug)]
struct Slot<'a> {
    key: Option<Cow<'a, [u8]>>,
    /// Where it lies in the JSON; `None` for one that was added.
    place: Option<Place>,
    value: Value<'a>,
}

#[derive(Clone, Debug)]
struct Place {
    start: usize,
    value: Range<usize>,
}

#[derive(Debug)]
enum Value<'a> {
    Kept,
    Removed,
    Set(New<'a>),
    Object(Box<Object<'a>>),
}

impl New<'_> {
    pub fn append(self, out: &mut Vec<u8>) {
        match self.kind {
            ValueKind::Absent | ValueKind::Null => out.extend_from_slice(b"null"),
            ValueKind::Text => append_text(self.bytes, out),
            ValueKind::Number | ValueKind::Boolean | ValueKind::Object | ValueKind::Array => {
                out.extend_from_slice(self.bytes);
            }
        }
    }
}

impl<'a> Object<'a> {
    /// Finds the members. `None` for what is no object; white space may come before it.
    pub fn scan(json: &'a [u8]) -> Option<Self> {
        let mut members = Members::of(json)?;
        let open = members.at();
        let mut slots = Vec::with_capacity(16);
        for Member { key, start, value } in members.by_ref() {
            slots.push(Slot { key, place: Some(Place { start, value }), value: Value::Kept });
        }
        Some(Self { json, open, slots, is_broken: !members.is_whole() })
    }

    /// Sets the field at a path to a value, or removes it; false if that is blocked, and then nothing changes.
    pub fn edit(&mut self, keys: &'a [String], new: New<'a>) -> bool {
        // Paths are followed by recursion.
        if keys.len() > DEEPEST {
            return false;
        }
        let mut route = Vec::new();
        if self.find(keys, &mut route) {
            return self.replace(&route, new).is_some();
        }
        let Some(rest) = self.approach(keys, &mut route) else { return false };
        self.add(&route, rest, new).is_some()
    }

    /// The slots that lead to a field: literal keys that join most of the path first.
    fn find(&mut self, keys: &[String], route: &mut Vec<usize>) -> bool {
        for count in (1..=keys.len()).rev() {
            let Some(index) = self.position(&keys[..count]) else { continue };
            route.push(index);
            let rest = &keys[count..];
            if rest.is_empty() || self.open(index).is_some_and(|object| object.find(rest, route)) {
                return true;
            }
            route.pop();
        }
        false
    }

    /// The slots that lead to the innermost object of a path that has no field, and the keys that are left there.
    /// `None` if something else than an object is in the way, or if that object is broken.
    fn approach<'k>(&mut self, keys: &'k [String], route: &mut Vec<usize>) -> Option<&'k [String]> {
        let mut is_in_the_way = false;
        for count in (1..keys.len()).rev() {
            let Some(index) = self.position(&keys[..count]) else { continue };
            is_in_the_way = true;
            if let Some(object) = self.open(index) {
                route.push(index);
                return object.approach(&keys[count..], route);
            }
        }
        (!is_in_the_way && !self.is_broken).then_some(keys)
    }

    fn replace(&mut self, route: &[usize], new: New<'a>) -> Option<()> {
        let (&last, way) = route.split_last()?;
        let object = self.follow(way)?;
        object.drop_repeats(last);
        object.slots[last].value = match new.kind {
            ValueKind::Absent => Value::Removed,
            _ => Value::Set(new),
        };
        Some(())
    }

    fn add(&mut self, route: &[usize], keys: &'a [String], new: New<'a>) -> Option<()> {
        let object = self.follow(route)?;
        let (first, inner) = keys.split_first()?;
        if new.kind != ValueKind::Absent {
            let value = inner.iter().rev().fold(Value::Set(new), |value, key| {
                Value::Object(Box::new(Object { slots: vec![Slot::added(key, value)], ..Object::default() }))
            });
            object.slots.push(Slot::added(first, value));
        }
        Some(())
    }

    /// The object at the end of a route. Of keys that are there twice on the way, the later ones go: a reader for whom
    /// the last one counts must not see what the first one does not have any more.
    fn follow(&mut self, route: &[usize]) -> Option<&mut Self> {
        let mut object = self;
        for &index in route {
            object.drop_repeats(index);
            object = object.open(index)?;
        }
        Some(object)
    }

    fn drop_repeats(&mut self, index: usize) {
        let (before, behind) = self.slots.split_at_mut(index + 1);
        let key = &before[index].key;
        behind.iter_mut().filter(|slot| slot.key == *key).for_each(|slot| slot.value = Value::Removed);
    }

    /// The first member whose key is these, joined with dots.
    fn position(&self, keys: &[String]) -> Option<usize> {
        let size = keys.iter().map(String::len).sum::<usize>() + keys.len() - 1;
        let is_it = |slot: &Slot| {
            slot.key.as_deref().is_some_and(|key| key.len() == size && is_joined(key, keys))
                && !matches!(slot.value, Value::Removed)
        };
        self.slots.iter().position(is_it)
    }

    /// The value of a slot, if it is an object.
    fn open(&mut self, index: usize) -> Option<&mut Self> {
        let slot = &mut self.slots[index];
        let json = match (&slot.value, &slot.place) {
            (Value::Kept, Some(place)) => Some(&self.json[place.value.clone()]),
            (Value::Set(New { kind: ValueKind::Object, bytes }), _) => Some(*bytes),
            _ => None,
        };
        if let Some(json) = json {
            slot.value = Value::Object(Box::new(Self::scan(json)?));
        }
        match &mut slot.value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Appends the object: what is not edited byte for byte, what was added before the closing brace.
    pub fn append(&self, out: &mut Vec<u8>) {
        if self.json.is_empty() {
            out.push(b'{');
            self.append_added(true, out);
            out.push(b'}');
            return;
        }
        // Everything before `at` is written or left out; `end` is the end of the member before.
        let (mut at, mut end, mut is_first) = (0, self.open, true);
        let places = self.slots.iter().map_while(|slot| slot.place.as_ref());
        let nexts = places.clone().skip(1).map(|place| place.start);
        let nexts = nexts.map(Some).chain(std::iter::repeat(None));
        for ((slot, place), next) in self.slots.iter().zip(places).zip(nexts) {
            match &slot.value {
                Value::Kept => {}
                // With the comma behind it where it is the first, else with the one before it.
                Value::Removed if is_first => {
                    out.extend_from_slice(&self.json[at..place.start]);
                    at = next.unwrap_or(place.value.end);
                }
                Value::Removed => {
                    out.extend_from_slice(&self.json[at..end]);
                    at = place.value.end;
                }
                value => {
                    out.extend_from_slice(&self.json[at..place.value.start]);
                    value.append(out);
                    at = place.value.end;
                }
            }
            is_first &= matches!(slot.value, Value::Removed);
            end = place.value.end;
        }
        out.extend_from_slice(&self.json[at..end]);
        self.append_added(is_first, out);
        out.extend_from_slice(&self.json[end..]);
    }

    /// Appends the members that were added, each with a comma before it but for the first of the object.
    pub fn append_added(&self, mut is_first: bool, out: &mut Vec<u8>) {
        for slot in self.slots.iter().filter(|slot| slot.place.is_none() && !matches!(slot.value, Value::Removed)) {
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            append_text(slot.key.as_deref().unwrap_or_default(), out);
            out.push(b':');
            slot.value.append(out);
        }
    }
}

impl<'a> Slot<'a> {
    fn added(key: &'a str, value: Value<'a>) -> Self {
        Self { key: Some(Cow::Borrowed(key.as_bytes())), place: None, value }
    }
}

impl Value<'_> {
    /// What was kept or removed has nothing of its own to write.
    fn append(&self, out: &mut Vec<u8>) {
        match self {
            Value::Kept | Value::Removed => {}
            Value::Set(new) => new.append(out),
            Value::Object(object) => object.append(out),
        }
    }
}

/// Whether a key is these, joined with dots.
fn is_joined(key: &[u8], keys: &[String]) -> bool {
    let mut rest = key;
    for (index, part) in keys.iter().enumerate() {
        let Some(behind) = rest.strip_prefix(if index == 0 { &b""[..] } else { b"." }) else { return false };
        let Some(behind) = behind.strip_prefix(part.as_bytes()) else { return false };
        rest = behind;
    }
    rest.is_empty()
}
