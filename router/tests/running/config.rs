//! A changed config file restarts what is different, and nothing else.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::world::{World, check_once, eventually};

#[test]
fn a_changed_sink_goes_on_from_the_checkpoint_and_the_others_are_not_disturbed() {
    let world = World::new(&["logs", "moved", "other"]);
    let config = |topic: &str, more: &str| {
        let (ship, other) = (world.pipeline("ship", "", topic), world.pipeline("other", "", "other"));
        world.write("sluice.yaml", &format!("pipelines:\n{ship}{other}{more}"));
    };
    config("logs", "");
    let sluice = world.run("sluice.yaml");
    let (writer, other_writer) = (world.write_lines("ship"), world.write_lines("other"));
    let (mut logs, mut moved, mut other) = (world.topic("logs"), world.topic("moved"), world.topic("other"));
    logs.wait_for_more(200);

    config("moved", "");
    moved.wait_for_more(200);
    sluice.wait_for("what runs is what the files say", &[]);

    // One pipeline that cannot be made, and nothing of the change takes effect.
    let plugin = "{ name: f, component: /nowhere/f.wasm }";
    config("logs", &format!("{}{}", world.pipeline("third", plugin, "other"), world.dead_letter()));
    let why = "pipeline third: plugin f: cannot read its component /nowhere/f.wasm";
    sluice.wait_for("a change is refused; what ran before goes on", &[("of", "the changed config"), ("reason", why)]);
    moved.wait_for_more(200);
    other.wait_for_more(200);
    assert_eq!(sluice.said("stopping, as its config changed", &[]).len(), 1);
    assert_eq!(sluice.said("stopping, as its config changed", &[("pipeline", "ship")]).len(), 1);

    let (end, other_end) = (writer.finish(), other_writer.finish());
    moved.wait_for(end - 1);
    logs.wait_for(moved.seen[0] - 1);
    other.wait_for(other_end - 1);
    let books = sluice.stop(&["ship", "other"]);
    check_once(&[&logs, &moved], end);
    check_once(&[&other], other_end);
    assert!(logs.seen.last() < moved.seen.first(), "each line went where the config of its time said");
    // The books go on over the restart.
    assert_eq!(books[0]["delivered"], end);
}

/// A pipeline that can be made and cannot run: the one before it is back, and goes on where it was.
#[test]
fn a_change_that_fails_for_good_is_taken_back() {
    let world = World::new(&["logs"]);
    let config = |option: &str| {
        let pipeline = world.pipeline("ship", "", &format!("logs, options: {{ {option} }}"));
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}"));
    };
    config("");
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(200);

    config("no.such.option: 1");
    sluice.wait_for(
        "a change is refused; what ran before goes on",
        &[("of", "the config file"), ("reason", "no.such.option")],
    );
    topic.wait_for_more(200);

    config("socket.keepalive.enable: true");
    sluice.wait_for("what runs is what the files say", &[]);
    let end = writer.finish();
    topic.wait_for(end - 1);
    let books = &sluice.stop(&["ship"])[0];
    check_once(&[&topic], end);
    assert_eq!(books["delivered"], end);
}

#[test]
fn pipelines_come_and_go_with_the_config() {
    let world = World::new(&["logs", "other"]);
    let (ship, other) = (world.pipeline("ship", "", "logs"), world.pipeline("other", "", "other"));
    let config = |pipelines: &[&str]| world.write("sluice.yaml", &format!("pipelines:\n{}", pipelines.concat()));
    config(&[&ship]);
    let sluice = world.run("sluice.yaml");
    let (writer, other_writer) = (world.write_lines("ship"), world.write_lines("other"));
    let (mut logs, mut added) = (world.topic("logs"), world.topic("other"));
    logs.wait_for_more(1);

    config(&[&ship, &other]);
    added.wait_for_more(200);

    config(&[&other]);
    sluice.wait_for("books closed", &[("pipeline", "ship")]);
    added.wait_for_more(200);

    // It goes on where it was.
    config(&[&other, &ship]);
    let (end, other_end) = (writer.finish(), other_writer.finish());
    logs.wait_for(end - 1);
    added.wait_for(other_end - 1);
    sluice.stop(&["other"]);
    check_once(&[&logs], end);
    check_once(&[&added], other_end);
}

#[test]
fn the_admin_port_follows_the_config_and_tells_what_is_refused() {
    let world = World::new(&["logs"]);
    let ports = [free_port(), free_port()];
    let config = |port: u16, plugins: &str| {
        let pipeline = world.pipeline("ship", plugins, "logs");
        let admin = format!("admin: {{ listen: 127.0.0.1:{port} }}\n");
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}{admin}", world.dead_letter()));
    };
    config(ports[0], "");
    let sluice = world.run("sluice.yaml");
    eventually("readiness", || get(ports[0], "/readyz").is_some_and(|answer| answer.contains("200 OK")));
    assert!(get(ports[1], "/readyz").is_none());

    config(ports[1], "");
    eventually("readiness at the new port", || {
        get(ports[1], "/readyz").is_some_and(|answer| answer.contains("200 OK"))
    });
    eventually("the old port to be free", || get(ports[0], "/readyz").is_none());

    config(ports[1], "{ name: f, component: /nowhere/f.wasm }");
    eventually("the refusal", || get(ports[1], "/readyz").is_some_and(|answer| answer.contains("/nowhere/f.wasm")));
    let answer = get(ports[1], "/readyz").unwrap();
    assert!(answer.contains("200 OK"), "a refused change is no reason to take the process away: {answer}");
    sluice.stop(&["ship"]);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The whole answer; `None` if nobody listens.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
