//! `files` as a source.

use std::time::Duration;

use super::decode::Block;
use super::document::Value;
use super::kinds::{self, Reading};
use super::plan::{FilesSource, ReadFrom};
use super::texts;

const KIB: u64 = 1 << 10;

const BEGINNINGS: [(&str, ReadFrom); 2] = [("beginning", ReadFrom::Beginning), ("end", ReadFrom::End)];

/// Reads `source.files`.
pub(super) fn source(block: Block) -> Option<FilesSource> {
    let include = block.required_list("include", "include: [/var/log/containers/*.log]", glob);
    let exclude = block.list("exclude", glob);
    let host = block.get("host", kinds::text);
    let checkpoints = block.required("checkpoints", "checkpoints: /var/lib/sluice", kinds::path);
    let exclude_own = block.get("exclude_own", kinds::boolean);
    let max_line = block.get("max_line", kinds::size(KIB, 8 * KIB * KIB));
    let texts = texts::texts(&block);
    let read_from = block.get("read_from", kinds::choice(&BEGINNINGS));
    let rate_limit = block.get("rate_limit", kinds::size(KIB, KIB * KIB * KIB));
    let shortest = Duration::from_millis(100);
    let longest = Duration::from_secs(3600);
    let scan_interval = block.get("scan_interval", kinds::duration(shortest, longest));
    block.finish();
    Some(FilesSource {
        include: include?,
        exclude: exclude.unwrap_or_default(),
        host,
        checkpoints: checkpoints?,
        exclude_own: exclude_own.unwrap_or(true),
        max_line: max_line.unwrap_or(256 * KIB),
        texts,
        read_from: read_from.unwrap_or(ReadFrom::Beginning),
        rate_limit,
        scan_interval: scan_interval.unwrap_or(Duration::from_secs(1)),
    })
}

/// A pattern with `*`, `?`, `[…]` and, as a whole folder, `**`.
fn glob(value: &Value) -> Reading<String> {
    let pattern = kinds::text(value)?;
    let mut rest = pattern.as_str();
    let mut begins_folder = true;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '*' => stars(rest, begins_folder),
            '[' => brackets(rest),
            other => Ok(other.len_utf8()),
        };
        let length = length.map_err(|advice| format!("{pattern:?} is not a pattern; {advice}"))?;
        begins_folder = first == '/';
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(pattern)
}

/// The length of the stars at the start of `rest`: one, or two that are a folder of their own.
fn stars(rest: &str, begins_folder: bool) -> Result<usize, &'static str> {
    let after = rest.trim_start_matches('*');
    match rest.len() - after.len() {
        1 => Ok(1),
        2 if begins_folder && (after.is_empty() || after.starts_with('/')) => Ok(2),
        _ => Err("write \"*\" within a folder, or \"**\" as a whole folder as in \"/var/log/**/*.log\""),
    }
}

/// The length of the `[…]` or `[!…]` at the start of `rest`. It holds a character at least, which may be a bracket.
fn brackets(rest: &str) -> Result<usize, &'static str> {
    let negated = usize::from(rest.get(1..).is_some_and(|inside| inside.starts_with('!')));
    let mut inside = rest.char_indices().skip(1 + negated + 1);
    let end = inside.find(|(_, letter)| *letter == ']');
    end.map(|(at, _)| at + 1).ok_or("close \"[\" with \"]\", or write \"[[]\" for the character itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, valid: bool| {
            let value = Value::Text { text: pattern.to_owned(), from_environment: false };
            assert_eq!(glob(&value).is_ok(), valid, "{pattern}");
        };
        check("/var/log/containers/*.log", true);
        check("/var/log/**/*.log", true);
        check("**", true);
        check("/a/**", true);
        check("/a/b**", false);
        check("/a/**b", false);
        check("/a/***", false);
        check("/a/[0-9]/?.log", true);
        check("/a/[!x]", true);
        check("/a/[]]", true);
        check("/a/[!]]", true);
        check("/a/[[]", true);
        check("/a/[**]", true);
        check("/a/[ä]*", true);
        check("/a/[", false);
        check("/a/[]", false);
        check("/a/[!]", false);
        check("/a/[!", false);
        check("/ünï/*", true);
    }
}
