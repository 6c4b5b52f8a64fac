//! `sluice plugin bench`

use std::{
    fs::File,
    hint::black_box,
    io::BufReader,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use sluice_wasm::{Engine, Plugin};

use crate::author::{
    input::{Input, Reader},
    play::Meter,
    spec::{Spec, parse_options},
};

/// Sizes of batches: a busy file's, and a quiet one's.
const SIZES: [usize; 2] = [1000, 10];
/// Records of the input that are used.
const MOST: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Bench {
    /// A component file
    component: PathBuf,
    /// The plugin's options. Default: {}
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = parse_options)]
    config: String,
    /// Records to ask about: a log file (NDJSON, CRI, docker or plain lines). Default: JSON lines of 250 bytes
    #[arg(long, value_name = "FILE")]
    on: Option<PathBuf>,
    /// How long each figure is measured
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
}

/// Nanoseconds for a record.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    /// The call: crossing and the plugin's work.
    call: f64,
    /// All of it: finding the fields, the call, following the answer.
    whole: f64,
}

impl Bench {
    pub fn run(&self) -> ExitCode {
        super::exit(self.bench().map(|()| true))
    }

    fn bench(&self) -> Result<()> {
        let inputs = self.inputs()?;
        let spec = Spec::new(&self.component, &self.config);
        let engine = Engine::new()?;
        let time = Duration::try_from_secs_f64(self.seconds).context("--for takes seconds, such as 0.5")?;
        // Before anything is said: options may be refused.
        let plugin = spec.load(&engine)?;
        let bytes: usize = inputs.iter().map(|input| input.document.len()).sum();
        println!("{}: {} records of {} bytes", self.component.display(), inputs.len(), bytes / inputs.len());
        println!("                                 ns/record: the call   all of it");
        let mut figures = Vec::new();
        for size in SIZES {
            let measured = measure(&plugin, &inputs, size, time)?;
            println!("  {size:>5} records a batch {:>28.1} {:>11.1}", measured.call, measured.whole);
            figures.push(measured);
        }
        let (crossing, work) = split(SIZES, [figures[0].call, figures[1].call]);
        println!("  a call costs {crossing:.0} ns whatever is in it, and {work:.1} ns a record on top");
        println!("  beside: serde_json, natively, parses a record in {:.0} ns", native(&inputs, time));
        Ok(())
    }

    fn inputs(&self) -> Result<Vec<Input>> {
        let Some(file) = &self.on else { return Ok((0..1000).map(line).collect()) };
        let open = File::open(file).with_context(|| format!("cannot read {}; name a log file", file.display()))?;
        let mut reader = Reader::new(BufReader::new(open));
        let mut inputs = Vec::new();
        loop {
            let more = reader.next(|_| true).with_context(|| format!("cannot read {}", file.display()))?;
            if more.is_empty() || inputs.len() >= MOST {
                break;
            }
            inputs.extend(more);
        }
        if inputs.is_empty() {
            bail!("{} has no lines; name a log file with some", file.display());
        }
        // Whole batches only, so that each size means what it says.
        while inputs.len() < SIZES[0] {
            inputs.extend_from_within(..inputs.len().min(SIZES[0] - inputs.len()));
        }
        inputs.truncate(inputs.len() / SIZES[0] * SIZES[0]);
        Ok(inputs)
    }
}

/// Asks for `time`, in batches of `size`.
fn measure(plugin: &Arc<Plugin>, inputs: &[Input], size: usize, time: Duration) -> Result<Figures> {
    let mut meter = Meter::new(plugin)?;
    // The first calls start the instance and fill caches.
    inputs.chunks(size).take(10).try_for_each(|chunk| meter.ask(chunk).map(|_| ()))?;
    let (before, began) = (plugin.counters().read(), Instant::now());
    let (mut whole, mut records) = (Duration::ZERO, 0);
    'asking: loop {
        for chunk in inputs.chunks(size) {
            whole += meter.ask(chunk)?;
            records += chunk.len();
            if began.elapsed() >= time {
                break 'asking;
            }
        }
    }
    let after = plugin.counters().read();
    if after.faults > before.faults {
        bail!("the plugin failed on some of the records; `sluice plugin test --on FILE` says on which");
    }
    let each = |time: Duration| time.as_nanos() as f64 / records as f64;
    Ok(Figures { call: each(after.time - before.time), whole: each(whole) })
}

/// What a call costs by itself, and each record in it, by the costs of a record in batches of two sizes.
fn split(sizes: [usize; 2], each: [f64; 2]) -> (f64, f64) {
    let [large, small] = [0, 1].map(|at| sizes[at] as f64);
    let record = (each[0] * large - each[1] * small) / (large - small);
    ((each[1] - record).max(0.0) * small, record.max(0.0))
}

fn native(inputs: &[Input], time: Duration) -> f64 {
    let (began, mut records) = (Instant::now(), 0);
    while began.elapsed() < time {
        for input in inputs {
            black_box(serde_json::from_slice::<serde_json::Value>(&input.document).ok());
        }
        records += inputs.len();
    }
    began.elapsed().as_nanos() as f64 / records.max(1) as f64
}

fn line(index: usize) -> Input {
    let level = ["debug", "info", "warn", "error"][index % 4];
    let message = "order accepted and queued for the warehouse, ".repeat(3);
    let text = format!(
        r#"{{"ts":"2026-01-02T03:04:05.{index:06}Z","level":"{level}","logger":"shop.cart","msg":"{message}"}}"#
    );
    let document = serde_json::json!({ "log": text, "stream": "stdout" }).to_string().into_bytes();
    Input { line: index as u64 + 1, time: 1_700_000_000_000_000_000 + index as u64, document }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_parts_of_a_call_come_apart() {
        let cost = |size: f64| (500.0 + 20.0 * size) / size;
        let (crossing, record) = split([1000, 10], [cost(1000.0), cost(10.0)]);
        assert!((crossing - 500.0).abs() < 0.01 && (record - 20.0).abs() < 0.01, "{crossing} {record}");
        // Noise must not make a cost negative.
        assert_eq!(split([1000, 10], [30.0, 20.0]).0, 0.0);
    }
}
