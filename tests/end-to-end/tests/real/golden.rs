use anyhow::Result;
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, kafka, messages};
use sluice_node::{Format, Node, Spec};

/// The line of the replaced system's own documentation, with the metadata that the file name gives.
#[test]
fn a_docker_line_is_what_fluentd_made_of_it() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let mut chain = Chain::new("golden", &kafka.bootstrap(), &elasticsearch.url())?;
    chain.index_options += "        include_tag_key: true\n";
    let node = Node::new(chain.folder().join("node"))?;
    let spec =
        Spec { namespace: "shop".into(), pod: "web-1".into(), container: "app".into(), format: Format::DockerJson };
    let mut web = node.container(spec)?;
    let id = web.id();
    web.write_raw(b"{\"log\":\"boom\\n\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.123456789Z\"}\n")?;
    web.flush()?;

    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;

    let on_kafka = messages(&kafka.bootstrap(), "golden", 1)?;
    let folder = chain.folder().display().to_string().replace('/', ".");
    let tag = format!("kubernetes{folder}.node.var.log.containers.web-1_shop_app-{id}.log");
    let expected = format!(
        r#"{{"log":"boom\n","stream":"stderr","docker":{{"container_id":"{id}"}},"kubernetes":{{"container_name":"app","namespace_name":"shop","pod_name":"web-1","host":"node-1"}},"time":1700000000,"tag":"{tag}"}}"#
    );
    assert_eq!(String::from_utf8_lossy(&on_kafka[0].value), expected);
    assert_eq!(on_kafka.len(), 1);
    assert_eq!(on_kafka[0].key.as_deref(), Some(id.as_str()));
    assert_eq!(on_kafka[0].headers["sluice-time"], "1700000000123456789");
    assert_eq!(on_kafka[0].headers["sluice-id"].len(), 32);
    assert_eq!(on_kafka[0].headers["sluice-origin"].len(), 16);

    let index = "golden-2023.11.14";
    eventually("the document", || {
        elasticsearch.refresh(index).or_else(|_| Ok::<_, anyhow::Error>(()))?;
        Ok(elasticsearch.count(index)? == 1)
    })?;
    let hits = elasticsearch.search("golden-*", &json!({ "size": 10 }))?;
    assert_eq!(hits.len(), 1);
    let mut document: Value = serde_json::from_str(&expected)?;
    document["@timestamp"] = json!("2023-11-14T22:13:20.123456789+00:00");
    document["tag"] = json!("golden");
    assert_eq!(hits[0]["_source"], document);
    assert_eq!(hits[0]["_index"], index);
    assert_eq!(hits[0]["_id"].as_str().map(str::len), Some(30));

    agent.stop()?;
    indexer.stop()?;
    Ok(())
}

/// CRI, with a line in parts, both streams, bytes that are not UTF-8, and lines that the filter drops.
#[test]
fn cri_lines_are_joined_filtered_and_kept_as_they_were() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("cri", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let spec = Spec { namespace: "shop".into(), pod: "web-2".into(), container: "app".into(), format: Format::Cri };
    let mut web = node.container(spec)?;
    for line in [
        &b"2023-11-14T22:13:20.000000001Z stdout P first, \n"[..],
        b"2023-11-14T22:13:20.000000002Z stderr F other\n",
        b"2023-11-14T22:13:20.000000003Z stdout F last\n",
        b"2023-11-14T22:13:21Z stdout F {\"log\":{\"level\":\"debug\"},\"level\":\"debug\"}\n",
        b"2023-11-14T23:13:22.5+01:00 stdout F caf\xe9\n",
    ] {
        web.write_raw(line)?;
    }
    web.flush()?;
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;

    let index = "cri-2023.11.14";
    eventually("three documents", || {
        elasticsearch.refresh("cri-*")?;
        Ok(elasticsearch.count(index)? == 3)
    })?;
    let mut hits = elasticsearch.search("cri-*", &json!({ "size": 10 }))?;
    hits.sort_by_key(|hit| hit["_source"]["@timestamp"].to_string());
    let field = |name: &str| -> Vec<Value> { hits.iter().map(|hit| hit["_source"][name].clone()).collect() };
    assert_eq!(field("log"), [json!("first, last"), json!("other"), json!("caf\u{fffd}")]);
    assert_eq!(field("stream"), [json!("stdout"), json!("stderr"), json!("stdout")]);
    assert_eq!(field("log_raw"), [Value::Null, Value::Null, json!("Y2Fm6Q==")]);
    assert_eq!(
        field("@timestamp"),
        [
            json!("2023-11-14T22:13:20.000000001+00:00"),
            json!("2023-11-14T22:13:20.000000002+00:00"),
            json!("2023-11-14T22:13:22.500000000+00:00"),
        ]
    );
    let books = agent.stop()?;
    assert_eq!((&books[0]["read"], &books[0]["dropped"], &books[0]["delivered"]), (&json!(4), &json!(1), &json!(3)));
    let books = indexer.stop()?;
    assert_eq!((&books[0]["read"], &books[0]["delivered"]), (&json!(3), &json!(3)));
    Ok(())
}
