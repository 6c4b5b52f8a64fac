//! `plugins`: the chain of a pipeline.

use serde_json::{Map, Number};

use super::decode::Block;
use super::document::{Entry, Node, Value};
use super::kinds;
use super::plan::Plugin;
use super::problem::{Findings, Place, join};

/// Reads `plugins` of a pipeline's block; no key means no plugins.
pub(super) fn chain(pipeline: &Block) -> Vec<Plugin> {
    let path = join(pipeline.path(), "plugins");
    let mut names: Vec<(String, Place)> = Vec::new();
    let mut chain = Vec::new();
    for (index, node) in pipeline.items("plugins").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(block) = Block::open(pipeline.findings(), node, node.at, &path) {
            chain.extend(plugin(block, &mut names));
        }
    }
    chain
}

fn plugin(block: Block, names: &mut Vec<(String, Place)>) -> Option<Plugin> {
    let name = block.required("name", "name: drop-debug", |value| {
        let name = kinds::text(value)?;
        kinds::check_name(&name).map(|()| name)
    });
    let component = block.required("component", "component: /etc/sluice/plugins/NAME.wasm", kinds::path);
    let config =
        block.child("config").map_or_else(Map::new, |config| object(config.all(), config.path(), config.findings()));
    if let Some(name) = &name {
        match names.iter().find(|(earlier, _)| earlier == name) {
            Some((_, at)) => {
                block.fail("name", format!("the plugin on line {} has this name already; give each its own", at.line))
            }
            None => names.push((name.clone(), block.place("name"))),
        }
    }
    block.finish();
    Some(Plugin { name: name?, component: component?, config: serde_json::Value::Object(config).to_string() })
}

fn object(entries: &[Entry], path: &str, findings: &Findings) -> Map<String, serde_json::Value> {
    entries.iter().map(|entry| (entry.key.clone(), json(&entry.value, &join(path, &entry.key), findings))).collect()
}

fn json(node: &Node, path: &str, findings: &Findings) -> serde_json::Value {
    match &node.value {
        Value::Null | Value::Broken => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => match Number::from_f64(*value) {
            Some(number) => number.into(),
            None => {
                findings.error(node.at, path, "JSON has no such number; write it in quotes");
                serde_json::Value::Null
            }
        },
        Value::Text { text, .. } => text.clone().into(),
        Value::List(items) => {
            items.iter().enumerate().map(|(index, item)| json(item, &format!("{path}[{index}]"), findings)).collect()
        }
        Value::Map(entries) => object(entries, path, findings).into(),
    }
}
