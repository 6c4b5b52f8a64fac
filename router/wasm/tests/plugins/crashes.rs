//! What a fault leaves behind, and what that shows again.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sluice_core::pipeline::Transform;
use sluice_wasm::component::Kind;
use sluice_wasm::crash::{
    Bundle, BundleCounts, Call, Crashes, Host, Kept, Recording, Replayed, Settings, Subject, replay,
};
use sluice_wasm::trial::Bounds;
use sluice_wasm::{Limits, OnFault, Plugin};
use tempfile::TempDir;

use crate::batches::{documents, lines};
use crate::components::{load, plugin};
use crate::run::{Run, poll};
use crate::trials::{MINUTES, try_out};

/// A folder for bundles, and who writes them.
struct Place {
    folder: TempDir,
    crashes: Arc<Crashes>,
}

impl Place {
    fn new(keep: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { folder: folder.path().join("crashes"), keep };
        let host = Host { sluice: "1.2.3".into(), wasmtime: "48".into(), target: "here".into() };
        Self { folder, crashes: Arc::new(Crashes::new(host, Some(settings))) }
    }

    fn plugin(&self, component: &str, trick: &str, on_fault: OnFault) -> Plugin {
        self.private(component, trick, on_fault, None)
    }

    fn private(&self, component: &str, trick: &str, on_fault: OnFault, private: Option<bool>) -> Plugin {
        // What ends by itself is to have the time for it, also on a busy machine.
        let cpu = Duration::from_millis(if trick.contains("loop") { 50 } else { 10_000 });
        let limits = Limits { cpu, wall: Duration::from_secs(60), ..Limits::default() };
        let file = Some(PathBuf::from("/plugins/bad.wasm"));
        let recording = Recording { crashes: self.crashes.clone(), private, file };
        let options = format!(r#"{{"do":"{trick}"}}"#);
        Plugin::recorded("bad", load(component), &options, Some(on_fault), limits, recording).unwrap()
    }

    /// The bundles so far, the oldest first, and the files that they are in.
    #[track_caller]
    fn bundles(&self) -> Vec<(PathBuf, Bundle)> {
        assert!(self.crashes.wait(Duration::from_secs(120)));
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("crashes")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let read = |file: PathBuf| {
            let bundle = Bundle::read(&std::fs::read(&file).unwrap()).unwrap();
            (file, bundle)
        };
        files.into_iter().map(read).collect()
    }

    #[track_caller]
    fn only(&self) -> Bundle {
        let mut bundles = self.bundles();
        assert_eq!(bundles.len(), 1, "{bundles:?}");
        bundles.remove(0).1
    }
}

#[track_caller]
fn batch(bundle: &Bundle) -> &Kept {
    match &bundle.call {
        Call::Records(batch) => batch,
        other => panic!("{other:?}"),
    }
}

/// As often as asked, the bundle shows itself, and never anything else.
#[track_caller]
fn check_replay(bundle: &Bundle, component: &str) {
    for _ in 0..3 {
        assert_eq!(replay(bundle, &load(component)), Ok(Replayed::Same), "{bundle:?}");
    }
}

/// Lines without poison, but for those at `poisoned`.
fn numbered(len: usize, poisoned: &[usize]) -> Vec<String> {
    (0..len).map(|n| if poisoned.contains(&n) { format!("poison {n}") } else { format!("line {n}") }).collect()
}

fn pass(run: &mut Run, texts: &[String]) {
    let kept = run.apply(lines(&run.ledger, &texts.iter().map(String::as_str).collect::<Vec<_>>()));
    run.deliver(kept);
}

#[test]
fn one_record_of_a_thousand_is_the_bundle() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
    pass(&mut run, &numbered(1000, &[617]));
    let bundle = place.only();
    let kept = batch(&bundle);
    assert_eq!((kept.len, &*kept.columns[0].text), (1, &b"poison 617"[..]));
    assert_eq!((bundle.fault.call, bundle.repeats, bundle.seen.as_ref()), ("filter", Some(true), None));
    assert!(bundle.fault.in_full().contains("wasm `unreachable` instruction executed"), "{}", bundle.fault);
    assert_eq!(bundle.plugin.config, r#"{"do":"trap-on-poison"}"#);
    assert_eq!((&*bundle.plugin.name, bundle.plugin.kind, &*bundle.host.sluice), ("bad", Kind::Filter, "1.2.3"));
    assert_eq!(run.lineup.current()[0].bundles().read(), BundleCounts { written: 1, ..BundleCounts::default() });
    check_replay(&bundle, "misbehaves");
}

/// Where a fault halts the pipeline, nobody looked for the record: the bundle holds it all the same.
#[test]
fn what_halts_is_narrowed_down() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::Halt)]);
    let texts = numbered(1000, &[41, 977]);
    let batch_of = lines(&run.ledger, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(poll(run.chain.apply(batch_of)), Poll::Pending));
    let bundles = place.bundles();
    let (file, bundle) = &bundles[0];
    assert_eq!((bundles.len(), batch(bundle).len, &*batch(bundle).columns[0].text), (1, 1, &b"poison 41"[..]));
    let (records, seen) = bundle.seen.clone().unwrap();
    assert!(records == 1000 && seen.contains("`filter` of sha256:"), "{seen}");
    let why = run.lineup.halted().unwrap();
    assert!(why.ends_with(&format!("; `sluice plugin replay {}` shows it again", file.display())), "{why}");
    check_replay(bundle, "misbehaves");
}

#[test]
fn a_version_that_is_taken_back_leaves_what_it_failed_on() {
    let place = Place::new(20);
    let mut run = Run::new(vec![plugin("misbehaves", r#"{"do":"nothing"}"#)]);
    let new = place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter);
    try_out(&run, new, MINUTES, Bounds::default());
    pass(&mut run, &numbered(500, &[77]));
    assert_eq!(run.letters(), []);
    let bundle = place.only();
    assert_eq!((batch(&bundle).len, &*batch(&bundle).columns[0].text), (1, &b"poison 77"[..]));
    let why = &run.lineup.rollbacks()[0].why;
    assert!(why.contains("; `sluice plugin replay ") && why.ends_with(".json` shows it again"), "{why}");
    check_replay(&bundle, "misbehaves");
}

/// Whoever marks a plugin as private means the records that wait for it as well, which the version before is asked about.
#[test]
fn a_version_that_is_private_now_is_private_at_once() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
    let new = place.private("misbehaves", "trap-on-poison", OnFault::DeadLetter, Some(true));
    try_out(&run, new, MINUTES, Bounds::default());
    pass(&mut run, &numbered(50, &[7]));
    assert_eq!((place.bundles(), run.letters().len()), (vec![], 1));
}

#[test]
fn every_kind_of_fault_shows_again() {
    for (component, trick, expect) in [
        ("misbehaves", "loop", "used more than 50ms of CPU time in one call"),
        ("misbehaves", "grow", "asked for more than 64 MiB of memory"),
        ("misbehaves", "recurse", "call stack exhausted"),
        ("misbehaves", "out-of-range", "cannot be followed: record 1 of a batch of 1"),
        ("misbehaves", "descending", "cannot be followed: record 0 is named after record 1"),
        ("misbehaves", "error", "returned an error: cannot decide"),
        ("misbehaves", "huge-log", ""),
        ("misbehaves-enricher", "text-not-utf8", "the value for record 0 is not UTF-8"),
        ("misbehaves-enricher", "huge-arena", ""),
        ("misbehaves-notifier", "a-few-too-many", "1025 alerts, more than 1024"),
    ] {
        let place = Place::new(20);
        let mut run = Run::new(vec![place.plugin(component, trick, OnFault::Pass)]);
        let batch_of = lines(&run.ledger, &["one"]);
        run.apply(batch_of);
        let bundle = place.only();
        assert!(bundle.fault.in_full().contains(expect), "{trick}: {}", bundle.fault.in_full());
        assert_eq!((bundle.repeats, batch(&bundle).len), (Some(true), 1), "{trick}");
        check_replay(&bundle, component);
    }
}

#[test]
fn a_tick_that_fails_shows_again() {
    for trick in ["trap-in-tick", "loop-in-tick", "error-in-tick", "item-in-tick"] {
        let place = Place::new(20);
        let mut run = Run::new(vec![place.plugin("misbehaves-notifier", trick, OnFault::Pass)]);
        run.chain.tick().unwrap();
        let bundle = place.only();
        assert!(matches!(bundle.call, Call::Tick(now) if now > 0), "{trick}: {bundle:?}");
        assert_eq!((bundle.fault.call, bundle.repeats), ("tick", Some(true)), "{trick}");
        check_replay(&bundle, "misbehaves-notifier");
    }
}

#[test]
fn a_plugin_that_does_not_start_leaves_its_config() {
    let place = Place::new(20);
    let recording = Recording { crashes: place.crashes.clone(), ..Recording::default() };
    let start = |trick: &str| {
        let options = format!(r#"{{"do":"{trick}"}}"#);
        Plugin::recorded("bad", load("misbehaves"), &options, None, Limits::default(), recording.clone()).unwrap_err()
    };
    // What a plugin says against its config is no fault.
    start("refuse");
    assert_eq!(place.bundles(), []);
    let failure = start("trap-in-configure");
    assert!(failure.text.contains("`sluice plugin replay "), "{}", failure.text);
    let bundle = place.only();
    assert_eq!((bundle.fault.call, &bundle.call), ("configure", &Call::Start));
    check_replay(&bundle, "misbehaves");
    assert_eq!(replay(&bundle, &load("level-filter")).map(|replayed| replayed == Replayed::Same), Ok(false));
}

/// An instance that wore out: a new one answers for the same records, and the bundle says so.
#[test]
fn a_fault_of_the_instance_is_told_from_one_of_the_records() {
    for (size, on_fault) in [(1, OnFault::DeadLetter), (1, OnFault::Halt), (2, OnFault::DeadLetter)] {
        let place = Place::new(20);
        let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-nth", on_fault)]);
        for _ in 0..6 / size {
            pass(&mut run, &numbered(size, &[]));
        }
        let bundle = place.only();
        assert_eq!((bundle.fault.before, bundle.repeats), (4 / size as u64, Some(false)), "{size} {on_fault:?}");
        assert_eq!(batch(&bundle).len as usize, size);
        assert_eq!(replay(&bundle, &load("misbehaves")), Ok(Replayed::NoFault));
    }
}

#[test]
fn what_is_private_leaves_nothing() {
    for (component, trick, private, expect) in [
        ("misbehaves", "always-trap", None, 1),
        ("misbehaves", "always-trap", Some(true), 0),
        ("misbehaves", "always-trap", Some(false), 1),
        // Its manifest says that no record may do without it: it is there to hide something.
        ("misbehaves-enricher", "essential-trap", None, 0),
        ("misbehaves-enricher", "essential-trap", Some(true), 0),
        ("misbehaves-enricher", "essential-trap", Some(false), 1),
    ] {
        let place = Place::new(20);
        let mut run = Run::new(vec![place.private(component, trick, OnFault::DeadLetter, private)]);
        run.apply(lines(&run.ledger, &["secret"]));
        assert_eq!((place.bundles().len(), run.letters().len()), (expect, 1), "{component} {private:?}");
        assert_eq!(place.folder.path().join("crashes").exists(), expect > 0);
        assert_eq!(run.lineup.current()[0].bundles().read().written, expect as u64);
    }
    let place = Place::new(20);
    let recording = Recording { crashes: place.crashes.clone(), private: Some(true), file: None };
    let options = r#"{"do":"trap-in-configure"}"#;
    Plugin::recorded("bad", load("misbehaves"), options, None, Limits::default(), recording).unwrap_err();
    assert_eq!(place.bundles(), []);
}

/// A record that the host cannot look into is nobody's fault, and no call was made.
#[test]
fn what_no_plugin_was_asked_leaves_nothing() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.private("misbehaves-enricher", "essential", OnFault::DeadLetter, Some(false))]);
    let deep = format!(r#"{{"log":"x","deep":{}{}}}"#, "[".repeat(300), "]".repeat(300));
    run.apply(documents(&run.ledger, &[&deep]));
    assert_eq!((place.bundles(), run.letters().len()), (vec![], 1));
}

#[test]
fn the_same_fault_leaves_one_bundle() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
    pass(&mut run, &numbered(300, &[1, 20, 40, 60, 80, 100, 120, 140]));
    assert_eq!(&*batch(&place.only()).columns[0].text, b"poison 1");
    let counts = run.lineup.current()[0].bundles().read();
    assert_eq!(counts, BundleCounts { written: 1, failed: 0, skipped: 7 });
    assert_eq!(run.letters().len(), 8, "the records are not affected");
    // The same component under the same name, in place of the first and in another pipeline.
    let mut other = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::Halt)]);
    let batch_of = lines(&other.ledger, &["poison"]);
    assert!(matches!(poll(other.chain.apply(batch_of)), Poll::Pending));
    let (file, _) = place.bundles().remove(0);
    let why = other.lineup.halted().unwrap();
    assert!(why.ends_with(&format!("; `sluice plugin replay {}` shows it again", file.display())), "{why}");
    place.only();
    // Another fault is another bundle.
    let mut run = Run::new(vec![place.plugin("misbehaves", "error", OnFault::DeadLetter)]);
    run.apply(lines(&run.ledger, &["one"]));
    assert_eq!(place.bundles().len(), 2);
}

/// A process that ends does not make calls again.
#[test]
fn in_haste_a_bundle_is_written_as_it_is() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::Halt)]);
    place.crashes.hurry();
    let texts = numbered(1000, &[41]);
    let batch_of = lines(&run.ledger, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(poll(run.chain.apply(batch_of)), Poll::Pending));
    let bundle = place.only();
    assert_eq!((batch(&bundle).len, bundle.repeats, &bundle.seen), (1000, None, &None));
    check_replay(&bundle, "misbehaves");
}

#[test]
fn a_batch_that_is_too_large_is_named_and_left_out() {
    // One record that is larger than a bundle, and one that is larger than what is kept of a call.
    for (bytes, expect) in [(9 << 20, "than the 8388608 that are"), (17 << 20, "it carried more than 16777216 bytes")] {
        let place = Place::new(20);
        let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
        let poison = format!("poison{}", "x".repeat(bytes));
        run.apply(lines(&run.ledger, &["a", &poison]));
        let (file, bundle) = place.bundles().pop().unwrap();
        assert!(matches!(&bundle.call, Call::LeftOut(why) if why.contains(expect)), "{:?}", bundle.plugin);
        assert_eq!(bundle.repeats, None);
        assert!(file.metadata().unwrap().len() < 10_000);
        let why = replay(&bundle, &load("misbehaves")).unwrap_err();
        assert!(why.starts_with("the bundle does not hold the records of the call: "), "{why}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_costs_bundles_and_nothing_else() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
    let crashes = place.folder.path().join("crashes");
    for full in [Path::new("/dev/full/crashes"), Path::new("/proc/crashes"), &place.folder.path().join("file")] {
        std::fs::write(place.folder.path().join("file"), "").unwrap();
        place.crashes.set(Some(Settings { folder: full.join("below"), keep: 3 }));
        pass(&mut run, &numbered(10, &[3]));
        place.bundles();
    }
    assert_eq!(run.lineup.current()[0].bundles().read(), BundleCounts { failed: 3, ..BundleCounts::default() });
    assert_eq!((run.letters().len(), crashes.exists()), (3, false));
    // Somebody made room.
    place.crashes.set(Some(Settings { folder: crashes, keep: 3 }));
    pass(&mut run, &numbered(10, &[3]));
    assert_eq!(place.bundles().len(), 1);
    place.crashes.set(None);
    pass(&mut run, &numbered(10, &[3]));
    assert_eq!(place.bundles().len(), 1, "they are off");
    assert_eq!(run.lineup.current()[0].bundles().read(), BundleCounts { written: 1, failed: 3, skipped: 0 });
}

/// A component that was mended, one that fails otherwise, and what cannot be asked at all.
#[test]
fn other_components_are_told_apart() {
    let place = Place::new(20);
    let mut run = Run::new(vec![place.plugin("misbehaves", "trap-on-poison", OnFault::DeadLetter)]);
    pass(&mut run, &numbered(1, &[0]));
    let bundle = place.only();
    let mended = Bundle { plugin: Subject { config: "{}".into(), ..bundle.plugin.clone() }, ..bundle.clone() };
    assert_eq!(replay(&mended, &load("misbehaves")), Ok(Replayed::NoFault));
    let otherwise = r#"{"do":"error"}"#.to_owned();
    let other = Bundle { plugin: Subject { config: otherwise, ..bundle.plugin.clone() }, ..bundle.clone() };
    assert!(
        matches!(replay(&other, &load("misbehaves")), Ok(Replayed::Other(fault)) if fault.in_full().contains("cannot decide"))
    );
    let why = replay(&bundle, &load("misbehaves-enricher")).unwrap_err();
    assert_eq!(why, "the component is of kind enricher, and the plugin of the bundle was of kind filter");
    let reads = vec![vec!["log".to_owned()], vec!["a".to_owned(), "b".to_owned()]];
    let fields = Bundle { plugin: Subject { reads, ..bundle.plugin.clone() }, ..bundle };
    let why = replay(&fields, &load("misbehaves")).unwrap_err();
    assert_eq!(why, "the component reads other fields (log) than the bundle has (log, a.b)");
}
