//! A real node: documents outlive a kill, users and TLS are checked, and nothing outlives this process.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

mod orphan;

use serde_json::{Value, json};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, User};

fn index(node: &Elasticsearch, id: &str, document: &Value) -> u16 {
    node.put(&format!("/logs/_doc/{id}?refresh=true"), document).unwrap().status
}

fn ids(node: &Elasticsearch) -> Vec<String> {
    let hits = node.search("logs", &json!({ "sort": ["n"], "size": 10 })).unwrap();
    hits.iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_killed_node_comes_back_with_its_documents() {
    let mut node = Elasticsearch::start(ElasticsearchOptions::default()).unwrap();
    assert_eq!(node.count("nothing-*").unwrap(), 0);
    assert_eq!(index(&node, "one", &json!({ "n": 1 })), 201);

    let first = node.pid().unwrap();
    node.kill().unwrap();
    assert!(node.get("/_cluster/health").is_err());
    node.restart().unwrap();
    assert_ne!(node.pid().unwrap(), first);
    assert_eq!(ids(&node), ["one"]);
    assert_eq!(index(&node, "two", &json!({ "n": 2 })), 201);
    assert_eq!(index(&node, "bad", &json!({ "n": "not a number" })), 400);
    node.refresh("logs").unwrap();
    assert_eq!(node.count("logs").unwrap(), 2);

    node.stop().unwrap();
    node.restart().unwrap();
    assert_eq!(ids(&node), ["one", "two"]);
}

#[test]
fn users_and_certificates_are_checked() {
    let user = User { name: "sluice".to_owned(), password: "not:a secret".to_owned() };
    let node =
        Elasticsearch::start(ElasticsearchOptions { user: Some(user), tls: true, ..Default::default() }).unwrap();
    assert!(node.url().starts_with("https://127.0.0.1:"));
    let authority = std::fs::read_to_string(node.ca_file().unwrap()).unwrap();
    assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(index(&node, "one", &json!({ "n": 1 })), 201);
    let curl = |arguments: &[&str]| {
        let output = std::process::Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}"])
            .args(arguments)
            .arg(format!("{}/logs/_count", node.url()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let authority = node.ca_file().unwrap().to_str().unwrap();
    assert_eq!(curl(&["--cacert", authority, "-u", "sluice:not:a secret"]), "200");
    assert_eq!(curl(&["--cacert", authority, "-u", "sluice:wrong"]), "401");
    assert_eq!(curl(&["--cacert", authority]), "401");
    assert_eq!(curl(&["-u", "sluice:not:a secret"]), "000");
}

#[test]
#[ignore = "the child of `a_killed_parent_leaves_no_node`"]
fn child_with_a_node() {
    let node = Elasticsearch::start(ElasticsearchOptions::default()).unwrap();
    orphan::report_and_wait(node.pid().unwrap());
}

#[test]
fn a_killed_parent_leaves_no_node() {
    orphan::check("child_with_a_node", "sluice-elasticsearch-");
}
