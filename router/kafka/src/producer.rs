//! Records → a topic.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::BaseRecord,
};
use sluice_core::{Batch, Failure, Generation, Receipt, pipeline::Sink, route::remove_field};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};

use crate::{
    DeadLetterTopic, ProducerConfig, ProducerStatus,
    delivery::{COMPONENT, Reports, Sent, is_refusal},
    headers,
    polled::Polled,
    refusals::{Reason, Refusals},
    topic,
};

/// How long to wait for room before looking again, should a report be missed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Produces each record as one message; its receipt is resolved by the broker's acknowledgement.
pub struct KafkaSink {
    config: ProducerConfig,
    producer: Polled<Reports>,
    room: Arc<Notify>,
    refusals: Refusals,
    /// Brings refused messages to the dead-letter topic.
    letters: JoinHandle<()>,
    value: Vec<u8>,
}

impl KafkaSink {
    /// Makes the producer; nothing is sent yet, and no broker has to be there. Call inside a tokio runtime.
    pub fn open(
        config: ProducerConfig,
        generation: Arc<Generation>,
        status: Arc<ProducerStatus>,
        dead_letters: Option<Arc<DeadLetterTopic>>,
    ) -> Result<Self, Failure> {
        let room = Arc::new(Notify::new());
        let (refusals, burial) = Refusals::new(room.clone(), dead_letters, generation.clone());
        let found = status.request_limit();
        let (client, request_limit) = (config.client(found), config.request_limit(found));
        let reports = Reports { generation, status, room: room.clone(), refusals: refusals.clone(), request_limit };
        let producer = Polled::open(COMPONENT, &client, reports)?;
        let letters = tokio::spawn(burial.run());
        Ok(Self { config, producer, room, refusals, letters, value: Vec::new() })
    }

    async fn produce(&mut self, batch: &Batch, index: usize, receipt: Receipt) -> Result<(), Failure> {
        while self.refusals.are_too_many() {
            self.wait_for_room().await;
        }
        let record = &batch.records()[index];
        self.value.clear();
        self.config.encoding.append(batch, index, &mut self.value);
        let origin = batch.origin(record);
        // Kafka's own timestamp is when the message was sent, as Fluentd leaves it: by the time in an old line the
        // topic's retention would delete the message before anybody has read it.
        let sent = Box::new(Sent { receipt, place: batch.place().clone(), record: *record });
        let topic = match topic::of(&self.config, batch, index, &self.value) {
            Ok(topic) => topic,
            Err(detail) => {
                self.refusals.add(*sent, self.value.clone(), Reason::TopicNotAllowed, detail);
                return Ok(());
            }
        };
        if let Some(field) = self.config.topic_key.as_deref().filter(|_| self.config.exclude_topic_key) {
            remove_field(&mut self.value, field);
        }
        let mut message = BaseRecord::with_opaque_to(&topic, sent)
            .payload(self.value.as_slice())
            .headers(headers::write(record.time, record.id, told_origin(batch, index)));
        if self.config.by_container && !origin.key.is_empty() {
            message = message.key(origin.key.as_str());
        }
        // Nobody else sends: a queue that is empty and has no room for the message never will.
        let mut is_empty = false;
        loop {
            let (error, returned) = match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            if is_full(&error) && !is_empty {
                message = returned;
                self.wait_for_room().await;
                is_empty = self.producer.is_idle();
            } else if is_full(&error) {
                let detail = "it is larger than max_in_flight".to_owned();
                let reason = Reason::Refused { topic: topic.to_string() };
                self.refusals.add(*returned.delivery_opaque, self.value.clone(), reason, detail);
                return Ok(());
            } else if is_refusal(&error) {
                let reason = Reason::Refused { topic: topic.to_string() };
                self.refusals.add(*returned.delivery_opaque, self.value.clone(), reason, error.to_string());
                return Ok(());
            } else {
                return Err(Failure::transient(COMPONENT, format!("topic {topic}: {error}")));
            }
        }
    }

    async fn wait_for_room(&self) {
        let _ = timeout(LOOK_AGAIN, self.room.notified()).await;
    }
}

impl Sink for KafkaSink {
    async fn send(&mut self, mut batch: Batch) -> Result<(), Failure> {
        let mut receipt = batch.take_receipt();
        for index in 0..batch.len() {
            let share = receipt.split(1);
            self.produce(&batch, index, share).await?;
        }
        Ok(())
    }

    /// Messages go out by themselves after `linger`.
    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Drop for KafkaSink {
    fn drop(&mut self) {
        self.letters.abort();
    }
}

/// The id of the origin that the message may name; 0 for none. Consumers take the origin's fields of a record for
/// those of the first one under its id, which does not hold where a plugin has changed them.
fn told_origin(batch: &Batch, index: usize) -> u64 {
    if batch.edits().is_some_and(|edits| edits.touches_origin(index)) {
        return 0;
    }
    batch.origin(&batch.records()[index]).id
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

#[cfg(test)]
mod tests {
    use sluice_core::{
        Edit, EditPath, Edits, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Tally, ValueKind, Watermark,
    };

    use super::*;

    #[test]
    fn an_edited_origin_is_not_told() {
        for (keys, told) in [
            (&["log"][..], true),
            (&["kubernetes_host"], true),
            (&["level", "kubernetes"], true),
            (&["kubernetes"], false),
            (&["kubernetes", "labels", "app"], false),
            (&["kubernetes.labels"], false),
            (&["docker"], false),
        ] {
            for kind in [ValueKind::Null, ValueKind::Absent] {
                let mut batch = batch(3);
                let mut edits = Edits::new(3);
                let path = Arc::new(EditPath::new(keys.iter().map(|key| key.to_string()).collect(), Tally::default()));
                let path = edits.add_path(&path);
                edits.push(1, Edit { path, kind, at: 0, size: 0 });
                batch.set_edits(edits);
                let ids = [0, 1, 2].map(|index| told_origin(&batch, index));
                let id = batch.origins()[0].id;
                assert_eq!(ids, [id, if told { id } else { 0 }, id], "{keys:?}");
            }
        }
        let batch = batch(1);
        assert_eq!(told_origin(&batch, 0), batch.origins()[0].id);
    }

    fn batch(records: u32) -> Batch {
        let receipt = Watermark::new(Generation::new(Arc::new(Ledger::default())), 0u64).open(records, 1);
        let record = |number: u32| Record {
            start: 0,
            end: 0,
            raw_end: 0,
            origin: 0,
            time: 1,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: u64::from(number),
            id: RecordId(1),
        };
        let origin = Origin::new("c", "", r#"{"kubernetes":{"host":"n"}}"#);
        let place = Arc::new(Place::File { path: "f".into() });
        Batch::new(Shape::Lines, place, Vec::new(), (0..records).map(record).collect(), vec![Arc::new(origin)], receipt)
    }
}
