//! Components that were compressed to fit a ConfigMap: from `sluice plugin configmap` to a pipeline that runs them.

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sluice_wasm::component::Digest;

use crate::world::{Mount, World, another, check_once, component};

/// The values of the ConfigMap that the command writes of one file, as the kubelet would mount them.
fn config_map(file: &Path) -> Vec<(String, Vec<u8>)> {
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["plugin", "configmap", "plugins", "--compress", "always"])
        .arg(file)
        .output()
        .unwrap();
    let manifest = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let digest = Digest::of(&fs::read(file).unwrap()).to_string();
    assert!(manifest.contains(&digest) || file.extension().is_some_and(|ending| ending == "gz"), "{manifest}");
    let (_, data) = manifest.split_once("binaryData:\n").unwrap();
    let values = data.lines().map(|line| line.trim().split_once(": ").unwrap());
    values.map(|(key, value)| (key.to_owned(), STANDARD.decode(value).unwrap())).collect()
}

#[test]
fn what_the_config_map_command_writes_is_loaded_and_swapped() {
    let world = World::new(&["logs", "dead"]);
    let mut mount = Mount::new(world.path("plugins"));
    let plain = world.path("f.wasm");
    fs::copy(component("level-filter"), &plain).unwrap();
    let [(key, packed)] = config_map(&plain).try_into().unwrap();
    assert!(key == "f.wasm.gz" && packed.len() < fs::metadata(&plain).unwrap().len() as usize);
    // What is compressed already comes out the same.
    fs::write(world.path(&key), &packed).unwrap();
    assert_eq!(config_map(&world.path(&key)), [(key.clone(), packed.clone())]);
    mount.publish(&[(&key, &packed)]);

    let file = world.path("plugins").join(&key);
    let plugin = format!("{{ name: f, component: {}, config: {{ at_least: trace }} }}", file.display());
    let pipeline = world.pipeline("ship", &plugin, "logs");
    world.write("sluice.yaml", &format!("pipelines:\n{pipeline}{}", world.dead_letter()));
    let sluice = world.run("sluice.yaml");
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(50);
    // The digest is the author's: that of what is in the file.
    let from = Digest::of(&fs::read(&plain).unwrap()).to_string();
    assert_eq!(sluice.said("plugin loaded", &[("digest", &from)]).len(), 1);

    fs::write(&plain, another(&component("level-filter"), "newer")).unwrap();
    let to = Digest::of(&fs::read(&plain).unwrap()).to_string();
    let [(_, newer)] = config_map(&plain).try_into().unwrap();
    mount.publish(&[(&key, &newer)]);
    sluice.wait_for("another component of the plugin took over", &[("from", &from), ("to", &to)]);
    topic.wait_for_more(50);

    // Torn: what runs goes on.
    mount.publish(&[(&key, &newer[..newer.len() / 2])]);
    let why = "is compressed with gzip and cannot be unpacked";
    sluice.wait_for("a change is refused; what ran before goes on", &[("of", "ship"), ("reason", why)]);
    // As it is, in a file that is still called .gz.
    mount.publish(&[(&key, &fs::read(component("level-filter")).unwrap())]);
    sluice.wait_for("another component of the plugin took over", &[("from", &to), ("to", &from)]);
    let end = writer.finish();
    topic.wait_for(end - 1);
    sluice.stop(&["ship"]);
    check_once(&[&topic], end);
}
