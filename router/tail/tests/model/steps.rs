//! What may happen to a node.

use proptest::prelude::*;
use sluice_core::Stream;

/// `of` is the container that it happens to; `looked`: the agent had a look at all files just before.
#[derive(Clone, Debug)]
pub enum Step {
    /// One line, the last of its text or not; a part of the text is the step's number. A torn line gets its end, the
    /// newline among it, with the next step that concerns its container.
    Write {
        of: usize,
        stream: Stream,
        partial: bool,
        torn: bool,
    },
    /// By renaming, as the kubelet does.
    Rotate {
        of: usize,
    },
    CopyTruncate {
        of: usize,
    },
    /// All rotated files but the newest, as the kubelet does.
    Compress {
        of: usize,
    },
    /// The oldest rotated file is deleted.
    Expire {
        of: usize,
        looked: bool,
    },
    /// Without a copy.
    Truncate {
        of: usize,
        looked: bool,
    },
    /// The next line makes a new file under the same name.
    Delete {
        of: usize,
        looked: bool,
    },
    /// The next batch, if there is one.
    Read,
    /// One of the batches that wait is delivered.
    Deliver(prop::sample::Index),
    /// A part of a batch leaves before the rest.
    DeliverSome(prop::sample::Index),
    Save,
    /// The sink has no room for so long.
    Block {
        seconds: u32,
    },
    /// The agent is stopped in order, and started again.
    Stop,
    /// All that is not saved is forgotten.
    Kill,
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Some nodes are calmer than others: what is exact there says more.
    (any::<bool>(), any::<bool>()).prop_flat_map(|(destroys, restarts)| {
        prop::collection::vec(step(u32::from(destroys), u32::from(restarts)), 1..60)
    })
}

fn step(destroys: u32, restarts: u32) -> impl Strategy<Value = Step> {
    let of = || prop::bool::weighted(0.3).prop_map(usize::from);
    let looked = || prop::bool::weighted(0.8);
    let write = (of(), any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    let write = write.prop_map(|(of, err, partial, torn)| {
        let stream = if err { Stream::Stderr } else { Stream::Stdout };
        Step::Write { of, stream, partial, torn }
    });
    let mut steps = vec![
        (16, write.boxed()),
        (2, of().prop_map(|of| Step::Rotate { of }).boxed()),
        (1, of().prop_map(|of| Step::CopyTruncate { of }).boxed()),
        (1, of().prop_map(|of| Step::Compress { of }).boxed()),
        (destroys, (of(), looked()).prop_map(|(of, looked)| Step::Expire { of, looked }).boxed()),
        (destroys, (of(), looked()).prop_map(|(of, looked)| Step::Truncate { of, looked }).boxed()),
        (destroys, (of(), looked()).prop_map(|(of, looked)| Step::Delete { of, looked }).boxed()),
        (8, Just(Step::Read).boxed()),
        (6, any::<prop::sample::Index>().prop_map(Step::Deliver).boxed()),
        (2, any::<prop::sample::Index>().prop_map(Step::DeliverSome).boxed()),
        (4, Just(Step::Save).boxed()),
        (1, (1..20u32).prop_map(|seconds| Step::Block { seconds }).boxed()),
        (restarts, Just(Step::Stop).boxed()),
        (2 * restarts, Just(Step::Kill).boxed()),
    ];
    steps.retain(|(weight, _)| *weight > 0);
    prop::strategy::Union::new_weighted(steps)
}
