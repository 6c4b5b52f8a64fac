//! A column with what plugins changed before: the next one sees the records as the sink will write them.
use sluice_core::encode::Encoding;
use sluice_core::{Edits, Shape, splice};

use super::Columns;
use crate::column::{Builder, Column};
use crate::lookup::Search;

/// Whether a change of the field at `written` can change what is found at `read`: one is the other, or lies in it.
/// Both are joined with dots, since keys with dots are as good as paths.
pub(super) fn depends(read: &str, written: &str) -> bool {
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    read == written || within(read, written) || within(written, read)
}

/// `column` as it was found in the batch, with the edits of the records that are left.
pub(super) fn apply(columns: &Columns, field: usize, column: &Column, edits: &Edits) -> Column {
    let dotted = columns.fields.dotted[field].as_str();
    let mut overlay = Overlay { columns, field, edits, document: Vec::new(), edited: Vec::new() };
    let (len, arena) = (columns.alive.len() as u32, columns.batch.arena());
    let in_runs = column.is_in_runs();
    let mut out = Builder::default();
    for (records, kind, bytes) in column.values(len, arena) {
        let mut start = records.start;
        for record in records.clone() {
            let index = columns.alive[record as usize] as usize;
            if !edits.of(index).any(|edit| depends(dotted, edits.path(edit).dotted())) {
                continue;
            }
            if start < record {
                out.push_raw(kind, bytes);
                out.end_run(record - start);
            }
            overlay.append(index, &mut out);
            if in_runs {
                out.end_run(1);
            }
            start = record + 1;
        }
        if start < records.end {
            out.push_raw(kind, bytes);
            if in_runs {
                out.end_run(records.end - start);
            }
        }
    }
    out.finish()
}

struct Overlay<'a> {
    columns: &'a Columns<'a>,
    field: usize,
    edits: &'a Edits,
    document: Vec<u8>,
    edited: Vec<u8>,
}

impl Overlay<'_> {
    /// Appends what the record at `index` of the batch has under the field.
    fn append(&mut self, index: usize, out: &mut Builder) {
        let (keys, dotted) = (&self.columns.fields.keys[self.field], &self.columns.fields.dotted[self.field]);
        let last = self.edits.of(index).filter(|edit| depends(dotted, self.edits.path(edit).dotted())).last();
        match last {
            // A field of the record itself: the last value that it was given.
            Some(edit) if keys.len() == 1 && self.edits.path(edit).keys() == keys => {
                out.push_raw(edit.kind as u8, self.edits.value(edit));
            }
            _ => self.append_found(index, out),
        }
    }

    /// Looks into the record as the sink would write it: what an edit makes of the fields around it is decided there.
    fn append_found(&mut self, index: usize, out: &mut Builder) {
        let batch = self.columns.batch;
        self.document.clear();
        match batch.shape() {
            Shape::Documents => self.document.extend_from_slice(batch.text(&batch.records()[index])),
            Shape::Lines => {
                Encoding { include_tag: true, include_time: true }.append(batch, index, &mut self.document);
            }
        }
        self.edited.clear();
        splice::preview(&self.document, self.edits, index, &mut self.edited);
        let search = Search::new(vec![&self.columns.fields.paths[self.field]]);
        let document = sluice_core::json::readable(&self.edited).unwrap_or_default();
        search.append(document, std::slice::from_mut(out));
    }
}
