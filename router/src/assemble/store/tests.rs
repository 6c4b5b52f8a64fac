use std::{fs, os::unix::fs::PermissionsExt, sync::LazyLock};

use super::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());

fn made(config: &str) -> Made {
    Made { digest: Digest::of(b"component").to_string(), config: config.into(), on_fault: Some("halt".into()) }
}

fn remembered(config: &str) -> Remembered {
    let made = made(config);
    let taken_back =
        TakenBack { made: Made { config: "{}".into(), ..made.clone() }, reason: "time".into(), why: "slow".into() };
    Remembered::new(made, Some(taken_back))
}

fn of(plugin: &str, config: &str) -> BTreeMap<String, Remembered> {
    BTreeMap::from([(plugin.to_owned(), remembered(config))])
}

#[test]
fn what_is_remembered_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let mut store = Store::open(&path, &ENGINE).unwrap();
    assert_eq!(store.recall("ship", "f"), None);
    store.remember("ship", of("f", "{\"a\":1}"));
    store.remember("index", of("f", "{\"a\":2}"));
    store.keep_component(Digest::of(b"component"), b"component");

    let mut next = Store::open(&path, &ENGINE).unwrap();
    let recalled = next.recall("ship", "f").unwrap();
    assert_eq!(recalled, remembered("{\"a\":1}"));
    assert_eq!(recalled.taken_back.unwrap().reason(), Reason::Time);
    assert_eq!(next.recall("index", "f"), Some(remembered("{\"a\":2}")));
    assert_eq!(next.component(Digest::of(b"component"), 100).unwrap(), b"component");
    assert_eq!(next.component(Digest::of(b"other"), 100), None);

    // A plugin that is gone from its pipeline is forgotten, and only there.
    next.remember("ship", of("g", "{}"));
    assert_eq!((next.recall("ship", "f"), next.recall("index", "f").is_some()), (None, true));
}

#[test]
fn what_is_unchanged_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("cache"), &ENGINE).unwrap();
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
    let mut store = Store::open(&folder.path().join("cache"), &ENGINE).unwrap();
    let state = store.path().join("ship.f.json");
    let sound = serde_json::to_string(&remembered("{}")).unwrap();
    for text in ["", "{", "[]", &sound[..sound.len() - 1], &sound.replace("\"format\":1", "\"format\":2")] {
        fs::write(&state, text).unwrap();
        assert_eq!(store.recall("ship", "f"), None, "{text}");
        assert!(!state.exists(), "{text}");
    }
    fs::write(&state, &sound).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(store.recall("ship", "f"), None);
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
    let spec = made("{\"old\":1}").spec(&now);
    assert_eq!(spec, config::Plugin { config: "{\"old\":1}".into(), on_fault: Some(OnFault::Halt), ..now });
}
