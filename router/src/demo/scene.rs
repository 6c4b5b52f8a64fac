//! What surrounds the router: a folder, containers, and the stand-ins.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use sluice_demo::{Index, Kafka, Webhook, snapshot::Places};
use sluice_node::{Generator, Node, Pace, Retention, Spec, Voice};

use super::{census::Census, components, document};

/// Slow enough for a laptop and for what the mock cluster keeps: compressed, 5 MiB a partition are some minutes. The
/// files rotate every ten seconds or so, and the rotated ones take 50 MiB at most.
const PACE: Pace = Pace {
    rate: 1_000,
    retention: Retention { rotate_at: 512 * 1024, keep: 20, compress: false },
    restart_every: None,
};
/// Partitions of the topic that the logs go through.
const PARTITIONS: i32 = 4;

pub(super) struct Scene {
    pub places: Places,
    /// What the config file said at the start.
    pub document: String,
    pub census: Arc<Census>,
    pub index: Index,
    pub webhook: Webhook,
    node: Node,
    // The last to go: its clients must have ended before it does.
    _kafka: Kafka,
}

impl Scene {
    /// Starts the stand-ins and writes the config file, a copy of the plugins and the webhook's secret into `folder`.
    pub fn build(folder: &Path, plugins: &Path) -> Result<Self> {
        let kafka = Kafka::start(&[(document::TOPIC, PARTITIONS), (document::DEAD_LETTERS, 1)])?;
        let census = Arc::<Census>::default();
        let counting = census.clone();
        let index = Index::start(move |document| counting.look(document))?;
        let webhook = Webhook::start()?;
        let node = Node::new(folder.join("node"))?;
        let places = Places {
            config: folder.join("sluice.yaml"),
            plugins: folder.join("plugins"),
            containers: node.containers(),
            log: folder.join("sluice.log"),
            index: index.url(),
        };
        components::copy(plugins, &places.plugins)?;
        let secret = folder.join("slack-url");
        write(&secret, &webhook.url())?;
        let document = document::text(&document::Names {
            include: &node.include(),
            checkpoints: &folder.join("checkpoints"),
            plugins: &places.plugins,
            brokers: &kafka.bootstrap(),
            index: &index.url(),
            webhook: &secret,
        });
        write(&places.config, &document)?;
        Ok(Self { places, document, census, index, webhook, node, _kafka: kafka })
    }

    /// Starts the containers.
    pub fn print(&self) -> Result<Generator> {
        let containers = [
            (Spec::cri("shop", "web-1", "app"), Voice::Orders),
            (Spec::docker("shop", "cart-1", "app"), Voice::Orders),
            (Spec::cri("pay", "ledger-1", "app"), Voice::Faults),
            (Spec::docker("infra", "proxy-1", "nginx"), Voice::Proxy),
            (Spec::cri("infra", "batch-1", "worker"), Voice::Long),
        ];
        let containers = containers.into_iter().map(|(spec, voice)| Ok((self.node.container(spec)?, voice)));
        Ok(Generator::start(containers.collect::<Result<_>>()?, PACE)?)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
