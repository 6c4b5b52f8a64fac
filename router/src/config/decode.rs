//! Reads one block of keys. Every key that is asked for is known; what is left over when the reading ends is a
//! mistake. Nothing stops at the first problem: a getter reports it and answers `None`.

use std::cell::RefCell;

use super::document::{Entry, Node, Value};
use super::kinds::{Reading, name};
use super::problem::{Findings, Place, join};

/// A map that is being read. Ask for every key it may have, then call [`Block::finish`].
pub(super) struct Block<'a> {
    findings: &'a Findings<'a>,
    at: Place,
    path: String,
    entries: &'a [Entry],
    known: RefCell<Vec<&'static str>>,
    missing: RefCell<Vec<Missing>>,
}

/// A required key that is not there; reported at the end, unless a misspelt key is clearly meant for it.
struct Missing {
    key: &'static str,
    write: String,
}

impl<'a> Block<'a> {
    /// The map in `node`. `at` is where the block begins for the reader: its key, or the node itself.
    pub fn open(findings: &'a Findings<'a>, node: &'a Node, at: Place, path: &str) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            Value::Null => {
                findings.error(at, path, "nothing stands below this key; write its keys, or take it out");
                return None;
            }
            other => {
                // What stands here may be a secret in the wrong place, and is not quoted.
                findings.error(node.at, path, format!("expected a block of keys, not {}", name(other)));
                return None;
            }
        };
        Some(Self {
            findings,
            at,
            path: path.to_owned(),
            entries,
            known: RefCell::default(),
            missing: RefCell::default(),
        })
    }

    pub fn at(&self) -> Place {
        self.at
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn findings(&self) -> &'a Findings<'a> {
        self.findings
    }

    /// The entry of `key`, which is a known key from now on.
    pub fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether `key` stands here.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Every entry, for a block whose keys are names that the writer chose.
    pub fn all(&self) -> &'a [Entry] {
        self.entries
    }

    /// The entry of a key that must be there; `write` is the line to write if it is not.
    pub fn required_entry(&self, key: &'static str, write: &str) -> Option<&'a Entry> {
        let entry = self.entry(key);
        if entry.is_none() {
            let write = write.to_owned();
            self.missing.borrow_mut().push(Missing { key, write });
        }
        entry
    }

    /// The value of an optional key.
    pub fn get<T>(&self, key: &'static str, read: impl Fn(&Value) -> Reading<T>) -> Option<T> {
        let entry = self.entry(key)?;
        self.read(&entry.value, &join(&self.path, key), entry.at, read)
    }

    /// The value of a key that must be there.
    pub fn required<T>(&self, key: &'static str, write: &str, read: impl Fn(&Value) -> Reading<T>) -> Option<T> {
        let entry = self.required_entry(key, write)?;
        self.read(&entry.value, &join(&self.path, key), entry.at, read)
    }

    /// The values of an optional list.
    pub fn list<T>(&self, key: &'static str, read: impl Fn(&Value) -> Reading<T>) -> Option<Vec<T>> {
        let items = self.items(key)?;
        Some(self.read_all(key, items, read))
    }

    /// The values of a list that must be there and hold something.
    pub fn required_list<T>(
        &self,
        key: &'static str,
        write: &str,
        read: impl Fn(&Value) -> Reading<T>,
    ) -> Option<Vec<T>> {
        self.required_entry(key, write)?;
        let items = self.items(key)?;
        if items.is_empty() {
            self.fail(key, format!("the list is empty; write \"{write}\""));
        }
        Some(self.read_all(key, items, read))
    }

    /// The nodes of a list, for items that are blocks themselves. Nothing if the key is not there or no list.
    pub fn items(&self, key: &'static str) -> Option<&'a [Node]> {
        let entry = self.entry(key)?;
        match &entry.value.value {
            Value::List(items) => return Some(items),
            Value::Broken => {}
            Value::Null => self.fail(key, "nothing stands after this key; write a list, or take it out"),
            other => self.fail(key, format!("expected a list, not {}; write \"{key}: […]\"", name(other))),
        }
        None
    }

    /// The block below an optional key.
    pub fn child(&self, key: &'static str) -> Option<Block<'a>> {
        let entry = self.entry(key)?;
        Block::open(self.findings, &entry.value, entry.at, &join(&self.path, key))
    }

    /// The block below a key that must be there.
    pub fn required_child(&self, key: &'static str, write: &str) -> Option<Block<'a>> {
        self.required_entry(key, write)?;
        self.child(key)
    }

    /// Which one of `keys` stands here; `what` names them all, as in `a sink`. Two of them contradict each other, and
    /// `otherwise` is what to do with the second.
    pub fn one_of(&self, what: &str, keys: &[&'static str], otherwise: &str) -> Option<&'static str> {
        let mut present = Vec::new();
        for key in keys {
            if self.entry(key).is_some() {
                present.push(*key);
            }
        }
        let first = present.first().copied();
        for extra in present.iter().skip(1) {
            self.fail(extra, format!("{what} is one of {}; {otherwise}", keys.join(", ")));
        }
        if first.is_none() && self.entries.is_empty() {
            let message = format!("{what} is missing; it is one of {}", keys.join(", "));
            self.findings.error(self.at, &self.path, message);
        }
        first
    }

    /// Where `key` stands, or where the block begins.
    pub fn place(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.at, |entry| entry.at)
    }

    /// Reports an error at `key`.
    pub fn fail(&self, key: &str, message: impl Into<String>) {
        self.findings.error(self.place(key), &join(&self.path, key), message);
    }

    /// Reports a warning at `key`.
    pub fn warn(&self, key: &str, message: impl Into<String>) {
        self.findings.warn(self.place(key), &join(&self.path, key), message);
    }

    /// Reports the keys that nobody asked for and the required ones that are missing.
    pub fn finish(self) {
        let known = self.known.take();
        let mut missing = self.missing.take();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let meant = nearest(&entry.key, &known);
            missing.retain(|missing| Some(missing.key) != meant);
            let path = join(&self.path, &entry.key);
            self.findings.error(entry.at, &path, unknown(&entry.key, meant, &known));
        }
        for Missing { key, write } in missing {
            let message = format!("missing; write \"{write}\"");
            self.findings.error(self.at, &join(&self.path, key), message);
        }
    }

    fn read<T>(&self, node: &Node, path: &str, key_at: Place, read: impl Fn(&Value) -> Reading<T>) -> Option<T> {
        match &node.value {
            Value::Broken => None,
            // An empty value has no place of its own worth showing.
            Value::Null => {
                self.findings.error(key_at, path, "no value stands here; write one, or take the key out");
                None
            }
            value => read(value).map_err(|message| self.findings.error(node.at, path, message)).ok(),
        }
    }

    fn read_all<T>(&self, key: &str, items: &[Node], read: impl Fn(&Value) -> Reading<T>) -> Vec<T> {
        let path = join(&self.path, key);
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.read(item, &format!("{path}[{index}]"), item.at, &read))
            .collect()
    }
}

fn unknown(key: &str, meant: Option<&str>, known: &[&str]) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for key in known {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    match meant {
        Some(meant) => format!("unknown key; did you mean \"{meant}\"?"),
        None if key == "<<" => {
            "merge keys are not read; write the keys out, or use an alias for a whole value".to_owned()
        }
        None => format!("unknown key; the keys here are {}", keys.join(", ")),
    }
}

/// The known key that `key` is a slip of the fingers away from, whatever its case and word separators.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let bare = |key: &str| key.replace(['_', '-', '.'], "").to_lowercase();
    let written = bare(key);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&written, &bare(known)), *known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_keys() {
        let check = |key, known: &[&'static str], expect: Option<&str>| {
            assert_eq!(nearest(key, known), expect, "{key}");
        };
        check("compresion", &["acks", "compression"], Some("compression"));
        check("maxInFlight", &["linger", "max_in_flight"], Some("max_in_flight"));
        check("max-in-flight", &["linger", "max_in_flight"], Some("max_in_flight"));
        check("topcis", &["topic", "topics"], Some("topics"));
        check("ack", &["acks"], Some("acks"));
        check("slack", &["kafka", "elasticsearch"], None);
        check("kubernetes", &["source", "plugins", "sink"], None);
        check("", &["acks"], None);
        check("x", &[], None);
    }
}
