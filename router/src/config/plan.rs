//! What a checked document means: plain values with every default filled in. The assembly turns them into the
//! edges' own settings; nothing here is checked again.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that one process runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// At least one, in the order of the document, names unique.
    pub pipelines: Vec<Pipeline>,
    /// Always there if a pipeline ends in Elasticsearch.
    pub dead_letter: Option<DeadLetter>,
    /// How long a shutdown may take from SIGTERM until the process ends.
    pub grace_period: Duration,
    /// Where calls are kept that plugins failed; `None` keeps none.
    pub crash_bundles: Option<CrashBundles>,
    /// Where the process answers `/healthz`, `/readyz` and `/metrics`; `None` opens no port.
    pub admin: Option<Admin>,
    /// The folder for compiled plugins and for the versions of plugins that ran last; `None` keeps nothing on disk.
    pub plugin_cache: Option<PathBuf>,
}

/// A folder of crash bundles.
#[derive(Debug, Clone, PartialEq)]
pub struct CrashBundles {
    pub folder: PathBuf,
    /// The oldest make room beyond this number; at least 1.
    pub keep: usize,
}

/// The HTTP listener for people and machines that watch over the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Admin {
    pub listen: SocketAddr,
}

/// One `source → plugins → sink`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Letters `a-z`, digits and `-`.
    pub name: String,
    pub source: Source,
    /// In the order in which a batch passes them.
    pub plugins: Vec<Plugin>,
    pub sink: Sink,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Files(FilesSource),
    Kafka(KafkaSource),
}

/// Where records go.
#[derive(Debug, Clone, PartialEq)]
pub enum Sink {
    Kafka(KafkaSink),
    Elasticsearch(ElasticsearchSink),
    Slack(SlackSink),
}

/// Container log files on this node.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesSource {
    /// Glob patterns of the files to follow; never empty.
    pub include: Vec<String>,
    /// Glob patterns of files to leave out although `include` names them.
    pub exclude: Vec<String>,
    /// Becomes `kubernetes.host`.
    pub host: Option<String>,
    /// The folder that remembers how far each file was delivered. No two pipelines share one.
    pub checkpoints: PathBuf,
    /// Whether Sluice's own containers are left out.
    pub exclude_own: bool,
    /// Bytes after which a line is cut, or split.
    pub max_line: u64,
    pub texts: Texts,
    /// Where files are begun that are there when the pipeline runs for the first time.
    pub read_from: ReadFrom,
    /// Bytes a second that are read of one container.
    pub rate_limit: Option<u64>,
    /// Time between two looks for new, renamed and removed files.
    pub scan_interval: Duration,
}

/// How the lines of files become records.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    pub long_lines: LongLines,
    /// The format of all files, where it is not that of each one's first line.
    pub format: Option<LogFormat>,
    /// Where lines of plain files have their time.
    pub time: Option<LineTime>,
    /// Which lines are one record.
    pub multiline: Vec<Multiline>,
    /// Lines after which such a record is ended.
    pub max_join_lines: usize,
    /// Silence after which a text leaves whose end has not come.
    pub join_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongLines {
    Truncate,
    Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Cri,
    Docker,
    Plain,
}

/// The time in a line: a regular expression with one group, and what that group holds.
#[derive(Debug, Clone, PartialEq)]
pub struct LineTime {
    pub pattern: String,
    /// As for `strptime`; RFC 3339 without one.
    pub format: Option<String>,
    pub zone: String,
}

/// Lines that are one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Multiline {
    Language(Language),
    /// Regular expressions of the first line, and of those that continue it: all others without one.
    Rule {
        start: String,
        go_on: Option<String>,
    },
}

/// A language whose stack traces are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Java,
    Python,
    Go,
    JavaScript,
    DotNet,
    Ruby,
    Php,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    Beginning,
    End,
}

/// Topics read as a member of a consumer group.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSource {
    /// `host:port` each; never empty.
    pub brokers: Vec<String>,
    pub group: String,
    /// Never empty, no topic twice.
    pub topics: Vec<String>,
    /// Where a partition without a committed offset begins.
    pub start: Start,
    pub options: KafkaOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
}

/// A topic to write to.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSink {
    /// `host:port` each; never empty.
    pub brokers: Vec<String>,
    /// Where every record goes that names no other.
    pub topic: String,
    /// The field of a record that names its topic; `None` for none.
    pub topic_key: Option<String>,
    /// Takes that field out of what is sent.
    pub exclude_topic_key: bool,
    /// Patterns of the other topics that a record or a plugin may name.
    pub allowed_topics: Vec<String>,
    pub acks: Acks,
    pub compression: KafkaCompression,
    /// Puts the Fluentd tag into the record as `tag`.
    pub include_tag: bool,
    /// Puts the time in whole seconds into the record as `time`.
    pub include_time: bool,
    pub partition: Partition,
    /// How long a message may wait for others to share its request.
    pub linger: Duration,
    /// Bytes that may wait in the producer's queue before the pipeline pauses.
    pub max_in_flight: u64,
    pub options: KafkaOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// The partition's leader alone; the producer is then not idempotent.
    Leader,
    /// All replicas in sync, with an idempotent producer.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaCompression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// How a record finds its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// All lines of a container go to one partition and keep their order.
    Container,
    /// Any partition; no order.
    Random,
}

/// librdkafka properties by name. A value may be a password, so none is ever shown.
pub type KafkaOptions = BTreeMap<String, Secret>;

/// An index of Elasticsearch or OpenSearch, filled by `_bulk`.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticsearchSink {
    /// `http://…` or `https://…` each, without credentials; never empty.
    pub hosts: Vec<String>,
    pub index: IndexName,
    /// Patterns of the other indices that a plugin may name.
    pub allowed_indices: Vec<String>,
    /// The field that gets the topic's name, as Fluentd's consumer tags records; `None` adds none.
    pub tag_key: Option<String>,
    pub auth: Option<Auth>,
    /// PEM certificates to trust beside the public authorities that are built in.
    pub ca_file: Option<PathBuf>,
    pub compression: BulkCompression,
    pub flush: Flush,
    /// Bytes of documents read but not yet settled; at least `flush.bytes`.
    pub max_in_flight: u64,
    /// How long one bulk request may take before it counts as failed.
    pub request_timeout: Duration,
    pub retry: Retry,
}

/// Which index a document goes to.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexName {
    /// `prefix`, `separator` and the record's own UTC date, joined, in lower case.
    Logstash {
        prefix: String,
        separator: String,
        /// strftime directives.
        date_format: String,
    },
    Fixed(String),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    Basic {
        user: Secret,
        password: Secret,
    },
    /// In the form that Elasticsearch calls `encoded`.
    ApiKey(Secret),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkCompression {
    None,
    Gzip,
}

/// When a bulk request leaves: whichever of `interval` and `bytes` comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Flush {
    pub interval: Duration,
    pub bytes: u64,
    /// Bulk requests under way at once.
    pub concurrency: usize,
}

/// A Slack webhook that gets the alerts of the pipeline's notifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct SlackSink {
    /// The webhook's URL: who knows it can post.
    pub webhook: Secret,
    /// How long alerts of a group are counted after its first, before their number is told.
    pub window: Duration,
    /// Records older than this are counted and not posted; `None` posts them all.
    pub max_age: Option<Duration>,
    /// Alerts that may wait for the webhook before the pipeline pauses; at least 1.
    pub queue: usize,
    /// How long an alert is tried before it is given up; `None` tries for ever.
    pub give_up_after: Option<Duration>,
    /// How long one request may take before it counts as failed.
    pub request_timeout: Duration,
    pub retry: Retry,
    /// PEM certificates to trust beside the public authorities that are built in.
    pub ca_file: Option<PathBuf>,
}

/// Waiting times after a failed attempt: `initial`, doubled each time, never more than `max_interval`.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    pub initial: Duration,
    pub max_interval: Duration,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// Letters `a-z`, digits and `-`; unique in its pipeline.
    pub name: String,
    /// The file that holds the WebAssembly component.
    pub component: PathBuf,
    /// What the SHA-256 of the component has to be; `None` takes whatever the file holds.
    pub sha256: Option<[u8; 32]>,
    /// A JSON object, as the component's `configure` gets it.
    pub config: String,
    /// `None` leaves it to what the plugin is. `DeadLetter` only if the plan has a place for dead letters.
    pub on_fault: Option<OnFault>,
    pub grant: Grants,
    /// Whether no crash bundle is written of it; `None` leaves it to what the plugin is.
    pub private: Option<bool>,
    pub trial: Trial,
}

/// What a plugin may reach beyond records, its config and the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grants {
    pub clock: bool,
    pub random: bool,
}

/// What a version of a plugin has to keep to in its first time, if it took the place of another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// `None`: there is no trial, and nothing is taken back by itself.
    pub time: Option<Duration>,
    /// The largest share of records that it may drop, from 0 to 1.
    pub max_drop: Option<f64>,
    /// The longest mean time of a record within calls.
    pub max_time: Option<Duration>,
}

impl Default for Trial {
    fn default() -> Self {
        Self { time: Some(Duration::from_secs(300)), max_drop: None, max_time: None }
    }
}

/// What becomes of records over which a plugin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// They go on as they are.
    Pass,
    /// They go to the dead letters.
    DeadLetter,
    /// They wait for another version of the plugin, or another config.
    Halt,
}

/// The topic for records that can never be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// `host:port` each; never empty.
    pub brokers: Vec<String>,
    pub topic: String,
    pub options: KafkaOptions,
}

/// A value that is not to be seen. A file is read when the pipeline is built, never when a document is checked.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    File(PathBuf),
    Value(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Value(_) => f.write_str("Value(***)"),
        }
    }
}
