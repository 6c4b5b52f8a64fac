//! One broker and one index for all tests that stop neither; each test has its own topics and indices.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Result;
use sluice_servers::{Elasticsearch, ElasticsearchOptions, Kafka, KafkaOptions};

/// Tests write messages with timestamps of long ago.
const KEEP: &str = "log.retention.ms=-1";

static KAFKA: OnceLock<Kafka> = OnceLock::new();
static ELASTICSEARCH: OnceLock<Elasticsearch> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

fn starting() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The broker of this test process; it ends with the process.
pub fn kafka() -> Result<&'static Kafka> {
    let _one_at_a_time = starting();
    if let Some(kafka) = KAFKA.get() {
        return Ok(kafka);
    }
    let kafka = Kafka::start(KafkaOptions { settings: vec![KEEP.into()], ..KafkaOptions::default() })?;
    Ok(KAFKA.get_or_init(|| kafka))
}

/// The index of this test process; it ends with the process.
pub fn elasticsearch() -> Result<&'static Elasticsearch> {
    let _one_at_a_time = starting();
    if let Some(elasticsearch) = ELASTICSEARCH.get() {
        return Ok(elasticsearch);
    }
    let elasticsearch = Elasticsearch::start(ElasticsearchOptions::default())?;
    Ok(ELASTICSEARCH.get_or_init(|| elasticsearch))
}
