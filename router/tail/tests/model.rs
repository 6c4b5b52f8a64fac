//! Whatever happens, and in whichever order: every line that was written arrives, and is the same each time.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{collections::HashMap, time::Duration};

use fixture::{Container, Node, read_to_the_end, see};
use proptest::prelude::*;
use sluice_core::{Batch, Receipt, RecordId, Stream, pipeline::Source};
use sluice_tail::Tail;

#[derive(Clone, Debug)]
enum Step {
    /// One line, the last of its text or not; the text is the step's number.
    Write {
        stream: Stream,
        partial: bool,
    },
    Rotate,
    /// The next batch, if there is one.
    Read,
    /// One of the batches that wait is delivered.
    Deliver(prop::sample::Index),
    /// A part of a batch leaves before the rest.
    DeliverSome(prop::sample::Index),
    Save,
    /// All that is not saved is forgotten.
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (any::<bool>(), prop::bool::weighted(0.3)).prop_map(|(err, partial)| Step::Write {
            stream: if err { Stream::Stderr } else { Stream::Stdout },
            partial
        }),
        1 => Just(Step::Rotate),
        4 => Just(Step::Read),
        3 => any::<prop::sample::Index>().prop_map(Step::Deliver),
        1 => any::<prop::sample::Index>().prop_map(Step::DeliverSome),
        2 => Just(Step::Save),
        1 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a runtime writes, and the whole texts that must come of it.
struct Runtime {
    container: Container,
    docker: bool,
    open: [String; 2],
    expected: Vec<String>,
}

impl Runtime {
    fn write(&mut self, number: usize, stream: Stream, partial: bool) {
        let second = number % 60;
        let time = format!("2023-11-14T22:13:{second:02}.{number:09}Z");
        let name = stream.name();
        let text = format!("<{number}>");
        self.container.append(match (self.docker, partial) {
            (true, true) => format!(r#"{{"log":"{text}","stream":"{name}","time":"{time}"}}"#) + "\n",
            (true, false) => format!(r#"{{"log":"{text}\n","stream":"{name}","time":"{time}"}}"#) + "\n",
            (false, true) => format!("{time} {name} P {text}\n"),
            (false, false) => format!("{time} {name} F {text}\n"),
        });
        let open = &mut self.open[stream as usize];
        open.push_str(&text);
        if !partial {
            self.expected.push(std::mem::take(open));
        }
    }

    /// What is open in a file when it is left will not be completed there.
    fn rotate(&mut self) {
        if self.container.log.exists() {
            self.container.rotate();
        }
        self.expected.extend(self.open.iter_mut().map(std::mem::take).filter(|text| !text.is_empty()));
    }
}

/// What arrived, and what is on its way.
#[derive(Default)]
struct Sink {
    waiting: Vec<(Vec<String>, Receipt)>,
    ids: HashMap<String, RecordId>,
    arrived: HashMap<String, usize>,
}

impl Sink {
    fn take(&mut self, batch: Batch) {
        let mut texts = Vec::new();
        for seen in see(&batch) {
            let text = seen.text.trim_end_matches('\n').to_owned();
            let before = self.ids.insert(text.clone(), seen.id);
            assert!(before.is_none_or(|id| id == seen.id), "{text} has another identity when it is read again");
            texts.push(text);
        }
        self.waiting.push((texts, batch.into_parts().receipt));
    }

    fn deliver(&mut self, index: prop::sample::Index) {
        if !self.waiting.is_empty() {
            let (texts, receipt) = self.waiting.remove(index.index(self.waiting.len()));
            receipt.delivered();
            texts.into_iter().for_each(|text| *self.arrived.entry(text).or_default() += 1);
        }
    }

    fn deliver_some(&mut self, index: prop::sample::Index) {
        if !self.waiting.is_empty() {
            let index = index.index(self.waiting.len());
            let (texts, receipt) = &mut self.waiting[index];
            let some = texts.len() / 2;
            receipt.split(some as u32).delivered();
            texts.drain(..some).for_each(|text| *self.arrived.entry(text).or_default() += 1);
        }
    }
}

async fn run(steps: Vec<Step>, docker: bool) -> Result<(), TestCaseError> {
    let node = Node::new();
    let container = node.container("app");
    let mut runtime = Runtime { container, docker, open: Default::default(), expected: Vec::new() };
    let (mut tail, mut sink) = (node.tail(), Sink::default());
    // The first look: what comes now is no history.
    read_one(&mut tail, &mut sink).await;
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Write { stream, partial } => runtime.write(number, stream, partial),
            Step::Rotate => runtime.rotate(),
            Step::Read => read_one(&mut tail, &mut sink).await,
            Step::Deliver(index) => sink.deliver(index),
            Step::DeliverSome(index) => sink.deliver_some(index),
            Step::Save => tail.save().await.unwrap(),
            Step::Kill => {
                drop(tail);
                sink.waiting.clear();
                tail = node.tail();
            }
        }
    }
    // What is open at the end stays open; a last generation reads what is left.
    runtime.container.append("");
    let last = runtime.open.concat().is_empty();
    drop(tail);
    sink.waiting.clear();
    let mut tail = node.tail();
    for seen in read_to_the_end(&mut tail).await {
        let text = seen.text.trim_end_matches('\n').to_owned();
        let before = sink.ids.insert(text.clone(), seen.id);
        prop_assert!(before.is_none_or(|id| id == seen.id), "{} has another identity", text);
        *sink.arrived.entry(text).or_default() += 1;
    }
    for text in &runtime.expected {
        prop_assert!(sink.arrived.contains_key(text), "{} is lost", text);
    }
    prop_assert_eq!(sink.ids.len(), runtime.expected.len(), "nothing arrives that was not written");
    // And once all is delivered and saved, nothing is read again.
    tail.close().await.unwrap();
    drop(tail);
    let again = fixture::read(&mut node.tail()).await;
    prop_assert!(again.is_empty() || !last, "{:?} again", again);
    Ok(())
}

async fn read_one(tail: &mut Tail, sink: &mut Sink) {
    if let Ok(batch) = tokio::time::timeout(Duration::from_millis(700), tail.next()).await {
        sink.take(batch.unwrap().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_arrives(steps in steps(), docker: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(steps, docker))?;
    }
}
