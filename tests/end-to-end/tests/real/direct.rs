use anyhow::Result;
use serde_json::json;
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, kafka};
use sluice_node::{Node, Spec, Stream};

/// Any source goes with any sink: without Kafka in the middle, files are indexed as well, once over a kill.
#[test]
fn files_go_straight_to_the_index() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("direct", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut web = node.container(Spec::cri("shop", "web-3", "app"))?;
    let folder = chain.folder().display();
    let config = format!(
        "pipelines:
  direct:
    source: {{ files: {{ include: [{folder}/node/var/log/containers/*.log], checkpoints: {folder}/checkpoints }} }}
    sink:
      elasticsearch: {{ hosts: [{}], index: {{ name: direct-all }}, flush: {{ interval: 200ms }} }}
dead_letter: {{ kafka: {{ brokers: [{}], topic: direct-dead }} }}
",
        elasticsearch.url(),
        kafka.bootstrap()
    );
    let agent = Sluice::run(chain.folder(), "direct", &config)?;
    for number in 0..500u64 {
        web.write(Stream::Stdout, format!("line {number}"), 1_700_000_000_000_000_000 + number)?;
    }
    web.flush()?;
    eventually("documents", || {
        elasticsearch.refresh("direct-all")?;
        Ok(elasticsearch.count("direct-all")? > 0)
    })?;
    agent.kill()?;
    web.write(Stream::Stderr, "the last line", 1_700_000_001_000_000_000)?;
    web.flush()?;
    let agent = Sluice::run(chain.folder(), "direct", &config)?;
    eventually("all documents", || {
        elasticsearch.refresh("direct-all")?;
        Ok(elasticsearch.count("direct-all")? == 501)
    })?;
    let hits = elasticsearch.search("direct-all", &json!({ "size": 1, "sort": [{ "@timestamp": "desc" }] }))?;
    assert_eq!(hits[0]["_source"]["log"], "the last line");
    assert_eq!(hits[0]["_source"]["kubernetes"]["pod_name"], "web-3");
    agent.stop()?;
    elasticsearch.refresh("direct-all")?;
    assert_eq!(elasticsearch.count("direct-all")?, 501);
    Ok(())
}
