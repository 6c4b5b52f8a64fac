//! The config files of the processes, and the files that they mount.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sluice_end_to_end::ConfigMap;

use crate::schedule::Harm;

pub const TOPIC: &str = "chaos";
pub const DEAD_LETTERS: &str = "chaos-dead";
/// What every index's name begins with, and the pattern that finds them.
pub const INDICES: &str = "chaos-*";

/// What the config files name.
pub struct Places {
    pub include: String,
    pub checkpoints: PathBuf,
    pub brokers: String,
    pub index: String,
}

/// The plugin's config as a flow mapping, and the one that replaces it for a while. Neither changes what reaches the
/// index: what the agent's stricter one drops, the indexers' would.
struct Choice {
    usual: &'static str,
    other: &'static str,
}

const ON_NODE: Choice = Choice { usual: "{ at_least: debug }", other: "{ at_least: info }" };
const BEHIND: Choice = Choice { usual: "{ at_least: info }", other: "{ at_least: info, field: log.level }" };
const REFUSED: &str = "{ at_least: loud }";

/// A mounted ConfigMap with the config file and the component of one kind of process.
pub struct Files {
    map: ConfigMap,
    component: Vec<u8>,
    choice: Choice,
    /// The config file with `PLUGIN` in the place of the plugin's config.
    template: String,
}

impl Files {
    pub fn agent(folder: &Path, component: &Path, places: &Places) -> Result<Self> {
        Self::new(folder.join("agent-etc"), component, ON_NODE, |filter| agent(places, filter))
    }

    pub fn indexer(folder: &Path, component: &Path, places: &Places) -> Result<Self> {
        Self::new(folder.join("indexer-etc"), component, BEHIND, |filter| indexer(places, filter))
    }

    fn new(folder: PathBuf, component: &Path, choice: Choice, text: impl Fn(&Path) -> String) -> Result<Self> {
        let map = ConfigMap::new(folder)?;
        let template = text(&map.path("filter.wasm"));
        let component = fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        let mut files = Self { map, component, choice, template };
        files.heal()?;
        Ok(files)
    }

    pub fn config_file(&self) -> PathBuf {
        self.map.path("sluice.yaml")
    }

    /// Swaps the files for others.
    pub fn harm(&mut self, harm: Harm) -> Result<()> {
        let (usual, mut component) = (self.choice.usual, self.component.clone());
        match harm {
            Harm::OtherConfig => self.publish(self.choice.other, &component),
            Harm::BadConfig => self.publish(REFUSED, &component),
            Harm::OtherComponent => {
                // A custom section more: other bytes, the same code.
                component.extend([0, 6, 5]);
                component.extend(b"newer");
                self.publish(usual, &component)
            }
            Harm::BrokenComponent => self.publish(usual, &component[..component.len() / 2]),
            _ => Ok(()),
        }
    }

    /// Back to the usual ones.
    pub fn heal(&mut self) -> Result<()> {
        self.publish(self.choice.usual, &self.component.clone())
    }

    fn publish(&mut self, plugin: &str, component: &[u8]) -> Result<()> {
        let config = self.template.replace("PLUGIN", plugin);
        self.map.publish(&[("sluice.yaml", config.as_bytes()), ("filter.wasm", component)])
    }
}

fn agent(places: &Places, filter: &Path) -> String {
    format!(
        r#"pipelines:
  ship:
    source:
      files:
        include: ["{include}"]
        host: chaos-node
        checkpoints: "{checkpoints}"
    plugins: [{{ name: filter, component: "{filter}", config: PLUGIN }}]
    sink:
      kafka: {{ brokers: [{brokers}], topic: {TOPIC}, include_tag: true, include_time: true }}
dead_letter: {{ kafka: {{ brokers: [{brokers}], topic: {DEAD_LETTERS} }} }}
grace_period: 10s
"#,
        include = places.include,
        checkpoints = places.checkpoints.display(),
        filter = filter.display(),
        brokers = places.brokers,
    )
}

fn indexer(places: &Places, filter: &Path) -> String {
    format!(
        r#"pipelines:
  index:
    source:
      kafka:
        brokers: [{brokers}]
        group: chaos
        topics: [{TOPIC}]
        # After a kill Kafka waits so long before it gives the partitions to another; 45 s unless set.
        options: {{ session.timeout.ms: 6000 }}
    plugins: [{{ name: filter, component: "{filter}", config: PLUGIN }}]
    sink:
      elasticsearch:
        hosts: ["{index}"]
        index: {{ logstash_prefix: chaos }}
        flush: {{ interval: 500ms, bytes: 1MiB, concurrency: 4 }}
        request_timeout: 5s
        retry: {{ initial: 200ms, max_interval: 5s }}
dead_letter: {{ kafka: {{ brokers: [{brokers}], topic: {DEAD_LETTERS} }} }}
grace_period: 10s
"#,
        filter = filter.display(),
        brokers = places.brokers,
        index = places.index,
    )
}
