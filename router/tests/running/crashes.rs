//! A call that a plugin failed is made again by `sluice plugin replay`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::world::{Sluice, World, component, eventually};

fn replay(bundle: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_sluice")).args(["plugin", "replay"]).arg(bundle).args(more).output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[track_caller]
fn expect(bundle: &Path, more: &[&str], code: i32, texts: &[&str]) -> String {
    let (found, said) = replay(bundle, more);
    assert_eq!(found, Some(code), "{said}");
    texts.iter().for_each(|text| assert!(said.contains(text), "{text:?} in\n{said}"));
    said
}

/// The bundle that the line about the fault names, once it is there.
fn named(sluice: &Sluice) -> PathBuf {
    sluice.wait_for("halted: ", &[("plugin", "f"), ("message", "`sluice plugin replay ")]);
    let line = sluice.said("halted: ", &[("message", "`sluice plugin replay ")]).pop().unwrap();
    let (_, command) = line["message"].as_str().unwrap().split_once("`sluice plugin replay ").unwrap();
    let bundle = PathBuf::from(command.split_once('`').unwrap().0);
    eventually("the bundle", || bundle.exists());
    bundle
}

#[test]
fn a_fault_of_a_running_process_shows_again_elsewhere() {
    let world = World::new(&["logs", "dead"]);
    let path = world.path("f.wasm");
    fs::copy(component("misbehaves"), &path).unwrap();
    let config = |trick: &str, private: bool, bundles: &str| {
        let (path, more) = (path.display(), if private { ", private: true" } else { "" });
        let plugin = format!("{{ name: f, component: {path}, config: {{ do: {trick} }}, on_fault: halt{more} }}");
        let pipeline = world.pipeline("ship", &plugin, "logs");
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}{bundles}", world.dead_letter()));
    };
    let folder = world.path("crashes");
    let bundles = format!("crash_bundles: {{ folder: {}, keep: 3 }}\n", folder.display());
    config("always-trap", false, "");
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    sluice.wait_for("halted: ", &[("plugin", "f")]);
    config("always-trap", true, &bundles);
    sluice.wait_for("halted: ", &[("plugin", "f")]);
    assert!(!folder.exists(), "off at first, then private");

    // Nothing is restarted for it.
    config("error", false, &bundles);
    let bundle = named(&sluice);
    assert_eq!(sluice.said("stopping, as its config changed", &[]).len(), 0);
    let texts = [
        "plugin   f (filter) sha256:",
        "call     `filter` of 1 record; fields: log\n",
        "returned an error: cannot decide\n",
        "a new one failed in the same way\n",
        "now      the same fault\n",
    ];
    let said = expect(&bundle, &[], 0, &texts);
    for _ in 0..2 {
        assert_eq!(replay(&bundle, &[]), (Some(0), said.clone()), "bit for bit");
    }

    // What is asked is another component, a mended one perhaps.
    let other = component("level-filter").display().to_string();
    let texts = ["asked    another component: sha256:", "now      another fault: `configure` of sha256:"];
    expect(&bundle, &["--component", &other], 1, &texts);
    let enricher = component("static-fields").display().to_string();
    let texts = ["the component is of kind enricher, and the plugin of the bundle was of kind filter"];
    expect(&bundle, &["--component", &enricher], 2, &texts);
    // On a laptop the component is elsewhere.
    let moved = world.path("moved.wasm");
    fs::copy(&path, &moved).unwrap();
    let copy = world.path("crash.json");
    let text = fs::read_to_string(&bundle).unwrap();
    fs::write(&copy, text.replace(&*path.to_string_lossy(), "/no/such.wasm")).unwrap();
    let texts =
        ["it takes the component sha256:", "name its file with --component FILE: /no/such.wasm cannot be read: "];
    expect(&copy, &[], 2, &texts);
    assert_eq!(expect(&copy, &["--component", moved.to_str().unwrap()], 0, &[]), said);
    fs::write(&copy, text.replace(&*path.to_string_lossy(), &other)).unwrap();
    expect(&copy, &[], 2, &["level-filter.wasm holds another one now"]);
    fs::write(&copy, &text[..text.len() / 2]).unwrap();
    expect(&copy, &[], 2, &["crash.json: is no crash bundle, or a part of one: "]);
    expect(&world.path("nothing.json"), &[], 2, &["nothing.json: cannot be read: "]);

    config("nothing", false, &bundles);
    let mut topic = world.topic("logs");
    topic.wait_for(writer.finish() - 1);
    sluice.stop(&["ship"]);
}

/// What the error names is there when the process has ended.
#[test]
fn a_start_that_fails_leaves_the_bundle_that_it_names() {
    let world = World::new(&["logs"]);
    let path = component("misbehaves");
    let plugin = format!("{{ name: f, component: {}, config: {{ do: trap-in-configure }} }}", path.display());
    for n in 0..5 {
        let folder = world.path(&format!("crashes-{n}"));
        let pipeline = world.pipeline("ship", &plugin, "logs");
        let bundles = format!("crash_bundles: {{ folder: {} }}\n", folder.display());
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}{bundles}", world.dead_letter()));
        let mut run = Command::new(env!("CARGO_BIN_EXE_sluice"));
        let Output { status, stderr, stdout } =
            run.args(["run", "--config"]).arg(world.path("sluice.yaml")).output().unwrap();
        let said = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(!status.success(), "{said}");
        let (_, command) = said.split_once("`sluice plugin replay ").unwrap_or_else(|| panic!("{said}"));
        let bundle = PathBuf::from(command.split_once('`').unwrap().0);
        assert!(bundle.starts_with(&folder), "{said}");
        expect(&bundle, &[], 0, &["call     `configure`\n", "now      the same fault\n"]);
    }
}
