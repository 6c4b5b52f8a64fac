use std::sync::Arc;

use proptest::prelude::{prop, prop_assert_eq, proptest};
use sluice_core::encode::Encoding;
use sluice_core::{Edit, EditPath, Generation, Ledger, Part, Place, RecordId, Stream, Tally, ValueKind, Watermark};

use super::*;
use crate::bindings;

/// Lines of two containers: with bytes that were not UTF-8, cut, from both streams.
fn lines() -> Batch {
    let origin = |pod: &str| {
        let object =
            format!(r#"{{"docker":{{"container_id":"{pod}"}},"kubernetes":{{"labels":{{"a.b/c":"{pod}"}}}}}}"#);
        Origin::new(pod, format!("kubernetes.{pod}"), object)
    };
    let (mut arena, mut records) = (Vec::new(), Vec::new());
    for (n, text) in ["one", r#"{"level":"info","n":[1]}"#, "", "fo\u{fffd}r", "five\n", "six"].into_iter().enumerate()
    {
        let start = arena.len() as u32;
        arena.extend_from_slice(text.as_bytes());
        let end = arena.len() as u32;
        arena.extend_from_slice(if n == 3 { b"fo\xffr" } else { b"" });
        records.push(Record {
            start,
            end,
            raw_end: arena.len() as u32,
            origin: n as u32 / 2 % 2,
            time: (1_700_000_000 + n as u64) * 1_000_000_000,
            timed: true,
            stream: if n == 2 { Stream::Stderr } else { Stream::Stdout },
            truncated: n == 4,
            part: Part { number: n as u32 % 3, goes_on: n == 1 },
            position: n as u64,
            id: RecordId(n as u128),
        });
    }
    batch(Shape::Lines, arena, records, vec![Arc::new(origin("a")), Arc::new(origin("b"))])
}

/// The same records as the sink writes them.
fn documents(lines: &Batch, known: bool) -> Batch {
    let (mut arena, mut records) = (Vec::new(), Vec::new());
    for (index, record) in lines.records().iter().enumerate() {
        let start = arena.len() as u32;
        Encoding { include_tag: true, include_time: true }.append(lines, index, &mut arena);
        records.push(Record { start, end: arena.len() as u32, raw_end: arena.len() as u32, ..*record });
    }
    let origin = |origin: &Arc<Origin>| {
        Arc::new(if known {
            Origin { key: String::new(), tag: String::new(), ..(**origin).clone() }
        } else {
            Origin::unknown()
        })
    };
    batch(Shape::Documents, arena, records, lines.origins().iter().map(origin).collect())
}

fn batch(shape: Shape, arena: Vec<u8>, records: Vec<Record>, origins: Vec<Arc<Origin>>) -> Batch {
    let mut watermark = Watermark::new(Generation::new(Arc::new(Ledger::default())), 0u64);
    let receipt = watermark.open(records.len() as u32, 0);
    Batch::new(shape, Arc::new(Place::File { path: "f".into() }), arena, records, origins, receipt)
}

const PATHS: [&[&str]; 16] = [
    &["log"],
    &["log", "level"],
    &["log", "n"],
    &["log", "nothing"],
    &["log_raw"],
    &["log_truncated"],
    &["log_partial"],
    &["log_part"],
    &["stream"],
    &["stream", "x"],
    &["time"],
    &["tag"],
    &["docker", "container_id"],
    &["kubernetes", "labels", "a.b/c"],
    &["kubernetes", "labels"],
    &["nothing"],
];

fn fields() -> Fields {
    let mut fields = Fields::default();
    for (number, path) in PATHS.iter().enumerate() {
        let path: Vec<String> = path.iter().map(|key| key.to_string()).collect();
        assert_eq!((fields.add(&path), fields.add(&path)), (number, number));
    }
    fields
}

/// Each field of each record that is left, as a plugin reads it.
fn read(columns: &Columns) -> Vec<Vec<(u8, String)>> {
    let all: Vec<usize> = (0..PATHS.len()).collect();
    let (views, _) = columns.view(&all, true);
    let read = |view: &bindings::Column| {
        let mut values = Vec::new();
        for (index, end) in view.ends.iter().enumerate() {
            let start = if index == 0 { 0 } else { view.ends[index - 1] };
            let text = String::from_utf8(view.text[start as usize..*end as usize].to_vec()).unwrap();
            let kind = view.kinds.get(index).copied().unwrap_or(2);
            values.resize(view.runs.get(index).map_or(index + 1, |end| *end as usize), (kind, text));
        }
        assert_eq!(values.len(), columns.alive().len());
        values
    };
    views.iter().map(read).collect()
}

/// The number of a path.
fn at(path: &[&str]) -> usize {
    PATHS.iter().position(|known| *known == path).unwrap()
}

#[test]
fn a_plugin_sees_the_same_before_and_behind_kafka() {
    let fields = fields();
    let lines = lines();
    for drops in [&[][..], &[0], &[1, 2], &[0, 2, 3, 5]] {
        // Whether the fields are found before or after records were dropped must make no difference either.
        let mut seen = Vec::new();
        for batch in [self::lines(), documents(&lines, true), documents(&lines, false)] {
            for early in [true, false] {
                let mut columns = Columns::new(&batch, &fields, 0..batch.len());
                let all: Vec<usize> = (0..PATHS.len()).collect();
                if early {
                    columns.prepare(&all, true, &Edits::new(batch.len()));
                }
                columns.remove(drops);
                columns.prepare(&all, true, &Edits::new(batch.len()));
                assert_eq!(columns.view(&[], true).1.len(), batch.len() - drops.len());
                seen.push(read(&columns));
            }
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{drops:?} {seen:#?}");
    }
}

#[test]
fn values_of_lines() {
    let (fields, lines) = (fields(), lines());
    let mut columns = Columns::new(&lines, &fields, 1..4);
    columns.prepare(&(0..PATHS.len()).collect::<Vec<_>>(), true, &Edits::new(lines.len()));
    for (path, expect) in [
        (&["log", "level"][..], ["2 info", "0 ", "0 "]),
        (&["log", "n"], ["6 [1]", "0 ", "0 "]),
        (&["log_raw"], ["0 ", "0 ", "2 Zm//cg=="]),
        (&["log_partial"], ["4 true", "0 ", "0 "]),
        (&["log_part"], ["3 1", "3 2", "0 "]),
        (&["stream"], ["2 stdout", "2 stderr", "2 stdout"]),
        (&["time"], ["3 1700000001", "3 1700000002", "3 1700000003"]),
        (&["kubernetes", "labels", "a.b/c"], ["2 a", "2 b", "2 b"]),
    ] {
        let values: Vec<_> = read(&columns)[at(path)].iter().map(|(kind, text)| format!("{kind} {text}")).collect();
        assert_eq!(values, expect, "{path:?}");
    }
}

#[test]
fn texts_are_taken_from_the_arena_and_origins_cross_as_runs() {
    let (fields, lines) = (fields(), lines());
    let mut columns = Columns::new(&lines, &fields, 0..3);
    let asked = [at(&["log"]), at(&["kubernetes", "labels", "a.b/c"])];
    columns.prepare(&asked, false, &Edits::new(lines.len()));
    let (views, times) = columns.view(&asked, false);
    assert_eq!(views[0].text.as_ptr(), lines.arena().as_ptr());
    assert_eq!((views[1].runs, views[1].ends), (&[2, 3][..], &[1, 2][..]));
    assert!(times.is_empty());
}

/// Paths that plugins write, of which some lead through what is no object.
const WRITTEN: [&[&str]; 9] = [
    &["log"],
    &["log", "level"],
    &["stream"],
    &["tag"],
    &["kubernetes", "labels", "a.b/c"],
    &["kubernetes", "labels"],
    &["docker"],
    &["nothing"],
    &["nothing", "new"],
];

const VALUES: [(ValueKind, &str); 6] = [
    (ValueKind::Absent, ""),
    (ValueKind::Null, ""),
    (ValueKind::Text, r#"{"level":"w\"arn"}"#),
    (ValueKind::Text, "plain \u{e9}"),
    (ValueKind::Number, "12"),
    (ValueKind::Object, r#"{"labels":{"a.b/c":"z"},"level":1,"container_id":[]}"#),
];

proptest! {
    /// What a plugin sees behind others is what the sink will write.
    #[test]
    fn edits_are_seen_as_they_will_be_written(
        changes in prop::collection::vec((0usize..6, 0..WRITTEN.len(), 0..VALUES.len()), 1..12),
        drops in prop::collection::btree_set(0u32..6, 0..4),
        found_before: bool,
    ) {
        let (fields, all) = (fields(), (0..PATHS.len()).collect::<Vec<_>>());
        let drops: Vec<u32> = drops.into_iter().collect();
        let make = |batch: &Batch| {
            let mut edits = Edits::new(batch.len());
            for (record, path, value) in &changes {
                let keys = WRITTEN[*path].iter().map(|key| key.to_string()).collect();
                let path = edits.add_path(&Arc::new(EditPath::new(keys, Tally::default())));
                let (kind, bytes) = VALUES[*value];
                let at = edits.add_bytes(bytes.as_bytes());
                edits.push(*record, Edit { path, kind, at, size: bytes.len() as u32 });
            }
            edits
        };
        let mut written = lines();
        prop_assert_eq!(written.len(), 6);
        written.set_edits(make(&written));
        let written = documents(&written, false);
        let mut expect = Columns::new(&written, &fields, 0..written.len());
        expect.remove(&drops);
        expect.prepare(&all, true, &Edits::new(written.len()));
        for batch in [self::lines(), documents(&lines(), true), documents(&lines(), false)] {
            let edits = make(&batch);
            let mut columns = Columns::new(&batch, &fields, 0..batch.len());
            if found_before {
                columns.prepare(&all, true, &Edits::new(batch.len()));
            }
            changes.iter().for_each(|(_, path, _)| {
                columns.touch(&WRITTEN[*path].join("."));
            });
            columns.remove(&drops);
            columns.prepare(&all, true, &edits);
            prop_assert_eq!(read(&columns), read(&expect), "{:?}", changes);
        }
    }
}
