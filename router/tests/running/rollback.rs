//! A version that does worse than the one before is taken back, by itself or on somebody's order.

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use crate::world::{World, another, check_once, component};

fn order(admin: &str, pipeline: &str, plugin: &str) -> (Option<i32>, String) {
    let arguments = ["plugin", "rollback", pipeline, plugin, "--admin", admin];
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_sluice")).args(arguments).output().unwrap();
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn what_traps_is_taken_back_and_not_taken_again_before_it_changes() {
    let world = World::new(&["logs", "dead"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let admin = format!("127.0.0.1:{port}");
    let path = world.path("f.wasm");
    fs::copy(component("misbehaves"), &path).unwrap();
    let config = |trick: &str, more: &str| {
        let plugin = format!("{{ name: f, component: {}, config: {{ do: {trick} }} }}", path.display());
        let pipeline = world.pipeline("ship", &format!("{plugin}{more}"), "logs");
        let listen = format!("admin: {{ listen: \"{admin}\" }}\n");
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}{listen}", world.dead_letter()));
    };
    config("nothing", "");
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(100);
    let (code, said) = order(&admin, "ship", "f");
    assert!(code == Some(1) && said.contains("has no version to go back to"), "{code:?} {said}");
    let (code, said) = order(&admin, "ship", "g");
    assert!(code == Some(1) && said.contains("pipeline ship has no plugin g; it has f"), "{code:?} {said}");

    config("always-trap", "");
    let taken_back = "a version of the plugin is taken back";
    sluice.wait_for(taken_back, &[("pipeline", "ship"), ("plugin", "f"), ("reason", "fault"), ("why", "`filter` of")]);
    topic.wait_for_more(100);

    // Something else changes in the same chain: what was taken back is not what comes.
    let level = component("level-filter").display().to_string();
    config("always-trap", &format!(", {{ name: level, component: {level}, config: {{ at_least: trace }} }}"));
    sluice.wait_for("plugin added", &[("plugin", "level")]);
    topic.wait_for_more(100);
    assert_eq!(sluice.said(taken_back, &[]).len(), 1);

    // Another component with a config that works takes over, until somebody wants the one before.
    config("nothing", "");
    sluice.wait_for("plugin removed", &[("plugin", "level")]);
    fs::write(world.path("new.wasm"), another(&component("misbehaves"), "newer")).unwrap();
    fs::rename(world.path("new.wasm"), &path).unwrap();
    sluice.wait_for("another component of the plugin took over", &[("plugin", "f")]);
    topic.wait_for_more(100);
    let (code, said) = order(&admin, "ship", "f");
    assert!(code == Some(0) && said.contains("plugin f of pipeline ship runs sha256:"), "{code:?} {said}");
    sluice.wait_for(taken_back, &[("plugin", "f"), ("reason", "order")]);
    let (code, said) = order(&admin, "ship", "f");
    assert!(code == Some(1) && said.contains("gone back to already"), "{code:?} {said}");
    let status = Command::new(env!("CARGO_BIN_EXE_sluice")).args(["status", "--admin", &admin]).output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("taken back") && status.contains("as ordered"), "{status}");
    topic.wait_for_more(100);

    let end = writer.finish();
    topic.wait_for(end - 1);
    let books = &sluice.stop(&["ship"])[0];
    check_once(&[&topic], end);
    // Not one record was a dead letter: what a version on trial cannot answer for, the one before can.
    assert_eq!((&books["read"], &books["delivered"]), (&end.into(), &end.into()));
}

#[test]
fn a_component_whose_examples_fail_is_refused() {
    let world = World::new(&["logs"]);
    let path = world.path("f.wasm");
    fs::copy(component("level-filter"), &path).unwrap();
    let plugin = format!("{{ name: f, component: {}, config: {{ at_least: info }} }}", path.display());
    let pipeline = world.pipeline("ship", &plugin, "logs");
    world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}", world.dead_letter()));
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(50);

    let example = r#"{"name":"keeps debug","config":{"at_least":"info","field":"level"},"records":[{"level":"debug"}],"expect":{"kept":[0]}}"#;
    let bytes = sluice_wasm::examples::embed(&fs::read(&path).unwrap(), example).unwrap();
    fs::write(world.path("new.wasm"), bytes).unwrap();
    fs::rename(world.path("new.wasm"), &path).unwrap();
    let why = "its example \"keeps debug\" fails: records [] are left, expected [0]";
    sluice.wait_for("a change is refused; what ran before goes on", &[("of", "ship"), ("reason", why)]);
    topic.wait_for_more(50);
    writer.finish();
    sluice.stop(&["ship"]);
}
