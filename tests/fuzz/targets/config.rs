//! Configs: every document has a plan or an error, each problem has a place in the document and is one line, and none
//! quotes a secret.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What configs take of the plugins' package, without the engine that is in it.
extern crate self as sluice_wasm;
mod component {
    pub use crate::digest::Digest;
}
#[path = "../../../router/wasm/src/digest.rs"]
#[allow(dead_code)]
mod digest;

#[path = "../../../router/src/config/mod.rs"]
#[allow(dead_code, unused_imports)]
mod config;

use config::{Problem, Severity, check};

const SECRET: &str = "hunter2";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let checked = check(&text, "sluice.yaml", &environment);
    let failed = checked.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(checked.plan.is_none(), failed, "no plan and no error, or both: {:?}", checked.problems);
    checked.problems.iter().for_each(|problem| judge(problem, &text));
    let places: Vec<_> = checked.problems.iter().map(|problem| (problem.line, problem.column)).collect();
    assert!(places.is_sorted(), "{:?}", checked.problems);
});

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "NODE_NAME" => "node-7",
        "EMPTY" => "",
        "YES" => "true",
        "FOUR" => "4",
        "KAFKA_PASSWORD" | "ELASTIC_PASSWORD" | "SLACK_URL" => SECRET,
        _ => return None,
    };
    Some(value.to_owned())
}

fn judge(problem: &Problem, text: &str) {
    // To YAML, a carriage return alone ends a line as well.
    let mut lines = text.split("\r\n").flat_map(|line| line.split(['\n', '\r']));
    let line = problem.line.checked_sub(1).and_then(|before| lines.nth(before));
    let columns = line.map_or(0, |line| line.chars().count() + 1);
    assert!((1..=columns).contains(&problem.column), "{problem:?} in {columns}");
    let shown = problem.to_string();
    assert!(!problem.message.is_empty() && !shown.contains(char::is_control), "{shown:?}");
    // A text may be quoted, and with it the variables that are written in it.
    assert!(!shown.contains(SECRET) || text.contains(SECRET) || text.contains("${"), "{shown}");
}
