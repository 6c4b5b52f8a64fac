use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use serde_json::Value;
use sluice_end_to_end::{Chain, Sluice, committed, elasticsearch, eventually, fill, kafka};

use crate::brokers::wait;

const TIME: i64 = 1_700_000_000_000;

/// All that a group had not read is deleted, and no message comes after it: the loss is counted all the same, once,
/// and the group goes on at what the topic has.
#[test]
fn a_partition_that_expired_whole_is_counted_without_a_next_message() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let brokers = kafka.bootstrap();
    let chain = Chain::new("expired", &brokers, &elasticsearch.url())?;
    let topic = |messages: u32, from: u32| -> Result<()> {
        let values: Vec<String> = (from..from + messages).map(|n| format!(r#"{{"log":"line {n}"}}"#)).collect();
        fill(&brokers, "expired", TIME, &values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    topic(100, 0)?;
    let ends = ends(&brokers)?;
    assert_eq!(ends.values().sum::<i64>(), 100);

    // Nothing of it was read by this process: the group's committed offset is what tells.
    commit(&brokers, &ends.keys().map(|partition| (*partition, 0)).collect())?;
    delete(&brokers, &ends)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer_with(""))?;
    eventually("the loss", || Ok(expired(&indexer)? == 100))?;
    eventually("the group at the end", || Ok(committed(&brokers, "expired", "expired")? == ends))?;

    // The next messages come, and the loss is not counted again.
    topic(50, 100)?;
    eventually("documents", || {
        elasticsearch.refresh("expired-*")?;
        Ok(elasticsearch.count("expired-*")? == 50)
    })?;
    assert_eq!(expired(&indexer)?, 100);
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["expired"]), (&50.into(), &100.into()), "{}", books[0]);
    Ok(())
}

/// What the indexer's last books say.
fn expired(indexer: &Sluice) -> Result<u64> {
    let log = indexer.log()?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(lines.filter_map(|line| line["expired"].as_u64()).next_back().unwrap_or_default())
}

fn client(brokers: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", "expired").create()?)
}

/// Where the next message of each partition will lie.
fn ends(brokers: &str) -> Result<BTreeMap<i32, i64>> {
    let client = client(brokers)?;
    let metadata = client.fetch_metadata(Some("expired"), Duration::from_secs(10))?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let end = |partition: i32| client.fetch_watermarks("expired", partition, Duration::from_secs(10));
    partitions.map(|partition| Ok((partition.id(), end(partition.id())?.1))).collect()
}

fn offsets(of: &BTreeMap<i32, i64>) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in of {
        list.add_partition_offset("expired", *partition, Offset::Offset(*offset))?;
    }
    Ok(list)
}

fn commit(brokers: &str, of: &BTreeMap<i32, i64>) -> Result<()> {
    Ok(client(brokers)?.commit(&offsets(of)?, CommitMode::Sync)?)
}

/// As retention does it, but at once.
fn delete(brokers: &str, before: &BTreeMap<i32, i64>) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    wait(admin.delete_records(&offsets(before)?, &AdminOptions::new()))?;
    Ok(())
}
