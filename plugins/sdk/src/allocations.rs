//! How often a call asks for memory: not more often for many records than for few.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};

use crate::batch::Batch;
use crate::bindings::sluice::plugin::batches;
use crate::enricher::edits;
use crate::filter::drops;
use crate::notifier::alerts;
use crate::{Alert, Config, Edits, Enricher, Field, Filter, Notifier, Record, Target, Value};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: it is the system's allocator that does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Looks at a field of each kind in every way there is, and answers for those records that it is told to.
struct Looks {
    fields: [Field; 3],
    targets: [Target; 3],
    answers: bool,
}

impl Looks {
    fn new(answers: bool) -> Self {
        let mut config = Config::new("{}".into());
        let fields = ["text", "number", "object"].map(|path| config.read(path));
        let targets = ["a", "b", "c"].map(|path| config.write(path));
        Self { fields, targets, answers }
    }

    fn look(&self, record: &Record) -> bool {
        let [text, number, object] = self.fields;
        let seen = record.text(text).is_some_and(|text| text.contains("even"));
        let is_whole = record.number(number).is_some_and(|number| number.fract() == 0.0);
        let is_object = matches!(record.value(object), Value::Object(json) if crate::is_json(json));
        assert!(is_whole && is_object && record.boolean(text).is_none());
        seen && self.answers
    }
}

impl Filter for Looks {
    fn configure(_: &mut Config) -> Result<Self, String> {
        Ok(Self::new(true))
    }

    fn keep(&self, record: &Record) -> bool {
        !self.look(record)
    }
}

impl Enricher for Looks {
    fn configure(_: &mut Config) -> Result<Self, String> {
        Ok(Self::new(true))
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        if self.look(record) {
            edits.set_text(self.targets[0], "text");
            edits.set_number(self.targets[1], record.number(self.fields[1]).unwrap_or_default() / 3.0);
            edits.set_integer(self.targets[2], i64::MIN);
        }
    }
}

impl Notifier for Looks {
    fn configure(_: &mut Config) -> Result<Self, String> {
        Ok(Self::new(true))
    }

    fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
        let found = batch.sift(self.fields[0], |window| window.contains(&b'!'));
        assert!(found.is_empty());
        None
    }

    fn notify(&mut self, record: &Record) -> Option<Alert> {
        self.look(record).then(|| Alert::new("never"))
    }
}

/// Records of which every second one has a text with `even`.
fn batch(records: u32) -> batches::Batch {
    let column = |kind: u8, value: &dyn Fn(u32) -> String| {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for record in 0..records {
            text.extend_from_slice(value(record).as_bytes());
            ends.push(text.len() as u32);
        }
        batches::Column { text, ends, kinds: vec![kind; records as usize], runs: Vec::new() }
    };
    let text = column(2, &|record| format!("record {record} {}", if record % 2 == 0 { "even" } else { "odd" }));
    let columns = vec![text, column(3, &|record| record.to_string()), column(5, &|_| r#"{"a":[1]}"#.into())];
    batches::Batch { len: records, now: 0, times: Vec::new(), columns }
}

/// How often a call asks for memory, by the number of records.
fn asked<T>(call: impl Fn(&batches::Batch) -> T) -> [usize; 2] {
    [10, 10_000].map(|records| {
        let batch = batch(records);
        let before = COUNT.get();
        let answer = call(&batch);
        let count = COUNT.get() - before;
        drop(answer);
        count
    })
}

#[test]
fn records_that_are_passed_on_take_no_memory() {
    let ([silent, answering], views) = ([false, true].map(Looks::new), 1);
    let notifier = RefCell::new(Looks::new(false));
    assert_eq!(asked(|batch| drops(&silent, &Batch::new(batch))), [views; 2]);
    assert_eq!(asked(|batch| edits(&silent, &Batch::new(batch))), [views; 2]);
    assert_eq!(asked(|batch| alerts(&mut *notifier.borrow_mut(), &Batch::new(batch))), [views; 2]);
    // What is dropped is one list.
    assert_eq!(asked(|batch| drops(&answering, &Batch::new(batch))), [views + 1; 2]);
}

/// An answer with edits is as large as they are: it is moved a few times while it doubles, whatever a record has.
#[test]
fn edits_take_no_memory_of_their_own() {
    let looks = Looks::new(true);
    let [few, many] = asked(|batch| edits(&looks, &Batch::new(batch)));
    let (lists, doublings) = (2, (10_000usize / 10).ilog2() as usize + 1);
    assert!(many <= few + lists * doublings, "{few} for 10 records, {many} for 10,000");
}
