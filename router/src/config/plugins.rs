//! `plugins`: the chain of a pipeline.

use serde_json::{Map, Number};
use sluice_wasm::component::Digest;

use super::decode::Block;
use super::document::{Entry, Node, Value};
use super::kinds::{self, Reading};
use super::plan::{Grants, OnFault, Plugin};
use super::problem::{Findings, Place, join};

const FAULTS: [(&str, OnFault); 3] =
    [("pass", OnFault::Pass), ("dead_letter", OnFault::DeadLetter), ("halt", OnFault::Halt)];

const GRANTS: [(&str, Grants); 2] =
    [("clock", Grants { clock: true, random: false }), ("random", Grants { clock: false, random: true })];

/// Reads `plugins` of a pipeline's block; no key means no plugins. `dead_letters` is whether there is a place for them.
pub(super) fn chain(pipeline: &Block, dead_letters: bool) -> Vec<Plugin> {
    let path = join(pipeline.path(), "plugins");
    let mut names: Vec<(String, Place)> = Vec::new();
    let mut chain = Vec::new();
    for (index, node) in pipeline.items("plugins").unwrap_or_default().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(block) = Block::open(pipeline.findings(), node, node.at, &path) {
            chain.extend(plugin(block, &mut names, dead_letters));
        }
    }
    chain
}

fn plugin(block: Block, names: &mut Vec<(String, Place)>, dead_letters: bool) -> Option<Plugin> {
    let name = block.required("name", "name: drop-debug", |value| {
        let name = kinds::text(value)?;
        kinds::check_name(&name).map(|()| name)
    });
    let component = block.required("component", "component: /etc/sluice/plugins/NAME.wasm", kinds::path);
    let sha256 = block.get("sha256", digest);
    let config =
        block.child("config").map_or_else(Map::new, |config| object(config.all(), config.path(), config.findings()));
    let on_fault = block.get("on_fault", kinds::choice(&FAULTS));
    if on_fault == Some(OnFault::DeadLetter) && !dead_letters {
        let message = "records would have nowhere to go; write at the top level \
                       \"dead_letter: { kafka: { brokers: [kafka:9092], topic: logs-dead } }\", or pass or halt here";
        block.fail("on_fault", message);
    }
    let private = block.get("private", kinds::boolean);
    let grant = grants(&block);
    let trial = block.child("trial").map(super::trial::trial).unwrap_or_default();
    if let Some(name) = &name {
        match names.iter().find(|(earlier, _)| earlier == name) {
            Some((_, at)) => {
                block.fail("name", format!("the plugin on line {} has this name already; give each its own", at.line))
            }
            None => names.push((name.clone(), block.place("name"))),
        }
    }
    block.finish();
    let config = serde_json::Value::Object(config).to_string();
    Some(Plugin { name: name?, component: component?, sha256, config, trial, on_fault, grant, private })
}

fn grants(block: &Block) -> Grants {
    let granted = block.list("grant", kinds::choice(&GRANTS)).unwrap_or_default();
    granted
        .into_iter()
        .fold(Grants::default(), |all, one| Grants { clock: all.clock || one.clock, random: all.random || one.random })
}

fn digest(value: &Value) -> Reading<[u8; 32]> {
    let text = kinds::text(value)?;
    let digest = Digest::parse(&text).map(|digest| digest.0);
    digest.ok_or_else(|| {
        format!("{text:?} is not 64 hexadecimal digits; `sluice plugin inspect FILE` says what to write")
    })
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
