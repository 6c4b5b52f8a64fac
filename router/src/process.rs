//! One process: every pipeline of the plan on a thread of its own, until all have ended.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use sluice_core::{
    Failure, Shutdown,
    pipeline::End,
    shutdown::{self, Trigger},
    supervisor::supervise,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tracing::{error, info, warn};

use crate::{assemble::Assembly, config::Plan, report};

/// How often positions are saved: at most this much is read again after a kill.
const SAVE_EVERY: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(500);
/// What closing files and leaving groups may take after the grace, before the process ends all the same.
const LEAVING: Duration = Duration::from_secs(4);

/// Runs until SIGTERM or SIGINT, or until every source has ended. An error if a pipeline failed for good.
pub fn run(plan: &Plan, report_every: Option<Duration>) -> Result<()> {
    let (trigger, shutdown) = shutdown::channel();
    let trigger = Arc::new(trigger);
    // Before anything else: a stop that comes while plugins are compiled is a stop in order, too.
    stop_on_signal(trigger.clone(), plan.grace_period)?;
    let assemblies = Assembly::of_plan(plan)?;
    let (ended_sender, ended) = mpsc::channel();
    let books: Vec<_> = assemblies.iter().map(report::Books::of).collect();
    for assembly in assemblies {
        start(assembly, shutdown.clone(), ended_sender.clone())?;
    }
    drop(ended_sender);
    if let Some(every) = report_every {
        report::start(books.clone(), every);
    }
    let result = wait(&ended, books.len(), &trigger, &shutdown, plan.grace_period);
    for pipeline in &books {
        pipeline.close();
    }
    result
}

/// What the thread of a pipeline says at its end.
struct Ended {
    pipeline: String,
    result: Result<End, Failure>,
}

fn start(assembly: Assembly, shutdown: Shutdown, ended: mpsc::Sender<Ended>) -> Result<()> {
    let name = assembly.name.clone();
    let thread_name = format!("pipe-{name}");
    thread::Builder::new().name(thread_name).spawn(move || {
        // A panic takes the same way out as a failure for good: in order, with the other pipelines run dry.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(&assembly, &shutdown)));
        let result = result.unwrap_or_else(|_| Err(Failure::fatal("pipeline", "panicked; the lines above say where")));
        let _ = ended.send(Ended { pipeline: name, result });
    })?;
    Ok(())
}

fn live(assembly: &Assembly, shutdown: &Shutdown) -> Result<End, Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fatal("pipeline", format!("cannot start its runtime: {error}")))?;
    let end = runtime.block_on(supervise(&assembly.name, &assembly.ledger, shutdown, |generation| async move {
        let mut pipeline = assembly.open(&generation)?;
        pipeline.run(&generation, shutdown, SAVE_EVERY).await
    }));
    // What the pipeline still had running may not hold up the others.
    runtime.shutdown_background();
    end
}

/// The first signal stops reading and leaves `grace` to run dry; the second ends at once.
fn stop_on_signal(trigger: Arc<Trigger>, grace: Duration) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let mut grace = grace;
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                info!(
                    signal = name,
                    grace_ms = grace.as_millis() as u64,
                    "stopping: no more is read, the rest runs dry"
                );
                trigger.stop(grace);
                grace = Duration::ZERO;
            }
        });
    })?;
    Ok(())
}

/// Waits for all pipelines; when one fails for good, stops the others in order.
fn wait(
    ended: &mpsc::Receiver<Ended>,
    pipelines: usize,
    trigger: &Trigger,
    shutdown: &Shutdown,
    grace: Duration,
) -> Result<()> {
    let mut failed = None;
    let mut left = pipelines;
    let mut stopping_since = None;
    while left > 0 {
        match ended.recv_timeout(LOOK) {
            Ok(Ended { pipeline, result }) => {
                left -= 1;
                if let Some(failure) = told(&pipeline, result) {
                    trigger.stop(grace);
                    failed.get_or_insert(failure);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) if shutdown.is_stopping() => {
                let since = *stopping_since.get_or_insert_with(Instant::now);
                if since.elapsed() > grace + LEAVING {
                    warn!(
                        pipelines = left,
                        "did not end within the grace; what is unresolved is read again at the next start"
                    );
                    break;
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    failed.map_or(Ok(()), Err)
}

fn told(pipeline: &str, result: Result<End, Failure>) -> Option<anyhow::Error> {
    match result {
        Ok(End::Exhausted) => info!(pipeline, "the source has ended, and everything is delivered"),
        Ok(End::Stopped { left: 0 }) => info!(pipeline, "stopped; everything that was read is delivered"),
        Ok(End::Stopped { left }) => {
            warn!(
                pipeline,
                records = left,
                "stopped at the end of the grace; these records are read again at the next start"
            );
        }
        Err(failure) => {
            error!(pipeline, %failure, "failed for good; the process stops");
            return Some(anyhow!("pipeline {pipeline}: {failure}"));
        }
    }
    None
}
