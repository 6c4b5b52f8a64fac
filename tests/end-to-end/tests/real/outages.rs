use anyhow::Result;
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, kafka};
use sluice_node::Node;
use sluice_servers::{Elasticsearch, ElasticsearchOptions, Kafka, KafkaOptions};

use crate::lines::Writers;

/// Kafka is away when both start, comes, is killed in mid-stream, and comes back.
#[test]
fn a_broker_that_is_away_is_waited_for() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut kafka = Kafka::start(KafkaOptions::default())?;
    kafka.stop()?;
    let chain = Chain::new("brokers", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 3)?;
    writers.write(1_000)?;
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("a word about the broker", || {
        Ok(agent.said("Connection refused")? && indexer.said("Connection refused")?)
    })?;
    // Files that were rotated before an agent's first look are history to it.
    eventually("the lines that are there", || agent.said("\"read\":1000"))?;
    writers.rotate()?;
    writers.write(1_000)?;
    kafka.restart()?;
    eventually("documents", || {
        elasticsearch.refresh("brokers-*")?;
        Ok(elasticsearch.count("brokers-*")? > 0)
    })?;
    writers.write(2_000)?;
    kafka.kill()?;
    writers.write(1_000)?;
    writers.rotate()?;
    writers.write(1_000)?;
    kafka.restart()?;
    writers.wait_for_all(elasticsearch, "brokers-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "brokers-*")
}

/// The index is killed in mid-stream and comes back; then it only stops answering for a while.
#[test]
fn an_index_that_is_away_is_waited_for() -> Result<()> {
    let kafka = kafka()?;
    let mut elasticsearch = Elasticsearch::start(ElasticsearchOptions::default())?;
    let mut chain = Chain::new("indices", &kafka.bootstrap(), &elasticsearch.url())?;
    chain.index_options += "        request_timeout: 5s\n        retry: { initial: 200ms, max_interval: 2s }\n";
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 3)?;
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    writers.write(3_000)?;
    eventually("documents", || {
        elasticsearch.refresh("indices-*")?;
        Ok(elasticsearch.count("indices-*")? > 0)
    })?;
    elasticsearch.kill()?;
    writers.write(2_000)?;
    elasticsearch.restart()?;
    writers.write(1_000)?;
    elasticsearch.pause()?;
    writers.write(1_000)?;
    eventually("a timeout", || indexer.said("does not answer within"))?;
    elasticsearch.resume()?;
    writers.wait_for_all(&elasticsearch, "indices-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(&elasticsearch, "indices-*")
}
