//! `docs/mistakes.md` says what the tables say.

use std::{fs, path::PathBuf};

use sluice_mistakes::{Mistake, markdown};

use crate::{answers, command, components, config, faults, files, kafka, lines, records, webhook};

/// A heading of the document, how many mistakes there are at least, and its table.
fn sections() -> Vec<(&'static str, usize, String)> {
    fn section<Given>(
        heading: &'static str,
        at_least: usize,
        table: &[Mistake<Given>],
    ) -> (&'static str, usize, String) {
        assert!(table.len() >= at_least, "{heading}: {}", table.len());
        (heading, table.len(), markdown(table))
    }
    vec![
        section("The config file", 20, config::TABLE),
        section("The command line", 5, command::TABLE),
        section("Files and checkpoints", 8, files::TABLE),
        section("Lines", 12, lines::TABLE),
        section("Records", 8, records::TABLE),
        section("Components and their options", 12, components::TABLE),
        section("Plugins that fail", 8, faults::TABLE),
        section("What an index answers", 10, answers::TABLE),
        section("What a webhook answers", 5, webhook::TABLE),
        section("What Kafka answers", 3, kafka::TABLE),
    ]
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mistakes.md"))
}

/// The document with its tables as they should be; what stands between a heading and its table stays.
fn right(text: &str) -> String {
    sections().into_iter().fold(text.to_owned(), |text, (heading, _, table)| {
        let (before, after) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
        let end = after.find("\n## ").unwrap_or(after.len());
        let (section, rest) = after.split_at(end);
        let words = section.split("\n|").next().unwrap_or_default().trim_end();
        format!("{before}\n## {heading}\n{words}\n\n{table}{rest}")
    })
}

#[test]
fn the_document_says_what_the_tables_say() {
    let text = fs::read_to_string(path()).unwrap();
    let right = right(&text);
    let differs = text.lines().zip(right.lines()).find(|(text, right)| text != right);
    assert!(
        text == right,
        "docs/mistakes.md differs: {differs:#?}; write it anew with `cargo test -p sluice-mistakes -- --ignored`"
    );
}

#[test]
fn there_are_many() {
    let count: usize = sections().iter().map(|(_, count, _)| count).sum();
    assert!(count >= 60, "{count}");
}

#[test]
#[ignore = "writes docs/mistakes.md"]
fn write_the_document() {
    let text = fs::read_to_string(path()).unwrap();
    fs::write(path(), right(&text)).unwrap();
}
