//! The command line, as a process. FOLDER stands for a folder with the files of [`write_files`].

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sluice_mistakes::{Mistake, differences, mistake};

pub const TABLE: &[Mistake<&str>] = &[
    mistake(
        "a config file that is not there",
        "check --config FOLDER/nowhere.yaml",
        "FOLDER/nowhere.yaml: cannot read the config file: No such file or directory (os error 2); name it with \
         --config FILE\n\
         (exit code 2)",
    ),
    mistake(
        "a folder in place of the config file",
        "check --config FOLDER",
        "FOLDER: cannot read the config file: Is a directory (os error 21); name it with --config FILE\n\
         (exit code 2)",
    ),
    mistake(
        "a config file that is not UTF-8",
        "check --config FOLDER/latin-1.yaml",
        "FOLDER/latin-1.yaml:1: the file is not UTF-8 from this line on; save it as UTF-8\n\
         (exit code 2)",
    ),
    mistake(
        "`run` with a wrong config file",
        "run --config FOLDER/wrong.yaml",
        "FOLDER/wrong.yaml:1:1: pipelines: there is no pipeline; write \"NAME: { source: …, sink: … }\"\n\
         FOLDER/wrong.yaml: 1 error\n\
         (exit code 2)",
    ),
    mistake(
        "a flag that does not exist",
        "check --offline",
        "error: unexpected argument '--offline' found\n\
         \x20 tip: a similar argument exists: '--online'\n\
         Usage: sluice check --online\n\
         For more information, try '--help'.\n\
         (exit code 2)",
    ),
    mistake(
        "a log format that does not exist",
        "run --log-format xml",
        "error: invalid value 'xml' for '--log-format <LOG_FORMAT>'\n\
         \x20 [possible values: human, json]\n\
         For more information, try '--help'.\n\
         (exit code 2)",
    ),
    mistake(
        "options that are no JSON",
        "plugin inspect --config at_least=info FOLDER/text.wasm",
        "error: invalid value 'at_least=info' for '--config <JSON>': not JSON: expected value at line 1 column \
         1; write it like '{\"at_least\":\"info\"}'\n\
         For more information, try '--help'.\n\
         (exit code 2)",
    ),
    mistake(
        "a text in place of a component",
        "plugin inspect FOLDER/text.wasm",
        "FOLDER/text.wasm: is not a valid component: magic header not detected: bad magic number - expected=[    \
         \x200x0,     0x61,     0x73,     0x6d, ] actual=[     0x6e,     0x6f,     0x74,     0x20, ] (at offset \
         0x0); build it, or copy it, anew\n\
         (exit code 1)",
    ),
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
