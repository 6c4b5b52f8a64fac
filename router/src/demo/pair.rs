//! One record twice: the line in its log file, and its document in the index.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde_json::Value;
use sluice_demo::snapshot::Pair;
use sluice_node::{SECRETS, number};

use super::scene::Scene;

/// Bytes at the end of a log file in which the line is looked for.
const TAIL: u64 = 64 * 1024;
/// How the words begin that redact writes unless told otherwise.
const MASK: &str = "[REDACTED";

/// A record that had a secret in it and is in the index already, of one container or another by `turn`. `None` if
/// there is none right now.
pub(super) fn find(scene: &Scene, turn: usize) -> Option<Pair> {
    let mut links: Vec<_> = fs::read_dir(&scene.places.containers).ok()?.filter_map(Result::ok).collect();
    links.sort_by_key(fs::DirEntry::file_name);
    let count = links.len().max(1);
    links.rotate_left(turn % count);
    links.iter().find_map(|link| of_container(scene, &link.path()))
}

fn of_container(scene: &Scene, link: &Path) -> Option<Pair> {
    // `<pod>_<namespace>_<container>-<id>.log`
    let pod = link.file_name()?.to_str()?.split('_').next()?.to_owned();
    let lines = lines_with_secrets(&tail(link)?);
    if lines.is_empty() {
        return None;
    }
    let needle = format!("\"{pod}\"");
    let document = scene.index.latest(|document| {
        document.source.contains(&needle)
            && line_of(&document.source, &pod).is_some_and(|line| lines.contains_key(&line))
    })?;
    let line = line_of(&document.source, &pod)?;
    let before = lines.get(&line)?.clone();
    let secrets =
        SECRETS.iter().filter(|secret| before.contains(**secret)).map(|secret| (*secret).to_owned()).collect();
    let (record, after) = (format!("{pod} line {line}"), document.source);
    let masks = masks(&after);
    Some(Pair { record, before, after, secrets, masks })
}

/// What redact wrote in place of secrets.
fn masks(document: &str) -> Vec<String> {
    let begins = document.match_indices(MASK);
    let whole = |(at, _): (usize, &str)| document[at..].split_inclusive(']').next().map(str::to_owned);
    let masks: BTreeSet<String> = begins.filter_map(whole).collect();
    masks.into_iter().collect()
}

/// The number of the line that a document of the pod was made of.
fn line_of(document: &str, pod: &str) -> Option<u64> {
    let document: Value = serde_json::from_str(document).ok()?;
    let of_pod = document["kubernetes"]["pod_name"] == pod;
    document["log"].as_str().filter(|_| of_pod).and_then(number)
}

/// Whole lines of the end of the file.
fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let begin = if length > TAIL { bytes.iter().position(|byte| *byte == b'\n')? + 1 } else { 0 };
    let end = bytes.iter().rposition(|byte| *byte == b'\n')? + 1;
    Some(String::from_utf8_lossy(bytes.get(begin..end)?).into_owned())
}

fn lines_with_secrets(text: &str) -> HashMap<u64, String> {
    let secret = |line: &&str| SECRETS.iter().any(|secret| line.contains(secret));
    text.lines().filter(secret).filter_map(|line| Some((number(line)?, line.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_numbers() {
        let card = SECRETS[3];
        let text = format!(
            "… stdout F {{\"seq\":7,\"card\":\"{card}\"}}\n… stdout F {{\"seq\":8}}\n{{\"log\":\"{{\\\"seq\\\":9,\\\"card\\\":\\\"{card}\\\"}}\\n\"}}\n"
        );
        let lines = lines_with_secrets(&text);
        let mut numbers: Vec<u64> = lines.keys().copied().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [7, 9]);
        assert!(lines[&9].starts_with("{\"log\""));
        for (document, expect) in [
            (r#"{"log":"seq=7","kubernetes":{"pod_name":"web-1"}}"#, Some(7)),
            (r#"{"log":"seq=7","kubernetes":{"pod_name":"web-2"}}"#, None),
            (r#"{"log":"none","kubernetes":{"pod_name":"web-1"}}"#, None),
            ("nonsense", None),
        ] {
            assert_eq!(line_of(document, "web-1"), expect, "{document}");
        }
    }

    #[test]
    fn masks_are_found_once_each() {
        let document = r#"{"a":"[REDACTED:email], [REDACTED:card] and [REDACTED:email]","b":["plain"]}"#;
        assert_eq!(masks(document), ["[REDACTED:card]", "[REDACTED:email]"]);
        assert!(masks(r#"{"a":["x"]}"#).is_empty());
    }

    #[test]
    fn a_tail_is_made_of_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        let line = "x".repeat(999);
        for (text, expect) in [
            ("", None),
            ("half", None),
            ("whole\nhalf", Some("whole\n".to_owned())),
            (&format!("{line}\n").repeat(100), Some(format!("{line}\n").repeat(65))),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(tail(&path), expect);
        }
    }
}
