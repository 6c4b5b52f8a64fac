//! Adds, renames and removes fields of records; README.md says how it is configured.
mod options;

use options::{Addition, Constant, OnConflict, Options, Renaming};
use sluice_plugin::{Config, Edits, Enricher, Field, Path, Record, Target, Value};

/// How many fields are added, renamed and removed at most: each is read, and a plugin may read 64.
const MOST: usize = 32;

struct StaticFields {
    renamed: Vec<Renamed>,
    removed: Vec<Target>,
    added: Vec<Added>,
}

struct Added {
    to: Target,
    /// What the record has there itself, if that counts.
    own: Option<Field>,
    value: Constant,
}

struct Renamed {
    from: Field,
    gone: Target,
    to: Target,
    /// What the record has there itself, if that counts.
    own: Option<Field>,
}

impl Enricher for StaticFields {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        check(&options)?;
        let keeps = options.on_conflict == OnConflict::Keep;
        let renamed = options.rename.iter().map(|Renaming { from, to }| Renamed {
            from: from.read(config),
            gone: from.write(config),
            own: keeps.then(|| to.read(config)),
            to: to.write(config),
        });
        let renamed = renamed.collect();
        let removed = options.remove.iter().map(|path| path.write(config)).collect();
        let added = options.add.0.into_iter().map(|Addition { field, value }| Added {
            own: keeps.then(|| field.read(config)),
            to: field.write(config),
            value,
        });
        let added = added.collect();
        Ok(Self { renamed, removed, added })
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        let is_taken = |own: &Option<Field>| own.is_some_and(|own| record.value(own) != Value::Absent);
        for Renamed { from, gone, to, own } in &self.renamed {
            let value = record.value(*from);
            if value != Value::Absent && !is_taken(own) {
                edits.set(*to, value);
                edits.remove(*gone);
            }
        }
        // Behind the renamed ones, so that what is left of an object can go.
        self.removed.iter().for_each(|removed| edits.remove(*removed));
        for Added { to, own, value } in &self.added {
            if !is_taken(own) {
                value.set(*to, edits);
            }
        }
    }
}

/// Fields are changed all at once, so no change may be about what another one sets or takes away; but what is renamed
/// may come from within what is removed.
fn check(options: &Options) -> Result<(), String> {
    let Options { add, rename, remove, .. } = options;
    let added = add.0.iter().enumerate().map(|(index, addition)| (named("add", index), &addition.field));
    let to = rename.iter().enumerate().map(|(index, renaming)| (named("rename", index), &renaming.to));
    let set: Vec<(String, &Path)> = added.chain(to).collect();
    let from = rename.iter().enumerate().map(|(index, renaming)| (named("rename", index), &renaming.from));
    let from: Vec<(String, &Path)> = from.collect();
    let removed = remove.iter().enumerate().map(|(index, path)| (named("remove", index), path));
    let removed: Vec<(String, &Path)> = removed.collect();
    let count = set.len() + removed.len();
    if count == 0 || count > MOST {
        return Err(format!("name 1 to {MOST} fields to add, rename and remove, not {count}"));
    }
    for (at, (place, path)) in set.iter().enumerate() {
        for (other_place, other) in set[at + 1..].iter().chain(&from).chain(&removed) {
            if overlap(path, other) {
                return Err(told(other_place, other, place, path));
            }
        }
    }
    for (at, (place, path)) in from.iter().enumerate() {
        for (other_place, other) in &from[at + 1..] {
            if overlap(path, other) {
                return Err(told(other_place, other, place, path));
            }
        }
        if let Some((other_place, other)) =
            removed.iter().find(|(_, other)| overlap(path, other) && !within(path, other))
        {
            return Err(told(other_place, other, place, path));
        }
    }
    Ok(())
}

fn named(list: &str, index: usize) -> String {
    format!("{list}[{index}]")
}

fn told(place: &str, path: &Path, other_place: &str, other: &Path) -> String {
    let (path, other) = (path.0.join("."), other.0.join("."));
    format!("{place}: {path} is also in what {other_place} is about, {other}; of two changes of one field name one")
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.0.join(".") == other.0.join(".") || within(one, other) || within(other, one)
}

/// Whether a field is inside another one, whichever of its keys have dots.
fn within(inner: &Path, outer: &Path) -> bool {
    inner.0.join(".").strip_prefix(&outer.0.join(".")).is_some_and(|rest| rest.starts_with('.'))
}

sluice_plugin::enricher!(StaticFields);

#[cfg(test)]
mod tests;
