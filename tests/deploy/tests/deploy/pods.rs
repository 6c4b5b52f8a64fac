//! What pods may do and what they get.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_deploy::chart::Object;

use crate::renders;

/// The pods of every render, with the case and the name for messages.
fn pods() -> Vec<(String, Object)> {
    let mut pods = Vec::new();
    for (case, objects) in renders() {
        let found = objects.into_iter().filter(|object| object.pod().is_some());
        pods.extend(found.map(|object| (format!("{case}: {}", object.name()), object)));
    }
    assert!(pods.len() > 12, "{}", pods.len());
    pods
}

fn is_agent(object: &Object) -> bool {
    object.kind() == "DaemonSet"
}

/// As https://kubernetes.io/docs/concepts/security/pod-security-standards has it, and a read-only root file system.
#[test]
fn all_but_the_agent_keep_to_restricted() {
    for (name, object) in pods().into_iter().filter(|(_, object)| !is_agent(object)) {
        let pod = object.pod().unwrap();
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true, "{name}");
        assert_eq!(security["runAsUser"], 65532, "{name}");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in object.containers() {
            is_confined(&name, container);
            for key in ["runAsUser", "runAsNonRoot", "privileged", "seccompProfile"] {
                assert_eq!(container["securityContext"][key], Value::Null, "{name}");
            }
        }
        for volume in pod["volumes"].as_array().unwrap() {
            let kinds: Vec<&String> = volume.as_object().unwrap().keys().filter(|key| *key != "name").collect();
            assert!(
                matches!(kinds[..], [kind] if ["configMap", "projected", "emptyDir"].contains(&kind.as_str())),
                "{name}: {volume}"
            );
        }
        shares_nothing(&name, pod);
    }
}

fn is_confined(name: &str, container: &Value) {
    let security = &container["securityContext"];
    assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
    assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
    assert_eq!(security["capabilities"], json!({ "drop": ["ALL"] }), "{name}");
}

fn shares_nothing(name: &str, pod: &Value) {
    for key in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
        assert_eq!(pod[key], Value::Null, "{name} {key}");
    }
    assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
}

#[test]
fn the_agent_is_not_root_and_writes_its_checkpoints_alone() {
    for (name, object) in pods().into_iter().filter(|(_, object)| is_agent(object)) {
        let pod = object.pod().unwrap();
        let security = &pod["securityContext"];
        assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&json!(true), &json!(65532)), "{name}");
        assert_eq!(security["runAsGroup"], 0, "{name}: log files are readable by this group");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        shares_nothing(&name, pod);
        for container in object.containers() {
            let writes: Vec<&str> = container["volumeMounts"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|mount| mount["readOnly"] != true)
                .map(|mount| mount["mountPath"].as_str().unwrap())
                .collect();
            match container["name"].as_str().unwrap() {
                "sluice" => {
                    is_confined(&name, container);
                    assert_eq!(writes, ["/var/lib/sluice"], "{name}");
                    let root = |key: &str| container["securityContext"][key].clone();
                    assert_eq!((root("runAsUser"), root("runAsNonRoot")), (Value::Null, Value::Null), "{name}");
                }
                "sluice-check" => {
                    is_confined(&name, container);
                    assert_eq!(writes, [""; 0], "{name}");
                }
                // The one that is root has nothing of the node but this folder.
                "sluice-chown" => {
                    let security = &container["securityContext"];
                    assert_eq!(security["capabilities"], json!({ "drop": ["ALL"], "add": ["CHOWN"] }), "{name}");
                    assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 1, "{name}");
                    assert_eq!(container["args"], json!(["chown", "65532:0", "/var/lib/sluice"]), "{name}");
                    assert_eq!(writes, ["/var/lib/sluice"], "{name}");
                }
                other => panic!("{name}: {other}"),
            }
        }
        for volume in pod["volumes"].as_array().unwrap().iter().filter(|volume| volume["hostPath"].is_object()) {
            assert_eq!(volume["hostPath"]["type"], "DirectoryOrCreate", "{name}");
        }
    }
}

#[test]
fn the_agents_namespace_alone_is_privileged() {
    for (case, objects) in renders() {
        for object in objects.iter().filter(|object| object.kind() == "Namespace") {
            let name = object.0["metadata"]["name"].as_str().unwrap();
            let level = &object.0["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
            let expect = if name == "sluice" { "restricted" } else { "privileged" };
            assert_eq!(level, expect, "{case}: {name}");
            let of_agent =
                objects.iter().filter(|object| object.name().ends_with("-agent")).filter_map(Object::pod).count();
            assert_eq!(of_agent, 1, "{case}");
        }
        for object in objects.iter().filter(|object| is_agent(object)) {
            assert_ne!(object.0["metadata"]["namespace"], "sluice", "{case}");
        }
    }
}

/// `exclude_own` of the config knows containers of ours by these names.
#[test]
fn containers_are_named_so_that_the_agent_leaves_them_out() {
    for (name, object) in pods() {
        for container in object.containers() {
            let container = container["name"].as_str().unwrap();
            assert!(container == "sluice" || container.starts_with("sluice-"), "{name}: {container}");
        }
    }
}

#[test]
fn secrets_are_files_of_those_who_need_them() {
    let files = |object: &Object| -> BTreeSet<String> {
        let volumes = object.pod().unwrap()["volumes"].as_array().unwrap().iter();
        let secrets = volumes.filter(|volume| volume["name"] == "secrets");
        let sources = secrets.flat_map(|volume| volume["projected"]["sources"].as_array().unwrap());
        let of = |source: &Value, kind: &str| {
            let (name, item) = (source[kind]["name"].as_str()?, &source[kind]["items"][0]);
            Some(format!("{}: {kind} {name} {}", item["path"].as_str()?, item["key"].as_str()?))
        };
        sources.map(|source| of(source, "secret").or_else(|| of(source, "configMap")).unwrap()).collect()
    };
    for (case, objects) in renders() {
        for object in objects.iter().filter(|object| object.pod().is_some()) {
            for container in object.containers() {
                assert_eq!(container["envFrom"], Value::Null, "{case}");
                let env = container["env"].as_array().into_iter().flatten();
                for variable in env {
                    let from = &variable["valueFrom"];
                    assert!(from.is_null() || from["fieldRef"].is_object(), "{case}: {variable}");
                }
            }
        }
        if case == "everything" {
            let of = |name: &str| {
                let object = objects.iter().find(|object| object.name() == name).unwrap();
                files(object).into_iter().collect::<Vec<_>>()
            };
            let (ca, password) =
                ("kafka-ca.pem: configMap kafka-ca ca-bundle.crt", "kafka-password: secret kafka password");
            assert_eq!(of("DaemonSet logs-of-nodes/logs-agent"), [ca, password]);
            assert_eq!(of("Deployment sluice/logs-indexer"), ["elastic-key: secret elastic api-key", ca, password]);
            assert_eq!(of("Deployment sluice/logs-notifier"), [ca, password, "slack-url: secret slack url"]);
        }
    }
}

/// What a pod mounts, it has; what selects pods, finds them; what is probed, listens.
#[test]
fn the_parts_fit_each_other() {
    for (case, objects) in renders() {
        let exists = |kind: &str, namespace: &Value, name: &str| {
            let wanted = format!("{kind} {}/{name}", namespace.as_str().unwrap());
            objects.iter().any(|object| object.name() == wanted)
        };
        for object in objects.iter().filter(|object| matches!(object.kind(), "DaemonSet" | "Deployment")) {
            let (pod, namespace) = (object.pod().unwrap(), &object.0["metadata"]["namespace"]);
            let volumes: BTreeSet<&str> =
                pod["volumes"].as_array().unwrap().iter().map(|volume| volume["name"].as_str().unwrap()).collect();
            let mut mounted = BTreeSet::new();
            for container in object.containers() {
                mounted.extend(
                    container["volumeMounts"].as_array().unwrap().iter().map(|mount| mount["name"].as_str().unwrap()),
                );
            }
            assert_eq!(volumes, mounted, "{case}");
            let config = pod["volumes"][0]["configMap"]["name"].as_str().unwrap();
            assert!(exists("ConfigMap", namespace, config), "{case}: {config}");
            let account = pod["serviceAccountName"].as_str().unwrap();
            assert!(account == "elastic-writer" || exists("ServiceAccount", namespace, account), "{case}: {account}");
            let labels = &object.0["spec"]["template"]["metadata"]["labels"];
            for (of, selector) in objects.iter().filter_map(|object| Some((object, selector(object)?))) {
                let selects_it = selector.as_object().unwrap().iter().all(|(key, value)| &labels[key] == value);
                let is_for_it = of.name().split(' ').nth(1) == object.name().split(' ').nth(1);
                assert_eq!(selects_it, is_for_it, "{case}: {} and {}", of.name(), object.name());
            }
            let process = object.containers().pop().unwrap();
            let port = process["ports"][0]["containerPort"].as_u64().unwrap();
            for probe in ["livenessProbe", "readinessProbe"] {
                assert_eq!(process[probe]["httpGet"]["port"], "admin", "{case}");
            }
            let config = objects
                .iter()
                .find(|candidate| candidate.name() == object.name().replace(object.kind(), "ConfigMap"))
                .and_then(Object::config)
                .unwrap();
            let config = sluice_deploy::yaml::document(config).unwrap();
            let listens = config["admin"]["listen"].as_str().unwrap();
            assert!(listens.ends_with(&format!(":{port}")), "{case}: {listens} and {port}");
        }
    }
}

/// The labels by which an object of one workload finds that one's pods.
fn selector(object: &Object) -> Option<&Value> {
    match object.kind() {
        "DaemonSet" | "Deployment" | "PodDisruptionBudget" => Some(&object.0["spec"]["selector"]["matchLabels"]),
        "NetworkPolicy" => Some(&object.0["spec"]["podSelector"]["matchLabels"]),
        "Service" => Some(&object.0["spec"]["selector"]),
        _ => None,
    }
}

#[test]
fn a_pod_has_longer_to_stop_than_the_process_takes() {
    for (case, objects) in renders() {
        for object in objects.iter().filter(|object| matches!(object.kind(), "DaemonSet" | "Deployment")) {
            let allowed = object.pod().unwrap()["terminationGracePeriodSeconds"].as_u64().unwrap();
            let config = objects
                .iter()
                .find(|candidate| candidate.name() == object.name().replace(object.kind(), "ConfigMap"))
                .and_then(Object::config)
                .unwrap();
            let (_, grace) = config.split_once("\ngrace_period: ").unwrap();
            let taken: u64 = grace.split_once("s\n").unwrap().0.parse().unwrap();
            assert!(taken < allowed, "{case}: {} of {allowed} s", object.name());
        }
    }
}
