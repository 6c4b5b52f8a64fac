//! A notifier that misbehaves as its options say: `{"do":"loop"}`. Without a trick it raises an alert for every record.
//! Written against the bindings, since the SDK would not let it.
use std::cell::RefCell;

use sluice_plugin::bindings::exports::sluice::plugin::lifecycle;
use sluice_plugin::bindings::notifier::{self, Alert, Detail, Severity};

std::thread_local! {
    static TRICK: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Misbehaves;

impl lifecycle::Guest for Misbehaves {
    fn configure(config: String) -> Result<lifecycle::Manifest, String> {
        let trick = config.split('"').nth(3).unwrap_or_default().to_string();
        let log = vec!["log".to_string()];
        let writes = if trick == "write" { vec![log.clone()] } else { Vec::new() };
        let reads = if trick == "read-nothing" { Vec::new() } else { vec![log] };
        TRICK.set(trick);
        let ordering = lifecycle::Ordering::Any;
        Ok(lifecycle::Manifest { reads, writes, times: false, essential: false, ordering })
    }
}

impl notifier::Guest for Misbehaves {
    fn notify(batch: notifier::Batch) -> Result<Vec<Alert>, String> {
        let trick = TRICK.with_borrow(String::clone);
        match trick.as_str() {
            "loop" => spin(),
            "always-trap" => panic!("never"),
            "trap-on-poison" if batch.columns[0].text.windows(6).any(|bytes| bytes == b"poison") => panic!("poison"),
            "error" => Err("cannot decide".into()),
            "out-of-range" => Ok(vec![about(batch.len)]),
            "descending" => Ok(vec![about(1), about(0)]),
            "twice" => Ok(vec![about(0), about(0)]),
            "none-in-between" => Ok(vec![about(1), Alert { item: None, ..about(0) }, about(0)]),
            "too-many" => Ok((0..1_000_000).map(|_| about(0)).collect()),
            "a-few-too-many" => Ok((0..1_025).map(|_| about(0)).collect()),
            "huge-text" => Ok(vec![Alert { text: "t".repeat(32 << 20), ..about(0) }]),
            "long-fingerprint" => Ok(vec![Alert { fingerprint: "é".repeat(129), ..about(0) }]),
            "empty-fingerprint" => Ok(vec![Alert { fingerprint: String::new(), ..about(0) }]),
            "long-title" => Ok(vec![Alert { title: "é".repeat(257), ..about(0) }]),
            "long-text" => Ok(vec![Alert { text: "é".repeat(4_097), ..about(0) }]),
            "long-details" => Ok(vec![Alert { details: vec![detail(&"é".repeat(10_000))], ..about(0) }]),
            "many-details" => Ok(vec![Alert { details: vec![detail("x"); 33], ..about(0) }]),
            "bad-color" => Ok(vec![Alert { color: "green\"}".into(), ..about(0) }]),
            "control-characters" => Ok(vec![Alert { title: "a\nb\u{1b}[31m\0".into(), ..about(0) }]),
            "none" | "read-nothing" => Ok(Vec::new()),
            _ => Ok((0..batch.len).map(about).collect()),
        }
    }

    fn tick(_: u64) -> Result<Vec<Alert>, String> {
        let trick = TRICK.with_borrow(String::clone);
        match trick.as_str() {
            "trap-in-tick" => panic!("tick"),
            "loop-in-tick" => spin(),
            "error-in-tick" => Err("cannot tell the time".into()),
            "item-in-tick" => Ok(vec![about(0)]),
            "too-many-in-tick" => Ok((0..1_000_000).map(|_| Alert { item: None, ..about(0) }).collect()),
            "alert-in-tick" => Ok(vec![Alert { item: None, ..about(0) }]),
            _ => Ok(Vec::new()),
        }
    }
}

fn about(item: u32) -> Alert {
    Alert {
        item: Some(item),
        fingerprint: format!("record {item}"),
        severity: Severity::Warning,
        title: String::new(),
        text: "seen".into(),
        details: Vec::new(),
        color: String::new(),
    }
}

fn detail(value: &str) -> Detail {
    Detail { name: "name".into(), value: value.into() }
}

fn spin() -> ! {
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

sluice_plugin::bindings::export!(Misbehaves with_types_in sluice_plugin::bindings);
sluice_plugin::bindings::notifier::export!(Misbehaves with_types_in sluice_plugin::bindings::notifier);
