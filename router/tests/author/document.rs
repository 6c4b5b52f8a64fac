//! docs/plugins.md, followed to the letter in an empty folder. Only `rustup` and `kubectl` are stand-ins: one would
//! fetch, the other needs a cluster.

use std::{env, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::world::{environment, fresh};

const DOCUMENT: &str = include_str!("../../../docs/plugins.md");
const KUBECTL: &str = r#"#!/bin/sh
case "$1" in
logs) printf '{"path":"/healthz","status":200}\n{"path":"/orders","status":201}\n' ;;
apply) grep -q '^kind: ConfigMap$' && echo 'configmap/sluice-plugins serverside-applied' ;;
esac
"#;
/// Stands between what two blocks print.
const MARK: &str = "-- next block --";

#[test]
fn the_document_is_right_to_the_letter() {
    let folder = fresh("document");
    let tools = folder.join("tools");
    fs::create_dir_all(&tools).unwrap();
    tool(&tools.join("kubectl"), KUBECTL);
    tool(&tools.join("rustup"), "#!/bin/sh\n[ \"$*\" = 'target add wasm32-unknown-unknown' ]\n");
    let empty = folder.join("empty");
    fs::create_dir_all(&empty).unwrap();

    let blocks = blocks();
    let commands = blocks.iter().filter(|(language, _)| *language == "sh");
    let script: String = commands.map(|(_, text)| format!("{text}\necho '{MARK}'\n")).collect();
    let binary = Path::new(env!("CARGO_BIN_EXE_sluice")).parent().unwrap();
    let path = format!("{}:{}:{}", tools.display(), binary.display(), env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-euc", &format!("exec 2>&1\n{script}")]).current_dir(&empty).env("PATH", path);
    environment(&mut command);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");

    let told: Vec<&str> = told.split(MARK).collect();
    let code = fs::read_to_string(empty.join("drop-health-checks/src/lib.rs")).unwrap();
    let (mut ran, mut checked) = (0, 0);
    for (language, text) in blocks {
        match language {
            "sh" => ran += 1,
            "text" => {
                for line in text.lines() {
                    assert!(told[ran - 1].contains(line), "{line:?} in\n{}", told[ran - 1]);
                    checked += 1;
                }
            }
            "rust" => assert!(code.contains(text), "{text}\nin\n{code}"),
            "yaml" => {}
            other => panic!("a block of {other:?}"),
        }
    }
    assert!(ran >= 8 && checked >= 8, "{ran} blocks ran, {checked} lines were checked");
}

fn tool(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The code blocks with their languages, in order.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = DOCUMENT;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (language, after) = after.split_once('\n').unwrap();
        let (text, after) = after.split_once("\n```").unwrap();
        found.push((language, text));
        rest = after;
    }
    found
}
