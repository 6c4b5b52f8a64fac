//! Plugins are swapped while lines flow.

use std::fs;

use crate::world::{Mount, World, another, component, written};

/// The kubelet swaps `..data` under the config and the component, in one step or one by one.
#[test]
fn configs_and_components_take_over_while_lines_flow_and_none_is_lost_or_doubled() {
    let world = World::new(&["logs"]);
    let filter = component("level-filter");
    let bytes = fs::read(&filter).unwrap();
    let mut mount = Mount::new(world.path("etc"));
    let path = world.path("etc/level-filter.wasm").display().to_string();
    let config = |at_least: &str| {
        let plugin = format!("{{ name: drop, component: {path}, config: {{ at_least: {at_least} }} }}");
        format!("pipelines:\n{}{}", world.pipeline("ship", &plugin, "logs"), world.dead_letter())
    };
    let mut publish = |at_least: &str, component: &[u8]| {
        mount.publish(&[("sluice.yaml", config(at_least).as_bytes()), ("level-filter.wasm", component)]);
    };

    publish("info", &bytes);
    let sluice = world.run("etc/sluice.yaml");
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(200);

    publish("warn", &bytes);
    sluice.wait_for("another config of the plugin took over", &[("pipeline", "ship"), ("plugin", "drop")]);
    topic.wait_for_more(100);

    let newer = another(&filter, "newer");
    publish("warn", &newer);
    let (from, to) = (digest(&bytes), digest(&newer));
    sluice.wait_for("another component of the plugin took over", &[("plugin", "drop"), ("from", &from), ("to", &to)]);
    topic.wait_for_more(100);

    // Half a component: the present one goes on, and the log says why.
    let half = &bytes[..bytes.len() / 2];
    publish("warn", half);
    let why = format!("plugin drop: {path} ({}): is not a valid component", digest(half));
    sluice.wait_for("a change is refused; what ran before goes on", &[("of", "ship"), ("reason", &why)]);
    topic.wait_for_more(100);
    publish("warn", &newer);
    sluice.wait_for("what runs is what the files say", &[]);

    // A config that the plugin refuses, and one that is no config.
    publish("loud", &newer);
    sluice.wait_for("a change is refused; what ran before goes on", &[("reason", &digest(&newer)), ("reason", "loud")]);
    topic.wait_for_more(100);
    mount.publish(&[("sluice.yaml", b"pipelines: { ship: [".as_slice()), ("level-filter.wasm", &newer)]);
    sluice.wait_for(
        "a change is refused; what ran before goes on",
        &[("of", "the config file"), ("reason", "sluice.yaml:1:21: not YAML")],
    );
    topic.wait_for_more(100);

    let end = writer.finish();
    topic.wait_for(end - 1);
    let books = &sluice.stop(&["ship"])[0];

    assert_eq!(topic.of_level("warn"), written("warn", end));
    assert_eq!(topic.of_level("debug"), [0; 0]);
    // Until the config changed, and no further: it took effect at one place in the stream.
    let info = topic.of_level("info");
    assert_eq!(info, written("info", info.last().unwrap() + 1));
    assert!(info.len() < written("info", end).len());
    assert_eq!((&books["read"], &books["delivered"]), (&end.into(), &topic.seen.len().into()));
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
