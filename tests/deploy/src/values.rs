//! The chart's own values: the one table that its schema and the documentation are made from.

use Kind::*;

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Sluice's own config.
    Config,
    /// Which Secret or ConfigMap each file comes from.
    Files,
    Flag,
    Text,
    Choice(&'static [&'static str]),
    /// From, to.
    Number(u32, u32),
    /// A number of pods, or a share of them.
    NumberOrShare,
    Folder,
    Folders,
    Names,
    /// A duration as Prometheus writes it.
    Interval,
    /// Labels, annotations: texts by names.
    Labels,
    /// As Kubernetes has it; its API server says what is wrong with it.
    Block,
    Blocks,
}

/// One key of `values.yaml`.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The blocks that have it; none if it stands at the top.
    pub blocks: &'static [&'static str],
    pub key: &'static str,
    pub kind: Kind,
    pub text: &'static str,
}

const TOP: &[&str] = &[];
const AGENT: &[&str] = &["agent"];
const DEPLOYMENTS: &[&str] = &["indexer", "notifier"];
const ALL: &[&str] = &["agent", "indexer", "notifier"];

const fn row(blocks: &'static [&'static str], key: &'static str, kind: Kind, text: &'static str) -> Row {
    Row { blocks, key, kind, text }
}

/// In the order of `values.yaml`.
pub const ROWS: &[Row] = &[
    row(TOP, "config", Config, "Sluice's config, as in [configuration.md](configuration.md), without `admin`"),
    row(
        TOP,
        "secrets",
        Files,
        "Where each file of `/etc/sluice/secrets` comes from that the config names, see [Secrets](#secrets-and-certificates)",
    ),
    row(TOP, "image.repository", Text, "The image"),
    row(TOP, "image.tag", Text, "Its tag; the chart's `appVersion` unless set"),
    row(TOP, "image.digest", Text, "Its digest, `sha256:…`; counts instead of the tag"),
    row(TOP, "image.pullPolicy", Choice(&["Always", "IfNotPresent", "Never"]), "When it is pulled"),
    row(TOP, "image.pullSecrets", Blocks, "Secrets of the registry: `[{ name: … }]`"),
    row(TOP, "nameOverride", Text, "In place of `sluice` in names and labels"),
    row(TOP, "fullnameOverride", Text, "In place of the release's name in names"),
    row(
        TOP,
        "createNamespace",
        Flag,
        "Adds the release's own namespace, at Pod Security level `restricted`; for manifests without `helm install`",
    ),
    row(
        TOP,
        "admin.address",
        Text,
        "Where every process answers probes and scrapers: `0.0.0.0`, or `::` for IPv6 (and IPv4, where the node has both)",
    ),
    row(TOP, "admin.port", Number(1024, 65535), "Its port"),
    row(TOP, "log.filter", Text, "`RUST_LOG`"),
    row(
        TOP,
        "log.reportEvery",
        Number(0, 86400),
        "Seconds between two log lines with the books of each pipeline; 0 for none",
    ),
    row(
        TOP,
        "check.online",
        Flag,
        "Whether `sluice check` before each start also looks at what the config names. A pod then starts only while all of it is there",
    ),
    row(ALL, "enabled", Flag, "Whether this release runs it. Without it its pipelines do not run"),
    row(AGENT, "namespace.name", Text, "The agent's namespace; the release's with `-agent` unless set"),
    row(
        AGENT,
        "namespace.create",
        Flag,
        "Whether the chart makes it, at Pod Security level `privileged`. It stays when the release goes",
    ),
    row(
        AGENT,
        "logFolders",
        Folders,
        "Folders of the node with log files, and what links in them lead to; mounted read-only at the same place",
    ),
    row(
        AGENT,
        "checkpoints",
        Folder,
        "Folder of the node for the checkpoints; mounted at `/var/lib/sluice`. Each release on a node needs its own",
    ),
    row(ALL, "pluginConfigMaps", Names, "ConfigMaps of the same namespace whose files appear in `/etc/sluice/plugins`"),
    row(ALL, "serviceAccount.create", Flag, "Whether the chart makes the ServiceAccount"),
    row(ALL, "serviceAccount.name", Text, "Its name; without `create` that of one that exists"),
    row(ALL, "serviceAccount.annotations", Labels, "Its annotations"),
    row(
        ALL,
        "tolerations",
        Blocks,
        "Taints of nodes that its pods bear. The agent's default bears those of control planes; `[{ operator: Exists }]` bears all",
    ),
    row(AGENT, "priorityClass.create", Flag, "Whether the chart makes a PriorityClass for the agent"),
    row(AGENT, "priorityClass.name", Text, "Its name; without `create` that of one that exists"),
    row(AGENT, "priorityClass.value", Number(0, 1_000_000_000), "Its value; ordinary pods have 0"),
    row(
        DEPLOYMENTS,
        "replicas",
        Number(0, 10_000),
        "Pods. At most as many as the topics have partitions: further ones have nothing to do",
    ),
    row(DEPLOYMENTS, "autoscaling.enabled", Flag, "A HorizontalPodAutoscaler instead of `replicas`"),
    row(DEPLOYMENTS, "autoscaling.minReplicas", Number(1, 10_000), "The fewest pods"),
    row(DEPLOYMENTS, "autoscaling.maxReplicas", Number(1, 10_000), "The most, again up to the number of partitions"),
    row(DEPLOYMENTS, "autoscaling.targetCPU", Number(0, 1000), "Per cent of `resources.requests.cpu`; 0 for none"),
    row(DEPLOYMENTS, "autoscaling.metrics", Blocks, "Further metrics, as in `autoscaling/v2`, for example the lag"),
    row(DEPLOYMENTS, "priorityClassName", Text, "A PriorityClass that exists"),
    row(
        ALL,
        "updateStrategy",
        Block,
        "How a new version takes the place of the old one. Not `maxSurge` for the agent: two of them would want the same checkpoints",
    ),
    row(DEPLOYMENTS, "disruptionBudget.enabled", Flag, "A PodDisruptionBudget"),
    row(DEPLOYMENTS, "disruptionBudget.maxUnavailable", NumberOrShare, "How many pods a drain may take at once"),
    row(
        DEPLOYMENTS,
        "spreadOver",
        Names,
        "Labels of nodes over whose values the pods are spread, as far as that is possible",
    ),
    row(
        ALL,
        "terminationGracePeriodSeconds",
        Number(10, 3600),
        "How long a stop may take; `grace_period` is 5 s less unless the config has one",
    ),
    row(ALL, "resources", Block, "Requests and limits of the process"),
    row(AGENT, "seLinuxOptions", Block, "Of its pods; see [SELinux](#what-the-agent-needs-from-the-node)"),
    row(
        ALL,
        "egress",
        Blocks,
        "Rules for what its pods may reach beside DNS: brokers, index, webhook. Everything unless set",
    ),
    row(ALL, "nodeSelector", Labels, "Labels of the nodes that it runs on"),
    row(ALL, "affinity", Block, "As of a pod"),
    row(ALL, "podAnnotations", Labels, "Annotations of its pods"),
    row(ALL, "podLabels", Labels, "Labels of its pods, beside the chart's"),
    row(
        ALL,
        "extraEnv",
        Blocks,
        "Environment variables, for `${NAME}` in the config. Not for secrets: those are files",
    ),
    row(TOP, "networkPolicy.enabled", Flag, "A NetworkPolicy a workload: nothing but the admin port can be reached"),
    row(TOP, "networkPolicy.from", Blocks, "Who may reach it, as `from` of a NetworkPolicy. Everybody unless set"),
    row(TOP, "monitoring.podMonitor.enabled", Flag, "A PodMonitor of the Prometheus operator for all pods"),
    row(TOP, "monitoring.podMonitor.labels", Labels, "Its labels, by which a Prometheus chooses"),
    row(TOP, "monitoring.podMonitor.interval", Interval, "Between two scrapes"),
    row(TOP, "monitoring.serviceMonitor.enabled", Flag, "A ServiceMonitor and the Services it needs, instead"),
    row(TOP, "monitoring.serviceMonitor.labels", Labels, "Its labels"),
    row(TOP, "monitoring.serviceMonitor.interval", Interval, "Between two scrapes"),
    row(TOP, "monitoring.alerts.enabled", Flag, "A PrometheusRule with [the alerts](operations.md#alerts)"),
    row(TOP, "monitoring.alerts.labels", Labels, "Its labels"),
    row(TOP, "monitoring.dashboard.enabled", Flag, "A ConfigMap with the dashboard, for Grafana's sidecar"),
    row(TOP, "monitoring.dashboard.labels", Labels, "The label that the sidecar looks for"),
];

impl Row {
    /// The paths from the top, one a block.
    pub fn paths(&self) -> Vec<String> {
        if self.blocks.is_empty() {
            return vec![self.key.to_owned()];
        }
        self.blocks.iter().map(|block| format!("{block}.{}", self.key)).collect()
    }
}
