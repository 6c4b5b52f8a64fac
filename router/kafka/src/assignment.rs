//! The partitions that this consumer has, what of them is being collected, and how far they are settled.

use std::{collections::HashMap, sync::Arc};

use rdkafka::{Message, Offset, TopicPartitionList, message::BorrowedMessage};
use sluice_core::{Batch, Generation, Origin, Place, Record, RecordId, Shape, Stream, Watermark, stop::Rest};

use crate::headers::{self, Identity};

/// A batch is handed on at this many records or bytes.
const BATCH_RECORDS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;
/// Origins that are known again without parsing; more than the containers of a large cluster's busy day.
const KNOWN_ORIGINS: usize = 16_384;
/// Bytes of an origin that is kept; whoever may write to the topic chooses them.
const LARGEST_ORIGIN: usize = 16 << 10;

/// The life of a partition that is being given up: nothing that was collected is of it.
const LEAVING: u64 = 0;

/// What is known of each partition since it was assigned and read from.
pub(crate) struct Assignment {
    generation: Arc<Generation>,
    partitions: Vec<Partition>,
    /// Where the last message's partition was: the next is often of the same.
    last: usize,
    origins: HashMap<u64, Arc<Origin>>,
    unknown: Arc<Origin>,
    lives: u64,
}

struct Partition {
    place: Arc<Place>,
    life: u64,
    watermark: Watermark<u64>,
    /// The offset of the next message, if none is missing.
    next: u64,
    /// Where the last batch ended that became the pipeline's.
    opened: u64,
    committed: Option<u64>,
    arena: Vec<u8>,
    records: Vec<Record>,
    origins: Vec<Arc<Origin>>,
}

/// Messages of one partition that were collected; they become a batch when the pipeline takes them, not before: what
/// waits in a queue is neither booked as read nor has to run dry at a stop.
pub(crate) struct Collected {
    place: Arc<Place>,
    /// Which life of the partition it is from: after a rebalance it may have been away and come back.
    life: u64,
    end: u64,
    arena: Vec<u8>,
    records: Vec<Record>,
    origins: Vec<Arc<Origin>>,
}

/// What came of adding a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// The partition's batch is full and wants to be taken.
    pub is_full: bool,
    pub order: Order,
}

/// Whether a message is the one that had to come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Next,
    /// The first of its partition since that was assigned.
    First,
    /// Another one was expected: that with this offset.
    Gap {
        expected: u64,
    },
}

impl Assignment {
    pub fn new(generation: Arc<Generation>) -> Self {
        Self {
            generation,
            partitions: Vec::new(),
            last: 0,
            origins: HashMap::new(),
            unknown: Arc::new(Origin::unknown()),
            lives: 0,
        }
    }

    pub fn add(&mut self, message: &BorrowedMessage<'_>) -> Added {
        let offset = message.offset().max(0) as u64;
        let value = message.payload().unwrap_or_default();
        let identity = message.headers().map(headers::read).unwrap_or_default();
        let origin = self.origin(identity.origin, value);
        let (index, order) = match self.find(message.topic(), message.partition()) {
            Some(index) if self.partitions[index].next == offset => (index, Order::Next),
            Some(index) => (index, Order::Gap { expected: self.partitions[index].next }),
            None => (self.begin(message.topic(), message.partition(), offset), Order::First),
        };
        self.last = index;
        let partition = &mut self.partitions[index];
        let broker_ms = message.timestamp().to_millis().unwrap_or(0).max(0) as u64;
        partition.push(offset, broker_ms, identity, origin, value);
        Added { is_full: partition.is_full(), order }
    }

    fn begin(&mut self, topic: &str, number: i32, offset: u64) -> usize {
        self.lives += 1;
        let place = Place::Partition { topic: topic.to_owned(), partition: number };
        self.partitions.push(Partition::new(&self.generation, self.lives, place, offset));
        self.partitions.len() - 1
    }

    /// Whether anything of the partition was read since it was assigned.
    pub fn has_read(&self, topic: &str, number: i32) -> bool {
        self.find(topic, number).is_some()
    }

    /// The offset from which on nothing is left below `lowest`, if anything has expired and nothing that was read still
    /// waits for the pipeline; `committed` counts where nothing was read.
    pub fn expired_from(&self, topic: &str, number: i32, committed: Option<u64>, lowest: u64) -> Option<u64> {
        let from = match self.find(topic, number) {
            Some(index) => {
                let partition = &self.partitions[index];
                (partition.opened == partition.next).then_some(partition.next)
            }
            None => committed,
        };
        from.filter(|from| *from < lowest)
    }

    /// Reading goes on at `lowest`: so does the position, once what was read before has left.
    pub fn skip_to(&mut self, topic: &str, number: i32, lowest: u64) {
        match self.find(topic, number) {
            Some(index) => {
                let partition = &mut self.partitions[index];
                drop(partition.watermark.open(0, lowest));
                (partition.next, partition.opened) = (lowest, lowest);
            }
            None => {
                self.begin(topic, number, lowest);
            }
        }
    }

    fn find(&self, topic: &str, number: i32) -> Option<usize> {
        let last = self.partitions.get(self.last).filter(|partition| partition.is(topic, number));
        last.map(|_| self.last).or_else(|| self.partitions.iter().position(|partition| partition.is(topic, number)))
    }

    fn origin(&mut self, id: Option<u64>, document: &[u8]) -> Arc<Origin> {
        let Some(id) = id.filter(|id| *id != 0) else { return self.unknown.clone() };
        if let Some(origin) = self.origins.get(&id) {
            return origin.clone();
        }
        let Some(origin) = Origin::of_document(id, document) else { return self.unknown.clone() };
        if origin.object.len() > LARGEST_ORIGIN {
            return Arc::new(origin);
        }
        if self.origins.len() >= KNOWN_ORIGINS {
            self.origins.clear();
        }
        self.origins.entry(id).or_insert(Arc::new(origin)).clone()
    }

    /// Takes what was collected: of every partition, or of those that are full.
    pub fn take_collected(&mut self, only_full: bool) -> Vec<Collected> {
        let ready = self.partitions.iter_mut();
        let ready = ready.filter(|partition| !partition.records.is_empty() && (!only_full || partition.is_full()));
        ready.map(Partition::take).collect()
    }

    /// Opens the receipt for what was collected; `None` if its partition was taken away meanwhile.
    pub fn open(&mut self, collected: Collected) -> Option<Batch> {
        let Collected { place, life, end, arena, records, origins } = collected;
        let partition = self.partitions.iter_mut().find(|partition| partition.life == life && life != LEAVING)?;
        let receipt = partition.watermark.open(records.len() as u32, end);
        partition.opened = end;
        Some(Batch::new(Shape::Documents, place, arena, records, origins, receipt))
    }

    /// The settled positions that are not committed yet, of all partitions or of those in `only`.
    pub fn uncommitted(&mut self, only: Option<&TopicPartitionList>) -> TopicPartitionList {
        let mut offsets = TopicPartitionList::new();
        for partition in &mut self.partitions {
            let Place::Partition { topic, partition: number } = &*partition.place else { continue };
            if only.is_some_and(|list| list.find_partition(topic, *number).is_none()) {
                continue;
            }
            let position = partition.watermark.position();
            if partition.committed != Some(position)
                && offsets.add_partition_offset(topic, *number, Offset::Offset(position as i64)).is_ok()
            {
                partition.committed = Some(position);
            }
        }
        offsets
    }

    /// Where reading goes on, of all partitions of which not everything has left.
    pub fn rest(&mut self) -> Vec<Rest> {
        let open = self.partitions.iter_mut().filter_map(|partition| {
            let is_open = !partition.watermark.is_settled();
            is_open.then(|| Rest { place: partition.place.clone(), position: partition.watermark.position() })
        });
        open.collect()
    }

    /// Commits that failed are tried again at the next save.
    pub fn not_committed(&mut self, offsets: &TopicPartitionList) {
        for element in offsets.elements() {
            if let Some(index) = self.find(element.topic(), element.partition()) {
                self.partitions[index].committed = None;
            }
        }
    }

    /// What of these partitions is not the pipeline's yet never will be: from now on they can only settle.
    pub fn give_up(&mut self, partitions: &TopicPartitionList) {
        for element in partitions.elements() {
            if let Some(index) = self.find(element.topic(), element.partition()) {
                self.partitions[index].life = LEAVING;
            }
        }
    }

    /// Whether all that the pipeline got of these partitions has left.
    pub fn is_settled(&mut self, partitions: &TopicPartitionList) -> bool {
        let elements = partitions.elements();
        elements.iter().all(|element| match self.find(element.topic(), element.partition()) {
            Some(index) => self.partitions[index].watermark.is_settled(),
            None => true,
        })
    }

    /// Forgets partitions that were taken away, with what was collected and not handed on.
    pub fn forget(&mut self, partitions: &TopicPartitionList) {
        for element in partitions.elements() {
            self.partitions.retain(|partition| !partition.is(element.topic(), element.partition()));
        }
    }
}

impl Partition {
    fn new(generation: &Arc<Generation>, life: u64, place: Place, offset: u64) -> Self {
        Self {
            life,
            place: Arc::new(place),
            watermark: Watermark::new(generation.clone(), offset),
            next: offset,
            opened: offset,
            // Where reading began is committed, too: a group that started at the latest offset would start at a later
            // one after a crash, past what was never resolved.
            committed: None,
            arena: Vec::new(),
            records: Vec::new(),
            origins: Vec::new(),
        }
    }

    fn is(&self, topic: &str, number: i32) -> bool {
        matches!(&*self.place, Place::Partition { topic: own, partition } if *partition == number && own == topic)
    }

    fn push(&mut self, offset: u64, broker_ms: u64, identity: Identity, origin: Arc<Origin>, value: &[u8]) {
        let Place::Partition { topic, partition } = &*self.place else { return };
        let id = identity.id.unwrap_or_else(|| RecordId::of_message(topic, *partition, offset, broker_ms, value));
        if self.origins.last().is_none_or(|last| !Arc::ptr_eq(last, &origin)) {
            self.origins.push(origin);
        }
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(value);
        let end = self.arena.len() as u32;
        self.records.push(Record {
            start,
            end,
            raw_end: end,
            origin: self.origins.len() as u32 - 1,
            time: identity.time.unwrap_or(broker_ms * 1_000_000),
            timed: identity.time.is_some(),
            stream: Stream::default(),
            truncated: false,
            part: Default::default(),
            position: offset,
            id,
        });
        self.next = offset + 1;
    }

    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.arena.len() >= BATCH_BYTES
    }

    fn take(&mut self) -> Collected {
        Collected {
            place: self.place.clone(),
            life: self.life,
            end: self.next,
            arena: std::mem::take(&mut self.arena),
            records: std::mem::take(&mut self.records),
            origins: std::mem::take(&mut self.origins),
        }
    }
}
