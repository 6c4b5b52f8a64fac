//! The part of docs/kubernetes.md that lists the chart's values.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    chart, root,
    values::{ROWS, Row},
    yaml,
};

const DOCUMENT: &str = "docs/kubernetes.md";
const BEGIN: &str = "<!-- The table below is written by `./dev manifests`. -->\n";
const END: &str = "<!-- The table ends here. -->\n";

/// The document with its table as it has to be; the rest is as people wrote it.
pub(crate) fn text() -> Result<String> {
    let text = std::fs::read_to_string(root().join(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{DOCUMENT} has lost {BEGIN} or {END}"))?;
    Ok([before, BEGIN, &table()?, END, after].concat())
}

fn table() -> Result<String> {
    let file = chart::folder().join("values.yaml");
    let values = yaml::document(&std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?)?;
    let mut table = "\n| value | default | meaning |\n|---|---|---|\n".to_owned();
    for row in ROWS {
        table.push_str(&line(row, &values));
    }
    table.push('\n');
    Ok(table)
}

fn line(row: &Row, values: &Value) -> String {
    let paths = row.paths();
    let default = |path: &String| {
        let value = values.pointer(&format!("/{}", path.replace('.', "/")))?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(if text.is_empty() { "none".to_owned() } else { format!("`{text}`") })
    };
    let mut defaults: Vec<String> = paths.iter().filter_map(default).collect();
    if let Some(first) = defaults.first().cloned()
        && defaults.iter().all(|default| *default == first)
    {
        defaults.truncate(1);
    }
    let names = match row.blocks.len() {
        3 => format!("`ROLE.{}`", row.key),
        _ => paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", "),
    };
    format!("| {names} | {} | {} |\n", defaults.join("; "), row.text)
}
