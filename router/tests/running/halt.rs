//! A halted plugin holds its batch until another config or component comes.

use crate::world::{World, check_once, component};

#[test]
fn records_that_wait_for_a_halted_plugin_are_given_to_its_next_config() {
    let world = World::new(&["logs"]);
    let config = |trick: &str| {
        let component = component("misbehaves").display().to_string();
        let plugin = format!("{{ name: f, component: {component}, config: {{ do: {trick} }}, on_fault: halt }}");
        let pipeline = world.pipeline("ship", &plugin, "logs");
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}", world.dead_letter()));
    };
    config("always-trap");
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    sluice.wait_for("halted: ", &[("plugin", "f")]);

    // Another config that fails as well: it is given the batch, and halts in turn.
    config("error");
    sluice.wait_for("halted: ", &[("plugin", "f"), ("message", "returned an error")]);

    config("nothing");
    let mut topic = world.topic("logs");
    let end = writer.finish();
    topic.wait_for(end - 1);
    let books = &sluice.stop(&["ship"])[0];
    check_once(&[&topic], end);
    assert_eq!((&books["read"], &books["delivered"]), (&end.into(), &end.into()));
}

/// What was halted is given back: the next start reads it again.
#[test]
fn a_halted_process_stops_at_once_and_loses_nothing() {
    let world = World::new(&["logs"]);
    let config = |trick: &str| {
        let component = component("misbehaves").display().to_string();
        let plugin = format!("{{ name: f, component: {component}, config: {{ do: {trick} }}, on_fault: halt }}");
        let pipeline = world.pipeline("ship", &plugin, "logs");
        world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}", world.dead_letter()));
    };
    config("always-trap");
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    sluice.wait_for("halted: ", &[("plugin", "f")]);
    let end = writer.finish();
    // Long before the grace of 25 s is over; what is left is nothing, as it was given back.
    let began = std::time::Instant::now();
    assert_eq!(sluice.stop(&["ship"])[0]["delivered"], 0);
    assert!(began.elapsed().as_secs() < 20, "it waited for the grace");

    config("nothing");
    let sluice = world.run("sluice.yaml");
    let mut topic = world.topic("logs");
    topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&topic], end);
}
