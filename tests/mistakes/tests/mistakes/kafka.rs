//! What Kafka answers to one record, where there are no dead letters.

use std::{sync::Arc, time::Duration};

use rdkafka::{mocking::MockCluster, types::RDKafkaRespErr};
use sluice_core::{encode::Encoding, pipeline::Sink};
use sluice_kafka::{Acks, Connection, KafkaSink, ProducerConfig};
use sluice_mistakes::{Mistake, differences, mistake};
use tokio::time::timeout;

use crate::books::{documents, generation};

/// An error of the topic, or none; the bytes of the record.
pub struct Sent(Option<RDKafkaRespErr>, usize);

pub const TABLE: &[Mistake<Sent>] = &[
    mistake(
        "a record larger than the topic takes, without dead letters",
        Sent(None, 30_000),
        "Fatal: kafka sink: topic logs refuses a record of 30010 bytes from logs/0 at 0: Message production \
         error: MessageSizeTooLarge (Broker: Message size too large); raise max.message.bytes of the topic (and \
         message.max.bytes in `options`), or add a `dead_letter` block",
    ),
    mistake(
        "a topic that is not there",
        Sent(Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), 10),
        "Transient: kafka sink: topic logs: Message production error: UnknownTopicOrPartition (Broker: Unknown \
         topic or partition); check the topic, the brokers and the rights of this client",
    ),
    mistake(
        "a topic that this client may not write to",
        Sent(Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), 10),
        "Transient: kafka sink: topic logs: Message production error: TopicAuthorizationFailed (Broker: Topic \
         authorization failed); check the topic, the brokers and the rights of this client",
    ),
];

#[tokio::test]
async fn answers() {
    let mut found = Vec::new();
    for Mistake { given: Sent(error, size), .. } in TABLE {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("logs", 1, 1).unwrap();
        if let Some(error) = error {
            cluster.topic_error("logs", *error).unwrap();
        }
        // What is unknown is taken for just being made for half a minute, unless this says otherwise.
        let options = [("message.max.bytes", "20000"), ("topic.metadata.propagation.max.ms", "100")];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = ProducerConfig {
            connection: Connection { brokers: vec![cluster.bootstrap_servers()], options },
            topic: "logs".into(),
            topic_key: None,
            exclude_topic_key: false,
            allowed_topics: Default::default(),
            acks: Acks::All,
            compression: "none".into(),
            encoding: Encoding::default(),
            by_container: true,
            linger: Duration::ZERO,
            max_in_flight: 1 << 20,
        };
        let generation = generation();
        let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), None).unwrap();
        let document = format!(r#"{{"log":"{}"}}"#, "x".repeat(*size));
        sink.send(documents(&generation, &[&document])).await.unwrap();
        let failure = timeout(Duration::from_secs(60), generation.failure()).await.expect("no failure");
        found.push(format!("{:?}: {failure}", failure.kind));
    }
    assert_eq!(differences(TABLE, &found), "");
}
