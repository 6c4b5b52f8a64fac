use std::collections::BTreeSet;

use serde_json::Value;
use sluice_deploy::{
    values::{Kind, ROWS},
    yaml,
};

use crate::read;

/// Every value has a default and is described; no default lies beside the table.
#[test]
fn the_table_is_that_of_the_values_file() {
    let values = yaml::document(&read("deploy/chart/values.yaml")).unwrap();
    let paths: Vec<(String, Kind)> =
        ROWS.iter().flat_map(|row| row.paths().into_iter().map(|path| (path, row.kind))).collect();
    let described: BTreeSet<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(described.len(), paths.len(), "a path is there twice");
    for (path, kind) in &paths {
        let value = values.pointer(&format!("/{}", path.replace('.', "/")));
        let fits = match (kind, value) {
            (_, None) => false,
            (Kind::Config | Kind::Files | Kind::Labels | Kind::Block, Some(value)) => value.is_object(),
            (Kind::Flag, Some(value)) => value.is_boolean(),
            (Kind::Number(..), Some(value)) => value.is_u64(),
            (Kind::NumberOrShare, Some(value)) => value.is_u64() || value.is_string(),
            (Kind::Folders | Kind::Names | Kind::Blocks, Some(value)) => value.is_array(),
            (Kind::Text | Kind::Choice(_) | Kind::Folder | Kind::Interval, Some(value)) => value.is_string(),
        };
        assert!(fits, "{path}: {kind:?} {value:?}");
    }
    let mut leaves = BTreeSet::new();
    collect(&values, "", &described, &mut leaves);
    let unknown: Vec<&String> = leaves.iter().filter(|leaf| !described.contains(leaf.as_str())).collect();
    assert!(unknown.is_empty(), "not in the table: {unknown:?}");
}

fn collect(value: &Value, path: &str, described: &BTreeSet<&str>, leaves: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) if !described.contains(path) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(value, &path, described, leaves);
            }
        }
        _ => {
            leaves.insert(path.to_owned());
        }
    }
}
