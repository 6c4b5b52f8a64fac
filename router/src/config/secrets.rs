//! Values that are not to be seen: `{ file: /path }`, `{ env: NAME }`, or a text. No message quotes one.

use super::decode::Block;
use super::document::{Node, Value};
use super::interpolate::{Environment, is_variable};
use super::kinds;
use super::plan::Secret;
use super::problem::{Findings, Place, join};

/// What a plain text in the document is taken for, where a secret may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// No secret, as a user's name.
    Open,
    /// A secret that its writer should keep elsewhere.
    Careless,
    /// A mistake.
    Refused,
}

/// The secret of a key that must be there.
pub(super) fn required(block: &Block, key: &'static str, plain: Plain, environment: Environment) -> Option<Secret> {
    let write = format!("{key}: {{ file: /path }}");
    let entry = block.required_entry(key, &write)?;
    read(block.findings(), &entry.value, entry.at, &join(block.path(), key), plain, environment)
}

/// Reads one secret.
pub(super) fn read(
    findings: &Findings,
    node: &Node,
    at: Place,
    path: &str,
    plain: Plain,
    environment: Environment,
) -> Option<Secret> {
    match &node.value {
        Value::Text { text, .. } if text.is_empty() => {
            findings.error(node.at, path, "the text is empty; write \"{ file: /path }\"");
            None
        }
        Value::Text { from_environment: false, .. } if plain == Plain::Refused => {
            let message = "a secret does not belong in the document; write \"{ file: /path }\" or \"{ env: NAME }\"";
            findings.error(node.at, path, message);
            None
        }
        Value::Text { text, from_environment } => {
            if plain == Plain::Careless && !from_environment {
                let message =
                    "a secret stands in the document in plain text; write \"{ file: /path }\" or \"{ env: NAME }\"";
                findings.warn(node.at, path, message);
            }
            Some(Secret::Value(text.clone()))
        }
        Value::Map(_) => reference(Block::open(findings, node, at, path)?, environment),
        Value::Broken => None,
        other => {
            findings.error(
                node.at,
                path,
                format!("expected a text, \"{{ file: /path }}\" or \"{{ env: NAME }}\", not {}", kinds::name(other)),
            );
            None
        }
    }
}

fn reference(block: Block, environment: Environment) -> Option<Secret> {
    let secret = match block.one_of("the place of a secret", &["file", "env"], "keep one") {
        Some("file") => block.get("file", kinds::path).map(Secret::File),
        Some(_) => variable(&block, environment),
        None => None,
    };
    block.finish();
    secret
}

fn variable(block: &Block, environment: Environment) -> Option<Secret> {
    let name = block.get("env", kinds::text)?;
    if !is_variable(&name) {
        block.fail("env", "this cannot be a variable's name; write the name alone, as in \"{ env: PASSWORD }\"");
        return None;
    }
    match environment(&name) {
        Some(value) if !value.is_empty() => Some(Secret::Value(value)),
        _ => {
            block.fail("env", format!("the environment variable {name} is not set or empty; set it"));
            None
        }
    }
}
