//! A filter that uses Rust's whole standard library, as a component for `wasm32-wasip2` may: a record says what it asks
//! for, and its error what it got. It drops records that say `debug`.
use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, process};

wit_bindgen::generate!({
    path: "../../../wit",
    world: "sluice:plugin/filter-plugin",
    generate_all,
});

use exports::sluice::plugin::{filter, lifecycle};

struct AsksWasi;

impl lifecycle::Guest for AsksWasi {
    fn configure(config: String) -> Result<lifecycle::Manifest, String> {
        println!("configured");
        if config.contains("now") {
            let _ = SystemTime::now();
        }
        Ok(lifecycle::Manifest {
            reads: vec![vec!["log".to_string()]],
            writes: Vec::new(),
            times: false,
            essential: false,
            ordering: lifecycle::Ordering::Any,
        })
    }
}

impl filter::Guest for AsksWasi {
    fn filter(batch: filter::Batch) -> Result<Vec<u32>, String> {
        let (mut drops, mut start) = (Vec::new(), 0);
        for (record, end) in batch.columns[0].ends.iter().enumerate() {
            match &batch.columns[0].text[start..*end as usize] {
                b"debug" => drops.push(record as u32),
                text => answer(text)?,
            }
            start = *end as usize;
        }
        Ok(drops)
    }
}

/// What it was asked for is told as an error.
fn answer(asked: &[u8]) -> Result<(), String> {
    Err(match asked {
        b"environment" => format!("{} arguments, {} variables", env::args().count(), env::vars().count()),
        b"folder" => env::current_dir().map_or_else(|_| "no folder".into(), |folder| folder.display().to_string()),
        b"file" => fs::read("/etc/passwd").map_or_else(|_| "no file".into(), |_| "a file".into()),
        b"input" => format!("{} bytes", io::stdin().read_line(&mut String::new()).unwrap_or(1)),
        b"print" => {
            for _ in 0..1_000 {
                println!("printed");
                eprint!("without an end");
            }
            return Ok(());
        }
        b"print-much" => {
            print!("{}", "p".repeat(8 << 20));
            return Ok(());
        }
        b"map" => {
            let map: HashMap<u32, u32> = (0..100).map(|key| (key, key)).collect();
            let keys: Vec<String> = map.keys().take(12).map(u32::to_string).collect();
            keys.join(" ")
        }
        b"time" => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("{} s", since.as_secs())
        }
        b"instant" => {
            let start = Instant::now();
            format!("{}", Instant::now() >= start)
        }
        b"sleep" => {
            std::thread::sleep(std::time::Duration::from_secs(3600));
            return Ok(());
        }
        b"exit" => process::exit(0),
        b"panic" => panic!("a secret"),
        _ => return Ok(()),
    })
}

export!(AsksWasi);
