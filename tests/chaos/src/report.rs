//! What a run found.

use std::collections::BTreeMap;
use std::time::Duration;

use sluice_node::{Lines, Summary, Verdict};
use sluice_servers::Tally;

use crate::containers::Fate;
use crate::diary::Entry;
use crate::member::Record;
use crate::recovery::{Look, Recovery, longest_stall, recovery};
use crate::schedule::{Harm, Part, Planned};

/// So many stretches of lines are named of those that are wrong.
const NAMED: usize = 20;
/// Lines of a file so close to each other are one stretch: those between were dropped.
const CLOSE: u64 = 10;

#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub duration: Duration,
    pub rate: u64,
    pub entries: Vec<Entry>,
    pub looks: Vec<Look>,
    pub summary: Summary,
    pub documents: u64,
    pub messages: u64,
    /// Documents and messages that no line stands for.
    pub strangers: u64,
    /// Of the index.
    pub verdict: Verdict,
    /// Lines whose first message comes after that of a later line of the container.
    pub late: Lines,
    /// Pods whose lines are in several partitions.
    pub scattered: Vec<String>,
    /// Messages beyond the first of a line.
    pub repeats: u64,
    /// Lines in the topic that the agent's filter had to drop.
    pub trace: u64,
    /// By their reasons.
    pub dead_letters: BTreeMap<String, u64>,
    /// The processes and what became of them.
    pub members: Vec<(String, Record)>,
    pub proxy: Tally,
    pub disk: bool,
}

impl Report {
    /// What is wrong; empty if all is well.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut lines = |what: &str, lines: &Lines| {
            if !lines.is_empty() {
                let stretches = self.stretches(lines);
                let named: Vec<&str> = stretches.iter().take(NAMED).map(String::as_str).collect();
                faults.push(format!("{} {what}:\n    {}", lines.len(), named.join("\n    ")));
            }
        };
        lines("lines are missing in the index", &self.verdict.missing);
        lines("lines are in the index more than once", &self.verdict.repeated);
        lines("lines are in the index that had to be dropped", &self.verdict.unexpected);
        lines("lines came to Kafka after a later one of their stream", &self.late);
        if !self.scattered.is_empty() {
            faults.push(format!("lines of one container are in several partitions: {}", self.scattered.join(", ")));
        }
        let mut number = |count: u64, what: &str| {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        };
        number(self.strangers, "documents or messages are of no line that was printed");
        number(self.trace, "lines are on Kafka that the agent's filter had to drop");
        for (reason, count) in &self.dead_letters {
            number(*count, &format!("dead letters: {reason}"));
        }
        faults.extend(self.members.iter().flat_map(|(_, record)| record.faults.clone()));
        faults
    }

    /// Lines that stand close to each other in a file, as one.
    fn stretches(&self, lines: &Lines) -> Vec<String> {
        let mut stretches: Vec<(&str, &str, u64, u64, u64)> = Vec::new();
        for (pod, line) in lines {
            let file = self.file(pod, *line);
            match stretches.last_mut() {
                Some((its, same, _, last, count)) if its == pod && *same == file && *last + CLOSE > *line => {
                    (*last, *count) = (*line, *count + 1);
                }
                _ => stretches.push((pod, file, *line, *line, 1)),
            }
        }
        let text = |(pod, file, first, last, count): &(&str, &str, u64, u64, u64)| {
            let (from, to) = (self.printed(*first), self.printed(*last));
            format!(
                "{pod}: {count} of the lines {first} to {last} of {file}, printed at about {:.1} to {:.1} s ({})",
                from.as_secs_f64(),
                to.as_secs_f64(),
                self.around(from, to)
            )
        };
        stretches.iter().map(text).collect()
    }

    /// The name that the line's file had when it was rotated.
    fn file(&self, pod: &str, line: u64) -> &str {
        let begins = self.summary.files.get(pod).map(Vec::as_slice).unwrap_or_default();
        let file = begins.iter().rev().find(|begin| begin.line <= line);
        file.and_then(|begin| begin.path.file_name()?.to_str()).unwrap_or("?")
    }

    /// Since the start: containers take turns at a steady rate.
    fn printed(&self, line: u64) -> Duration {
        let containers = self.summary.written.len() as u64;
        Duration::from_millis(line * containers * 1000 / self.rate.max(1))
    }

    /// What was harmed shortly before, meanwhile, and a while after.
    fn around(&self, from: Duration, to: Duration) -> String {
        let (from, to) = (from.saturating_sub(Duration::from_secs(5)), to + Duration::from_secs(20));
        let text = |entry: &Entry| {
            let ended = entry.ended.map_or_else(|| "the end".to_owned(), |ended| format!("{:.1}", ended.as_secs_f64()));
            format!("{}: {} {:.1} to {ended}", entry.part, entry.harm, entry.began.as_secs_f64())
        };
        let around: Vec<String> = self.entries.iter().filter(|entry| entry.overlaps(from, to)).map(text).collect();
        around.join("; ")
    }

    pub fn print(&self) {
        let written = &self.summary.written;
        let fates = |fate| written.values().flatten().filter(|level| Fate::of(**level) == fate).count();
        println!("\nseed {}", self.seed);
        println!(
            "  printed       {} lines by {} containers, {} rotations, {} restarts, {} KiB",
            written.values().map(Vec::len).sum::<usize>(),
            written.len(),
            self.summary.rotations,
            self.summary.restarts,
            self.summary.bytes / 1024
        );
        println!(
            "  to be dropped {} on the node (trace), {} by the indexers (debug)",
            fates(Fate::Trace),
            fates(Fate::Debug)
        );
        println!(
            "  in the index  {} documents of {}: {} missing, {} more than once, {} not to be there",
            self.documents,
            fates(Fate::Indexed),
            self.verdict.missing.len(),
            self.verdict.repeated.len(),
            self.verdict.unexpected.len()
        );
        println!(
            "  on Kafka      {} messages, {} of them repeats; {} out of order, {} containers in several partitions; {} dead letters",
            self.messages,
            self.repeats,
            self.late.len(),
            self.scattered.len(),
            self.dead_letters.values().sum::<u64>()
        );
        println!(
            "  bulks         {} came, {} sent on; refused documents {}; {:?}",
            self.proxy.bulks, self.proxy.sent_on, self.proxy.items_refused, self.proxy.faults
        );
        for (name, record) in &self.members {
            println!(
                "  {name:<13} {} lives ({} ended by bad files or a full disk); plugins: {} taken over, {} refused; \
                 most memory {} MiB",
                record.lives,
                record.refused,
                record.swaps.0,
                record.swaps.1,
                record.peak >> 20
            );
        }
        if !self.disk {
            println!("  no disk was filled: this system mounted none for us");
        }
        println!("  longest time without a new document while nothing was harmed: {:.1} s", self.stall().as_secs_f64());
        self.print_recoveries();
        println!("\n{HEAD}\n{}", self.row());
        for fault in self.faults() {
            println!("FAULT: {fault}");
        }
    }

    fn print_recoveries(&self) {
        println!(
            "\n  from the end of a fault until newer lines are in the index, of the first pod and of all pods; without the time in\n  which something else was harmed; the longest of each kind"
        );
        for (kind, times) in self.recoveries() {
            let longest = |of: fn(&Recovery) -> Duration| {
                times
                    .iter()
                    .flatten()
                    .map(of)
                    .max()
                    .map_or_else(|| "-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
            };
            println!("  {kind:<58} {:>3} times {:>8} {:>8}", times.len(), longest(|it| it.first), longest(|it| it.all));
        }
    }

    /// By the kind of fault.
    fn recoveries(&self) -> BTreeMap<String, Vec<Option<Recovery>>> {
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in &self.entries {
            let recovery = recovery(entry, &self.entries, &self.looks, self.summary.written.len());
            kinds.entry(Planned::kind(entry.part, entry.harm)).or_default().push(recovery);
        }
        kinds
    }

    fn stall(&self) -> Duration {
        longest_stall(&self.entries, &self.looks)
    }

    /// Of the table in the documentation.
    pub fn row(&self) -> String {
        let count = |of: &dyn Fn(&Entry) -> bool| self.entries.iter().filter(|entry| of(entry)).count();
        let longest = self.recoveries().into_values().flatten().flatten().map(|it| it.all).max().unwrap_or_default();
        let wrong = self.verdict.missing.len() + self.verdict.repeated.len() + self.verdict.unexpected.len();
        let peak = |name: &str| {
            let of = self.members.iter().filter(|(its, _)| its.starts_with(name));
            of.map(|(_, record)| record.peak >> 20).max().unwrap_or_default()
        };
        format!(
            "| {} | {} min | {} | {} ({} / {} / {}) | {} | {} | {wrong} | {} | {} | {:.1} s | {:.1} s | {} / {} MiB |",
            self.seed,
            self.duration.as_secs().div_ceil(60),
            self.summary.written.values().map(Vec::len).sum::<usize>(),
            self.entries.len(),
            count(
                &|entry| matches!(entry.harm, Harm::Kill | Harm::Terminate | Harm::Pause) && entry.part != Part::Index
            ),
            count(&|entry| matches!(entry.part, Part::Index | Part::Proxy)),
            count(&|entry| matches!(entry.part, Part::AgentFiles | Part::IndexerFiles | Part::Disk)),
            self.documents,
            self.repeats,
            self.late.len() + self.scattered.len(),
            self.dead_letters.values().sum::<u64>(),
            self.stall().as_secs_f64(),
            longest.as_secs_f64(),
            peak("agent"),
            peak("indexer"),
        )
    }
}

/// Of [`Report::row`].
pub const HEAD: &str = "| seed | for | lines | faults (processes and brokers / index / files and disk) | documents | repeats on Kafka | missing, doubled or wrong | out of order | dead letters | longest stall | longest recovery of all pods | memory of agent / indexer |
|---|---|---|---|---|---|---|---|---|---|---|---|";
