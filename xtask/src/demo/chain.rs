//! The config files of the two processes: what a person would write, with the demo's own paths and ports.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What the config files name.
pub(crate) struct Places<'a> {
    /// The log files to follow, as a glob.
    pub(crate) include: String,
    pub(crate) checkpoints: PathBuf,
    pub(crate) level_filter: PathBuf,
    pub(crate) kafka: String,
    pub(crate) elasticsearch: String,
    /// Takes the config files.
    pub(crate) folder: &'a Path,
}

/// Writes `agent.yaml` and `indexer.yaml` and returns their paths.
pub(crate) fn write(places: &Places) -> Result<(PathBuf, PathBuf)> {
    let save = |name: &str, text: String| {
        let path = places.folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        anyhow::Ok(path)
    };
    Ok((save("agent.yaml", agent(places))?, save("indexer.yaml", indexer(places))?))
}

fn agent(places: &Places) -> String {
    format!(
        r#"pipelines:
  ship:
    source:
      files:
        include: ["{include}"]
        host: demo-node
        checkpoints: "{checkpoints}"
    plugins:
      - {{ name: drop-trace, component: "{filter}", config: {{ at_least: debug }} }}
    sink:
      kafka: {{ brokers: ["{kafka}"], topic: logs, acks: 1, compression: gzip, include_tag: true, include_time: true }}
dead_letter: {{ kafka: {{ brokers: ["{kafka}"], topic: logs-dead }} }}
"#,
        include = places.include,
        checkpoints = places.checkpoints.display(),
        filter = places.level_filter.display(),
        kafka = places.kafka,
    )
}

fn indexer(places: &Places) -> String {
    format!(
        r#"pipelines:
  index:
    source:
      kafka:
        brokers: ["{kafka}"]
        group: sluice
        topics: [logs]
        # After a kill Kafka waits so long before it gives the partitions to another; 45 s unless set.
        options: {{ session.timeout.ms: 6000 }}
    plugins:
      - {{ name: drop-debug, component: "{filter}", config: {{ at_least: info }} }}
    sink:
      elasticsearch:
        hosts: ["{elasticsearch}"]
        index: {{ logstash_prefix: kubernetes }}
        flush: {{ interval: 5s, bytes: 6MiB, concurrency: 8 }}
        retry: {{ max_interval: 30s }}
dead_letter: {{ kafka: {{ brokers: ["{kafka}"], topic: logs-dead }} }}
"#,
        filter = places.level_filter.display(),
        kafka = places.kafka,
        elasticsearch = places.elasticsearch,
    )
}
