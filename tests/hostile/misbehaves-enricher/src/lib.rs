//! An enricher that misbehaves as its options say: `{"do":"loop"}`. Without a trick it sets `seen` to `"yes"` in every
//! record. Written against the bindings, since the SDK would not let it.
use std::cell::RefCell;

use sluice_plugin::bindings::enricher::{self, Edit, Edits};
use sluice_plugin::bindings::exports::sluice::plugin::lifecycle;

std::thread_local! {
    static TRICK: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Misbehaves;

impl lifecycle::Guest for Misbehaves {
    fn configure(config: String) -> Result<lifecycle::Manifest, String> {
        let trick = config.split('"').nth(3).unwrap_or_default().to_string();
        let path = |keys: &[&str]| keys.iter().copied().map(String::from).collect::<Vec<_>>();
        let mut writes = vec![path(&["seen"])];
        match trick.as_str() {
            "write-nothing" => writes.clear(),
            "write-nothing-path" => writes.push(Vec::new()),
            "write-twice" => writes.push(path(&["seen"])),
            "write-metadata" => writes.push(path(&["@metadata", "colour"])),
            "write-much" => writes.extend((0..10_000).map(|n| vec![n.to_string()])),
            _ => {}
        }
        let essential = trick.starts_with("essential");
        TRICK.set(trick);
        let reads = vec![path(&["log"])];
        Ok(lifecycle::Manifest { reads, writes, times: false, essential, ordering: lifecycle::Ordering::Any })
    }
}

impl enricher::Guest for Misbehaves {
    fn enrich(batch: enricher::Batch) -> Result<Edits, String> {
        let trick = TRICK.with_borrow(String::clone);
        let all = |kind: u8, value: &[u8]| Ok(answer(vec![edit(0, batch.len, kind, value)], value));
        let one = |edit: Edit| Ok(answer(vec![edit], b"yes"));
        let yes = |start, end| edit(start, end, TEXT, b"yes");
        match trick.as_str() {
            "loop" => spin(),
            "always-trap" | "essential-trap" => panic!("never"),
            "trap-on-poison" if batch.columns[0].text.windows(6).any(|bytes| bytes == b"poison") => panic!("poison"),
            "error" => Err("cannot decide".into()),
            "out-of-range" => one(yes(0, batch.len + 1)),
            "far-out-of-range" => one(yes(u32::MAX - 1, u32::MAX)),
            "backwards" => one(Edit { start: 1, end: 0, ..yes(0, 1) }),
            "no-record" => one(yes(0, 0)),
            "descending" => Ok(answer(vec![yes(1, 2), yes(0, 1)], b"yes")),
            "field-not-declared" => one(Edit { field: 1, ..yes(0, 1) }),
            "value-outside" => one(Edit { size: 4, ..yes(0, 1) }),
            "value-far-outside" => one(Edit { at: u32::MAX, size: u32::MAX, ..yes(0, 1) }),
            "unknown-kind" => all(7, b"yes"),
            "absent-with-bytes" => all(0, b"yes"),
            "null-with-bytes" => all(1, b"null"),
            "text-not-utf8" => all(TEXT, b"\xff"),
            // The arena is UTF-8, the value is half a character.
            "text-cut" => Ok(answer(vec![Edit { size: 1, ..yes(0, 1) }], "é".as_bytes())),
            "number-not-json" => all(3, b"01"),
            "number-empty" => all(3, b""),
            "number-is-text" => all(3, b"\"1\""),
            "boolean-not-json" => all(4, b"yes"),
            "object-not-json" => all(5, b"{\"a\":"),
            "object-is-array" => all(5, b"[1]"),
            "object-goes-on" => all(5, b"{},\"log\":{}"),
            "object-not-utf8" => all(5, b"{\"a\":\"\xff\"}"),
            "object-with-lines" => all(5, b"{\n\"a\"\n:\n1\n}"),
            "array-not-json" => all(6, b"[1,]"),
            "array-deep" => all(6, &[vec![b'['; 10_000], vec![b']'; 10_000]].concat()),
            "too-many" => Ok(answer((0..1_000_000).map(|_| yes(0, 1)).collect(), b"yes")),
            "huge-arena" => Ok(answer(vec![yes(0, 1)], &vec![b'y'; 32 << 20])),
            // Small to answer with and large to write: a record of 1 MiB for each record of the batch.
            "huge-values" => all(TEXT, &vec![b'y'; 1 << 20]),
            "remove" => all(0, b""),
            _ => all(TEXT, b"yes"),
        }
    }
}

const TEXT: u8 = 2;

/// An edit of the first field, whose value is the whole arena.
fn edit(start: u32, end: u32, kind: u8, value: &[u8]) -> Edit {
    Edit { start, end, field: 0, kind, at: 0, size: value.len() as u32 }
}

fn answer(changes: Vec<Edit>, arena: &[u8]) -> Edits {
    Edits { changes, arena: arena.to_vec() }
}

fn spin() -> ! {
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

sluice_plugin::bindings::export!(Misbehaves with_types_in sluice_plugin::bindings);
sluice_plugin::bindings::enricher::export!(Misbehaves with_types_in sluice_plugin::bindings::enricher);
