//! The two pipelines of the product, as config text.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tempfile::TempDir;

/// A test's own folder, topic and index.
pub struct Chain {
    pub folder: TempDir,
    /// Names the topic, the dead-letter topic (`NAME-dead`), the group and the index prefix.
    pub name: String,
    pub bootstrap: String,
    pub index_url: String,
    /// How long a killed indexer keeps its partitions, in ms.
    pub session_timeout: u32,
    /// More keys of the elasticsearch sink, indented by 8.
    pub index_options: String,
}

impl Chain {
    /// `name` is different in each test: servers are shared.
    pub fn new(name: &str, bootstrap: &str, index_url: &str) -> Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("sluice-").tempdir()?,
            name: name.to_owned(),
            bootstrap: bootstrap.to_owned(),
            index_url: index_url.to_owned(),
            session_timeout: 6_000,
            index_options: "        flush: { interval: 200ms, bytes: 256KiB, concurrency: 2 }\n".to_owned(),
        })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn dead_letter_topic(&self) -> String {
        format!("{}-dead", self.name)
    }

    /// `ship`, with the filter; the node's logs are below the test's folder.
    pub fn agent(&self) -> Result<String> {
        Ok(self.agent_with(&drop_debug()?))
    }

    /// `ship`, with these plugins: items of a flow sequence.
    pub fn agent_with(&self, plugins: &str) -> String {
        let (name, bootstrap, folder) = (&self.name, &self.bootstrap, self.folder().display());
        format!(
            "pipelines:
  ship:
    source:
      files:
        include: [{folder}/node/var/log/containers/*.log]
        host: \"${{NODE_NAME}}\"
        checkpoints: {folder}/checkpoints
    plugins: [{plugins}]
    sink:
      kafka: {{ brokers: [{bootstrap}], topic: {name}, acks: 1, compression: gzip, include_tag: true, include_time: true }}
dead_letter: {{ kafka: {{ brokers: [{bootstrap}], topic: {name}-dead }} }}
"
        )
    }

    /// `index`, with the filter.
    pub fn indexer(&self) -> Result<String> {
        Ok(self.indexer_with(&drop_debug()?))
    }

    /// `index`, with these plugins: items of a flow sequence.
    pub fn indexer_with(&self, plugins: &str) -> String {
        let (name, bootstrap, url, options) = (&self.name, &self.bootstrap, &self.index_url, &self.index_options);
        let session_timeout = self.session_timeout;
        format!(
            "pipelines:
  index:
    source:
      kafka:
        brokers: [{bootstrap}]
        group: {name}
        topics: [{name}]
        options: {{ session.timeout.ms: {session_timeout} }}
    plugins: [{plugins}]
    sink:
      elasticsearch:
        hosts: [{url}]
        index: {{ logstash_prefix: {name} }}
{options}dead_letter: {{ kafka: {{ brokers: [{bootstrap}], topic: {name}-dead }} }}
"
        )
    }

    /// `alert`, in the group `NAME-inspector`, with the exception notifier. The webhook's address is in the file
    /// `webhook` of the test's folder; `slack` are more keys of the sink.
    pub fn notifier(&self, slack: &str) -> Result<String> {
        let (name, bootstrap, folder) = (&self.name, &self.bootstrap, self.folder().display());
        let (session_timeout, exceptions) =
            (self.session_timeout, component("exception-notifier")?.display().to_string());
        Ok(format!(
            "pipelines:
  alert:
    source:
      kafka:
        brokers: [{bootstrap}]
        group: {group}
        topics: [{name}]
        options: {{ session.timeout.ms: {session_timeout} }}
    plugins: [{{ name: exceptions, component: {exceptions} }}]
    sink:
      slack: {{ webhook: {{ file: {folder}/webhook }}, {slack} }}
dead_letter: {{ kafka: {{ brokers: [{bootstrap}], topic: {name}-dead }} }}
",
            group = self.inspector()
        ))
    }

    /// The notifier's group.
    pub fn inspector(&self) -> String {
        format!("{}-inspector", self.name)
    }
}

/// A component that the test command built.
pub fn component(name: &str) -> Result<PathBuf> {
    let component = sluice_servers::cache_folder()?.join(format!("components/{name}.wasm"));
    ensure!(component.exists(), "{} is missing: run ./dev test", component.display());
    Ok(component)
}

fn drop_debug() -> Result<String> {
    let filter = component("level-filter")?;
    Ok(format!("{{ name: drop-debug, component: {}, config: {{ at_least: info }} }}", filter.display()))
}
