//! `source → plugins → sink`: one generation of a pipeline, on one worker.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{Batch, Failure, Generation, Shutdown, stop::Stop};

/// Where batches come from.
pub trait Source {
    /// Waits for the next batch; `None` at the end of a source that has one. Nothing is lost if the future is
    /// dropped while it waits.
    fn next(&mut self) -> impl Future<Output = Result<Option<Batch>, Failure>>;

    /// Saves the positions that everything before is resolved of, and looks after what cannot wait for the next
    /// [`Source::next`]: this is called all the time, also while the sink has no room.
    fn save(&mut self) -> impl Future<Output = Result<(), Failure>>;

    /// Saves for the last time and leaves (closes files, leaves the consumer group); tells the generation where
    /// reading goes on, of what is not resolved.
    fn close(&mut self) -> impl Future<Output = Result<(), Failure>>;
}

/// What happens to a batch on its way: the chain of plugins.
pub trait Transform {
    /// Drops or changes records, or raises alerts. Waits where it must not go on (a plugin that was halted): if the
    /// future is dropped meanwhile, the batch is given back. An error ends the generation, and the batch is read again.
    fn apply(&mut self, batch: Batch) -> impl Future<Output = Result<Batch, Failure>>;

    /// Asked every [`TICK`], records or none: a batch of alerts alone, if there are any.
    fn tick(&mut self) -> Result<Option<Batch>, Failure>;
}

/// How often a transform is asked for what it has to say without records.
pub const TICK: Duration = Duration::from_secs(1);

/// Where batches go.
pub trait Sink {
    /// Takes a batch, and answers for its receipt from then on. Waits while there is no room: that is the
    /// back-pressure which stops the source.
    fn send(&mut self, batch: Batch) -> impl Future<Output = Result<(), Failure>>;

    /// Sends on what is still buffered, without waiting for it to arrive.
    fn flush(&mut self) -> impl Future<Output = Result<(), Failure>>;
}

/// How a generation ended in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The source had no more, and everything is resolved.
    Exhausted,
    /// Stopped on order. Records that were not resolved at the end of the grace are read again at the next start.
    Stopped { left: u64 },
}

/// The three parts of a running pipeline.
#[derive(Debug)]
pub struct Pipeline<S, T, K> {
    pub source: S,
    pub transform: T,
    pub sink: K,
}

impl<S: Source, T: Transform, K: Sink> Pipeline<S, T, K> {
    /// Runs until the source ends, the order to stop comes, or a part fails. Positions are saved every `save_every`.
    pub async fn run(
        &mut self,
        generation: &Arc<Generation>,
        shutdown: &Shutdown,
        save_every: Duration,
    ) -> Result<End, Failure> {
        let exhausted = self.flow(generation, shutdown, save_every).await?;
        let (read, left_before) = (Instant::now(), generation.ledger().balance().left());
        let dry = self.run_dry(generation, shutdown).await;
        let ran_dry = Instant::now();
        // Also when something failed on the way out: what is resolved is saved, and the group is left.
        let closed = self.source.close().await;
        if let Some(ordered) = shutdown.ordered() {
            generation.stopped(Stop {
                settled: generation.ledger().balance().left() - left_before,
                left: generation.unresolved(),
                rest: Vec::new(),
                reading: read - ordered,
                running_dry: ran_dry - read,
                closing: ran_dry.elapsed(),
            });
        }
        closed?;
        dry?;
        Ok(match (exhausted, generation.unresolved()) {
            (true, 0) => End::Exhausted,
            (_, left) => End::Stopped { left },
        })
    }

    /// Moves batches until the order to stop (false) or the end of the source (true).
    async fn flow(
        &mut self,
        generation: &Arc<Generation>,
        shutdown: &Shutdown,
        save_every: Duration,
    ) -> Result<bool, Failure> {
        let Self { source, transform, sink } = self;
        let (mut save, mut tick) = (interval(save_every), interval(TICK));
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = pin!(shutdown.stopping());
        loop {
            let batch = tokio::select! {
                biased;
                failure = generation.failure() => return Err(failure),
                () = &mut stopping => {
                    generation.stopping();
                    return Ok(false);
                }
                _ = save.tick() => { source.save().await?; continue }
                _ = tick.tick() => match transform.tick()? {
                    Some(batch) => batch,
                    None => continue,
                },
                batch = source.next() => {
                    let Some(batch) = batch? else { return Ok(true) };
                    let mut applying = pin!(transform.apply(batch));
                    loop {
                        tokio::select! {
                            biased;
                            failure = generation.failure() => return Err(failure),
                            applied = &mut applying => break applied?,
                            _ = save.tick() => source.save().await?,
                            // What waits for a plugin is given back: it may wait for days.
                            () = &mut stopping => {
                                generation.stopping();
                                return Ok(false);
                            }
                        }
                    }
                }
            };
            if batch.is_empty() && batch.alerts().is_empty() {
                continue;
            }
            let mut sending = pin!(sink.send(batch));
            // While the sink has no room, positions are still saved and failures still heard.
            loop {
                tokio::select! {
                    biased;
                    failure = generation.failure() => return Err(failure),
                    sent = &mut sending => { sent?; break }
                    _ = save.tick() => source.save().await?,
                    () = shutdown.deadline() => return Ok(false),
                }
            }
        }
    }

    /// Waits until all that was read is resolved, at the end of a stop's grace at the latest.
    async fn run_dry(&mut self, generation: &Arc<Generation>, shutdown: &Shutdown) -> Result<(), Failure> {
        let dry = async {
            self.sink.flush().await?;
            generation.settled().await;
            Ok(())
        };
        tokio::select! {
            biased;
            // First: at the deadline records are given back on purpose, which is no failure.
            () = shutdown.deadline() => Ok(()),
            failure = generation.failure() => Err(failure),
            dry = dry => dry,
        }
    }
}
