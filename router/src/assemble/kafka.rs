//! The plan's Kafka blocks as the client wants them.

use anyhow::{Context, Result};
use sluice_core::AllowList;
use sluice_core::encode::Encoding;
use sluice_kafka::{Acks, Connection, ConsumerConfig, DeadLetterConfig, ProducerConfig, Start};

use super::secrets;
use crate::config::{self, DeadLetter, KafkaCompression, KafkaOptions, KafkaSink, KafkaSource, Partition};

pub(crate) fn connection(brokers: &[String], options: &KafkaOptions) -> Result<Connection> {
    let options = options.iter().map(|(name, value)| {
        let value = secrets::read(value).with_context(|| format!("kafka option {name}"))?;
        Ok((name.clone(), value))
    });
    Ok(Connection { brokers: brokers.to_vec(), options: options.collect::<Result<_>>()? })
}

pub(super) fn source(plan: &KafkaSource) -> Result<ConsumerConfig> {
    Ok(ConsumerConfig {
        connection: connection(&plan.brokers, &plan.options)?,
        group: plan.group.clone(),
        topics: plan.topics.clone(),
        start: match plan.start {
            config::Start::Earliest => Start::Earliest,
            config::Start::Latest => Start::Latest,
        },
    })
}

pub(super) fn sink(plan: &KafkaSink) -> Result<ProducerConfig> {
    let compression = match plan.compression {
        KafkaCompression::None => "none",
        KafkaCompression::Gzip => "gzip",
        KafkaCompression::Snappy => "snappy",
        KafkaCompression::Lz4 => "lz4",
        KafkaCompression::Zstd => "zstd",
    };
    Ok(ProducerConfig {
        connection: connection(&plan.brokers, &plan.options)?,
        topic: plan.topic.clone(),
        topic_key: plan.topic_key.clone(),
        exclude_topic_key: plan.exclude_topic_key,
        allowed_topics: AllowList::new(plan.allowed_topics.clone()),
        acks: match plan.acks {
            config::Acks::Leader => Acks::Leader,
            config::Acks::All => Acks::All,
        },
        compression: compression.to_owned(),
        encoding: Encoding { include_tag: plan.include_tag, include_time: plan.include_time },
        by_container: plan.partition == Partition::Container,
        linger: plan.linger,
        max_in_flight: usize::try_from(plan.max_in_flight).unwrap_or(usize::MAX),
    })
}

pub(super) fn dead_letter(plan: &DeadLetter) -> Result<DeadLetterConfig> {
    Ok(DeadLetterConfig { connection: connection(&plan.brokers, &plan.options)?, topic: plan.topic.clone() })
}
