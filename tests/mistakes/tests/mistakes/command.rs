//! The command line, as a process. FOLDER stands for a folder with the files of [`write_files`].

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sluice_mistakes::{Mistake, differences, mistake};

pub const TABLE: &[Mistake<&str>] = &[
    mistake("a config file that is not there", "check --config FOLDER/nowhere.yaml", ""),
    mistake("a folder in place of the config file", "check --config FOLDER", ""),
    mistake("a config file that is not UTF-8", "check --config FOLDER/latin-1.yaml", ""),
    mistake("`run` with a wrong config file", "run --config FOLDER/wrong.yaml", ""),
    mistake("a flag that does not exist", "check --offline", ""),
    mistake("a log format that does not exist", "run --log-format xml", ""),
    mistake("options that are no JSON", "plugin inspect --config at_least=info FOLDER/text.wasm", ""),
    mistake("a text in place of a component", "plugin inspect FOLDER/text.wasm", ""),
];

fn write_files(folder: &Path) {
    fs::write(folder.join("latin-1.yaml"), b"# caf\xe9\npipelines: {}\n").unwrap();
    fs::write(folder.join("wrong.yaml"), "pipelines: {}\n").unwrap();
    fs::write(folder.join("text.wasm"), "not a component").unwrap();
}

/// The binary that this workspace's build made, beside the test's own.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("sluice");
    assert!(binary.exists(), "{} is missing: run `./dev test`, or `cargo build -p sluice`", binary.display());
    binary
}

/// What goes to standard error, and the exit code.
fn say(folder: &Path, given: &str) -> String {
    let folder = folder.to_str().unwrap();
    let arguments = given.split(' ').map(|argument| argument.replace("FOLDER", folder));
    let output = Command::new(binary()).args(arguments).env_remove("RUST_LOG").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{given}");
    let text = String::from_utf8(output.stderr).unwrap().replace(folder, "FOLDER");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    format!("{}\n(exit code {})", lines.join("\n"), output.status.code().unwrap())
}

#[test]
fn the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let found: Vec<String> = TABLE.iter().map(|mistake| say(folder.path(), mistake.given)).collect();
    assert_eq!(differences(TABLE, &found), "");
}
