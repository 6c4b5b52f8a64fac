use std::os::unix::fs::{PermissionsExt, chown, symlink};

use super::*;

const MOST: u64 = 100;

fn folder() -> (tempfile::TempDir, Folder) {
    let outer = tempfile::tempdir().unwrap();
    let folder = Folder::open(&outer.path().join("a/own")).unwrap();
    (outer, folder)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_is_made_and_belongs_to_nobody_else() {
    let (_outer, folder) = folder();
    assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o7777, 0o700);
    folder.write("a", &[b"one", b"two"]).unwrap();
    assert_eq!(fs::metadata(folder.path().join("a")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(folder.read("a", MOST).unwrap().unwrap(), b"onetwo");
    assert_eq!(folder.read("b", MOST).unwrap(), None);
    folder.write_through("a", &[b"three"]).unwrap();
    assert_eq!(Folder::open(folder.path()).unwrap().read("a", MOST).unwrap().unwrap(), b"three");
    assert!(folder.has("a") && folder.remove("a") && !folder.has("a") && !folder.remove("a"));
    assert_eq!(folder.entries().len(), 0, "nothing is left behind");
}

#[test]
fn a_folder_that_others_may_change_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("own");
    fs::create_dir(&path).unwrap();
    for mode in [0o770, 0o2775, 0o777, 0o1777] {
        set_mode(&path, mode);
        let error = Folder::open(&path).unwrap_err();
        assert!(matches!(&error, FolderError::Open { mode: found } if *found == mode), "{error}");
    }
    set_mode(&path, 0o755);
    Folder::open(&path).unwrap();
    symlink(&path, outer.path().join("link")).unwrap();
    assert!(matches!(Folder::open(&outer.path().join("link")), Err(FolderError::NoFolder)));
    fs::write(outer.path().join("file"), "").unwrap();
    assert!(matches!(Folder::open(&outer.path().join("file")), Err(FolderError::Unusable(_))));
    if is_root() {
        chown(&path, Some(65_534), None).unwrap();
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(error.starts_with("belongs to user 65534, and this process runs as 0; name a folder in it"), "{error}");
    }
}

#[test]
fn a_file_that_others_may_have_written_is_not_read() {
    let (_outer, folder) = folder();
    let path = folder.path().join("a");
    folder.write("a", &[b"text"]).unwrap();
    for (mode, trusted) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false), (0o660, false)] {
        set_mode(&path, mode);
        assert_eq!(folder.read("a", MOST).is_ok(), trusted, "{mode:o}");
    }
    set_mode(&path, 0o600);
    assert!(matches!(folder.read("a", 3), Err(Distrust::Large(3))));
    symlink(&path, folder.path().join("link")).unwrap();
    assert!(matches!(folder.read("link", MOST), Err(Distrust::NoFile)));
    fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(matches!(folder.read("folder", MOST), Err(Distrust::NoFile)));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(matches!(folder.read("pipe", MOST), Err(Distrust::NoFile)), "and does not wait for a writer");
    for name in ["link", "folder", "pipe"] {
        assert!(folder.remove(name) && !folder.has(name), "{name}");
    }
    assert!(path.exists(), "what a link leads to stays");
    if is_root() {
        chown(&path, Some(65_534), None).unwrap();
        assert!(matches!(folder.read("a", MOST), Err(Distrust::Foreign(65_534))));
    }
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let (_outer, folder) = folder();
    let now = SystemTime::now();
    let age = |name: &str, hours: u64| {
        let file = File::options().write(true).open(folder.path().join(name)).unwrap();
        file.set_modified(now - Duration::from_secs(hours * 3600)).unwrap();
    };
    for (name, hours) in [("kept", 9), ("old", 8), ("used", 7), ("young", 1), (".new-1-1", 2), (".new-1-2", 0)] {
        fs::write(folder.path().join(name), [0; 10]).unwrap();
        age(name, hours);
    }
    folder.touch("used");
    let left = || {
        let mut names: Vec<_> = folder.entries().into_iter().map(|entry| entry.name).collect();
        names.sort();
        names.join(" ")
    };
    let stays = |name: &str| name == "kept";
    let tidy = |most| folder.tidy(most, |_| true, stays);
    assert_eq!(tidy(60), 1, "what was left behind goes, whether there is room or not");
    assert_eq!(left(), ".new-1-2 kept old used young");
    assert_eq!(tidy(40), 1);
    assert_eq!(left(), ".new-1-2 kept used young");
    assert_eq!(tidy(30), 1);
    assert_eq!(left(), ".new-1-2 kept used");
    assert_eq!(tidy(0), 1);
    assert_eq!(left(), ".new-1-2 kept");
}

#[test]
fn strangers_stay() {
    let (_outer, folder) = folder();
    let strangers = ["checkpoints.json", "checkpoints.lock", ".new-thing", ".new-1", ".new-1-a", ".hidden"];
    for name in strangers.into_iter().chain(["ours", ".new-1-1"]) {
        let file = File::create(folder.path().join(name)).unwrap();
        (&file).write_all(&[0; 10]).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(9 * 3600)).unwrap();
    }
    let tidy = |most| folder.tidy(most, |name| name == "ours", |_| false);
    assert_eq!(tidy(20), 1, "their bytes do not count");
    assert!(folder.has("ours") && !folder.has(".new-1-1"));
    assert_eq!(tidy(0), 1);
    assert!(!folder.has("ours") && strangers.iter().all(|name| folder.has(name)));
}

/// Whoever reads sees one version or the other, whole.
#[test]
fn processes_share_a_folder() {
    let (_outer, folder) = folder();
    let texts = ["a".repeat(10_000), "b".repeat(20_000)];
    folder.write("f", &[texts[0].as_bytes()]).unwrap();
    std::thread::scope(|scope| {
        for text in &texts {
            let other = Folder::open(folder.path()).unwrap();
            scope.spawn(move || (0..50).for_each(|_| other.write("f", &[text.as_bytes()]).unwrap()));
        }
        for _ in 0..200 {
            let found = String::from_utf8(folder.read("f", 1 << 20).unwrap().unwrap()).unwrap();
            assert!(texts.contains(&found), "{} bytes", found.len());
        }
    });
    assert_eq!(folder.entries().len(), 1);
}
