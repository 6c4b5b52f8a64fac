use std::{fs, os::unix::fs::PermissionsExt, sync::LazyLock};

use super::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());

fn made(config: &str) -> Made {
    Made {
        digest: Digest::of(b"component").to_string(),
        config: config.into(),
        on_fault: Some("halt".into()),
        grant: vec!["clock".into()],
        trial: "for 5 minutes".into(),
    }
}

fn remembered(config: &str) -> Remembered {
    let made = made(config);
    let taken_back =
        TakenBack { made: Made { config: "{}".into(), ..made.clone() }, reason: "time".into(), why: "slow".into() };
    Remembered::new(made, Some(taken_back))
}

/// A store with the component that all of these are made of.
fn store(path: &Path) -> Store {
    let store = Store::open(path, &ENGINE).unwrap();
    store.keep_component(Digest::of(b"component"), b"component");
    store
}

fn recall(store: &mut Store, pipeline: &str, plugin: &str) -> Option<Remembered> {
    store.recall(pipeline, plugin).unwrap()
}

fn of(plugin: &str, config: &str) -> BTreeMap<String, Remembered> {
    BTreeMap::from([(plugin.to_owned(), remembered(config))])
}

#[test]
fn what_is_remembered_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let mut store = store(&path);
    assert_eq!(recall(&mut store, "ship", "f"), None);
    store.remember("ship", of("f", "{\"a\":1}"));
    store.remember("index", of("f", "{\"a\":2}"));

    let mut next = Store::open(&path, &ENGINE).unwrap();
    let recalled = recall(&mut next, "ship", "f").unwrap();
    assert_eq!(recalled, remembered("{\"a\":1}"));
    assert_eq!(recalled.taken_back.unwrap().reason(), Reason::Time);
    assert_eq!(recall(&mut next, "index", "f"), Some(remembered("{\"a\":2}")));
    assert_eq!(next.component(Digest::of(b"component"), 100).unwrap(), b"component");
    assert_eq!(next.component(Digest::of(b"other"), 100), None);

    // A plugin that is gone from its pipeline is forgotten, and only there.
    next.remember("ship", of("g", "{}"));
    assert_eq!((recall(&mut next, "ship", "f"), recall(&mut next, "index", "f").is_some()), (None, true));
}

#[test]
fn what_is_unchanged_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder.path().join("cache"));
    store.remember("ship", of("f", "{}"));
    fs::remove_file(store.path().join("ship.f.json")).unwrap();
    store.remember("ship", of("f", "{}"));
    assert!(!store.path().join("ship.f.json").exists());
    store.remember("ship", of("f", "{\"a\":1}"));
    assert!(store.path().join("ship.f.json").exists());
}

#[test]
fn what_cannot_be_trusted_is_as_if_it_had_never_been() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder.path().join("cache"));
    let state = store.path().join("ship.f.json");
    let sound = serde_json::to_string(&remembered("{}")).unwrap();
    for text in ["", "{", "[]", &sound[..sound.len() - 1], &sound.replace("\"format\":1", "\"format\":2")] {
        fs::write(&state, text).unwrap();
        assert_eq!(recall(&mut store, "ship", "f"), None, "{text}");
        assert!(!state.exists(), "{text}");
    }
    fs::write(&state, &sound).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(recall(&mut store, "ship", "f"), None);
    let digest = Digest::of(b"component");
    let file = store.path().join(component_name(digest));
    for (bytes, most) in [(&b"other"[..], 100), (b"", 100), (b"component", 5)] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(store.component(digest, most), None, "{bytes:?}");
        assert!(!file.exists());
    }
}

#[test]
fn a_version_is_made_again_under_the_rules_of_today() {
    let now = config::Plugin {
        name: "f".into(),
        component: "/p/f.wasm".into(),
        sha256: Some([1; 32]),
        config: "{\"new\":1}".into(),
        on_fault: None,
        grant: config::Grants { clock: true, random: false },
        private: Some(true),
        trial: config::Trial::default(),
    };
    let old = config::Plugin { config: "{\"old\":1}".into(), ..now.clone() };
    let specs = made("{\"old\":1}").specs(&now);
    let as_then = config::Plugin { on_fault: Some(OnFault::Halt), ..old.clone() };
    assert_eq!(specs, [old.clone(), as_then], "that of then only if the plugin refuses that of now");
    let halts = config::Plugin { on_fault: Some(OnFault::Halt), ..now };
    assert_eq!(made("{\"old\":1}").specs(&halts), [config::Plugin { on_fault: Some(OnFault::Halt), ..old }]);
}

#[test]
fn a_version_that_may_do_more_is_another_one() {
    let before = made("{}");
    for other in [
        Made { grant: vec![], ..before.clone() },
        Made { trial: "for 10 minutes".into(), ..before.clone() },
        Made { on_fault: None, ..before.clone() },
    ] {
        assert!(other != before && other.answers_as(&before));
    }
    assert!(!made("{\"a\":1}").answers_as(&before));
    // As the first version of sluice with a cache wrote it.
    let text = serde_json::to_string(&before).unwrap();
    let (old, _) = text.split_once(",\"grant\"").unwrap();
    let old: Made = serde_json::from_str(&format!("{old}}}")).unwrap();
    assert!(old.answers_as(&before));
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder.path().join("cache"));
    let state = store.path().join("ship.f.json");
    fs::create_dir_all(state.join("in the way")).unwrap();
    assert!(!store.remember("ship", of("f", "{}")));
    fs::remove_dir_all(&state).unwrap();
    assert!(store.remember("ship", of("f", "{}")) && state.exists());
    // Nor is what could not run again, as there is no component of it.
    fs::remove_file(store.path().join(component_name(Digest::of(b"component")))).unwrap();
    assert!(store.remember("ship", of("g", "{}")) && !store.path().join("ship.g.json").exists());
}

#[test]
fn what_cannot_be_read_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder.path().join("cache"));
    let digest = Digest::of(b"another");
    // Opening a socket fails, for whoever it is. Its own name has to be short.
    let sockets = ["ship.f.json".to_owned(), component_name(digest)].map(|name| {
        let (socket, place) = (folder.path().join("socket"), store.path().join(name));
        let open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        fs::rename(socket, &place).unwrap();
        (open, place)
    });
    assert!(matches!(store.recall("ship", "f"), Err(Distrust::Unreadable(_))));
    assert_eq!(store.component(digest, 100), None);
    sockets.iter().for_each(|(_, place)| assert!(fs::symlink_metadata(place).is_ok(), "{}", place.display()));
}

#[test]
fn files_of_a_cache_are_known_by_their_names() {
    let hex = Digest::of(b"component").hex();
    let (component, native, state) = (format!("{hex}.wasm"), format!("{hex}.0123456789abcdef.native"), "ship.f-2.json");
    [&component, &native, state].iter().for_each(|name| assert!(is_ours(name), "{name}"));
    for stranger in [
        "checkpoints.json",
        "ship.f.json.lock",
        "a.b.c.json",
        ".f.json",
        "ship..json",
        "Ship.f.json",
        "level-filter.wasm",
        &component[1..],
        &native[1..],
        "20260101T000000-ship-f.crash",
        "sluice.yaml",
        "lock",
        "",
    ] {
        assert!(!is_ours(stranger), "{stranger}");
    }
}
