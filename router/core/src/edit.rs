//! What plugins change in records: kept beside the batch, and written into the JSON once, at the sink.

use std::{borrow::Cow, sync::Arc};

use crate::{Route, Tally, encode::append_string, splice::InLine};

/// What a value is: the codes of `column.kinds` in wit/batches.wit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueKind {
    /// No such field; as an edit, its removal. No bytes.
    Absent = 0,
    /// No bytes.
    Null = 1,
    /// Characters, not escaped.
    Text = 2,
    /// JSON as it stands, here and below.
    Number = 3,
    Boolean = 4,
    Object = 5,
    Array = 6,
}

/// A field that a plugin may set, with what it counts.
#[derive(Debug)]
pub struct EditPath {
    keys: Vec<String>,
    dotted: String,
    /// `,"key":` for a field of the record itself.
    member: Option<Vec<u8>>,
    in_line: InLine,
    route: Option<Route>,
    blocked: Tally,
    essential: bool,
}

/// One field of one record set to a value, or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// As [`Edits::add_path`] numbered it.
    pub path: u32,
    pub kind: ValueKind,
    /// The value's bytes: `at..at + size` of what [`Edits::add_bytes`] took.
    pub at: u32,
    pub size: u32,
}

/// The edits of a batch's records. Those of one record are in the order in which they were made.
#[derive(Debug, Default)]
pub struct Edits {
    paths: Vec<Arc<EditPath>>,
    arena: Vec<u8>,
    links: Vec<Link>,
    /// Of each record, its first and last link.
    chains: Vec<Option<(u32, u32)>>,
    /// Of each record, the names of its topic and its index; empty until a record gets one.
    routes: Vec<[Option<Name>; 2]>,
}

/// Where the bytes of a name lie, and how many they are.
type Name = (u32, u32);

#[derive(Debug)]
struct Link {
    edit: Edit,
    next: Option<u32>,
}

impl EditPath {
    /// `keys` has at least one. `blocked` counts the edits that would have had to pass through something that is
    /// neither an object nor absent, and so changed nothing.
    pub fn new(keys: Vec<String>, blocked: Tally) -> Self {
        debug_assert!(!keys.is_empty());
        let member = match keys.as_slice() {
            [key] => {
                let mut member = b",".to_vec();
                append_string(key, &mut member);
                member.push(b':');
                Some(member)
            }
            _ => None,
        };
        let (route, in_line) = (Route::of(&keys), InLine::of(&keys));
        Self { dotted: keys.join("."), member, in_line, route, keys, blocked, essential: false }
    }

    /// The same for a plugin that hides what must not go on: where something is in the way of its edit, that goes.
    pub fn essential(self) -> Self {
        Self { essential: true, ..self }
    }

    pub fn is_essential(&self) -> bool {
        self.essential
    }

    /// How a field of the record itself begins behind another: `,"key":`. `None` for one that lies deeper.
    pub(crate) fn member(&self) -> Option<&[u8]> {
        self.member.as_deref()
    }

    /// What the path names beside the record's JSON, if it does: then [`Edits::set_route`] takes its values.
    pub fn route(&self) -> Option<Route> {
        self.route
    }

    pub(crate) fn in_line(&self) -> InLine {
        self.in_line
    }

    /// The keys, joined with dots.
    pub fn dotted(&self) -> &str {
        &self.dotted
    }

    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    pub fn blocked(&self) -> &Tally {
        &self.blocked
    }
}

impl Edits {
    /// For a batch of so many records.
    pub fn new(records: usize) -> Self {
        Self { chains: vec![None; records], ..Self::default() }
    }

    /// How many records the batch has.
    pub fn records(&self) -> usize {
        self.chains.len()
    }

    /// The number of a path, for [`Edit::path`].
    pub fn add_path(&mut self, path: &Arc<EditPath>) -> u32 {
        let known = self.paths.iter().position(|known| Arc::ptr_eq(known, path));
        known.unwrap_or_else(|| {
            self.paths.push(path.clone());
            self.paths.len() - 1
        }) as u32
    }

    /// Keeps bytes that values lie in, and says where they begin. All of them together stay below 4 GiB.
    pub fn add_bytes(&mut self, bytes: &[u8]) -> u32 {
        let at = self.arena.len() as u32;
        self.arena.extend_from_slice(bytes);
        at
    }

    /// Makes room for so many edits more.
    pub fn reserve(&mut self, edits: usize) {
        self.links.reserve(edits);
    }

    /// One more edit of the record with this index.
    #[inline]
    pub fn push(&mut self, record: usize, edit: Edit) {
        let new = self.links.len() as u32;
        self.links.push(Link { edit, next: None });
        match &mut self.chains[record] {
            Some((_, last)) => {
                self.links[*last as usize].next = Some(new);
                *last = new;
            }
            chain => *chain = Some((new, new)),
        }
    }

    /// The edits of a record, in the order in which they were made: of the same field, the last one counts.
    pub fn of(&self, record: usize) -> impl Iterator<Item = &Edit> {
        let first = self.chains[record].map(|(first, _)| &self.links[first as usize]);
        std::iter::successors(first, |link| link.next.map(|next| &self.links[next as usize])).map(|link| &link.edit)
    }

    /// Whether the record's JSON is edited.
    pub fn is_edited(&self, record: usize) -> bool {
        self.chains[record].is_some()
    }

    /// True if no record is edited, nor has a route.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty() && self.routes.is_empty()
    }

    /// The record goes where the name says that these bytes (`at`, size) are; without one, what was said before is taken
    /// back. [`Edits::add_bytes`] took the bytes.
    pub fn set_route(&mut self, record: usize, route: Route, name: Option<(u32, u32)>) {
        if self.routes.is_empty() {
            if name.is_none() {
                return;
            }
            self.routes.resize(self.chains.len(), [None; 2]);
        }
        self.routes[record][route as usize] = name;
    }

    /// The name that the record was given.
    pub fn route(&self, record: usize, route: Route) -> Option<Cow<'_, str>> {
        let (at, size) = self.routes.get(record)?[route as usize]?;
        Some(String::from_utf8_lossy(&self.arena[at as usize..][..size as usize]))
    }

    pub fn path(&self, edit: &Edit) -> &Arc<EditPath> {
        &self.paths[edit.path as usize]
    }

    /// The value in the form that its kind says.
    pub fn value(&self, edit: &Edit) -> &[u8] {
        &self.arena[edit.at as usize..][..edit.size as usize]
    }

    /// Whether an edit of this record touches what belongs to the record's origin, which then does not hold for it.
    pub fn touches_origin(&self, record: usize) -> bool {
        self.of(record).any(|edit| {
            let first = &self.path(edit).keys()[0];
            let names =
                |field: &&str| first.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            crate::origin::FIELDS.iter().any(names)
        })
    }

    /// Forgets the records for which `keep` is false, asked in order.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut() -> bool) {
        let kept: Vec<bool> = self.chains.iter().map(|_| keep()).collect();
        keep_those(&mut self.chains, &kept);
        keep_those(&mut self.routes, &kept);
    }
}

/// Forgets the items whose place in `kept` is false.
fn keep_those<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_their_order_and_follow_their_records() {
        let path = Arc::new(EditPath::new(vec!["log".into()], Tally::default()));
        let mut edits = Edits::new(4);
        let number = edits.add_path(&path);
        assert_eq!(edits.add_path(&path), number);
        let mut set = |record, text: &str| {
            let at = edits.add_bytes(text.as_bytes());
            edits.push(record, Edit { path: number, kind: ValueKind::Text, at, size: text.len() as u32 });
        };
        set(1, "a");
        set(3, "b");
        set(1, "c");
        let mut index = 0;
        edits.retain(|| {
            index += 1;
            index != 1
        });
        let values = |record| edits.of(record).map(|edit| edits.value(edit)).collect::<Vec<_>>();
        assert_eq!([values(0), values(1), values(2)], [vec![&b"a"[..], b"c"], vec![], vec![b"b"]]);
        assert!(edits.is_edited(2) && !edits.is_edited(1) && !edits.touches_origin(0));
    }

    #[test]
    fn routes_follow_their_records_and_are_no_edits_of_them() {
        let mut edits = Edits::new(3);
        edits.set_route(1, Route::Topic, None);
        assert!(edits.is_empty(), "nothing to take back");
        let at = edits.add_bytes(b"auditlogs");
        edits.set_route(1, Route::Topic, Some((at, 5)));
        edits.set_route(2, Route::Topic, Some((at + 5, 4)));
        edits.set_route(2, Route::Index, Some((at, 5)));
        edits.set_route(2, Route::Index, None);
        assert!(!edits.is_empty() && (0..3).all(|record| !edits.is_edited(record)));
        let mut index = 0;
        edits.retain(|| {
            index += 1;
            index != 1
        });
        let named = |record, route| edits.route(record, route).map(String::from);
        assert_eq!([named(0, Route::Topic), named(1, Route::Topic)], [Some("audit".into()), Some("logs".into())]);
        assert_eq!([named(0, Route::Index), named(1, Route::Index), named(2, Route::Topic)], [None, None, None]);
    }
}
