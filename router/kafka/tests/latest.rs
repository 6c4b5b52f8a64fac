//! What a group that starts at the end of its topics leaves out, against librdkafka's own mock cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Cluster, consumer_config, generation, within};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, Producer},
};
use sluice_core::{Batch, pipeline::Source};
use sluice_kafka::{ConsumerConfig, ConsumerStatus, KafkaSource, Start};

/// A topic of one partition, and who writes to it.
struct World {
    cluster: Cluster,
    producer: BaseProducer,
}

impl World {
    fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("logs", 1, 1).unwrap();
        let producer = ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
        Self { cluster, producer }
    }

    /// Messages of so many bytes; their offsets follow from how many there are.
    fn write(&self, messages: usize, bytes: usize) {
        let value = "x".repeat(bytes);
        for _ in 0..messages {
            let record = BaseRecord::<(), str, ()>::to("logs").partition(0).payload(&value);
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.producer.flush(Duration::from_secs(30)).unwrap();
    }

    fn config(&self) -> ConsumerConfig {
        ConsumerConfig { start: Start::Latest, ..consumer_config(&self.cluster) }
    }

    /// Where the topic begins and ends, and what the group has committed.
    fn offsets(&self) -> (i64, i64, Option<i64>) {
        let client = self.client();
        let (begin, end) = client.fetch_watermarks("logs", 0, Duration::from_secs(10)).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition("logs", 0);
        let committed = client.committed_offsets(list, Duration::from_secs(10)).unwrap();
        (begin, end, committed.find_partition("logs", 0).unwrap().offset().to_raw().filter(|offset| *offset >= 0))
    }

    fn commit(&self, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("logs", 0, Offset::Offset(offset)).unwrap();
        self.client().commit(&list, CommitMode::Sync).unwrap();
    }

    fn client(&self) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers()).set("group.id", "sluice");
        config.create().unwrap()
    }

    /// The next batch; a message is written now and then until there is one.
    async fn next(&self, source: &mut KafkaSource) -> Batch {
        let first = async {
            loop {
                tokio::select! {
                    batch = source.next() => return batch.unwrap().unwrap(),
                    () = tokio::time::sleep(Duration::from_millis(100)) => self.write(1, 10),
                }
            }
        };
        within("batch", first).await
    }
}

/// What lay there before is left out, and nothing after the first message that was read: where that began is committed
/// before it is delivered, so a kill makes no second start at a later end.
#[tokio::test]
async fn a_group_that_starts_at_the_end_skips_nothing_after_its_first_message() {
    let world = World::new();
    world.write(100, 10);
    let mut source = KafkaSource::open(&world.config(), generation(), Default::default()).unwrap();
    let batch = world.next(&mut source).await;
    let first = batch.records()[0].position;
    assert!(first >= 100, "{first}");
    let committed = async {
        while world.offsets().2 != Some(first as i64) {
            source.save().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within("commit", committed).await;
    // Killed before anything is delivered, and away while more is written.
    drop((batch, source));
    world.write(10, 10);
    let mut source = KafkaSource::open(&world.config(), generation(), Default::default()).unwrap();
    assert_eq!(world.next(&mut source).await.records()[0].position, first);
}

/// The committed offset has expired: the group goes on at the end. What had expired is counted; what lies between is
/// skipped, and it is not.
#[tokio::test]
async fn a_group_at_the_end_whose_offset_expired_counts_what_expired_and_skips_the_rest() {
    let world = World::new();
    world.write(10, 10);
    world.commit(5);
    // The mock keeps 5 MiB of a partition.
    world.write(80, 100_000);
    let (begin, end, committed) = world.offsets();
    assert!(begin > 10 && end == 90 && committed == Some(5), "{begin} {end} {committed:?}");
    let reading = generation();
    let mut source = KafkaSource::open(&world.config(), reading.clone(), Default::default()).unwrap();
    let batch = world.next(&mut source).await;
    let first = batch.records()[0].position;
    assert!(first >= 90, "{first}");
    let expired = reading.ledger().balance().expired;
    assert_eq!(expired.values().sum::<u64>(), begin as u64 - 5, "{expired:?}");
}

/// A group that goes before its first message has no place to come back to: what is written while it is away is history
/// to its next start.
#[tokio::test]
async fn a_group_at_the_end_that_has_read_nothing_starts_at_a_later_end() {
    let world = World::new();
    let status = Arc::<ConsumerStatus>::default();
    let mut source = KafkaSource::open(&world.config(), generation(), status.clone()).unwrap();
    let joined = async {
        while status.partitions().is_empty() {
            let nothing = tokio::time::timeout(Duration::from_millis(100), source.next()).await;
            assert!(nothing.is_err(), "a message of an empty topic");
        }
    };
    within("partition", joined).await;
    source.close().await.unwrap();
    drop(source);
    world.write(100, 10);
    assert_eq!(world.offsets().2, None);
    let mut source = KafkaSource::open(&world.config(), generation(), Default::default()).unwrap();
    let first = world.next(&mut source).await.records()[0].position;
    assert!(first >= 100, "{first}");
}
