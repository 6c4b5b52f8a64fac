//! What a process leaves behind for the next one: what runs where the files are bad, and what was taken back.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use sluice_wasm::component::Digest;

use crate::world::{Sluice, Topic, World, another, check_once, component, eventually, written};

const REFUSED: &str = "a change is refused; what ran before goes on";
const STANDS_IN: &str = "cannot start with what the files hold; the last good version of the plugin runs";

/// A world with one plugin `f` of the component file `f.wasm`, and a cache.
struct Cached {
    /// First, as a consumer takes long to leave a Kafka that is gone.
    topic: Topic,
    world: World,
    admin: String,
    plugin: PathBuf,
    /// Whether the config names the cache.
    keeps: bool,
}

impl Cached {
    fn new(component: &Path) -> Self {
        let world = World::new(&["logs", "dead"]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let plugin = world.path("f.wasm");
        fs::copy(component, &plugin).unwrap();
        let topic = world.topic("logs");
        Self { topic, world, admin: format!("127.0.0.1:{port}"), plugin, keeps: true }
    }

    fn config(&self, options: &str, more: &str) {
        let plugin = format!("{{ name: f, component: {}, config: {options}{more} }}", self.plugin.display());
        let (pipeline, dead_letter) = (self.world.pipeline("ship", &plugin, "logs"), self.world.dead_letter());
        let (admin, cache) = (&self.admin, self.cache().display().to_string());
        let admin = format!("admin: {{ listen: \"{admin}\" }}\n");
        let cache = if self.keeps { format!("plugin_cache: {cache}\n") } else { String::new() };
        self.world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{dead_letter}{admin}{cache}"));
    }

    fn cache(&self) -> PathBuf {
        self.world.path("kept/plugins")
    }

    /// By a rename, as it is replaced in earnest.
    fn replace(&self, bytes: &[u8]) {
        fs::write(self.world.path("new.wasm"), bytes).unwrap();
        fs::rename(self.world.path("new.wasm"), &self.plugin).unwrap();
    }

    fn run(&self) -> Sluice {
        self.world.run("sluice.yaml")
    }

    fn status(&self) -> String {
        self.ask(&["status"])
    }

    /// What a command says that is answered by the process.
    fn ask(&self, command: &[&str]) -> String {
        let sluice = &mut Command::new(env!("CARGO_BIN_EXE_sluice"));
        let output = sluice.args(command).args(["--admin", &self.admin]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The files of the cache with this ending.
    fn kept(&self, ending: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    }
}

#[test]
fn a_start_with_a_bad_plugin_runs_the_last_good_one() {
    let mut cached = Cached::new(&component("level-filter"));
    cached.config("{ at_least: info }", "");
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(100);
    sluice.stop(&["ship"]);
    let digest = Digest::of(&fs::read(&cached.plugin).unwrap());

    // Half a file; no file; a config that the component refuses; a component of which nothing is remembered.
    let whole = fs::read(&cached.plugin).unwrap();
    for wrong in ["torn", "gone", "config"] {
        cached.replace(&whole);
        match wrong {
            "torn" => cached.replace(&whole[..whole.len() / 2]),
            "gone" => fs::remove_file(&cached.plugin).unwrap(),
            _ => cached.config("{ at_leest: info }", ""),
        }
        let sluice = cached.run();
        let why = match wrong {
            "torn" => "is not a valid component",
            "gone" => "cannot read its component",
            _ => "at_leest",
        };
        sluice.wait_for(STANDS_IN, &[("plugin", "f"), ("digest", &digest.to_string()), ("why", why)]);
        cached.topic.wait_for_more(100);
        let status = cached.status();
        assert!(status.lines().next().unwrap().ends_with(": ready"), "{status}");
        assert!(status.contains("its last good version, as the one of the files cannot: "), "{status}");
        sluice.stop(&["ship"]);
    }

    // Another component comes while the last good one stands in: it takes over.
    let sluice = cached.run();
    sluice.wait_for(STANDS_IN, &[]);
    cached.config("{ at_least: warn }", "");
    cached.replace(&another(&component("level-filter"), "newer"));
    sluice.wait_for("another component of the plugin took over", &[("from", &digest.to_string())]);
    eventually("the note is gone", || !cached.status().contains("its last good version"));
    cached.topic.wait_for_more(50);
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    // No line went past a plugin.
    assert_eq!(cached.topic.of_level("warn"), written("warn", end));
    assert!(cached.topic.of_level("debug").is_empty());
}

#[test]
fn without_a_cache_and_with_an_empty_one_a_bad_plugin_is_no_start() {
    let cached = Cached::new(&component("level-filter"));
    cached.replace(b"anything");
    cached.config("{ at_least: info }", "");
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["run", "--config", &cached.world.path("sluice.yaml").display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("is not a valid component"), "{said}");
}

#[test]
fn what_was_taken_back_is_not_run_by_the_next_process() {
    let mut cached = Cached::new(&component("misbehaves"));
    cached.config("{ do: nothing }", "");
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(100);
    cached.config("{ do: always-trap }", "");
    sluice.wait_for("a version of the plugin is taken back", &[("plugin", "f"), ("reason", "fault")]);
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);

    let held = "what the files hold was taken back before the start; the version that ran then runs again";
    for _ in 0..2 {
        let sluice = cached.run();
        sluice.wait_for(held, &[("plugin", "f"), ("why", "`filter` of")]);
        cached.topic.wait_for_more(50);
        let status = cached.status();
        let told = "was taken back: before the start: `filter` of";
        assert!(status.contains(told) && !status.contains("start: before"), "{status}");
        let books = &sluice.stop(&["ship"])[0];
        assert_eq!(books["read"], books["delivered"], "nothing was a dead letter: {books}");
    }

    // Somebody allows it more before the start: it is tried again.
    cached.config("{ do: always-trap }", ", trial: { for: 10m }");
    let sluice = cached.run();
    sluice.wait_for("a version of the plugin is taken back", &[("plugin", "f"), ("reason", "fault")]);
    assert_eq!(sluice.said(held, &[]).len(), 0);
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);

    // Somebody mends the config: it takes over, and what is forgotten is forgotten for good.
    let sluice = cached.run();
    sluice.wait_for(held, &[]);
    cached.config("{ do: nothing }", ", on_fault: halt");
    sluice.wait_for("another config of the plugin took over", &[("plugin", "f")]);
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);
    let sluice = cached.run();
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    assert_eq!(sluice.said(held, &[]).len(), 0);
    sluice.stop(&["ship"]);
    check_once(&[&cached.topic], end);
}

/// It is on trial beside the one that ran last, and is not the last good one because it could be started.
#[test]
fn a_version_that_comes_with_a_start_is_on_trial() {
    let mut cached = Cached::new(&component("misbehaves"));
    cached.config("{ do: nothing }", "");
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);
    let state = cached.kept("ship.f.json").pop().unwrap();
    let good = |text: &str| fs::read_to_string(&state).unwrap().contains(text);
    assert!(good("nothing"));

    cached.config("{ do: always-trap }", "");
    let sluice = cached.run();
    sluice.wait_for("a version of the plugin is taken back", &[("plugin", "f"), ("reason", "fault")]);
    cached.topic.wait_for_more(50);
    let books = &sluice.stop(&["ship"])[0];
    assert_eq!(books["read"], books["delivered"], "nothing was a dead letter: {books}");

    // One that fails nowhere is good when its trial is over, and not before.
    cached.config("{ do: nothing, and: more }", "");
    let sluice = cached.run();
    cached.topic.wait_for_more(50);
    // Whoever answers this has looked at what is good before.
    let said = cached.ask(&["plugin", "rollback", "ship", "g"]);
    assert!(said.contains("has no plugin g") && !good("more"), "{said}");
    sluice.stop(&["ship"]);
    assert!(!good("more"));
    cached.config("{ do: nothing, and: more }", ", trial: { for: 1s }");
    let sluice = cached.run();
    eventually("it is good", || good("more"));
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&cached.topic], end);
}

#[test]
fn a_cache_that_a_reload_brings_holds_what_runs() {
    let mut cached = Cached::new(&component("level-filter"));
    cached.keeps = false;
    cached.config("{ at_least: trace }", "");
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(50);
    // Not by a change that is refused.
    cached.keeps = true;
    cached.config("{ at_leest: trace }", "");
    sluice.wait_for(REFUSED, &[("reason", "at_leest")]);
    assert!(!cached.cache().exists());
    cached.config("{ at_least: trace }", "");
    eventually("it is remembered", || cached.cache().exists() && !cached.kept("ship.f.json").is_empty());
    assert_eq!((cached.kept(".wasm").len(), cached.kept(".native").len()), (1, 1));
    sluice.stop(&["ship"]);

    fs::remove_file(&cached.plugin).unwrap();
    let sluice = cached.run();
    sluice.wait_for(STANDS_IN, &[("plugin", "f")]);
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&cached.topic], end);
}

#[test]
fn a_damaged_cache_costs_only_time() {
    let mut cached = Cached::new(&component("level-filter"));
    cached.config("{ at_least: trace }", "");
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);
    let native = cached.kept(".native").pop().unwrap();
    assert_eq!((cached.kept(".wasm").len(), cached.kept("ship.f.json").len()), (1, 1));

    let mut bytes = fs::read(&native).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&native, &bytes).unwrap();
    fs::write(cached.cache().join("ship.f.json"), "{").unwrap();
    let sluice = cached.run();
    sluice.wait_for(
        "a compiled plugin of the cache is not used; it is compiled anew",
        &[("why", "it is not what was written")],
    );
    sluice.wait_for("a file of the plugin cache is not used", &[("file", "ship.f.json")]);
    cached.topic.wait_for_more(50);
    sluice.stop(&["ship"]);
    bytes[middle] ^= 1;
    assert!(fs::read(&native).unwrap().len() == bytes.len(), "it was written anew");

    // No folder at all: what stands in its place is a file.
    fs::remove_dir_all(cached.cache()).unwrap();
    fs::write(cached.cache(), "").unwrap();
    let sluice = cached.run();
    sluice.wait_for("cannot be used as a folder", &[]);
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&cached.topic], end);
}

#[test]
fn a_pinned_component_is_not_replaced_by_another() {
    let mut cached = Cached::new(&component("level-filter"));
    let digest = |bytes: &[u8]| Digest::of(bytes).hex();
    let pin = |digest: &str| format!(", sha256: \"{digest}\"");
    let (old, new) = (fs::read(&cached.plugin).unwrap(), another(&cached.plugin, "newer"));
    cached.config("{ at_least: trace }", &pin(&digest(&old)));
    let sluice = cached.run();
    let writer = cached.world.write_lines("ship");
    cached.topic.wait_for_more(50);
    cached.replace(&new);
    let why = format!(
        "(sha256:{}): its `sha256` allows sha256:{} only; if this is the component that is to run, write \"sha256: {}\"",
        digest(&new),
        digest(&old),
        digest(&new)
    );
    sluice.wait_for(REFUSED, &[("of", "ship"), ("reason", &why)]);
    cached.topic.wait_for_more(50);
    // A restart runs the pinned one, which is the last good one.
    sluice.stop(&["ship"]);
    let sluice = cached.run();
    sluice.wait_for(STANDS_IN, &[("why", "its `sha256` allows")]);
    cached.topic.wait_for_more(50);
    cached.config("{ at_least: trace }", &pin(&digest(&new)));
    sluice.wait_for("another component of the plugin took over", &[("to", &digest(&new))]);
    // The pin holds for what ran before as well.
    let said = cached.ask(&["plugin", "rollback", "ship", "f"]);
    assert!(said.contains("has no version to go back to"), "{said}");
    let end = writer.finish();
    cached.topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&cached.topic], end);
    // What is remembered is held to the pin as well.
    cached.config("{ at_least: trace }", &pin(&"0".repeat(64)));
    fs::remove_file(&cached.plugin).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["run", "--config", &cached.world.path("sluice.yaml").display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("cannot run either"), "{said}");
}
