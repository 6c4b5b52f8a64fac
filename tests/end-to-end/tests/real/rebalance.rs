use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::{Context, Result};
use sluice_end_to_end::{Chain, Sluice, committed, elasticsearch, eventually, kafka, messages};
use sluice_node::Node;
use sluice_servers::Elasticsearch;

use crate::lines::Writers;

/// Indexers join, leave, die and stand still while an agent writes: at the end each line is in the index once, and the
/// group's offsets are at the end of the topic.
#[test]
fn members_come_and_go_and_every_line_is_indexed_once() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("members", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 8)?;
    let config = chain.indexer()?;
    let join = |name: &str| -> Result<Sluice> { Sluice::run(chain.folder(), name, &config) };
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let mut progress = Progress { elasticsearch, indices: "members-*", count: 0 };

    let first = join("first")?;
    writers.write(2_000)?;
    progress.wait()?;
    // A second one takes partitions over, a third one too, while lines flow.
    let second = join("second")?;
    eventually("the second's partitions", || second.said("assigned"))?;
    writers.write(2_000)?;
    let third = join("third")?;
    eventually("the third's partitions", || third.said("assigned"))?;
    writers.write(2_000)?;
    progress.wait()?;
    // One leaves in order, one dies; what is left takes all over.
    second.stop()?;
    writers.write(2_000)?;
    third.kill()?;
    writers.write(2_000)?;
    progress.wait()?;

    // The first stands still beyond its session: its partitions go to the fourth, and when it wakes it owns none of
    // them, has batches and bulks of them under way, and must commit nothing.
    let fourth = join("fourth")?;
    eventually("the fourth's partitions", || fourth.said("assigned"))?;
    writers.write(4_000)?;
    first.pause()?;
    let session = Duration::from_millis(u64::from(chain.session_timeout));
    writers.write(1_000)?;
    thread::sleep(session + Duration::from_secs(4));
    writers.write(1_000)?;
    progress.wait()?;
    let before = committed(&kafka.bootstrap(), "members", "members")?;
    let taken = events(&first, "taken away")?.len();
    first.resume()?;
    eventually("the loss of its partitions", || Ok(events(&first, "taken away")?.len() > taken))?;
    writers.write(1_000)?;
    writers.wait_for_all(elasticsearch, "members-*")?;
    let after = committed(&kafka.bootstrap(), "members", "members")?;
    for (partition, offset) in &before {
        assert!(after[partition] >= *offset, "partition {partition} went back from {offset} to {}", after[partition]);
    }

    agent.stop()?;
    first.stop()?;
    fourth.stop()?;
    writers.assert_each_once(elasticsearch, "members-*")?;
    let ends = ends(&kafka.bootstrap(), "members", writers.expected() as usize)?;
    assert_eq!(committed(&kafka.bootstrap(), "members", "members")?, ends);
    Ok(())
}

/// A member that joins takes some partitions, and those that stay go on meanwhile. What was under way of those that go
/// settles before they go, so that nothing is read twice.
#[test]
fn a_member_that_joins_takes_what_has_settled() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let mut chain = Chain::new("joins", &kafka.bootstrap(), &elasticsearch.url())?;
    // Long enough for documents to wait at any moment.
    chain.index_options = "        flush: { interval: 1s, bytes: 256KiB, concurrency: 2 }\n".into();
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 8)?;
    let config = chain.indexer()?;
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    writers.write(1_000)?;
    let first = Sluice::run(chain.folder(), "first", &config)?;
    eventually("all partitions", || first.said("joins/0 joins/1 joins/2 joins/3"))?;
    let second = Sluice::run(chain.folder(), "second", &config)?;
    eventually("partitions of the second", || {
        writers.write(20)?;
        Ok(events(&second, "assigned")?.iter().any(|partitions| !partitions.is_empty()))
    })?;
    writers.write(1_000)?;
    writers.wait_for_all(elasticsearch, "joins-*")?;
    let taken: Vec<String> = events(&first, "taken away")?.into_iter().filter(|list| !list.is_empty()).collect();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0].split(' ').count(), 2, "the first kept half of four partitions: {taken:?}");
    agent.stop()?;
    let (one, two) = (first.stop()?, second.stop()?);
    let delivered = [one, two].map(|books| books[0]["delivered"].as_u64().unwrap_or_default());
    assert_eq!(delivered.iter().sum::<u64>(), writers.expected(), "read by both: {delivered:?}");
    writers.assert_each_once(elasticsearch, "joins-*")
}

/// Waits until more documents are there than before.
struct Progress<'a> {
    elasticsearch: &'a Elasticsearch,
    indices: &'a str,
    count: u64,
}

impl Progress<'_> {
    fn wait(&mut self) -> Result<()> {
        eventually("more documents", || {
            self.elasticsearch.refresh(self.indices)?;
            let count = self.elasticsearch.count(self.indices)?;
            let more = count > self.count;
            self.count = self.count.max(count);
            Ok(more)
        })
    }
}

/// What an indexer said of its partitions at each such event.
fn events(indexer: &Sluice, event: &str) -> Result<Vec<String>> {
    let log = indexer.log()?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let events = lines.filter(|line| line["message"] == event);
    events.map(|line| Ok(line["partitions"].as_str().context("an event without partitions")?.to_owned())).collect()
}

/// Where the next message of each partition will lie.
fn ends(bootstrap: &str, topic: &str, count: usize) -> Result<BTreeMap<i32, i64>> {
    let mut ends = BTreeMap::new();
    for message in messages(bootstrap, topic, count)? {
        ends.insert(message.partition, message.offset + 1);
    }
    Ok(ends)
}
