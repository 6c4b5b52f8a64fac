use proptest::prelude::*;
use sluice_core::{AllowList, Edits, Generation, Ledger, Place, Route, Shape, encode::Encoding};

use super::*;
use crate::{
    Index,
    reasons::Reasons,
    response::Refusal,
    testing::{MOMENT, batch, documents},
};

const STAMPED: &str = r#""@timestamp":"2023-11-14T22:13:20.123456789+00:00""#;

/// A generation and what fills drafts in it.
struct Bench {
    generation: Arc<Generation>,
    reasons: Reasons,
    room: Arc<Room>,
    draft: Draft,
    writer: Writer,
}

impl Bench {
    fn new(tag_key: Option<&str>) -> Self {
        let generation = Generation::new(Arc::new(Ledger::default()));
        let room = Room::new(1 << 20, Arc::default());
        let allowed = AllowList::new(vec!["audit-*".into()]);
        let names = Names::new(Index::Name("logs".into()), allowed).unwrap();
        Self {
            reasons: Reasons::new(generation.clone()),
            generation,
            draft: Draft::new(&room),
            room,
            writer: Writer::new(names, tag_key.map(Into::into)),
        }
    }

    fn fill(&mut self, pending: &mut Pending, limit: usize) {
        self.draft.fill(&mut self.writer, pending, limit);
    }

    fn take(&mut self) -> Option<Bulk> {
        self.draft.take(&self.room)
    }
}

/// The lines that `document` makes, action first, and what its dead letter would hold.
fn write(document: &[u8], tag_key: Option<&str>, place: Place) -> (Vec<String>, Vec<u8>) {
    let mut bench = Bench::new(tag_key);
    let batch = batch(&bench.generation, Shape::Documents, place, 7, &[document]);
    let mut pending = Pending::new(batch, Encoding::default());
    bench.fill(&mut pending, usize::MAX);
    let mut bulk = bench.take().expect("the document is fine");
    let body = String::from_utf8(bulk.body().to_vec()).unwrap();
    assert!(body.ends_with('\n'), "{body}");
    let letter = bulk.reject(&Refusal::too_large(), &bench.reasons).remove(0);
    let bytes = letter.bytes.clone();
    letter.receipt.dead_lettered(&letter.tally);
    (body.lines().map(Into::into).collect(), bytes)
}

fn topic() -> Place {
    Place::Partition { topic: "logs\"1".into(), partition: 0 }
}

#[test]
fn documents_go_out_as_they_came_in() {
    let tag = Some("tag");
    for (document, tag_key, expected) in [
        (r#"{"log":"a"}"#, None, format!(r#"{{{STAMPED},"log":"a"}}"#)),
        (r#"{}"#, None, format!("{{{STAMPED}}}")),
        (r#"{ }"#, None, format!("{{{STAMPED} }}")),
        (r#"{"@timestamp":"x", "a" : 1.0e5}"#, None, r#"{"@timestamp":"x", "a" : 1.0e5}"#.into()),
        (r#"{"a":{"@timestamp":"x"}}"#, None, format!(r#"{{{STAMPED},"a":{{"@timestamp":"x"}}}}"#)),
        ("{\"a\":\"é\\u0000\"}", None, format!("{{{STAMPED},\"a\":\"é\\u0000\"}}")),
        // The tag key: in the place of a value, else as the last member.
        (r#"{"tag":"kubernetes.x","a":1}"#, None, format!(r#"{{{STAMPED},"tag":"kubernetes.x","a":1}}"#)),
        (r#"{"tag":"kubernetes.x","a":1}"#, tag, format!(r#"{{{STAMPED},"tag":"logs\"1","a":1}}"#)),
        (r#"{"a":1,"tag" : {"x":[1]} }"#, tag, format!(r#"{{{STAMPED},"a":1,"tag" : "logs\"1" }}"#)),
        (r#"{"a":{"tag":1}}"#, tag, format!(r#"{{{STAMPED},"a":{{"tag":1}},"tag":"logs\"1"}}"#)),
        (r#"{}"#, tag, format!(r#"{{{STAMPED},"tag":"logs\"1"}}"#)),
        (r#"{"@timestamp":1 }"#, tag, r#"{"@timestamp":1 ,"tag":"logs\"1"}"#.into()),
        (r#"{"a":1}"#, Some("a\"b"), format!(r#"{{{STAMPED},"a":1,"a\"b":"logs\"1"}}"#)),
        // Line ends outside of strings become spaces, so that a document is one line.
        ("{\n\t\"a\": [\r\n1]\n}\n", None, format!("{{{STAMPED}, \t\"a\": [  1] }} ")),
        (" \n{\"tag\":\n\"b\"}", tag, format!("  {{{STAMPED},\"tag\": \"logs\\\"1\"}}")),
    ] {
        let (lines, original) = write(document.as_bytes(), tag_key, topic());
        let action = |time| format!(r#"{{"create":{{"_index":"logs","_id":"{time}AAAAAAAAAAAAAAAAAAAABw"}}}}"#);
        assert_eq!(lines[0], action(if document.contains("timestamp\":1") { "AAAAAAAB" } else { "AYvP5Wh7" }));
        assert_eq!(lines[1..], [expected], "{document}");
        assert_eq!(original, document.as_bytes(), "the dead letter holds what came");
    }
}

#[test]
fn records_of_a_file_have_no_topic() {
    let file = Place::File { path: "/var/log/x.log".into() };
    let (lines, _) = write(br#"{"tag":1}"#, Some("tag"), file);
    assert_eq!(lines[1], format!(r#"{{{STAMPED},"tag":1}}"#));
}

#[test]
fn lines_become_documents() {
    let mut bench = Bench::new(None);
    let file = Place::File { path: "f".into() };
    let batch = batch(&bench.generation, Shape::Lines, file, 1, &[b"one\n", b"\"two\""]);
    let mut pending = Pending::new(batch, Encoding { include_time: true, include_tag: true });
    bench.fill(&mut pending, usize::MAX);
    let mut bulk = bench.take().unwrap();
    let body = String::from_utf8(bulk.body().to_vec()).unwrap();
    let documents: Vec<_> = body.lines().skip(1).step_by(2).collect();
    let line = |text: &str| format!(r#"{{"log":"{text}","stream":"stdout","time":1700000000}}"#);
    let stamped = |text: &str| line(text).replacen('{', &format!("{{{STAMPED},"), 1);
    assert_eq!(documents, [stamped(r"one\n"), stamped(r#"\"two\""#)]);
    let letters = bulk.reject(&Refusal::too_large(), &bench.reasons);
    assert_eq!(String::from_utf8(letters[0].bytes.clone()).unwrap(), line(r"one\n"));
}

#[test]
fn what_is_no_document_is_put_apart_with_its_place() {
    let mut bench = Bench::new(None);
    let texts: [&[u8]; 5] = [b"{}", b"{\"a\":\xff}", b"", b"[1]", b"{\"b\":1}"];
    let mut pending = Pending::new(documents(&bench.generation, 10, &texts), Encoding::default());
    bench.fill(&mut pending, usize::MAX);
    assert!(pending.is_done());
    let letters = pending.take_broken(&bench.reasons);
    let seen: Vec<_> = letters.iter().map(|l| (l.position, &l.bytes[..], &l.detail[..], l.receipt.count())).collect();
    let expected: [(u64, &[u8], &str, u32); 3] = [
        (11, texts[1], "invalid utf-8 at byte 5", 1),
        (12, texts[2], "an object was expected at byte 0", 1),
        (13, texts[3], "an object was expected at byte 0", 1),
    ];
    assert_eq!(seen, expected);
    assert!(letters.iter().all(|letter| letter.reason == "not_a_json_object"));
    assert_eq!(bench.take().map(|bulk| bulk.len()), Some(2));
}

#[test]
fn a_draft_stays_within_its_limit() {
    let mut bench = Bench::new(Some("tag"));
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(5000));
    let texts: Vec<&[u8]> = vec![b"{}", b"{}", large.as_bytes(), b"{}"];
    let mut pending = Pending::new(documents(&bench.generation, 0, &texts), Encoding::default());
    let mut lengths = Vec::new();
    while !pending.is_done() {
        bench.fill(&mut pending, 1000);
        let held = bench.draft.len();
        let bulk = bench.take().unwrap();
        assert_eq!(bulk.shares.iter().map(|share| share.receipt.count() as usize).sum::<usize>(), bulk.len());
        assert!(held <= 1000 || bulk.len() == 1);
        lengths.push(bulk.len());
    }
    assert_eq!(lengths, [2, 1, 1], "a document beyond the limit goes alone");
    assert_eq!(bench.room.left(), 1 << 20);
    assert!(bench.take().is_none());
}

#[test]
fn halves_are_whole_bulks() {
    let mut bench = Bench::new(Some("tag"));
    for first in [0, 3] {
        let texts: [&[u8]; 3] = [b"{\"tag\":1}", b"{\n}", b"{\"tag\":22}"];
        bench.fill(&mut Pending::new(documents(&bench.generation, first, &texts), Encoding::default()), usize::MAX);
    }
    let bulk = bench.take().unwrap();
    let (whole, used) = (bulk.body().clone(), bench.room.left());
    let (first, second) = bulk.halve();
    assert_eq!(bench.room.left(), used);
    assert_eq!([&first.body()[..], &second.body()[..]].concat(), whole);
    let originals = [first, second].map(|mut half| {
        let letters = half.reject(&Refusal::too_large(), &bench.reasons);
        assert!(letters.iter().all(|letter| letter.receipt.count() == 1));
        letters.iter().map(|letter| (letter.position, letter.bytes.clone())).collect::<Vec<_>>()
    });
    let expected =
        [(0, "{\"tag\":1}"), (1, "{\n}"), (2, "{\"tag\":22}"), (3, "{\"tag\":1}"), (4, "{\n}"), (5, "{\"tag\":22}")];
    let expected: Vec<_> = expected.map(|(position, text)| (position, text.as_bytes().to_vec())).into();
    assert_eq!(originals.concat(), expected);
    assert_eq!(bench.room.left(), 1 << 20);
}

fn member() -> impl Strategy<Value = String> {
    let space = "[ \n\r\t]{0,2}";
    let key = prop_oneof![Just("tag"), Just("@timestamp"), Just("time"), Just("a"), Just("t\\u0061g"), Just("é")];
    let value = prop_oneof![Just("1"), Just("\"x\\n\""), Just("{\"tag\": [\n]}"), Just("\"2023-11-14T22:13:20Z\"")];
    (space, key, space, value, space).prop_map(|(a, key, b, value, c)| format!("{a}\"{key}\"{b}:{value}{c}"))
}

proptest! {
    /// Whatever is put in, what comes out is one line of JSON that says the same, and the original can be had back.
    #[test]
    fn nothing_is_changed_but_what_is_added(
        members in prop::collection::vec(member(), 0..4), before in "[ \n]{0,1}", after in "[ \n]{0,1}", tag: bool,
    ) {
        let document = format!("{before}{{{}}}{after}", members.join(","));
        // Repeated keys are a defect or none of ours.
        let Ok(mut expected) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&document) else {
            return Ok(());
        };
        prop_assume!(expected.len() == members.len());
        let (lines, original) = write(document.as_bytes(), tag.then_some("tag"), topic());
        prop_assert_eq!(original, document.as_bytes());
        prop_assert_eq!(lines.len(), 2);
        prop_assert!(!lines[1].contains('\r'));
        if tag {
            expected.insert("tag".into(), "logs\"1".into());
        }
        let mut written: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&lines[1]).unwrap();
        if !expected.contains_key("@timestamp") {
            let stamp = written.remove("@timestamp").unwrap();
            let moment: jiff::Timestamp = stamp.as_str().unwrap().parse().unwrap();
            prop_assert_eq!(moment.as_nanosecond(), i128::from(MOMENT));
        }
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn a_document_goes_to_the_index_that_a_plugin_named_or_to_the_dead_letters() {
    let mut bench = Bench::new(None);
    let named = [None, Some("audit-a"), Some("billing"), Some("audit-*"), Some("Audit-a"), Some("_x"), None];
    let mut batch = documents(&bench.generation, 0, &[&br#"{"n":1}"#[..]; 7]);
    let mut edits = Edits::new(named.len());
    for (record, name) in named.iter().enumerate() {
        let name = name.map(|name| (edits.add_bytes(name.as_bytes()), name.len() as u32));
        edits.set_route(record, Route::Index, name);
    }
    batch.set_edits(edits);
    let mut pending = Pending::new(batch, Encoding::default());
    bench.fill(&mut pending, usize::MAX);
    let letters = pending.take_broken(&bench.reasons);
    let said: Vec<_> = letters.iter().map(|letter| (letter.reason.as_str(), letter.detail.as_str())).collect();
    assert_eq!(
        said,
        [
            ("index_not_allowed", "index billing is not among index.allow of the sink"),
            ("index_not_allowed", "\"audit-*\" cannot be an index"),
            ("index_not_allowed", "\"Audit-a\" cannot be an index"),
            ("index_not_allowed", "\"_x\" cannot be an index"),
        ]
    );
    assert!(letters.iter().all(|letter| letter.bytes == br#"{"n":1}"#));
    letters.into_iter().for_each(|letter| letter.receipt.dead_lettered(&letter.tally));
    let mut bulk = bench.take().unwrap();
    let body = String::from_utf8(bulk.body().to_vec()).unwrap();
    let indices: Vec<&str> = body.lines().step_by(2).filter_map(|action| action.split('"').nth(5)).collect();
    assert_eq!(indices, ["logs", "audit-a", "logs"]);
    let refused = bulk.reject(&Refusal::too_large(), &bench.reasons);
    refused.into_iter().for_each(|letter| letter.receipt.dead_lettered(&letter.tally));
}
