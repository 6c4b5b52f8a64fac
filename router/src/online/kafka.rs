//! Clusters and topics.

use sluice_kafka::{
    Connection,
    probe::{self, Cluster, Topic, TopicState},
};
use tokio::{runtime::Runtime, task::JoinHandle};

use super::{Finding, PATIENCE};
use crate::{
    assemble::kafka::connection,
    config::{KafkaOptions, Plan, Sink, Source},
};

const COMPONENT: &str = "kafka";

/// A cluster by the way to it, and the topics that the plan names there.
struct Asked {
    connection: Connection,
    topics: Vec<String>,
}

/// Starts to ask every cluster of the plan, once each.
pub(super) fn ask(plan: &Plan, runtime: &Runtime) -> Vec<JoinHandle<Vec<Finding>>> {
    let ask = |asked: Asked| {
        runtime.spawn_blocking(move || {
            let place = asked.connection.brokers.join(",");
            match probe::probe(&asked.connection, &asked.topics, PATIENCE) {
                Ok(cluster) => findings(&place, &cluster),
                Err(failure) => vec![Finding::error(COMPONENT, &place, explained(&failure.text))],
            }
        })
    };
    asked(plan).into_iter().map(ask).collect()
}

/// Whose secrets cannot be read is left out: that is a finding of its own.
fn asked(plan: &Plan) -> Vec<Asked> {
    let mut clusters: Vec<Asked> = Vec::new();
    for (brokers, options, topics) in uses(plan) {
        let Ok(connection) = connection(brokers, options) else { continue };
        let known = clusters.iter().position(|asked| asked.connection == connection);
        let at = known.unwrap_or_else(|| {
            clusters.push(Asked { connection, topics: Vec::new() });
            clusters.len() - 1
        });
        for topic in topics {
            if !clusters[at].topics.contains(topic) {
                clusters[at].topics.push(topic.clone());
            }
        }
    }
    clusters
}

/// Brokers, options and topics of every Kafka block.
pub(super) fn uses(plan: &Plan) -> impl Iterator<Item = (&[String], &KafkaOptions, &[String])> {
    let pipelines = plan.pipelines.iter().flat_map(|pipeline| {
        let source = match &pipeline.source {
            Source::Kafka(source) => Some((&source.brokers[..], &source.options, &source.topics[..])),
            Source::Files(_) => None,
        };
        let sink = match &pipeline.sink {
            Sink::Kafka(sink) => Some((&sink.brokers[..], &sink.options, std::slice::from_ref(&sink.topic))),
            Sink::Elasticsearch(_) | Sink::Slack(_) => None,
        };
        source.into_iter().chain(sink)
    });
    let dead_letter = plan
        .dead_letter
        .iter()
        .map(|dead_letter| (&dead_letter.brokers[..], &dead_letter.options, std::slice::from_ref(&dead_letter.topic)));
    pipelines.chain(dead_letter)
}

fn findings(place: &str, cluster: &Cluster) -> Vec<Finding> {
    let count = cluster.brokers.len();
    let brokers = format!("{count} broker{}: {}", if count == 1 { "" } else { "s" }, cluster.brokers.join(", "));
    let mut findings = vec![Finding::ok(COMPONENT, place, brokers)];
    for topic in &cluster.topics {
        topic_findings(place, topic, cluster.creates_topics, &mut findings);
    }
    findings
}

fn topic_findings(place: &str, topic: &Topic, creates: Option<bool>, findings: &mut Vec<Finding>) {
    let name = &topic.name;
    match &topic.state {
        TopicState::There { partitions, replication_factor, without_leader } => {
            let text =
                format!("topic {name} has {partitions} partitions and the replication factor {replication_factor}");
            findings.push(if *replication_factor < 2 {
                let text = format!("{text}: what one broker loses is lost; give the topic 2 replicas or more");
                Finding::warning(COMPONENT, place, text)
            } else {
                Finding::ok(COMPONENT, place, text)
            });
            if *without_leader > 0 {
                let text = format!(
                    "topic {name}: {without_leader} of {partitions} partitions have no leader and can be neither read nor \
                     written now; look after the brokers that hold them"
                );
                findings.push(Finding::error(COMPONENT, place, text));
            }
        }
        TopicState::Missing => findings.push(missing(place, name, creates)),
        TopicState::Refused(words) => {
            let text = format!("topic {name} cannot be looked at: {words}; grant the user of `options` access to it");
            findings.push(Finding::error(COMPONENT, place, text));
        }
    }
}

fn missing(place: &str, name: &str, creates: Option<bool>) -> Finding {
    match creates {
        Some(true) => Finding::warning(
            COMPONENT,
            place,
            format!(
                "topic {name} does not exist; the broker creates it when it is first used, with its own defaults for \
                 partitions and replicas, so create it if you want others"
            ),
        ),
        None => Finding::warning(
            COMPONENT,
            place,
            format!(
                "topic {name} does not exist, and the broker does not tell whether it creates it when it is first used \
                 (auto.create.topics.enable); create it"
            ),
        ),
        Some(false) => Finding::error(
            COMPONENT,
            place,
            format!(
                "topic {name} does not exist, and the broker creates none (auto.create.topics.enable is false); create \
                 it, as in \"kafka-topics.sh --create --topic {name} --partitions 12 --replication-factor 3\""
            ),
        ),
    }
}

/// The client's reasons, and where to look first.
fn explained(reasons: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| reasons.contains(word));
    let advice = if says(&["SASL", "uthentication"]) {
        "look at security.protocol, sasl.mechanism, sasl.username and sasl.password in `options`"
    } else if says(&["SSL", "certificate", "ApiVersion", "Disconnected"]) {
        "look at security.protocol in `options`, and at ssl.ca.location for an authority of your own"
    } else if says(&["resolve"]) {
        "look at the names in `brokers`"
    } else if says(&["librdkafka refuses"]) {
        return reasons.to_owned();
    } else {
        "look at `brokers`, and at what stands between (network policies, firewalls)"
    };
    format!("{reasons}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::online::Level;

    #[test]
    fn topics_are_judged() {
        let there = |replication_factor, without_leader| TopicState::There {
            partitions: 6,
            replication_factor,
            without_leader,
        };
        let check = |state, creates, expect: &[(Level, &str)]| {
            let mut found = Vec::new();
            topic_findings("a:9092", &Topic { name: "logs".into(), state }, creates, &mut found);
            assert_eq!(found.len(), expect.len(), "{found:#?}");
            for (finding, (level, text)) in found.iter().zip(expect) {
                assert_eq!(finding.level, *level, "{finding}");
                assert!(finding.text.contains(text), "{finding}");
            }
        };
        check(there(3, 0), None, &[(Level::Ok, "topic logs has 6 partitions and the replication factor 3")]);
        check(there(1, 0), None, &[(Level::Warning, "factor 1: what one broker loses is lost")]);
        check(there(3, 2), None, &[(Level::Ok, "6 partitions"), (Level::Error, "2 of 6 partitions have no leader")]);
        check(TopicState::Missing, Some(true), &[(Level::Warning, "does not exist; the broker creates it")]);
        check(TopicState::Missing, None, &[(Level::Warning, "does not tell whether it creates it")]);
        check(TopicState::Missing, Some(false), &[(Level::Error, "kafka-topics.sh --create --topic logs")]);
        check(TopicState::Refused("no".into()), None, &[(Level::Error, "cannot be looked at: no; grant")]);
    }

    #[test]
    fn reasons_come_with_advice() {
        for (reason, expected) in [
            (
                "Connect to ipv4#10.0.0.1:9092 failed: Connection refused",
                "; look at `brokers`, and at what stands between",
            ),
            ("Failed to resolve 'kafka:9092'", "; look at the names in `brokers`"),
            ("SASL authentication error: Authentication failed", "; look at security.protocol, sasl.mechanism"),
            (
                "a:9092/bootstrap: Disconnected: connection closed by peer",
                "; look at security.protocol in `options`, and",
            ),
            ("SSL handshake failed: certificate verify failed", "; look at security.protocol"),
            ("librdkafka refuses the property \"x\"; correct `options` of this block", "of this block"),
        ] {
            let text = explained(reason);
            assert!(text.starts_with(reason) && text.contains(expected), "{text}");
        }
    }
}
