//! A filter that misbehaves as its options say: `{"do":"loop"}`. Written against the bindings, since the SDK would not
//! let it.
use std::cell::{Cell, RefCell};

use sluice_plugin::bindings::exports::sluice::plugin::lifecycle;
use sluice_plugin::bindings::filter;
use sluice_plugin::bindings::sluice::plugin::log;

std::thread_local! {
    static TRICK: RefCell<String> = const { RefCell::new(String::new()) };
    /// Records that the instance was shown.
    static SEEN: Cell<u32> = const { Cell::new(0) };
}

/// The record at which `trap-on-nth` gives up, counted from 1.
const NTH: u32 = 5;

struct Misbehaves;

impl lifecycle::Guest for Misbehaves {
    fn configure(config: String) -> Result<lifecycle::Manifest, String> {
        let trick = config.split('"').nth(3).unwrap_or_default().to_string();
        let mut reads = vec![vec!["log".to_string()]];
        let mut writes = Vec::new();
        match trick.as_str() {
            "trap-in-configure" => panic!("configure gives up"),
            "loop-in-configure" => spin(),
            "refuse" => return Err("limit: must be above 0".into()),
            "read-nothing-path" => reads.push(Vec::new()),
            "read-twice" => reads.push(vec!["log".to_string()]),
            "read-metadata" => reads.push(vec!["@metadata".to_string(), "colour".to_string()]),
            "read-much" => reads.extend((0..10_000).map(|n| vec![n.to_string()])),
            "write" => writes.push(vec!["log".to_string()]),
            _ => {}
        }
        TRICK.set(trick);
        Ok(lifecycle::Manifest { reads, writes, times: false, essential: false, ordering: lifecycle::Ordering::Any })
    }
}

impl filter::Guest for Misbehaves {
    fn filter(batch: filter::Batch) -> Result<Vec<u32>, String> {
        // What the benchmarks take for the crossing alone.
        if TRICK.with_borrow(|trick| trick == "nothing") {
            return Ok(Vec::new());
        }
        let trick = TRICK.with_borrow(String::clone);
        SEEN.set(SEEN.get() + batch.len);
        match trick.as_str() {
            "loop" => spin(),
            "work" => {
                (0..10_000_000u32).for_each(|n| _ = std::hint::black_box(n));
                Ok(Vec::new())
            }
            "always-trap" => panic!("never"),
            "trap-on-nth" if SEEN.get() >= NTH => panic!("the last straw"),
            "grow" => grow(),
            "recurse" => Ok(vec![recurse(&[batch.len as u8; 64])]),
            "trap-on-poison" => {
                let poisoned = batch.columns[0].text.windows(6).any(|bytes| bytes == b"poison");
                if poisoned { panic!("poison") } else { Ok(Vec::new()) }
            }
            "out-of-range" => Ok(vec![0, batch.len]),
            "descending" => Ok(vec![1, 0]),
            "twice" => Ok(vec![0, 0]),
            "too-many" => Ok((0..5_000_000).collect()),
            "error" => Err("cannot decide".into()),
            // No Rust may do this, and any other language may.
            "error-not-utf8" => Err(unsafe { String::from_utf8_unchecked(vec![0xff; 3]) }),
            "gigabyte" => Ok(unsafe { Vec::from_raw_parts(std::hint::black_box(8 as *mut u32), 1 << 28, 1 << 28) }),
            "huge-error" => Err("e\n".repeat(8 << 20)),
            "chatter" => {
                for _ in 0..100_000 {
                    log::write(log::Level::Error, "chatter\n\u{1b}[31m");
                }
                Ok(Vec::new())
            }
            "huge-log" => {
                log::write(log::Level::Error, &"l".repeat(32 << 20));
                Ok(Vec::new())
            }
            "drop-all" => Ok((0..batch.len).collect()),
            _ => Ok(Vec::new()),
        }
    }
}

fn spin() -> ! {
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

fn grow() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}

#[allow(unconditional_recursion)]
fn recurse(stack: &[u8; 64]) -> u32 {
    let deeper = std::hint::black_box([stack[0].wrapping_add(1); 64]);
    recurse(&deeper) + u32::from(stack[1])
}

sluice_plugin::bindings::export!(Misbehaves with_types_in sluice_plugin::bindings);
sluice_plugin::bindings::filter::export!(Misbehaves with_types_in sluice_plugin::bindings::filter);
