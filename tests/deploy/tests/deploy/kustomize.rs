use std::{collections::BTreeSet, process::Command};

use sluice_deploy::{chart::Object, kustomize, root};

use crate::{read, renders};

fn build() -> Vec<Object> {
    let mut command: Command = kustomize().unwrap();
    let output = command.arg(root().join("deploy/kustomize/base")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Object::of(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// The same objects as the chart's with the same values, its tests aside; and the two namespaces.
#[test]
fn the_base_is_the_chart() {
    let names = |objects: &[Object]| objects.iter().map(Object::name).collect::<BTreeSet<_>>();
    let built = build();
    let (case, objects) = renders().swap_remove(0);
    assert_eq!(case, "minimal");
    let mut expect = names(&objects);
    expect.retain(|name| !name.ends_with("-test"));
    expect.insert("Namespace /sluice".to_owned());
    assert_eq!(names(&built), expect);
    let spec = |objects: &[Object], name: &str| {
        objects.iter().find(|object| object.name() == name).map(|object| object.0["spec"].clone()).unwrap()
    };
    for name in ["DaemonSet sluice-agent/sluice-agent", "Deployment sluice/sluice-indexer"] {
        assert_eq!(spec(&built, name), spec(&objects, name), "{name}");
    }
}

#[test]
fn nothing_of_the_base_says_that_it_is_helms() {
    for object in build() {
        let labels = object.0["metadata"]["labels"].to_string();
        assert!(!labels.contains("helm.sh") && !labels.contains("managed-by"), "{}: {labels}", object.name());
    }
}

/// Secrets come from whoever runs it.
#[test]
fn no_secret_is_made() {
    assert!(build().iter().all(|object| object.kind() != "Secret"));
    assert!(!read("deploy/chart/templates/config.yaml").contains("kind: Secret"));
}
