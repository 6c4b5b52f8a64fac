use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, kafka, messages};
use sluice_node::Node;

use crate::lines::{Writers, number};

/// SIGKILL again and again, in the middle of reading, producing and indexing, across rotations: no line is missing
/// and none is there twice.
#[test]
fn killed_in_mid_stream_every_line_arrives_once() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("kills", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 4)?;
    let (agent_config, indexer_config) = (chain.agent()?, chain.indexer()?);
    let mut agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
    let mut indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
    let mut count_before = 0;
    for round in 0..5 {
        writers.write(1_500)?;
        if round % 2 == 1 {
            writers.rotate()?;
        }
        writers.write(1_500)?;
        eventually("documents of this round", || {
            elasticsearch.refresh("kills-*")?;
            Ok(elasticsearch.count("kills-*")? > count_before)
        })?;
        agent.kill()?;
        writers.write(500)?;
        indexer.kill()?;
        elasticsearch.refresh("kills-*")?;
        count_before = elasticsearch.count("kills-*")?;
        agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
        indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
    }
    writers.wait_for_all(elasticsearch, "kills-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "kills-*")?;

    // On Kafka a line may be there again after a kill, under the same identity; the first occurrences of each
    // container's lines are in the order they were written.
    let mut last = BTreeMap::<Option<String>, u64>::new();
    let mut ids = BTreeMap::<String, u64>::new();
    for message in messages(&kafka.bootstrap(), "kills", writers.expected() as usize)? {
        let number = number(&serde_json::from_slice::<Value>(&message.value)?)?;
        match ids.insert(message.headers["sluice-id"].clone(), number) {
            Some(before) => assert_eq!(before, number, "two lines with one identity"),
            None => {
                let before = last.insert(message.key.clone(), number);
                assert!(before < Some(number), "line {number} of {:?} comes after {before:?}", message.key);
            }
        }
    }
    assert_eq!(last.len(), 4);
    assert_eq!(ids.len() as u64, writers.expected(), "each line has one identity, however often it was sent");
    Ok(())
}

/// SIGTERM: nothing is lost, nothing is sent twice, and the group is left at once.
#[test]
fn stopped_in_order_nothing_is_sent_twice() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let mut chain = Chain::new("stops", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 3)?;
    chain.session_timeout = 60_000;
    let (agent_config, indexer_config) = (chain.agent()?, chain.indexer()?);
    for _ in 0..3 {
        writers.write(1_000)?;
        let agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
        let indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
        writers.write(1_000)?;
        // An indexer whose predecessor had not left would wait for its session's end: 60 s.
        let began = std::time::Instant::now();
        eventually("partitions", || indexer.said("assigned"))?;
        assert!(began.elapsed().as_secs() < 40, "the group was not left at once");
        agent.stop()?;
        indexer.stop()?;
    }
    let agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
    writers.wait_for_all(elasticsearch, "stops-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "stops-*")?;
    assert_eq!(messages(&kafka.bootstrap(), "stops", 1)?.len() as u64, writers.expected());
    Ok(())
}
