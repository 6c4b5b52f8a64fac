//! Looks at a cluster without touching it: nothing is created, no group is joined, no message is sent.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Statistics,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    config::{FromClientConfig, FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    metadata::{Metadata, MetadataTopic},
};
use sluice_core::Failure;

use crate::{Connection, config::refused};

const COMPONENT: &str = "kafka";

/// How long the first question waits for an answer before complaints are looked at; each further one waits longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is told of a cluster that does not answer.
const MOST_REASONS: usize = 10;

/// What a cluster says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Cluster {
    /// `host:port` of each broker, as they advertise themselves.
    pub brokers: Vec<String>,
    /// In the order in which they were asked for.
    pub topics: Vec<Topic>,
    /// Whether a topic that is missing is created when it is first used. `None` if the brokers do not tell; asked only
    /// if one is missing.
    pub creates_topics: Option<bool>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: String,
    pub state: TopicState,
}

#[derive(Debug, PartialEq, Eq)]
pub enum TopicState {
    There {
        partitions: usize,
        /// The smallest of its partitions.
        replication_factor: usize,
        /// Partitions that can be neither read nor written now.
        without_leader: usize,
    },
    Missing,
    /// The broker's words.
    Refused(String),
}

/// The version of librdkafka that is linked.
pub fn library_version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

/// Asks for the brokers and for `topics`. Blocks, for a little more than `within` at most.
///
/// # Errors
/// Fatal if librdkafka refuses an option; transient with the reasons if no broker answers.
pub fn probe(connection: &Connection, topics: &[String], within: Duration) -> Result<Cluster, Failure> {
    let deadline = Instant::now() + within;
    let mut client = connection.client();
    connection.apply_options(&mut client);
    // Whatever `options` say: to ask for a topic must not create it.
    client.set("allow.auto.create.topics", "false");
    let consumer: BaseConsumer<Complaints> = BaseConsumer::from_config_and_context(&client, Complaints::default())
        .map_err(|error| refused(COMPONENT, &error))?;
    let first = topics.first().map(String::as_str);
    let metadata = first_answer(&consumer, &connection.brokers, first, deadline).map_err(|why| {
        Failure::transient(COMPONENT, why.unwrap_or_else(|| format!("no broker answers within {within:?}")))
    })?;
    let state = |name: &String| match first {
        Some(first) if first == name => Ok(state(name, &metadata)),
        _ => consumer
            .fetch_metadata(Some(name), left(deadline))
            .map(|metadata| state(name, &metadata))
            .map_err(|error| Failure::transient(COMPONENT, format!("does not tell about the topic {name}: {error}"))),
    };
    let topics = topics
        .iter()
        .map(|name| Ok(Topic { name: name.clone(), state: state(name)? }))
        .collect::<Result<Vec<_>, Failure>>()?;
    let missing = topics.iter().any(|topic| topic.state == TopicState::Missing);
    let creates_topics = if missing { creates_topics(&client, &metadata, deadline) } else { None };
    let brokers = metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
    Ok(Cluster { brokers, topics, creates_topics })
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Asks until there is an answer, the time is over, or what the client complains of will hardly change. The error is
/// what it complains of.
fn first_answer(
    consumer: &BaseConsumer<Complaints>,
    brokers: &[String],
    topic: Option<&str>,
    deadline: Instant,
) -> Result<Metadata, Option<String>> {
    let mut patience = PATIENCE;
    loop {
        let answer = consumer.fetch_metadata(topic, patience.min(left(deadline)));
        while consumer.poll(Duration::from_millis(20)).is_some() {}
        if let Ok(metadata) = answer {
            return Ok(metadata);
        }
        let heard = consumer.context().heard();
        // A name may have several addresses, which are tried in turn: one round of complaints is not the last word.
        let all_complained = patience > PATIENCE
            && brokers.iter().all(|broker| heard.reasons.iter().any(|reason| reason.contains(broker.as_str())));
        if heard.hopeless || all_complained || Instant::now() >= deadline {
            let why = format!("no broker answers: {}", heard.reasons.join("; "));
            return Err(Some(why).filter(|_| !heard.reasons.is_empty()));
        }
        patience += PATIENCE;
    }
}

fn state(name: &str, metadata: &Metadata) -> TopicState {
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        return TopicState::Missing;
    };
    match topic.error().map(RDKafkaErrorCode::from) {
        None => there(topic),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => TopicState::Missing,
        Some(error) => TopicState::Refused(error.to_string()),
    }
}

fn there(topic: &MetadataTopic) -> TopicState {
    let partitions = topic.partitions();
    TopicState::There {
        partitions: partitions.len(),
        replication_factor: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
        without_leader: partitions.iter().filter(|partition| partition.leader() < 0).count(),
    }
}

/// What the broker's own configuration says; it may not be ours to read.
fn creates_topics(client: &rdkafka::ClientConfig, metadata: &Metadata, deadline: Instant) -> Option<bool> {
    let broker = ResourceSpecifier::Broker(metadata.brokers().first()?.id());
    let admin: AdminClient<DefaultClientContext> = AdminClient::from_config(client).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let options = AdminOptions::new().request_timeout(Some(left(deadline)));
    let answers = runtime.block_on(admin.describe_configs([&broker], &options)).ok()?;
    let config = answers.into_iter().next()?.ok()?;
    let entry = config.entries.into_iter().find(|entry| entry.name == "auto.create.topics.enable")?;
    entry.value?.parse().ok()
}

/// Gathers why brokers do not answer. librdkafka tells it beside the calls, as it connects.
#[derive(Default)]
struct Complaints(Arc<Mutex<Heard>>);

#[derive(Clone, Default)]
struct Heard {
    /// Each once, in order.
    reasons: Vec<String>,
    /// They will not have us.
    hopeless: bool,
}

impl Complaints {
    fn heard(&self) -> Heard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, reason: &str, hopeless: bool) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.hopeless |= hopeless;
        let reason = plain(reason).to_owned();
        // The same comes again and again, also without the step that it happened in.
        let (broker, told) = reason.split_once(": ").unwrap_or(("", &reason));
        let known = heard.reasons.iter().any(|earlier| earlier.starts_with(broker) && earlier.contains(told));
        if heard.reasons.len() < MOST_REASONS && !known {
            heard.reasons.push(reason);
        }
    }
}

impl ClientContext for Complaints {
    /// A broker that hangs up is no error to librdkafka and stands in its log alone, as `[thread]: broker: reason`.
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        if facility == "FAIL" {
            self.hear(text.split_once("]: ").map_or(text, |(_, text)| text), false);
        }
    }

    fn stats(&self, _: Statistics) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // It only counts what the reasons before it told.
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.hear(reason, matches!(code, Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)));
        }
    }
}

impl ConsumerContext for Complaints {}

/// A reason without librdkafka's account of its own states.
fn plain(reason: &str) -> &str {
    reason.split(" (after ").next().unwrap_or(reason).trim_end()
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener, thread};

    use super::*;

    fn connection(broker: &str, options: &[(&str, &str)]) -> Connection {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Connection { brokers: vec![broker.to_owned()], options }
    }

    #[test]
    fn nobody_there_is_told_soon() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let began = Instant::now();
        let failure = probe(&connection(&free, &[]), &["logs".into()], Duration::from_secs(10)).unwrap_err();
        assert!(failure.text.contains(&free) && failure.text.contains("Connection refused"), "{failure}");
        assert!(!failure.text.contains("(after"), "{failure}");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_long() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let failure = probe(&connection(&address, &[]), &["logs".into()], Duration::from_secs(2)).unwrap_err();
        assert_eq!(failure.text, "no broker answers within 2s");
    }

    /// As a listener for TLS does with a client that speaks plain text.
    #[test]
    fn a_server_that_hangs_up_is_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = (&stream).read(&mut [0; 64]);
            }
        });
        let failure = probe(&connection(&address, &[]), &["logs".into()], Duration::from_secs(10)).unwrap_err();
        assert!(failure.text.contains(&format!("{address}/bootstrap: Disconnected")), "{failure}");
        assert_eq!(failure.text.matches("Disconnected").count(), 1, "{failure}");
    }

    #[test]
    fn a_refused_option_is_named_and_its_value_is_not() {
        let connection = connection("127.0.0.1:9", &[("sasl.passwrd", "hunter2")]);
        let failure = probe(&connection, &[], Duration::from_secs(1)).unwrap_err();
        assert!(failure.text.contains("sasl.passwrd") && !failure.text.contains("hunter2"), "{failure}");
    }

    #[test]
    fn a_cluster_tells_of_its_topics() {
        let mock = rdkafka::mocking::MockCluster::new(3).unwrap();
        mock.create_topic("logs", 6, 2).unwrap();
        let connection = connection(&mock.bootstrap_servers(), &[("allow.auto.create.topics", "true")]);
        let topics: Vec<String> = ["logs", "nowhere"].map(String::from).into();
        let cluster = probe(&connection, &topics, Duration::from_secs(10)).unwrap();
        assert_eq!(cluster.brokers.len(), 3);
        let there = TopicState::There { partitions: 6, replication_factor: 2, without_leader: 0 };
        let expected = [("logs", there), ("nowhere", TopicState::Missing)];
        let expected = expected.map(|(name, state)| Topic { name: name.into(), state });
        assert_eq!(cluster.topics, expected);
        let again = probe(&connection, &topics, Duration::from_secs(10)).unwrap();
        assert_eq!(again.topics, expected, "to ask for a topic does not create it");
    }
}
