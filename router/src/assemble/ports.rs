//! Registration: a source or a sink is a case here and in `config`, and nothing else has to know it.

use std::sync::Arc;

use sluice_core::{
    Batch, Failure, Generation,
    pipeline::{Sink, Source},
};
use sluice_elastic::Elastic;
use sluice_kafka::{
    ConsumerConfig, ConsumerStatus, DeadLetterTopic, KafkaSink, KafkaSource, ProducerConfig, ProducerStatus,
};
use sluice_tail::Tail;

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
}

pub(super) enum SourceConfig {
    Files(sluice_tail::Config),
    Kafka(ConsumerConfig),
}

pub(super) enum SinkConfig {
    Kafka(ProducerConfig),
    Elasticsearch(Box<sluice_elastic::Config>),
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
        }
    }
}

impl SourceConfig {
    pub fn open(
        &self,
        pipeline: &str,
        generation: &Arc<Generation>,
        counters: &SourceCounters,
    ) -> Result<AnySource, Failure> {
        match (self, counters) {
            (Self::Files(config), SourceCounters::Files(counters)) => {
                let config = sluice_tail::Config { counters: counters.clone(), ..config.clone() };
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
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Kafka(sink) => sink.flush().await,
            Self::Elasticsearch(sink) => sink.flush().await,
        }
    }
}
