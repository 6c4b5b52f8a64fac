use proptest::prelude::*;
use sluice_core::Kind;

use super::*;

fn entry() -> Entry {
    Entry {
        path: "/var/log/containers/a.log".into(),
        base: "/var/log/pods/a_b_u/c/0.log".into(),
        inode: Inode { device: 1, inode: 2 },
        fingerprint: Fingerprint { hash: u64::MAX, bytes: 4 },
        identity: "pod:u/c/0".into(),
        format: Format::Cri,
        stdout: 10,
        stderr: 5,
        time: 7,
        size: 12,
        born: 3,
        modified: 4,
        ended: false,
        foreign: false,
    }
}

#[test]
fn what_was_saved_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let nested = folder.path().join("a/b");
    {
        let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship", None).unwrap();
        assert_eq!(entries, None);
        checkpoints.save(&[entry()]).unwrap();
    }
    let (mut checkpoints, entries) = Checkpoints::open(&nested, "ship", None).unwrap();
    assert_eq!(entries, Some(vec![entry()]));
    assert_eq!(entry().position(), Position { stdout: 10, stderr: 5, memory: 0, time: 7 });
    // Unchanged, it is not written again: the file may be removed and stays away.
    fs::remove_file(nested.join("ship.json")).unwrap();
    checkpoints.save(&[entry()]).unwrap();
    assert!(!nested.join("ship.json").exists());
    checkpoints.save(&[]).unwrap();
    assert!(nested.join("ship.json").exists());
}

#[test]
fn what_cannot_be_understood_is_set_aside() {
    let whole = document(&[entry()], None).unwrap();
    let whole = String::from_utf8(whole).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ship.json");
    for (n, content) in [
        whole[..whole.len() / 2].to_owned(),
        String::new(),
        "\0".repeat(whole.len()),
        whole.replace("\"version\": 2", "\"version\": 3"),
        whole.replace("\"stdout\": 10", "\"stdout\": 90"),
        whole.replace("checksum", "checksun"),
        whole.replace("\"cri\"", "\"cbor\""),
        "[]".into(),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&path, &content).unwrap();
        let (_checkpoints, entries) = Checkpoints::open(folder.path(), "ship", None).unwrap();
        assert_eq!(entries, Some(Vec::new()), "{content}");
        let aside = folder.path().join(format!("ship.json.bad-{}", n + 1));
        assert_eq!(fs::read_to_string(aside).unwrap(), content);
    }
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Checkpoints::open(folder.path(), "ship", None).unwrap();
    let failure = Checkpoints::open(folder.path(), "ship", None).unwrap_err();
    assert_eq!(failure.kind, Kind::Fatal);
    assert!(failure.text.contains("ship.lock is locked by another process"), "{failure}");
    Checkpoints::open(folder.path(), "other", None).unwrap();
    drop(first);
    Checkpoints::open(folder.path(), "ship", None).unwrap();
}

#[test]
fn only_what_a_person_must_cure_is_fatal() {
    use io::ErrorKind::{Interrupted, NotADirectory, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    for (kind, expected) in [
        (PermissionDenied, Kind::Fatal),
        (NotADirectory, Kind::Fatal),
        (ReadOnlyFilesystem, Kind::Fatal),
        (StorageFull, Kind::Transient),
        (Interrupted, Kind::Transient),
    ] {
        assert_eq!(unusable(Path::new("/c"), &kind.into()).kind, expected, "{kind}");
    }
}

#[test]
fn opening_makes_no_document() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        assert_eq!(Checkpoints::open(folder.path(), "ship", None).unwrap().1, None);
    }
    Checkpoints::open(folder.path(), "ship", None).unwrap().0.save(&[]).unwrap();
    assert_eq!(Checkpoints::open(folder.path(), "ship", None).unwrap().1, Some(Vec::new()));
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let failure = Checkpoints::open(&file, "ship", None).unwrap_err();
    assert_eq!(failure.kind, Kind::Fatal);
    assert!(failure.text.contains(&file.display().to_string()), "{failure}");
    assert!(failure.text.contains("make it writable"), "{failure}");
}

/// As programs wrote it before there was a checksum.
const OF_THE_FIRST_VERSION: &str = r#"{
  "version": 1,
  "files": [
    {
      "path": "/var/log/containers/a.log",
      "base": "/var/log/pods/a_b_u/c/0.log",
      "device": 1,
      "inode": 2,
      "fingerprint": { "hash": 18446744073709551615, "bytes": 4 },
      "identity": "pod:u/c/0",
      "format": "cri",
      "stdout": 10,
      "stderr": 5,
      "time": 7,
      "size": 12
    }
  ]
}"#;

#[test]
fn the_first_version_is_understood_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ship.json");
    fs::write(&path, OF_THE_FIRST_VERSION).unwrap();
    let expected = Entry { born: 0, modified: 0, ..entry() };
    let (mut checkpoints, entries) = Checkpoints::open(folder.path(), "ship", None).unwrap();
    assert_eq!(entries, Some(vec![expected.clone()]));
    checkpoints.save(&[expected]).unwrap();
    assert!(fs::read_to_string(path).unwrap().starts_with("{\n  \"version\": 2,\n  \"written_by\": \"sluice "));
}

#[test]
fn what_a_later_program_wrote_names_it() {
    for (content, expected) in [
        (
            r#"{"version":3,"written_by":"sluice 9.1.0","files":{}}"#,
            "it was written by sluice 9.1.0 as version 3, and sluice 0.1.0 reads versions up to 2",
        ),
        (r#"{"version":0}"#, "it was written as version 0, and sluice 0.1.0 reads versions up to 2"),
    ] {
        assert_eq!(understand(content.as_bytes()).unwrap_err(), expected);
    }
}

#[test]
fn what_another_host_wrote_is_marked() {
    for (theirs, ours, expected) in [
        (Some("a"), Some("b"), true),
        (Some("a"), Some("a"), false),
        (None, Some("b"), false),
        (Some("a"), None, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let open = |host| Checkpoints::open(folder.path(), "ship", host).unwrap();
        open(theirs).0.save(&[entry()]).unwrap();
        let (mut checkpoints, entries) = open(ours);
        let entries = entries.unwrap();
        assert_eq!(entries[0].foreign, expected, "{theirs:?} {ours:?}");
        // It stays so over further restarts, until the file is found.
        checkpoints.save(&entries).unwrap();
        drop(checkpoints);
        assert_eq!(open(ours).1.unwrap()[0].foreign, expected);
    }
}

proptest! {
    /// Whatever becomes of a document, it is used as it was written or not at all.
    #[test]
    fn a_broken_document_never_gives_other_positions(at: prop::sample::Index, byte: u8, cut: bool) {
        let entries = vec![entry(), Entry { stdout: 1_000_000, path: "/b".into(), ..entry() }];
        let mut content = document(&entries, Some("node-1")).unwrap();
        let at = at.index(content.len());
        if cut {
            content.truncate(at);
        } else {
            content[at] = byte;
        }
        let used = understand(&content).map(|memory| memory.entries);
        prop_assert!(used.as_ref().map_or(true, |used| *used == entries), "{used:?}");
    }

    /// The same of a document of the first version: it has no checksum, and only a cut is sure to be seen.
    #[test]
    fn a_cut_document_of_the_first_version_is_not_used(at in 0..OF_THE_FIRST_VERSION.len()) {
        prop_assert!(understand(&OF_THE_FIRST_VERSION.as_bytes()[..at]).is_err());
    }

    #[test]
    fn nothing_makes_it_panic(content: Vec<u8>) {
        let _ = understand(&content);
    }
}
