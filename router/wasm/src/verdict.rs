//! What the plugins of a chain say to one batch: collected while they are asked, and made true when all have answered.
use sluice_core::encode::Encoding;
use sluice_core::{Alert, Batch, DeadLetter, Edit, Edits, Ledger, Receipt, Shape, ValueKind};

use crate::answer::{Answer, Changes, Raised};
use crate::columns::Columns;
use crate::fault::Fault;
use crate::link::{Link, Outcome};
use crate::plugin::Plugin;

/// Indices are those of the batch as it was read.
pub(crate) struct Verdict {
    /// Which link drops each record.
    dropped_by: Vec<Option<usize>>,
    /// Records that a plugin has no answer for, in any order.
    poison: Vec<(u32, Fault)>,
    edits: Edits,
    alerts: Vec<Alert>,
}

impl Verdict {
    /// Nothing said yet about so many records.
    pub fn new(records: usize) -> Self {
        Self { dropped_by: vec![None; records], poison: Vec::new(), edits: Edits::new(records), alerts: Vec::new() }
    }

    /// What was changed so far.
    pub fn edits(&self) -> &Edits {
        &self.edits
    }

    /// Notes what a plugin said, and leaves the columns as the next plugin is to see them.
    pub fn take(&mut self, outcome: Outcome, link: usize, plugin: &Plugin, columns: &mut Columns) {
        let mut gone: Vec<u32> = Vec::new();
        for (start, answer) in outcome.answers {
            match answer {
                Answer::Drops(drops) => {
                    for drop in drops {
                        self.dropped_by[columns.alive()[(start + drop) as usize] as usize] = Some(link);
                        gone.push(start + drop);
                    }
                }
                Answer::Edits(changes) => self.edit(&changes, start, plugin, columns),
                Answer::Alerts(raised) => {
                    let about = |item: u32| columns.alive()[(start + item) as usize];
                    self.alerts.extend(raised.into_iter().map(|raised| alert(raised, plugin, about)));
                }
            }
        }
        for (record, fault) in outcome.poison {
            self.poison.push((columns.alive()[record as usize], fault));
            gone.push(record);
        }
        if !gone.is_empty() {
            // Answers come in order, and poison in between.
            gone.sort_unstable();
            columns.remove(&gone);
        }
    }

    fn edit(&mut self, changes: &Changes, start: u32, plugin: &Plugin, columns: &mut Columns) {
        if changes.changes.is_empty() {
            return;
        }
        let base = self.edits.add_bytes(&changes.arena);
        self.edits.reserve(changes.changes.iter().map(|change| (change.end - change.start) as usize).sum());
        let numbers: Vec<u32> = plugin.paths().iter().map(|path| self.edits.add_path(path)).collect();
        let mut written = vec![false; numbers.len()];
        for change in &changes.changes {
            let field = change.field as usize;
            written[field] = true;
            let edit = Edit { path: numbers[field], kind: change.kind, at: base + change.at, size: change.size };
            let route = plugin.paths()[field].route();
            for item in start + change.start..start + change.end {
                let record = columns.alive()[item as usize] as usize;
                match route {
                    Some(route) => self.edits.set_route(record, route, name_of(&edit)),
                    None => self.edits.push(record, edit),
                }
            }
        }
        let written = plugin.paths().iter().zip(written).filter(|(_, written)| *written);
        written.for_each(|(path, _)| columns.touch(path.dotted()));
    }

    /// Makes it true. What is returned beside the batch has to be sent to the dead-letter topic.
    pub fn execute(
        mut self,
        mut batch: Batch,
        links: &[Link],
        ledger: &Ledger,
        encoding: Encoding,
    ) -> (Batch, Vec<DeadLetter>) {
        self.number_alerts_anew();
        self.poison.sort_unstable_by_key(|(record, _)| *record);
        // As they were read, so before the edits are in.
        let bytes: Vec<Vec<u8>> = self.poison.iter().map(|(record, _)| as_read(&batch, *record, encoding)).collect();
        batch.set_edits(self.edits);
        let mut letters = Vec::with_capacity(bytes.len());
        // From behind, so that the indices of the others hold.
        for ((record, fault), bytes) in self.poison.into_iter().zip(bytes).rev() {
            let (copy, place) = (batch.records()[record as usize], batch.place().clone());
            let receipt = batch.take_record(record);
            self.dropped_by.remove(record as usize);
            letters.push(letter(fault, bytes, copy, place, receipt, ledger));
        }
        letters.reverse();
        for (index, link) in links.iter().enumerate() {
            let drops: Vec<u32> =
                (0..).zip(&self.dropped_by).filter(|(_, by)| **by == Some(index)).map(|(at, _)| at).collect();
            if !drops.is_empty() {
                batch.drop_records(&drops, &link.dropped);
                self.dropped_by.retain(|by| *by != Some(index));
            }
        }
        batch.raise(self.alerts);
        (batch, letters)
    }

    /// Alerts name records as they are numbered once those that leave have left.
    fn number_alerts_anew(&mut self) {
        if self.alerts.is_empty() {
            return;
        }
        let mut gone: Vec<u32> = self.poison.iter().map(|(record, _)| *record).collect();
        gone.extend((0..).zip(&self.dropped_by).filter(|(_, by)| by.is_some()).map(|(record, _)| record));
        gone.sort_unstable();
        // A second notifier may have no answer for a record that a first one raised an alert about.
        self.alerts.retain(|alert| alert.item.is_none_or(|item| gone.binary_search(&item).is_err()));
        for item in self.alerts.iter_mut().filter_map(|alert| alert.item.as_mut()) {
            *item -= gone.partition_point(|gone| gone < item) as u32;
        }
    }
}

/// Where a record goes by the value of a route; absent and null take back what was said.
fn name_of(edit: &Edit) -> Option<(u32, u32)> {
    let is_name = !matches!(edit.kind, ValueKind::Absent | ValueKind::Null);
    is_name.then_some((edit.at, edit.size))
}

/// A Kafka message's value, or a line as the sink would have it.
fn as_read(batch: &Batch, record: u32, encoding: Encoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    match batch.shape() {
        Shape::Documents => bytes.extend_from_slice(batch.text(&batch.records()[record as usize])),
        Shape::Lines => encoding.append(batch, record as usize, &mut bytes),
    }
    bytes
}

fn letter(
    fault: Fault,
    bytes: Vec<u8>,
    record: sluice_core::Record,
    place: std::sync::Arc<sluice_core::Place>,
    receipt: Receipt,
    ledger: &Ledger,
) -> DeadLetter {
    let reason = format!("fault of {}", fault.plugin);
    DeadLetter {
        bytes,
        tally: ledger.dead_lettered_for(&reason),
        reason,
        detail: fault.in_full(),
        status: None,
        place,
        position: record.position,
        id: record.id,
        time: record.time,
        receipt,
    }
}

/// The alert as the sink gets it; `about` gives the record's index in the batch.
pub(crate) fn alert(raised: Raised, plugin: &Plugin, about: impl Fn(u32) -> u32) -> Alert {
    let Raised { item, fingerprint, severity, title, text, details, color } = raised;
    let (plugin, item) = (plugin.name().to_string(), item.map(about));
    Alert { item, plugin, fingerprint, severity, title, text, details, color }
}
