use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sluice_end_to_end::{Chain, PATIENCE, Sluice, elasticsearch, eventually, kafka, messages};
use sluice_node::Node;
use sluice_servers::{Kafka, KafkaOptions};

use crate::lines::Writers;

const GRACE: Duration = Duration::from_secs(8);
/// What a machine that is busy with other tests adds to the end of a process.
const SLACK: Duration = Duration::from_secs(3);
const STOPPED: &str = "stopped; everything that was read is delivered";
const LEFT: &str = "stopped before everything was delivered; these records are read again at the next start";

/// With everything there a stop in the middle of a backlog is a matter of moments, and nothing is sent twice.
#[test]
fn a_stop_under_full_load_leaves_nothing_undone() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("unloads", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 4)?;
    writers.write(40_000)?;
    let grace = format!("grace_period: {}s\n", GRACE.as_secs());
    let (agent_config, indexer_config) = (chain.agent()? + &grace, chain.indexer()? + &grace);
    for _ in 0..2 {
        let mut agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
        let mut indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
        elasticsearch.refresh("unloads-*").ok();
        let before = elasticsearch.count("unloads-*").unwrap_or(0);
        eventually("documents of this round", || {
            elasticsearch.refresh("unloads-*")?;
            Ok(elasticsearch.count("unloads-*")? > before)
        })?;
        writers.write(10_000)?;
        for process in [&mut agent, &mut indexer] {
            process.signal("TERM")?;
            let (code, took) = process.wait(PATIENCE)?;
            assert_eq!(code, Some(0));
            assert!(took < GRACE, "{took:?}");
            let told = last(process, STOPPED)?;
            assert!(told["settled"].is_u64() && told["running_dry_ms"].is_u64(), "{told}");
        }
    }
    let agent = Sluice::run(chain.folder(), "agent", &agent_config)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &indexer_config)?;
    writers.wait_for_all(elasticsearch, "unloads-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "unloads-*")?;
    assert_eq!(messages(&kafka.bootstrap(), "unloads", 1)?.len() as u64, writers.expected());
    Ok(())
}

/// A broker that holds its connections and answers nothing, one that is gone, and a person who does not wait: the
/// process ends in its time, says what it leaves, and goes on exactly there.
#[test]
fn a_stop_without_kafka_ends_in_time_and_goes_on_where_it_said() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut kafka = Kafka::start(KafkaOptions::default())?;
    let mut chain = Chain::new("strands", &kafka.bootstrap(), &elasticsearch.url())?;
    chain.session_timeout = 10_000;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 3)?;
    for away in [Away::Still, Away::Gone, Away::Hurried] {
        let grace = if away == Away::Hurried { 600 } else { GRACE.as_secs() };
        let of = |config: String| format!("{config}grace_period: {grace}s\n");
        let mut agent = Sluice::run(chain.folder(), "agent", &of(chain.agent()?))?;
        let mut indexer = Sluice::run(chain.folder(), "indexer", &of(chain.indexer()?))?;
        writers.write(3_000)?;
        writers.wait_for_all(elasticsearch, "strands-*")?;
        match away {
            Away::Gone => kafka.kill()?,
            Away::Still | Away::Hurried => kafka.pause()?,
        }
        writers.write(5_000)?;
        eventually("lines that wait for Kafka", || Ok(in_flight(&agent)? > 4_000))?;
        for process in [&agent, &indexer] {
            process.signal("TERM")?;
        }
        if away == Away::Hurried {
            for process in [&agent, &indexer] {
                eventually("the order to stop", || process.said("stopping: no more is read"))?;
                process.signal("INT")?;
            }
        }
        let limit = if away == Away::Hurried { Duration::ZERO } else { GRACE } + SLACK;
        for (name, process) in [("agent", &mut agent), ("indexer", &mut indexer)] {
            let (code, took) = process.wait(PATIENCE)?;
            assert!(took < limit, "{name} took {took:?} with a broker that is {away:?}");
            assert_eq!(code, Some(0), "{name}");
        }
        goes_on_where_it_said(&chain, &agent)?;
        match away {
            Away::Gone => kafka.restart()?,
            Away::Still | Away::Hurried => kafka.resume()?,
        }
    }
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    writers.wait_for_all(elasticsearch, "strands-*")?;
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "strands-*")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    Still,
    Gone,
    /// Still, and a second signal follows the first.
    Hurried,
}

/// The positions that the agent named are those that it saved.
fn goes_on_where_it_said(chain: &Chain, agent: &Sluice) -> Result<()> {
    let told = last(agent, LEFT)?;
    ensure!(told["records"].as_u64() > Some(4_000), "{told}");
    let places = told["goes_on_at"].as_str().context("no places")?;
    assert_eq!(places.split(", ").count(), 3, "a place for each container: {told}");
    let saved: Value = serde_json::from_slice(&fs::read(chain.folder().join("checkpoints/ship.json"))?)?;
    let files = saved["files"].as_array().context("no files")?;
    for place in places.split(", ") {
        let (path, position) = place.rsplit_once(" at ").with_context(|| format!("no place: {place}"))?;
        let file = files.iter().find(|file| file["path"] == path).with_context(|| format!("{path} in {saved}"))?;
        let lowest = file["stdout"].as_u64().min(file["stderr"].as_u64());
        assert_eq!(lowest, position.parse().ok(), "{place}");
    }
    Ok(())
}

/// What the last `books` line says.
fn in_flight(process: &Sluice) -> Result<u64> {
    Ok(last(process, "books")?["in_flight"].as_u64().unwrap_or(0))
}

fn last(process: &Sluice, message: &str) -> Result<Value> {
    let told = process.lines()?.into_iter().rev().find(|line| line["message"] == message);
    told.with_context(|| format!("no line of the log says: {message}"))
}
