//! The columns of a batch: each field that a chain reads is found once, when the first plugin asks for it.
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_core::json::readable;
use sluice_core::{Batch, Edits, Origin, Record, Route, Shape, origin};

use crate::column::{Builder, Column, Kind};
use crate::lookup::{Found, Path, Search};
use crate::manifest::MOST_READS;

mod overlay;
mod views;

use views::Views;

/// The fields that the plugins of a chain read, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    keys: Vec<Vec<String>>,
    /// The same, joined with dots.
    dotted: Vec<String>,
    paths: Vec<Path>,
}

impl Fields {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of a field, which is new if no plugin has read it before.
    pub fn add(&mut self, path: &[String]) -> usize {
        if let Some(known) = self.keys.iter().position(|keys| keys == path) {
            return known;
        }
        self.keys.push(path.to_vec());
        self.dotted.push(path.join("."));
        self.paths.push(Path::new(path));
        self.paths.len() - 1
    }
}

/// The columns of some records of a batch that follow each other, and of those only the ones not dropped yet.
#[derive(Clone)]
pub(crate) struct Columns<'a> {
    batch: &'a Batch,
    fields: &'a Fields,
    /// Indices into the batch.
    alive: Vec<u32>,
    columns: Vec<Option<Column>>,
    /// Whether a field may differ from what the batch has, since a plugin wrote it or a part of it.
    touched: Vec<bool>,
    times: Option<Vec<u64>>,
}

/// Where a field's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The text of a line, whose column is there already.
    Text,
    /// JSON in the text of a line.
    InText,
    Stream,
    Truncated,
    Partial,
    Part,
    Raw,
    Time,
    Tag,
    Origin,
    Document,
    /// What plugins said beside the record's JSON.
    Route(Route),
}

impl<'a> Columns<'a> {
    pub fn new(batch: &'a Batch, fields: &'a Fields, window: Range<usize>) -> Self {
        let alive = (window.start as u32..window.end as u32).collect();
        Self {
            batch,
            fields,
            alive,
            columns: vec![None; fields.len()],
            touched: vec![false; fields.len()],
            times: None,
        }
    }

    /// Indices into the batch of the records that are left.
    pub fn alive(&self) -> &[u32] {
        &self.alive
    }

    /// Finds those of the fields that were not found yet, with what plugins changed, and the times if they are wanted.
    pub fn prepare(&mut self, fields: &[usize], times: bool, edits: &Edits) {
        let missing: Vec<usize> = fields.iter().copied().filter(|field| self.columns[*field].is_none()).collect();
        // Fields that lie in the same place are found in one pass.
        let mut groups: Vec<(Place, Vec<usize>)> = Vec::new();
        for field in missing {
            let place = self.place(field);
            match groups.iter_mut().find(|(known, _)| *known == place) {
                Some((_, fields)) => fields.push(field),
                None => groups.push((place, vec![field])),
            }
        }
        for (place, mut fields) in groups {
            self.add_others(place, &mut fields);
            self.find(place, &fields, edits);
            for field in fields.into_iter().filter(|field| self.touched[*field]) {
                self.columns[field] =
                    self.columns[field].take().map(|column| overlay::apply(self, field, &column, edits));
            }
        }
        if times && self.times.is_none() {
            self.times = Some(self.records().map(|record| record.time).collect());
        }
    }

    /// What later plugins will ask for in the same JSON is found now: to walk over it again would cost more than what is
    /// found for records that are dropped meanwhile.
    fn add_others(&self, place: Place, fields: &mut Vec<usize>) {
        if !matches!(place, Place::InText | Place::Document) {
            return;
        }
        for other in 0..self.fields.len() {
            let is_missing = self.columns[other].is_none() && !fields.contains(&other);
            if is_missing && fields.len() < MOST_READS && self.place(other) == place {
                fields.push(other);
            }
        }
    }

    /// The batch as the interface has it, with the fields in this order; `prepare` has found them.
    pub fn view(&self, fields: &[usize], times: bool) -> (Views<'_>, &[u64]) {
        let arena = self.batch.arena();
        let columns = fields.iter().filter_map(|field| self.columns[*field].as_ref().map(|column| column.view(arena)));
        (Views::new(fields.len(), columns), self.times.as_deref().filter(|_| times).unwrap_or_default())
    }

    /// A plugin wrote the field at this path, joined with dots: whatever depends on it has to be found again.
    pub fn touch(&mut self, dotted: &str) {
        for (field, read) in self.fields.dotted.iter().enumerate() {
            if overlay::depends(read, dotted) {
                self.touched[field] = true;
                self.columns[field] = None;
            }
        }
    }

    /// Records that cannot be looked into, whatever they hold: indices into [`Columns::alive`].
    pub fn unreadable(&self) -> Vec<u32> {
        let is_unreadable = |record: &Record| readable(self.batch.text(record)).is_none();
        let numbered = (0..).zip(self.records());
        match self.batch.shape() {
            Shape::Lines => Vec::new(),
            Shape::Documents => numbered.filter(|(_, record)| is_unreadable(record)).map(|(at, _)| at).collect(),
        }
    }

    /// Only the records of `part`, indices into [`Columns::alive`].
    pub fn part(&self, part: &Range<u32>) -> Self {
        let others: Vec<u32> = (0..part.start).chain(part.end..self.alive.len() as u32).collect();
        let mut columns = self.clone();
        columns.remove(&others);
        columns
    }

    /// Forgets the records at `drops`, indices into [`Columns::alive`].
    pub fn remove(&mut self, drops: &[u32]) {
        let len = self.alive.len() as u32;
        for column in self.columns.iter_mut().flatten() {
            *column = column.without(drops, len, self.batch.arena());
        }
        remove_at(&mut self.alive, drops);
        if let Some(times) = &mut self.times {
            remove_at(times, drops);
        }
    }

    fn records(&self) -> impl Iterator<Item = &'a Record> {
        let records = self.batch.records();
        self.alive.iter().map(move |index| &records[*index as usize])
    }

    fn place(&self, field: usize) -> Place {
        let keys = &self.fields.keys[field];
        if let Some(route) = Route::of(keys) {
            return Place::Route(route);
        }
        match (self.batch.shape(), keys[0].as_str()) {
            (Shape::Lines, "log") if keys.len() == 1 => Place::Text,
            (Shape::Lines, "log") => Place::InText,
            (Shape::Lines, "stream") => Place::Stream,
            (Shape::Lines, "log_truncated") => Place::Truncated,
            (Shape::Lines, "log_partial") => Place::Partial,
            (Shape::Lines, "log_part") => Place::Part,
            (Shape::Lines, "log_raw") => Place::Raw,
            (Shape::Lines, "time") => Place::Time,
            (Shape::Lines, "tag") => Place::Tag,
            (Shape::Lines, _) => Place::Origin,
            (Shape::Documents, first) if self.origins_know(first) => Place::Origin,
            (Shape::Documents, _) => Place::Document,
        }
    }

    fn find(&mut self, place: Place, fields: &[usize], edits: &Edits) {
        let search = Search::new(fields.iter().map(|field| &self.fields.paths[*field]).collect());
        let mut columns: Vec<Builder> = fields.iter().map(|_| Builder::default()).collect();
        match place {
            Place::Text => {
                self.columns[fields[0]] = Some(self.texts());
                return;
            }
            Place::Origin => self.of_origins(&mut columns, |origin, out| search.append(&origin.object, out)),
            Place::Tag => self.of_origins(&mut columns, |origin, out| search.append_behind_first(tag_of(origin), out)),
            Place::Stream => self.streams(&search, &mut columns),
            Place::InText => self.of_texts(&search, &mut columns),
            Place::Truncated | Place::Partial | Place::Part | Place::Raw | Place::Time => {
                self.of_lines(place, &search, &mut columns);
            }
            Place::Document => self.of_documents(&search, &mut columns),
            Place::Route(route) => columns.iter_mut().for_each(|column| self.routes(route, edits, column)),
        }
        for (field, column) in fields.iter().zip(columns) {
            self.columns[*field] = Some(column.finish());
        }
    }

    /// What plugins said before: absent for a record of which none said anything.
    fn routes(&self, route: Route, edits: &Edits, out: &mut Builder) {
        for index in &self.alive {
            match edits.route(*index as usize, route) {
                Some(name) => out.push(Kind::Text, &name),
                None => out.push(Kind::Absent, ""),
            }
        }
    }

    /// The texts of lines: where they lie end to end, the arena as it stands.
    fn texts(&self) -> Column {
        let mut range: Option<Range<usize>> = None;
        let mut ends = Vec::with_capacity(self.alive.len());
        for record in self.records() {
            let (start, end) = (record.start as usize, record.end as usize);
            let whole = range.get_or_insert(start..start);
            if whole.end != start {
                return self.copied_texts();
            }
            whole.end = end;
            ends.push((end - whole.start) as u32);
        }
        Column::in_arena(range.unwrap_or_default(), ends)
    }

    fn copied_texts(&self) -> Column {
        let mut column = Builder::default();
        self.records().for_each(|record| column.push_raw(Kind::Text as u8, self.batch.text(record)));
        column.finish()
    }

    /// What lies in the JSON of the texts. They lie next to each other, and are checked together: that is cheaper than
    /// one by one, which is for when one of them is no UTF-8.
    fn of_texts(&self, search: &Search, out: &mut [Builder]) {
        let start = self.records().map(|record| record.start).min().unwrap_or_default() as usize;
        let end = self.records().map(|record| record.end).max().unwrap_or_default() as usize;
        let all = self.batch.arena().get(start..end).and_then(|texts| simdutf8::basic::from_utf8(texts).ok());
        for record in self.records() {
            let text = match all {
                Some(all) => all.get(record.start as usize - start..record.end as usize - start),
                None => simdutf8::basic::from_utf8(self.batch.text(record)).ok(),
            };
            search.append_behind_first(text.map(Found::Text), out);
        }
    }

    /// What core's encoder writes for each line.
    fn of_lines(&self, place: Place, search: &Search, out: &mut [Builder]) {
        for record in self.records() {
            let (mut digits, raw);
            let found = match place {
                Place::Truncated => record.truncated.then_some(Found::Value(Kind::Boolean, "true")),
                Place::Partial => record.part.goes_on.then_some(Found::Value(Kind::Boolean, "true")),
                Place::Part => {
                    digits = itoa::Buffer::new();
                    let number = record.part.number;
                    (number > 0).then(|| Found::Value(Kind::Number, digits.format(number)))
                }
                Place::Raw => {
                    raw = self.batch.raw(record).map(|raw| STANDARD.encode(raw));
                    raw.as_deref().map(Found::Text)
                }
                _ => {
                    digits = itoa::Buffer::new();
                    Some(Found::Value(Kind::Number, digits.format(record.time / 1_000_000_000)))
                }
            };
            search.append_behind_first(found, out);
        }
    }

    /// A container writes to one stream most of the time.
    fn streams(&self, search: &Search, out: &mut [Builder]) {
        let records: Vec<&Record> = self.records().collect();
        for run in records.chunk_by(|a, b| a.stream == b.stream) {
            search.append_behind_first(Some(Found::Text(run[0].stream.name())), out);
            out.iter_mut().for_each(|column| column.end_run(run.len() as u32));
        }
    }

    /// True if no document needs to be looked into for this key.
    fn origins_know(&self, first: &str) -> bool {
        origin::FIELDS.contains(&first) && self.records().all(|record| self.batch.origin(record).is_known())
    }

    /// One value for each run of records of one origin; the value of an origin is found once.
    fn of_origins(&self, out: &mut [Builder], append: impl Fn(&Origin, &mut [Builder])) {
        let mut seen: Vec<Option<usize>> = vec![None; self.batch.origins().len()];
        let records: Vec<&Record> = self.records().collect();
        for (number, run) in records.chunk_by(|a, b| a.origin == b.origin).enumerate() {
            let at = run[0].origin as usize;
            let origin = &self.batch.origins()[at];
            match seen[at] {
                Some(value) => out.iter_mut().for_each(|column| column.push_again(value)),
                None => append(origin, out),
            }
            seen[at].get_or_insert(number);
            out.iter_mut().for_each(|column| column.end_run(run.len() as u32));
        }
    }

    fn of_documents(&self, search: &Search, out: &mut [Builder]) {
        for record in self.records() {
            search.append(readable(self.batch.text(record)).unwrap_or_default(), out);
        }
    }
}

fn tag_of(origin: &Origin) -> Option<Found<'_>> {
    (!origin.tag.is_empty()).then_some(Found::Text(&origin.tag))
}

fn remove_at<T>(items: &mut Vec<T>, drops: &[u32]) {
    let mut drops = drops.iter().copied().peekable();
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        drops.next_if(|drop| *drop == index - 1).is_none()
    });
}

#[cfg(test)]
mod tests;
