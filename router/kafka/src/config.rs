//! What is to be known of a cluster, a topic and a group, and the librdkafka settings that follow from it.

use std::{fmt, time::Duration};

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError};
use sluice_core::{AllowList, Failure, encode::Encoding};

use crate::letter::LONGEST_EXCERPT;

/// How often, in ms, a client whose figures are shown works them out.
const STATISTICS: &str = "1000";
/// What librdkafka takes for `batch.size` and `message.max.bytes` where nothing else is said.
const REQUEST_BYTES: usize = 1_000_000;
/// Bytes of dead letters in the producer's queue, at most.
pub(crate) const LETTERS_BYTES: usize = 16 << 20;

/// A cluster, and settings of librdkafka by their own names, which win over ours.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// `host:port`, at least one.
    pub brokers: Vec<String>,
    pub options: Vec<(String, String)>,
}

/// Which brokers must have a message before it counts as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// The leader alone; not idempotent.
    Leader,
    /// Every in-sync replica; idempotent.
    All,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProducerConfig {
    pub connection: Connection,
    /// Where records go that name no other.
    pub topic: String,
    /// The field of a record that names its topic, unless a plugin did.
    pub topic_key: Option<String>,
    /// That field is not sent.
    pub exclude_topic_key: bool,
    /// The other topics that a record or a plugin may name; what names one besides goes to the dead letters.
    pub allowed_topics: AllowList,
    pub acks: Acks,
    /// librdkafka's name: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression: String,
    pub encoding: Encoding,
    /// All records of a container to one partition; else each record to any.
    pub by_container: bool,
    /// How long a message may wait for others to fill a request.
    pub linger: Duration,
    /// Bytes of messages in the producer's queue, at most.
    pub max_in_flight: usize,
}

/// Where a group without a saved offset starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerConfig {
    pub connection: Connection,
    pub group: String,
    pub topics: Vec<String>,
    pub start: Start,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterConfig {
    pub connection: Connection,
    pub topic: String,
}

impl fmt::Debug for Connection {
    /// Options may hold passwords: only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.options.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Connection").field("brokers", &self.brokers).field("options", &names).finish()
    }
}

impl Connection {
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.brokers.join(","));
        client.set("client.id", "sluice");
        // A broker that is away is tried again soon: at most this stands between its return and the flow.
        client.set("reconnect.backoff.max.ms", "5000");
        client.set_log_level(RDKafkaLogLevel::Info);
        client
    }

    pub(crate) fn apply_options(&self, client: &mut ClientConfig) {
        for (name, value) in &self.options {
            client.set(name, value);
        }
    }
}

impl ProducerConfig {
    /// `request_limit`: what was found out of the topic, in bytes.
    pub(crate) fn client(&self, request_limit: Option<usize>) -> ClientConfig {
        let mut client = self.connection.client();
        lasting(&mut client, self.acks);
        client.set("statistics.interval.ms", STATISTICS);
        client.set("compression.type", &self.compression);
        client.set("linger.ms", self.linger.as_millis().to_string());
        client.set("queue.buffering.max.kbytes", (self.max_in_flight / 1024).max(1).to_string());
        self.connection.apply_options(&mut client);
        if let Some(limit) = request_limit {
            client.set("batch.size", limit.to_string());
        }
        client
    }

    /// Bytes of messages that travel in one request, at most; a larger message travels alone.
    pub(crate) fn request_limit(&self, found: Option<usize>) -> usize {
        let option = |name: &str| {
            let value = self.connection.options.iter().find(|(option, _)| option == name);
            value.and_then(|(_, value)| value.parse().ok()).unwrap_or(REQUEST_BYTES)
        };
        found.unwrap_or_else(|| option("batch.size")).min(option("message.max.bytes"))
    }
}

impl DeadLetterConfig {
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = self.connection.client();
        lasting(&mut client, Acks::All);
        client.set("compression.type", "lz4");
        client.set("queue.buffering.max.kbytes", (LETTERS_BYTES / 1024).to_string());
        // A request that is too large is refused whole: what is longer than an excerpt is never with others in one.
        client.set("batch.size", LONGEST_EXCERPT.to_string());
        self.connection.apply_options(&mut client);
        client
    }
}

/// Nothing times out in the queue, and messages of a partition keep their order also when they are sent again.
fn lasting(client: &mut ClientConfig, acks: Acks) {
    client.set("message.timeout.ms", "0");
    client.set("queue.buffering.max.messages", "0");
    match acks {
        Acks::All => client.set("acks", "all").set("enable.idempotence", "true"),
        // Without idempotence a second request in flight could overtake the one that is sent again.
        Acks::Leader => client.set("acks", "1").set("max.in.flight.requests.per.connection", "1"),
    };
}

impl ConsumerConfig {
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = self.connection.client();
        let start = match self.start {
            Start::Earliest => "earliest",
            Start::Latest => "latest",
        };
        client.set("statistics.interval.ms", STATISTICS);
        client.set("group.id", &self.group);
        client.set("auto.offset.reset", start);
        client.set("enable.auto.commit", "false");
        client.set("enable.auto.offset.store", "false");
        client.set("partition.assignment.strategy", "cooperative-sticky");
        client.set("allow.auto.create.topics", "true");
        // What librdkafka fetches ahead: memory that back-pressure cannot take back.
        client.set("queued.max.messages.kbytes", "16384");
        // When that is full, fetching goes on this soon after there is room; by default it would stand still for 1 s.
        client.set("fetch.queue.backoff.ms", "20");
        client.set("fetch.wait.max.ms", "100");
        self.connection.apply_options(&mut client);
        client
    }
}

/// A client that could not be made: an option that librdkafka refuses.
pub(crate) fn refused(component: &str, error: &KafkaError) -> Failure {
    // The library's own text holds the value, which may be a password.
    let why = match error {
        KafkaError::ClientConfig(_, _, key, _) => format!("the property {key:?}, or its value"),
        other => other.to_string(),
    };
    Failure::fatal(component, format!("librdkafka refuses {why}; correct `options` of this block"))
}

#[cfg(test)]
mod tests {
    use rdkafka::producer::BaseProducer;

    use super::*;

    /// What follows from `acks`, with and without options beside it. A second request in flight is in order only with
    /// idempotence.
    #[test]
    fn all_acknowledgements_are_idempotent_and_one_has_one_request_in_flight() {
        let of_logs = |acks, options: &[(&str, &str)]| {
            let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let connection = Connection { brokers: vec!["kafka:9092".into()], options };
            ProducerConfig {
                connection,
                topic: "logs".into(),
                topic_key: None,
                exclude_topic_key: false,
                allowed_topics: AllowList::default(),
                acks,
                compression: "lz4".into(),
                encoding: Encoding { include_tag: false, include_time: false },
                by_container: true,
                linger: Duration::from_millis(5),
                max_in_flight: 1 << 20,
            }
            .client(None)
        };
        let of_letters = || {
            let connection = Connection { brokers: vec!["kafka:9092".into()], options: Vec::new() };
            DeadLetterConfig { connection, topic: "dead".into() }.client()
        };
        let (all, one) = ([Some("all"), Some("true"), None], [Some("1"), None, Some("1")]);
        for (what, client, expected) in [
            ("all", of_logs(Acks::All, &[]), all),
            ("all, and an option", of_logs(Acks::All, &[("batch.size", "50000")]), all),
            ("one", of_logs(Acks::Leader, &[]), one),
            ("one, and an option", of_logs(Acks::Leader, &[("batch.size", "50000")]), one),
            ("dead letters", of_letters(), all),
        ] {
            let set =
                ["acks", "enable.idempotence", "max.in.flight.requests.per.connection"].map(|key| client.get(key));
            assert_eq!(set, expected, "{what}");
            for (key, value) in [("message.timeout.ms", "0"), ("queue.buffering.max.messages", "0")] {
                assert_eq!(client.get(key), Some(value), "{what}: {key}");
            }
            let refused = client.create::<BaseProducer>().err();
            assert!(refused.is_none(), "{what}: {refused:?}");
        }
        // An option that takes it back is refused in the config; what goes against it is refused here as well.
        for (key, value) in [("acks", "1"), ("max.in.flight.requests.per.connection", "6")] {
            let refused = of_logs(Acks::All, &[(key, value)]).create::<BaseProducer>().err();
            assert!(refused.is_some(), "{key} {value}");
        }
    }

    #[test]
    fn a_refused_option_is_named_and_its_value_is_not() {
        for (name, expected) in [("sasl.passwrd", "\"sasl.passwrd\""), ("acks", "\"acks\"")] {
            let options = vec![(name.to_owned(), "hunter2".to_owned())];
            let connection = Connection { brokers: vec!["kafka:9092".into()], options };
            let config = DeadLetterConfig { connection, topic: "dead".into() };
            let error = config.client().create::<BaseProducer>().err().unwrap();
            let text = refused("kafka sink", &error).to_string();
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
            assert!(!format!("{config:?}").contains("hunter2"));
        }
    }
}
