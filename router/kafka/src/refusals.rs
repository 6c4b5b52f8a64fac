//! Messages that the topic will never take, on their way to the dead letters.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sluice_core::{DeadLetter, DeadLetters, Failure, Generation};
use tokio::sync::{Notify, mpsc};

use crate::{
    DeadLetterTopic,
    delivery::{COMPONENT, Sent},
};

/// While so many bytes of refused messages wait for the dead-letter topic, no further message is sent: their cluster
/// is away, and what they held of the producer's queue is free for more of them.
const MOST_WAITING: usize = 4 << 20;

/// Where refused messages are handed in, from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    refused: mpsc::UnboundedSender<Refused>,
    waiting: Arc<AtomicUsize>,
}

/// A message that the cluster will never take, with its value and what was said of it.
#[derive(Debug)]
struct Refused {
    sent: Sent,
    value: Vec<u8>,
    reason: Reason,
    detail: String,
}

/// Why a message goes to the dead letters.
#[derive(Debug)]
pub(crate) enum Reason {
    /// The topic does not take it.
    Refused { topic: String },
    /// Nobody was asked: the record, or a plugin, named a topic that the sink does not follow.
    TopicNotAllowed,
}

impl Reason {
    fn name(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused_by_kafka",
            Self::TopicNotAllowed => "topic_not_allowed",
        }
    }
}

/// Brings refused messages to the dead-letter topic, one after another.
pub(crate) struct Burial {
    refused: mpsc::UnboundedReceiver<Refused>,
    waiting: Arc<AtomicUsize>,
    /// Told after each letter that went.
    pub room: Arc<Notify>,
    pub dead_letters: Option<Arc<DeadLetterTopic>>,
    pub generation: Arc<Generation>,
}

impl Refusals {
    /// The two ends of the way to `dead_letters`.
    pub fn new(
        room: Arc<Notify>,
        dead_letters: Option<Arc<DeadLetterTopic>>,
        generation: Arc<Generation>,
    ) -> (Self, Burial) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let burial = Burial { refused: receiver, waiting: waiting.clone(), room, dead_letters, generation };
        (Self { refused: sender, waiting }, burial)
    }

    pub fn add(&self, sent: Sent, value: Vec<u8>, reason: Reason, detail: String) {
        self.waiting.fetch_add(value.len(), Ordering::AcqRel);
        // If the sink is gone, the generation is over, and the receipt is given back with the letter.
        let _ = self.refused.send(Refused { sent, value, reason, detail });
    }

    /// Whether so much waits that nothing else should be sent.
    pub fn are_too_many(&self) -> bool {
        self.waiting.load(Ordering::Acquire) >= MOST_WAITING
    }
}

impl Burial {
    /// Sends what is refused to the dead-letter topic, or ends the generation where there is none.
    pub async fn run(mut self) {
        // In the books from the start, also where nothing is refused.
        let refused_by_kafka = self.generation.ledger().dead_lettered_for("refused_by_kafka");
        while let Some(refused) = self.refused.recv().await {
            let Some(dead_letters) = &self.dead_letters else {
                self.generation.fail(self.nowhere_to_go(&refused));
                return;
            };
            let Refused { sent: Sent { receipt, place, record }, value, reason, detail } = refused;
            let size = value.len();
            let (tally, detail) = match &reason {
                // The record itself may not say any more where it was to go.
                Reason::Refused { topic } => (refused_by_kafka.clone(), format!("topic {topic}: {detail}")),
                Reason::TopicNotAllowed => (self.generation.ledger().dead_lettered_for(reason.name()), detail),
            };
            let letter = DeadLetter {
                bytes: value,
                reason: reason.name().into(),
                detail,
                status: None,
                place,
                position: record.position,
                id: record.id,
                time: record.time,
                receipt,
                tally,
            };
            if let Err(failure) = dead_letters.send(letter).await {
                self.generation.fail(failure);
                return;
            }
            self.waiting.fetch_sub(size, Ordering::AcqRel);
            self.room.notify_one();
        }
    }

    fn nowhere_to_go(&self, refused: &Refused) -> Failure {
        let Refused { sent, value, reason, detail } = refused;
        let (bytes, place, position) = (value.len(), &sent.place, sent.record.position);
        let text = match reason {
            Reason::Refused { topic } => format!(
                "topic {topic} refuses a record of {bytes} bytes from {place} at {position}: {detail}; raise \
                 max.message.bytes of the topic (and message.max.bytes in `options`), or add a `dead_letter` block"
            ),
            Reason::TopicNotAllowed => format!(
                "a record from {place} at {position} may not go where it was named to: {detail}; write there which \
                 topics are allowed, and add a `dead_letter` block for the others"
            ),
        };
        Failure::fatal(COMPONENT, text)
    }
}
