//! A plan becomes pipelines: which source, which plugins, which sink. The only place that knows every edge.

mod begin;
mod crashes;
pub(crate) mod elastic;
mod files;
pub(crate) mod kafka;
mod plugins;
mod ports;
pub(crate) mod secrets;
mod slack;
pub(crate) mod store;

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result};
use sluice_core::{Failure, Generation, Ledger, pipeline::Pipeline, supervisor::Status};
use sluice_kafka::DeadLetterTopic;
use sluice_wasm::{Chain, Lineup, Plugin};

pub(crate) use begin::trial;
pub use begin::{Beginning, StandIn, StandIns};
pub use plugins::Shelf;
pub(crate) use plugins::grants;
pub use ports::{AnySink, AnySource, SinkCounters, SourceCounters};

use crate::config::{self, Plan};

/// A plugin and what it was made from.
pub type Version = (config::Plugin, Arc<Plugin>);

/// Everything that the generations of one pipeline are made from; what lasts longer than one is in it.
pub struct Assembly {
    pub name: String,
    pub ledger: Arc<Ledger>,
    pub status: Arc<Status>,
    pub source_counters: SourceCounters,
    pub sink_counters: SinkCounters,
    pub lineup: Arc<Lineup>,
    /// The plugins that the files held when it was assembled.
    pub loaded: Vec<Arc<Plugin>>,
    pub stand_ins: StandIns,
    source: ports::SourceConfig,
    sink: ports::SinkConfig,
    dead_letters: Option<Arc<DeadLetterTopic>>,
}

/// Makes pipelines, and keeps what they share: compiled components, the dead-letter producer.
pub struct Assembler {
    pub shelf: Shelf,
    dead_letters: Option<(config::DeadLetter, Arc<DeadLetterTopic>)>,
}

impl Assembler {
    pub fn new() -> Result<Self> {
        Ok(Self { shelf: Shelf::new()?, dead_letters: None })
    }

    /// The pipelines of `plan` that `wanted` names. Reads secrets and plugins and makes the dead-letter producer: what
    /// may fail before anything flows fails here. `known` are plugins that need not be made again, by pipeline.
    pub fn assemble(
        &mut self,
        plan: &Plan,
        wanted: impl Fn(&str) -> bool,
        known: &dyn Fn(&str) -> Vec<Version>,
    ) -> Result<Vec<Assembly>> {
        let dead_letters = self.dead_letters(plan)?;
        let pipelines = plan.pipelines.iter().filter(|pipeline| wanted(&pipeline.name));
        let assemble = |pipeline: &config::Pipeline| {
            let plugins = self.shelf.load(pipeline, &known(&pipeline.name));
            Assembly::new(pipeline, plugins.with_context(|| place(pipeline))?, dead_letters.clone())
        };
        pipelines.map(assemble).collect()
    }

    /// All pipelines of `plan`, when the process starts: a plugin that cannot be had as the files say may run in the
    /// version that the cache remembers.
    pub fn begin(&mut self, plan: &Plan) -> Result<Vec<(Assembly, Vec<Beginning>)>> {
        let dead_letters = self.dead_letters(plan)?;
        self.shelf.keep_in(plan.plugin_cache.as_deref());
        let assemble = |pipeline: &config::Pipeline| {
            let begun = self.shelf.begin(pipeline).with_context(|| place(pipeline))?;
            let plugins = begun.iter().map(|begun| begun.runs.1.clone()).collect();
            let assembly = Assembly::new(pipeline, plugins, dead_letters.clone())?;
            let (plugins, now) = (assembly.lineup.current(), Instant::now());
            let trials = begun.iter().filter_map(|begun| begun.trial(now)).collect();
            assembly.lineup.try_out(&plugins, plugins.to_vec(), trials).with_context(|| place(pipeline))?;
            assembly.lineup.recall(begun.iter().filter_map(Beginning::rollback).collect());
            assembly.stand_ins.set(begun.iter().filter_map(Beginning::stand_in).collect());
            Ok((assembly, begun))
        };
        plan.pipelines.iter().map(assemble).collect()
    }

    /// The producer that all pipelines share; the present one, if `plan` wants the same.
    fn dead_letters(&mut self, plan: &Plan) -> Result<Option<Arc<DeadLetterTopic>>> {
        let Some(wanted) = &plan.dead_letter else { return Ok(None) };
        if let Some((config, topic)) = &self.dead_letters
            && config == wanted
        {
            return Ok(Some(topic.clone()));
        }
        let topic = Arc::new(DeadLetterTopic::open(&kafka::dead_letter(wanted)?)?);
        self.dead_letters = Some((wanted.clone(), topic.clone()));
        Ok(Some(topic))
    }
}

impl Assembly {
    fn new(
        pipeline: &config::Pipeline,
        plugins: Vec<Arc<Plugin>>,
        dead_letters: Option<Arc<DeadLetterTopic>>,
    ) -> Result<Self> {
        let place = || place(pipeline);
        Ok(Self {
            name: pipeline.name.clone(),
            ledger: Arc::default(),
            status: Arc::default(),
            source_counters: SourceCounters::new(&pipeline.source),
            sink_counters: SinkCounters::new(&pipeline.sink),
            loaded: plugins.clone(),
            lineup: Lineup::new(plugins, dead_letters.is_some()).with_context(place)?,
            source: ports::SourceConfig::of(&pipeline.source).with_context(place)?,
            sink: ports::SinkConfig::of(&pipeline.sink).with_context(place)?,
            stand_ins: StandIns::default(),
            dead_letters,
        })
    }

    /// The same pipeline by name, newly assembled, goes on with the books of the one before, and knows what was taken
    /// back there.
    pub fn continuing(self, before: &Assembly) -> Self {
        self.lineup.go_on_from(&before.lineup);
        Self { ledger: before.ledger.clone(), ..self }
    }

    /// A generation's source, chain and sink. Call inside the pipeline's runtime.
    pub fn open(
        &self,
        generation: &Arc<Generation>,
    ) -> Result<Pipeline<AnySource, Chain<DeadLetterTopic>, AnySink>, Failure> {
        let dead_letters = &self.dead_letters;
        let transform = Chain::new(&self.lineup, generation, dead_letters.clone(), self.sink.encoding());
        let sink = self.sink.open(generation, &self.sink_counters, dead_letters.clone())?;
        let source = self.source.open(&self.name, generation, &self.source_counters)?;
        Ok(Pipeline { source, transform, sink })
    }

    /// Whether `plugins` may take the place of the present ones.
    pub fn check(&self, plugins: &[Arc<Plugin>]) -> Result<(), Failure> {
        Lineup::new(plugins.to_vec(), self.dead_letters.is_some()).map(drop)
    }
}

fn place(pipeline: &config::Pipeline) -> String {
    format!("pipeline {}", pipeline.name)
}
