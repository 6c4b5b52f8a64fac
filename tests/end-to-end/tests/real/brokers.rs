use std::{
    collections::BTreeMap,
    fs,
    pin::pin,
    task::{Context as TaskContext, Poll, Waker},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};
use serde_json::Value;
use sluice_end_to_end::{Chain, Message, Sluice, committed, elasticsearch, eventually, kafka, messages};
use sluice_node::{Node, Spec, Stream};
use sluice_servers::{Cluster, ClusterOptions, Kafka, KafkaOptions};

use crate::lines::{Writers, number};

/// Leaders are killed, stopped and paused one after another while lines flow. With `acks: all` each line is in the topic
/// once and in order, although the agent sends again what nobody answered for; and each is in the index once.
#[test]
fn leaders_come_and_go_and_every_line_is_there_once() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut cluster = Cluster::start(ClusterOptions::default())?;
    let mut chain = Chain::new("leaders", &cluster.bootstrap(), &elasticsearch.url())?;
    chain.session_timeout = 10_000;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 6)?;
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent()?.replace("acks: 1", "acks: all"))?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    writers.write(1_000)?;
    writers.wait_for_all(elasticsearch, "leaders-*")?;

    for broker in 0..cluster.size() {
        writers.write(500)?;
        cluster.kill(broker)?;
        writers.write(500)?;
        writers.wait_for_all(elasticsearch, "leaders-*")?;
        cluster.start_again(&[broker])?;
    }
    writers.write(500)?;
    cluster.stop(0)?;
    writers.write(500)?;
    cluster.start_again(&[0])?;
    // Longer than the others wait for it, and it wakes as a leader that no longer is one.
    cluster.pause(1)?;
    writers.write(500)?;
    thread::sleep(Duration::from_secs(6));
    writers.write(500)?;
    cluster.resume(1)?;
    // More than half at once: nobody leads until they are back.
    cluster.kill(1)?;
    cluster.kill(2)?;
    writers.write(500)?;
    cluster.start_again(&[1, 2])?;
    writers.write(500)?;
    writers.wait_for_all(elasticsearch, "leaders-*")?;

    assert!(!agent.said("starts again")?, "librdkafka itself sends again what nobody answered for");
    agent.stop()?;
    indexer.stop()?;
    writers.assert_each_once(elasticsearch, "leaders-*")?;
    let lying = messages(&chain.bootstrap, "leaders", writers.expected() as usize)?;
    assert_eq!(lying.len() as u64, writers.expected(), "idempotence makes one message of every resend");
    assert_in_order(&lying)?;
    let mut ends = BTreeMap::new();
    for message in &lying {
        ends.insert(message.partition, message.offset + 1);
    }
    assert_eq!(committed(&chain.bootstrap, "leaders", "leaders")?, ends);
    Ok(())
}

/// The leader takes lines while its followers stand still, and dies before they have them. With `acks: all` nobody has
/// called them delivered; with `acks: 1` they are gone, and all that came before and comes after is there.
#[test]
fn what_a_leader_had_alone_is_lost_with_one_acknowledgement_and_not_with_all() -> Result<()> {
    // The followers stand still for a moment and must not be taken for dead.
    let settings = vec!["broker.session.timeout.ms=15000".into(), "replica.lag.time.max.ms=30000".into()];
    let mut cluster = Cluster::start(ClusterOptions { settings, ..ClusterOptions::default() })?;
    let brokers = cluster.bootstrap();
    let ids: Vec<i32> = (0..cluster.size()).map(Cluster::id).collect();
    let assignment = [ids.as_slice()];
    let mut sides = Vec::new();
    for acks in ["all", "1"] {
        let topic = format!("alone-{acks}");
        create(&brokers, &NewTopic::new(&topic, 1, TopicReplication::Variable(&assignment)))?;
        let chain = Chain::new(&topic, &brokers, "http://127.0.0.1:9")?;
        let node = Node::new(chain.folder().join("node"))?;
        let container = node.container(Spec::cri("load", "pod", "app"))?;
        let config = chain.agent_with("").replace("acks: 1", &format!("acks: {acks}"));
        let agent = Sluice::run(chain.folder(), "agent", &config)?;
        sides.push((chain, container, agent));
    }
    let write = |sides: &mut [(Chain, sluice_node::Container, Sluice)], numbers: std::ops::Range<u64>| -> Result<()> {
        for (_, container, _) in sides {
            for n in numbers.clone() {
                container.write(Stream::Stdout, format!(r#"{{"n":{n}}}"#), 1_700_000_000_000_000_000 + n)?;
            }
            container.flush()?;
        }
        Ok(())
    };
    write(&mut sides, 0..100)?;
    for (_, _, agent) in &sides {
        eventually("the first lines", || agent.said("\"delivered\":100,"))?;
    }

    cluster.pause(1)?;
    cluster.pause(2)?;
    write(&mut sides, 100..200)?;
    let (all, one) = (&sides[0].2, &sides[1].2);
    eventually("the leader's word alone", || one.said("\"delivered\":200,"))?;
    eventually("lines that wait", || all.said("\"read\":200,"))?;
    assert!(!all.said("\"delivered\":200,")?, "acks: all was content with one replica");
    cluster.kill(0)?;
    cluster.resume(1)?;
    cluster.resume(2)?;
    eventually("another leader", || all.said("\"delivered\":200,"))?;
    cluster.start_again(&[0])?;
    write(&mut sides, 200..300)?;
    for (_, _, agent) in &sides {
        eventually("the last lines", || agent.said("\"delivered\":300,"))?;
    }

    for (chain, _, agent) in sides {
        agent.stop()?;
        let lying = messages(&brokers, &chain.name, 200)?;
        assert_in_order(&lying)?;
        let numbers = numbers(&lying)?;
        let missing: Vec<u64> = (0..300).filter(|n| !numbers.contains_key(n)).collect();
        println!("{}: {} of 300 lines are missing", chain.name, missing.len());
        if chain.name == "alone-all" {
            assert_eq!((missing, lying.len()), (Vec::new(), 300));
        } else {
            // Whether they are gone is the brokers' affair: which of them leads next.
            assert!(missing.iter().all(|n| (100..200).contains(n)), "{missing:?}");
        }
    }
    Ok(())
}

/// Nobody creates topics by themselves: the agent says what is missing, waits, and loses nothing.
#[test]
fn a_topic_that_is_missing_is_waited_for() -> Result<()> {
    let settings = vec!["auto.create.topics.enable=false".into()];
    let kafka = Kafka::start(KafkaOptions { settings, ..KafkaOptions::default() })?;
    let chain = Chain::new("later", &kafka.bootstrap(), "http://127.0.0.1:9")?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 2)?;
    writers.write(500)?;
    // How long librdkafka takes a topic for one that is being created: 30 s unless set.
    let config =
        chain.agent_with("").replace("tag: true", "tag: true, options: { topic.metadata.propagation.max.ms: 1000 }");
    let agent = Sluice::run(chain.folder(), "agent", &config)?;
    eventually("a word about the topic", || agent.said("topic later: Message production error: UnknownTopic"))?;
    writers.write(500)?;
    create(&kafka.bootstrap(), &NewTopic::new("later", 2, TopicReplication::Fixed(1)))?;
    let lying = messages(&kafka.bootstrap(), "later", 1_000)?;
    assert_eq!(numbers(&lying)?.len(), 1_000);
    assert_in_order(&lying)?;
    let books = agent.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&1_000.into(), &0.into()));
    Ok(())
}

/// The topic takes less than the agent sends, and the dead-letter topic less still: the line that is too large is a
/// pointer into its file, every other is in the topic, and nothing stands still.
#[test]
fn a_line_that_the_topic_does_not_take_becomes_a_pointer_to_it() -> Result<()> {
    let kafka = kafka()?;
    let chain = Chain::new("narrow", &kafka.bootstrap(), "http://127.0.0.1:9")?;
    for (topic, bytes) in [("narrow", "20000"), ("narrow-dead", "5000")] {
        let topic = NewTopic::new(topic, 1, TopicReplication::Fixed(1)).set("max.message.bytes", bytes);
        create(&kafka.bootstrap(), &topic)?;
    }
    let node = Node::new(chain.folder().join("node"))?;
    let mut container = node.container(Spec::docker("load", "pod", "app"))?;
    let text = |n: u64| match n {
        1_500 => format!(r#"{{"n":{n},"large":"{}"}}"#, noise(30_000)),
        n => format!(r#"{{"n":{n},"text":"a line of a usual length, such as services write"}}"#),
    };
    for n in 0..3_000 {
        container.write(Stream::Stdout, text(n), 1_700_000_000_000_000_000 + n)?;
    }
    container.flush()?;
    // Uncompressed, so that it is certain what a request is as large as.
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent_with("").replace("gzip", "none"))?;
    let letter = messages(&kafka.bootstrap(), "narrow-dead", 1)?.remove(0);
    let lying = messages(&kafka.bootstrap(), "narrow", 2_999)?;
    let there = numbers(&lying)?;
    let missing: Vec<u64> = (0..3_000).filter(|n| !there.contains_key(n)).collect();
    assert_eq!(missing, [1_500]);

    assert_eq!(letter.headers["sluice-reason"], "refused_by_kafka");
    assert_eq!(letter.value.len(), 4_096);
    let file = fs::read(&letter.headers["sluice-place"])?;
    let line = &file[letter.headers["sluice-position"].parse::<usize>()?..];
    let line: Value = serde_json::from_slice(line.split(|byte| *byte == b'\n').next().context("no line")?)?;
    // Docker itself writes 16 KiB of a line at once.
    let log = line["log"].as_str().context("a line without its text")?;
    assert!(log.len() > 10_000 && text(1_500).starts_with(log), "{log}");
    // It said why it began again, and now it does not any more.
    assert!(agent.said("refuses a request of up to 1000000 bytes")?);
    let books = agent.stop()?;
    assert_eq!(&books[0]["dead_lettered"], &Value::from(1), "{}", books[0]);
    Ok(())
}

/// Letters that no compression shortens much: what a dead letter travels in is compressed.
fn noise(length: usize) -> String {
    let numbers =
        std::iter::successors(Some(1u64), |n| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)));
    numbers.take(length).map(|n| char::from(b'a' + ((n >> 33) % 26) as u8)).collect()
}

/// How often the line of each number is in the topic.
fn numbers(messages: &[Message]) -> Result<BTreeMap<u64, u32>> {
    let mut numbers = BTreeMap::new();
    for message in messages {
        *numbers.entry(number(&serde_json::from_slice(&message.value)?)?).or_default() += 1;
    }
    Ok(numbers)
}

/// The first occurrences of each container's lines are in the order in which they were written.
fn assert_in_order(messages: &[Message]) -> Result<()> {
    let (mut last, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for message in messages {
        let number = number(&serde_json::from_slice(&message.value)?)?;
        if seen.insert(message.headers["sluice-id"].clone(), number).is_none() {
            let before = last.insert(message.key.clone(), number);
            assert!(before < Some(number), "line {number} of {:?} comes after {before:?}", message.key);
        }
    }
    Ok(())
}

fn create(bootstrap: &str, topic: &NewTopic) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let created = wait(admin.create_topics([topic], &options))?;
    ensure!(created.iter().all(Result::is_ok), "topics were not created: {created:?}");
    Ok(())
}

/// librdkafka's answers come on a thread of their own: looking from time to time is enough.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            return value;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
