//! Records that name their topic, against librdkafka's own mock cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use common::{Cluster, dead_letters, generation, lines, lying_in, producer_config, within};
use rdkafka::mocking::MockCluster;
use sluice_core::{AllowList, Batch, Edit, EditPath, Edits, Route, Tally, ValueKind, Watermark, pipeline::Sink};
use sluice_kafka::{KafkaSink, ProducerConfig};

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["logs", "audit-a", "audit-b", "logs-dead"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    cluster
}

/// What records say of their topic: in their field `team`, and beside their JSON.
fn naming(watermark: &mut Watermark<u64>, records: &[(Option<&str>, Option<&str>)]) -> Batch {
    let texts: Vec<String> = (0..records.len()).map(|number| number.to_string()).collect();
    let mut batch = lines(watermark, &texts);
    let mut edits = Edits::new(batch.len());
    let path = edits.add_path(&Arc::new(EditPath::new(vec!["team".into()], Tally::default())));
    for (index, (field, beside)) in records.iter().enumerate() {
        if let Some(text) = field {
            let (at, size) = (edits.add_bytes(text.as_bytes()), text.len() as u32);
            edits.push(index, Edit { path, kind: ValueKind::Text, at, size });
        }
        if let Some(text) = beside {
            let at = edits.add_bytes(text.as_bytes());
            edits.set_route(index, Route::Topic, Some((at, text.len() as u32)));
        }
    }
    batch.set_edits(edits);
    batch
}

/// The texts of the lines that lie in a topic.
fn texts_in(cluster: &Cluster, topic: &str, count: usize) -> Vec<String> {
    let text = |value: &[u8]| {
        let value = String::from_utf8_lossy(value).into_owned();
        value.trim_start_matches(r#"{"log":""#).split('"').next().unwrap_or_default().to_owned()
    };
    lying_in(cluster, topic, count).iter().map(|lying| text(&lying.value)).collect()
}

#[tokio::test]
async fn records_go_where_they_may_and_else_to_the_dead_letters() {
    let cluster = cluster();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let config = ProducerConfig {
        topic_key: Some("team".into()),
        allowed_topics: AllowList::new(vec!["audit-*".into()]),
        ..producer_config(&cluster)
    };
    let dead = dead_letters(&cluster, &[]);
    let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), Some(dead)).unwrap();
    let records = [
        (None, None),
        (Some("audit-a"), None),
        (Some("billing"), None),
        // What a plugin says comes before what the record does.
        (Some("billing"), Some("audit-b")),
        (Some("audit-a"), Some("logs")),
        (None, Some("audit-../x")),
    ];
    sink.send(naming(&mut watermark, &records)).await.unwrap();
    within("acknowledgement", generation.settled()).await;
    assert_eq!((watermark.position(), generation.first_failure()), (6, None));
    let balance = generation.ledger().balance();
    assert_eq!((balance.delivered, balance.dead_lettered["topic_not_allowed"]), (4, 2));
    assert_eq!(texts_in(&cluster, "logs", 2), ["0", "4"]);
    assert_eq!(texts_in(&cluster, "audit-a", 1), ["1"]);
    assert_eq!(texts_in(&cluster, "audit-b", 1), ["3"]);
    let letters = lying_in(&cluster, "logs-dead", 2);
    let said: Vec<[&str; 2]> = letters
        .iter()
        .map(|letter| ["sluice-reason", "sluice-detail"].map(|name| letter.headers[name].as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ["topic_not_allowed", "topic billing is not among allow_topics of the sink"],
            ["topic_not_allowed", "\"audit-../x\" cannot be a topic"],
        ]
    );
}

#[tokio::test]
async fn the_field_that_names_the_topic_is_left_out_where_it_is_to_be() {
    let cluster = cluster();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let config = ProducerConfig {
        topic_key: Some("team".into()),
        exclude_topic_key: true,
        allowed_topics: AllowList::new(vec!["audit-*".into()]),
        ..producer_config(&cluster)
    };
    let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), None).unwrap();
    sink.send(naming(&mut watermark, &[(Some("audit-a"), None), (None, None)])).await.unwrap();
    within("acknowledgement", generation.settled()).await;
    for topic in ["audit-a", "logs"] {
        let value = String::from_utf8_lossy(&lying_in(&cluster, topic, 1)[0].value).into_owned();
        assert!(value.starts_with(r#"{"log":"#) && value.ends_with('}') && !value.contains("team"), "{value}");
    }
}

/// Also where the sink follows no names at all, what a plugin names goes nowhere else.
#[tokio::test]
async fn what_is_not_allowed_and_has_no_dead_letters_ends_the_pipeline() {
    let cluster = cluster();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let mut sink = KafkaSink::open(producer_config(&cluster), generation.clone(), Arc::default(), None).unwrap();
    sink.send(naming(&mut watermark, &[(Some("audit-a"), Some("audit-a"))])).await.unwrap();
    let failure = within("failure", generation.failure()).await;
    assert_eq!(
        failure.text,
        "a record from /var/log/c1.log at 0 may not go where it was named to: topic audit-a is not among \
         allow_topics of the sink; write there which topics are allowed, and add a `dead_letter` block for the others"
    );
    assert_eq!(watermark.position(), 0);
}
