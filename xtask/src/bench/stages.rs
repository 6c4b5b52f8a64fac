//! Every criterion bench of the workspace, and their numbers in one table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::meter::verdict;
use crate::project::{Project, packages};
use crate::step::step;

/// Nanoseconds a record that were promised: the crossing of a column; the search for exceptions in lines of 250 bytes
/// that have none, crossing and all; a whole chain for a document of Kafka without one; a chain of three plugins. By themselves: the start of
/// an instance, and the first batch after a swap.
const TARGETS: [(&str, f64); 9] = [
    ("beginning/an instance of misbehaves", 30e3),
    ("beginning/a swap", 5e6),
    ("nothing done, one column, 10 records/call", 60.0),
    ("nothing done, one column, 1000 records/call", 8.0),
    ("level-filter, match and static-fields, JSON lines/apply", 250.0),
    ("exceptions, JSON lines/call", 60.0),
    ("exceptions, plain lines/call", 60.0),
    ("exceptions, documents/apply", 400.0),
    ("exceptions, documents of plain text/apply", 400.0),
];

/// A chain that may not take longer than to parse the record natively, in the same run.
const AT_MOST: (&str, &str) =
    ("level-filter, redact and promote, JSON lines/apply", "native/serde_json, lines of 250 bytes");

/// A bench's package and name.
type Bench = (String, String);

pub(crate) fn run(project: &Project) -> Result<()> {
    let results = project.cache.join("criterion");
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("cannot remove {}", results.display()))?;
    }
    let benches = benches(&packages(&project.root)?);
    let mut rows = Vec::new();
    for (package, name) in &benches {
        // The profile of tests and demo: what is built for them serves here as well.
        let mut command = project.cargo(&["bench", "--profile", "dev", "-p", package, "--bench", name, "--"]);
        command.args(["--quiet", "--noplot", "--warm-up-time", "0.5", "--measurement-time", "1.5"]);
        let home = results.join(package);
        // What criterion tells of every bench is in its folder as well, and the table below is shorter.
        command.env("CRITERION_HOME", &home).stdout(Stdio::null());
        step(&format!("{package}, {name}"), command)?;
        rows.extend(read(&home)?.into_iter().map(|row| (package.clone(), row)));
    }
    if rows.is_empty() {
        bail!("no bench left a result in {}", results.display());
    }
    println!("\n{:<16} {:<68} {:>12}", "", "", "ns a record");
    let native = rows.iter().find(|(_, row)| row.name == AT_MOST.1).map(|(_, row)| row.figure());
    for (package, row) in rows {
        let (name, figure) = (&row.name, row.figure());
        let promised = TARGETS.iter().find(|(bench, _)| bench == name).map(|(_, target)| *target);
        let target = promised.or(native.filter(|_| name == AT_MOST.0).map(f64::round));
        let told = target.map_or_else(String::new, |target| verdict(figure, target, "ns"));
        let unit = if row.records.is_some() { "" } else { " a call" };
        println!("{package:<16} {name:<68} {figure:>12.1}{unit}{told}");
    }
    Ok(())
}

/// One bench's result.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    /// Median of one iteration.
    nanoseconds: f64,
    /// Records of one iteration, where the bench says so.
    records: Option<f64>,
}

impl Row {
    /// Nanoseconds of a record, or of an iteration where there are none.
    fn figure(&self) -> f64 {
        self.nanoseconds / self.records.unwrap_or(1.0)
    }
}

fn benches(packages: &[Value]) -> Vec<Bench> {
    let mut found = Vec::new();
    for package in packages {
        let targets = package["targets"].as_array().into_iter().flatten();
        for target in targets.filter(|target| target["kind"][0] == "bench") {
            if let (Some(package), Some(bench)) = (package["name"].as_str(), target["name"].as_str()) {
                found.push((package.to_owned(), bench.to_owned()));
            }
        }
    }
    found
}

/// The results below `folder`, by name.
fn read(folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut pending: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
            if path.ends_with("new") {
                rows.push(row(&json(&path.join("benchmark.json"))?, &json(&path.join("estimates.json"))?)?);
            } else if path.is_dir() {
                pending.push(path);
            }
        }
    }
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(rows)
}

fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn row(benchmark: &Value, estimates: &Value) -> Result<Row> {
    let name = benchmark["full_id"].as_str().context("a result without a name")?.to_owned();
    let median = estimates["median"]["point_estimate"].as_f64();
    let nanoseconds = median.with_context(|| format!("no median in the result of {name}"))?;
    Ok(Row { name, nanoseconds, records: benchmark["throughput"]["Elements"].as_f64() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn benches_and_results_are_found() {
        let package =
            json!({ "name": "p", "targets": [{ "kind": ["lib"], "name": "p" }, { "kind": ["bench"], "name": "b" }] });
        assert_eq!(benches(&[package]), [("p".to_owned(), "b".to_owned())]);
        let estimates = json!({ "median": { "point_estimate": 2000.0 } });
        for (throughput, records) in [(json!({ "Elements": 1000 }), Some(1000.0)), (json!(null), None)] {
            let row = row(&json!({ "full_id": "a/b", "throughput": throughput }), &estimates).unwrap();
            assert_eq!(row, Row { name: "a/b".into(), nanoseconds: 2000.0, records });
        }
        assert!(row(&json!({}), &estimates).is_err());
    }
}
