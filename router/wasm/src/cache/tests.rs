use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());
/// An empty component, and one with a custom section: the same code, and another digest.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
const OTHER: &[u8] = b"\0asm\x0d\0\x01\0\0\x02\x01a";

struct Kept {
    folder: tempfile::TempDir,
    cache: Cache,
    digest: Digest,
    entry: PathBuf,
}

/// A cache with [`EMPTY`] in it.
fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache"), &ENGINE).unwrap();
    let digest = Digest::of(EMPTY);
    cache.keep(digest, &compiled(EMPTY));
    let entry = cache.folder().path().join(cache.name(digest));
    Kept { folder, cache, digest, entry }
}

fn compiled(bytes: &[u8]) -> wasmtime::component::Component {
    wasmtime::component::Component::from_binary(ENGINE.wasmtime(), bytes).unwrap()
}

#[test]
fn what_was_kept_is_found_by_any_process_with_the_same_engine() {
    let kept = kept();
    let (cache, digest) = (&kept.cache, kept.digest);
    assert!(cache.restore(&ENGINE, digest).is_some());
    let other = Engine::new().unwrap();
    let again = Cache::open(cache.folder().path(), &other).unwrap();
    assert!(again.restore(&other, digest).is_some());
    assert!(cache.restore(&ENGINE, Digest::of(OTHER)).is_none());
}

/// `damage` makes something else of the entry, which is then not used and gone, and is made anew.
#[track_caller]
fn check(what: &str, damage: impl FnOnce(&Kept)) {
    let kept = kept();
    damage(&kept);
    assert!(kept.cache.restore(&ENGINE, kept.digest).is_none(), "{what} is used");
    assert!(fs::symlink_metadata(&kept.entry).is_err(), "{what} is still there");
    kept.cache.keep(kept.digest, &compiled(EMPTY));
    assert!(kept.cache.restore(&ENGINE, kept.digest).is_some(), "{what} stands in the way");
}

fn rewrite(kept: &Kept, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&kept.entry).unwrap();
    change(&mut bytes);
    fs::write(&kept.entry, bytes).unwrap();
}

#[test]
fn what_is_not_what_was_kept_is_not_used() {
    let size = fs::metadata(kept().entry).unwrap().len() as usize;
    for at in [0, 15, 16, 48, 80, HEADER - 1, HEADER, HEADER + 100, size / 2, size - 1] {
        check(&format!("a bit at {at}"), |kept| rewrite(kept, |bytes| bytes[at] ^= 1));
    }
    for length in [0, 1, HEADER - 1, HEADER, size / 2, size - 1] {
        check(&format!("a file of {length}"), |kept| rewrite(kept, |bytes| bytes.truncate(length)));
    }
    check("a file with more", |kept| rewrite(kept, |bytes| bytes.push(0)));
    check("that of another component", |kept| {
        let other = Digest::of(OTHER);
        kept.cache.keep(other, &compiled(OTHER));
        fs::rename(kept.cache.folder().path().join(kept.cache.name(other)), &kept.entry).unwrap();
    });
    check("that of another engine", |kept| {
        let other = Cache { engine: [7; 32], ..kept.cache.clone() };
        other.keep(kept.digest, &compiled(EMPTY));
        fs::rename(kept.cache.folder().path().join(other.name(kept.digest)), &kept.entry).unwrap();
    });
    // With a header that fits: wasmtime's own check is behind ours.
    check("what another wasmtime made", |kept| {
        let other = wasmtime::Engine::default();
        let code = other.precompile_component(EMPTY).unwrap();
        let header = header(&kept.cache.engine, kept.digest, &code);
        kept.cache.folder().write(&kept.cache.name(kept.digest), &[&header, &code]).unwrap();
    });
}

#[test]
fn what_others_may_have_written_is_not_used() {
    for mode in [0o620, 0o602, 0o666] {
        check(&format!("mode {mode:o}"), |kept| {
            fs::set_permissions(&kept.entry, fs::Permissions::from_mode(mode)).unwrap();
        });
    }
    check("a link", |kept| {
        let elsewhere = kept.folder.path().join("elsewhere");
        fs::rename(&kept.entry, &elsewhere).unwrap();
        symlink(elsewhere, &kept.entry).unwrap();
    });
    check("a folder", |kept| {
        fs::remove_file(&kept.entry).unwrap();
        fs::create_dir(&kept.entry).unwrap();
    });
    let is_root = chown(kept().entry, Some(65_534), None).is_ok();
    if is_root {
        check("a file of somebody else", |kept| chown(&kept.entry, Some(65_534), None).unwrap());
    }
}

/// It may be as sound as ever: a process that has too many open files must not empty the cache.
#[test]
fn what_cannot_be_read_is_neither_used_nor_removed() {
    let kept = kept();
    fs::rename(&kept.entry, kept.folder.path().join("elsewhere")).unwrap();
    // Opening a socket fails, for whoever it is. Its own name has to be short.
    let socket = kept.folder.path().join("socket");
    let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::rename(socket, &kept.entry).unwrap();
    assert!(matches!(kept.cache.folder().read(&kept.cache.name(kept.digest), 9), Err(Distrust::Unreadable(_))));
    assert!(kept.cache.restore(&ENGINE, kept.digest).is_none());
    assert!(fs::symlink_metadata(&kept.entry).is_ok(), "it was removed");
    kept.cache.keep(kept.digest, &compiled(EMPTY));
    assert!(kept.cache.restore(&ENGINE, kept.digest).is_some(), "it stands in the way");
}

#[test]
fn an_entry_is_known_by_its_name() {
    let kept = kept();
    let name = kept.cache.name(kept.digest);
    assert!(Cache::is_entry(&name), "{name}");
    for other in [&name[1..], &name.to_uppercase(), &name.replace(".native", ""), "checkpoints.json", "a.b.native", ""]
    {
        assert!(!Cache::is_entry(other), "{other}");
    }
}

#[test]
fn a_full_or_lost_disk_costs_only_time() {
    let kept = kept();
    fs::remove_dir_all(kept.cache.folder().path()).unwrap();
    kept.cache.keep(kept.digest, &compiled(EMPTY));
    assert!(kept.cache.restore(&ENGINE, kept.digest).is_none());
}
