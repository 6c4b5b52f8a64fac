//! A plan becomes pipelines: which source, which plugins, which sink. The only place that knows every edge.

mod elastic;
mod files;
mod kafka;
mod plugins;
mod ports;
mod secrets;

use std::sync::Arc;

use anyhow::Result;
use sluice_core::{Failure, Generation, Ledger, pipeline::Pipeline};
use sluice_kafka::DeadLetterTopic;
use sluice_wasm::{Chain, Plugin};

pub use ports::{AnySink, AnySource, SinkCounters, SourceCounters};

use crate::config::{Plan, Sink, Source};

/// Everything that the generations of one pipeline are made from; what lasts longer than one is in it.
pub struct Assembly {
    pub name: String,
    pub ledger: Arc<Ledger>,
    pub source_counters: SourceCounters,
    pub sink_counters: SinkCounters,
    pub plugins: Vec<Arc<Plugin>>,
    source: ports::SourceConfig,
    sink: ports::SinkConfig,
    dead_letters: Option<Arc<DeadLetterTopic>>,
}

impl Assembly {
    /// Reads secrets and plugins and makes the dead-letter producer: what may fail before anything flows fails here.
    pub fn of_plan(plan: &Plan) -> Result<Vec<Assembly>> {
        let dead_letters = match &plan.dead_letter {
            Some(config) => Some(Arc::new(DeadLetterTopic::open(&kafka::dead_letter(config)?)?)),
            None => None,
        };
        let mut shelf = plugins::Shelf::new()?;
        plan.pipelines
            .iter()
            .map(|pipeline| {
                let source_counters = SourceCounters::new(&pipeline.source);
                let sink_counters = SinkCounters::new(&pipeline.sink);
                Ok(Assembly {
                    name: pipeline.name.clone(),
                    ledger: Arc::default(),
                    plugins: shelf.load(&pipeline.plugins)?,
                    source: match &pipeline.source {
                        Source::Files(config) => ports::SourceConfig::Files(files::source(config)),
                        Source::Kafka(config) => ports::SourceConfig::Kafka(kafka::source(config)?),
                    },
                    sink: match &pipeline.sink {
                        Sink::Kafka(config) => ports::SinkConfig::Kafka(kafka::sink(config)?),
                        Sink::Elasticsearch(config) => {
                            ports::SinkConfig::Elasticsearch(Box::new(elastic::sink(config)?))
                        }
                    },
                    source_counters,
                    sink_counters,
                    dead_letters: dead_letters.clone(),
                })
            })
            .collect()
    }

    /// A generation's source, chain and sink. Call inside the pipeline's runtime.
    pub fn open(&self, generation: &Arc<Generation>) -> Result<Pipeline<AnySource, Chain, AnySink>, Failure> {
        let transform = Chain::new(&self.plugins, &self.ledger);
        let sink = self.sink.open(generation, &self.sink_counters, self.dead_letters.clone())?;
        let source = self.source.open(&self.name, generation, &self.source_counters)?;
        Ok(Pipeline { source, transform, sink })
    }
}
