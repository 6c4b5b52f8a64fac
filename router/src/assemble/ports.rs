//! Registration: a source or a sink is a case here and in `config`, and nothing else has to know it.

use std::sync::Arc;

use anyhow::Result;
use sluice_core::{
    Batch, Failure, Generation,
    encode::Encoding,
    pipeline::{Sink, Source},
};
use sluice_elastic::Elastic;
use sluice_kafka::{
    ConsumerConfig, ConsumerStatus, DeadLetterTopic, KafkaSink, KafkaSource, ProducerConfig, ProducerStatus,
};
use sluice_tail::Tail;
use sluice_webhook::Slack;

use super::{elastic, files, kafka, slack};
use crate::config;

/// The sources there are.
#[expect(clippy::large_enum_variant, reason = "one a pipeline")]
pub enum AnySource {
    Files(Tail),
    Kafka(KafkaSource),
}

/// The sinks there are.
pub enum AnySink {
    Kafka(KafkaSink),
    Elasticsearch(Elastic<DeadLetterTopic>),
    Slack(Slack<DeadLetterTopic>),
}

pub(super) enum SourceConfig {
    Files(Box<sluice_tail::Config>),
    Kafka(ConsumerConfig),
}

pub(super) enum SinkConfig {
    Kafka(ProducerConfig),
    Elasticsearch(Box<sluice_elastic::Config>),
    Slack(Box<sluice_webhook::Config>),
}

/// What a source counts of itself, over all generations.
#[derive(Clone)]
pub enum SourceCounters {
    Files(Arc<sluice_tail::Counters>),
    Kafka(Arc<ConsumerStatus>),
}

/// What a sink counts of itself, over all generations.
#[derive(Clone)]
pub enum SinkCounters {
    Kafka(Arc<ProducerStatus>),
    Elasticsearch(Arc<sluice_elastic::Counters>),
    Slack(Arc<sluice_webhook::Counters>),
}

impl SourceCounters {
    pub fn new(source: &config::Source) -> Self {
        match source {
            config::Source::Files(_) => Self::Files(Arc::default()),
            config::Source::Kafka(_) => Self::Kafka(Arc::default()),
        }
    }
}

impl SinkCounters {
    pub fn new(sink: &config::Sink) -> Self {
        match sink {
            config::Sink::Kafka(_) => Self::Kafka(Arc::default()),
            config::Sink::Elasticsearch(_) => Self::Elasticsearch(Arc::default()),
            config::Sink::Slack(_) => Self::Slack(Arc::default()),
        }
    }
}

impl SourceConfig {
    /// Reads the secrets that the plan names.
    pub fn of(source: &config::Source) -> Result<Self> {
        Ok(match source {
            config::Source::Files(config) => Self::Files(Box::new(files::source(config)?)),
            config::Source::Kafka(config) => Self::Kafka(kafka::source(config)?),
        })
    }

    pub fn open(
        &self,
        pipeline: &str,
        generation: &Arc<Generation>,
        counters: &SourceCounters,
    ) -> Result<AnySource, Failure> {
        match (self, counters) {
            (Self::Files(config), SourceCounters::Files(counters)) => {
                let config = sluice_tail::Config { counters: counters.clone(), ..(**config).clone() };
                Tail::open(config, pipeline, generation.clone()).map(AnySource::Files)
            }
            (Self::Kafka(config), SourceCounters::Kafka(status)) => {
                KafkaSource::open(config, generation.clone(), status.clone()).map(AnySource::Kafka)
            }
            _ => Err(Failure::fatal("assembly", "the source's counters are not its own")),
        }
    }
}

impl SinkConfig {
    /// Reads the secrets and certificates that the plan names.
    pub fn of(sink: &config::Sink) -> Result<Self> {
        Ok(match sink {
            config::Sink::Kafka(config) => Self::Kafka(kafka::sink(config)?),
            config::Sink::Elasticsearch(config) => Self::Elasticsearch(Box::new(elastic::sink(config)?)),
            config::Sink::Slack(config) => Self::Slack(Box::new(slack::sink(config)?)),
        })
    }

    /// How a record looks in its messages.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Kafka(config) => config.encoding,
            Self::Elasticsearch(config) => config.encoding,
            Self::Slack(_) => Encoding::default(),
        }
    }

    pub fn open(
        &self,
        generation: &Arc<Generation>,
        counters: &SinkCounters,
        dead_letters: Option<Arc<DeadLetterTopic>>,
    ) -> Result<AnySink, Failure> {
        match (self, counters) {
            (Self::Kafka(config), SinkCounters::Kafka(status)) => {
                KafkaSink::open(config.clone(), generation.clone(), status.clone(), dead_letters).map(AnySink::Kafka)
            }
            (Self::Elasticsearch(config), SinkCounters::Elasticsearch(counters)) => {
                let config = sluice_elastic::Config { counters: counters.clone(), ..(**config).clone() };
                let dead_letters = dead_letters.ok_or_else(|| {
                    Failure::fatal("elasticsearch sink", "needs a `dead_letter` block in the config file")
                })?;
                Elastic::open(config, generation.clone(), dead_letters).map(AnySink::Elasticsearch)
            }
            (Self::Slack(config), SinkCounters::Slack(counters)) => {
                let config = sluice_webhook::Config { counters: counters.clone(), ..(**config).clone() };
                Slack::open(config, generation.clone(), dead_letters).map(AnySink::Slack)
            }
            _ => Err(Failure::fatal("assembly", "the sink's counters are not its own")),
        }
    }
}

impl Source for AnySource {
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        match self {
            Self::Files(source) => source.next().await,
            Self::Kafka(source) => source.next().await,
        }
    }

    async fn save(&mut self) -> Result<(), Failure> {
        match self {
            Self::Files(source) => source.save().await,
            Self::Kafka(source) => source.save().await,
        }
    }

    async fn close(&mut self) -> Result<(), Failure> {
        match self {
            Self::Files(source) => source.close().await,
            Self::Kafka(source) => source.close().await,
        }
    }
}

impl Sink for AnySink {
    async fn send(&mut self, batch: Batch) -> Result<(), Failure> {
        match self {
            Self::Kafka(sink) => sink.send(batch).await,
            Self::Elasticsearch(sink) => sink.send(batch).await,
            Self::Slack(sink) => sink.send(batch).await,
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Kafka(sink) => sink.flush().await,
            Self::Elasticsearch(sink) => sink.flush().await,
            Self::Slack(sink) => sink.flush().await,
        }
    }
}
