//! The balance of the books: what the containers printed against what the index holds and what the router's books say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sluice_core::Balance;
use sluice_node::{Level, Summary};

use super::{census::Count, document, look, scene::Scene};
use crate::process::{Observed, View};

/// Lines that are named of those that are missing.
const NAMED: usize = 5;

/// The router's books, closed.
#[derive(Default)]
pub(super) struct Books {
    pipelines: Vec<(String, Balance)>,
    behind: Behind,
    alerts: Alerts,
    /// The config or a component was changed while the demo ran, and the change took effect.
    edited: bool,
    /// Config and components are those of the start, and no pipeline has started again: every number must fit exactly.
    undisturbed: bool,
}

/// Names of pipelines that had something left to do when they were stopped, by what they tell: halted, or with a lag, or
/// with records in flight, which go back where they came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind(BTreeSet<String>);

/// What became of the alerts, as the sink tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Alerts {
    posted: u64,
    repeats: u64,
    /// Too old, refused for good, or given up.
    others: u64,
    /// Messages about repeats.
    summaries: u64,
}

/// Everything that the balance is made of.
pub(super) struct Report {
    printed: u64,
    containers: usize,
    bytes: u64,
    rotations: u64,
    documents: u64,
    /// Lines that are in the index, once or more.
    present: u64,
    /// Lines that are not, the most important first.
    absent: Vec<(Option<Level>, String)>,
    twice: Vec<String>,
    /// Documents that nobody printed.
    strange: u64,
    stranger: Option<String>,
    leaked: u64,
    /// Answered with 409: sent again, and in the index once.
    repeats: u64,
    exceptions: u64,
    alerts: Alerts,
    /// Messages that the webhook took.
    taken: u64,
    books: Vec<(String, Balance)>,
    behind: Behind,
    edited: bool,
    undisturbed: bool,
}

pub(super) fn printed(summary: &Summary) -> u64 {
    summary.written.values().map(|lines| lines.len() as u64).sum()
}

impl Alerts {
    fn and(self, told: sluice_webhook::Snapshot) -> Self {
        Self {
            posted: self.posted + told.posted,
            repeats: self.repeats + told.repeats,
            others: self.others + told.too_old + told.refused + told.gave_up,
            summaries: self.summaries + told.summaries,
        }
    }
}

impl Behind {
    /// Call it before the pipelines are stopped.
    pub fn of(observed: &Observed) -> Self {
        let pipelines = observed.pipelines();
        let is_behind =
            |view: &&View| view.halted().is_some() || look::lag(view) > 0 || view.ledger.balance().in_flight() > 0;
        Self(pipelines.iter().filter(is_behind).map(|view| view.name.clone()).collect())
    }
}

impl Books {
    /// Call it when all pipelines have ended.
    pub fn of(observed: &Observed, behind: Behind) -> Self {
        let pipelines = observed.pipelines();
        let steady = |view: &View| view.status.restarts() == 0 && view.ledger.returned.get() == 0;
        let edited = observed.reload().reloads > 0;
        let alerts = pipelines.iter().filter_map(|view| look::told(&view.sink)).fold(Alerts::default(), Alerts::and);
        Self {
            behind,
            alerts,
            edited,
            undisturbed: !edited && pipelines.iter().all(steady),
            pipelines: pipelines.iter().map(|view| (view.name.clone(), view.ledger.balance())).collect(),
        }
    }
}

impl Report {
    pub fn new(summary: &Summary, books: &Books, scene: &Scene) -> Self {
        let mut report = Self::of_lines(summary, scene.census.count());
        report.documents = scene.index.documents();
        report.repeats = scene.index.repeats();
        report.taken = scene.webhook.posted();
        report.alerts = books.alerts;
        report.books.clone_from(&books.pipelines);
        report.behind = books.behind.clone();
        report.edited = books.edited;
        report.undisturbed = books.undisturbed;
        report
    }

    fn of_lines(summary: &Summary, count: Count) -> Self {
        let Count { seen, strange, stranger, leaked } = count;
        let mut report = Self {
            printed: printed(summary),
            containers: summary.written.len(),
            bytes: summary.bytes,
            rotations: summary.rotations,
            documents: 0,
            present: 0,
            absent: Vec::new(),
            twice: Vec::new(),
            strange,
            stranger,
            leaked,
            repeats: 0,
            exceptions: summary.exceptions,
            alerts: Alerts::default(),
            taken: 0,
            books: Vec::new(),
            behind: Behind::default(),
            edited: false,
            undisturbed: true,
        };
        for (pod, levels) in &summary.written {
            let times = seen.get(pod).map_or(&[][..], Vec::as_slice);
            report.strange += times.iter().skip(levels.len()).filter(|times| **times > 0).count() as u64;
            for (line, level) in levels.iter().enumerate() {
                match times.get(line).copied().unwrap_or_default() {
                    0 => report.absent.push((*level, format!("{pod} line {line}"))),
                    1 => report.present += 1,
                    times => {
                        report.present += 1;
                        report.twice.push(format!("{pod} line {line} ({times} times)"));
                    }
                }
            }
        }
        let unknown = seen.iter().filter(|(pod, _)| !summary.written.contains_key(*pod));
        report.strange += unknown.flat_map(|(_, times)| times).filter(|times| **times > 0).count() as u64;
        // Lines without a level and those with a high one are the last that a filter drops.
        report.absent.sort_by_key(|(level, _)| std::cmp::Reverse(level.unwrap_or(Level::Error)));
        report
    }

    /// How records left without reaching the index, over all pipelines that lead there.
    fn left(&self) -> BTreeMap<String, u64> {
        let mut left = BTreeMap::new();
        for (pipeline, balance) in self.books.iter().filter(|(name, _)| name != document::ALERT) {
            for (name, counts) in [
                ("dropped by", &balance.dropped),
                ("dead-lettered:", &balance.dead_lettered),
                ("expired:", &balance.expired),
            ] {
                for (why, count) in counts.iter().filter(|(_, count)| **count > 0) {
                    *left.entry(format!("{name} {why} ({pipeline})")).or_default() += count;
                }
            }
        }
        left
    }

    /// Lines that are in a file or in Kafka yet, because a pipeline was held up to the end: the next start reads them.
    fn waiting(&self) -> u64 {
        self.stages().filter(|(pipeline, _)| self.behind.0.contains(*pipeline)).map(|(_, lines)| lines).sum()
    }

    /// Lines that did not come out of a pipeline that told of nothing left to read: the config may leave them out, or
    /// they are lost. Only numbers are known here, not which lines.
    pub fn unread(&self) -> u64 {
        self.stages().map(|(_, lines)| lines).sum::<u64>() - self.waiting()
    }

    /// Pipelines on the way to the index, with the lines that should have come out of them and did not.
    fn stages(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let of = |name: &str| self.books.iter().find(|(pipeline, _)| pipeline == name).map(|(_, balance)| balance);
        let stages = of(document::SHIP).zip(of(document::INDEX)).map(|(ship, index)| {
            [
                (document::SHIP, self.printed.saturating_sub(ship.kept())),
                (document::INDEX, ship.delivered.saturating_sub(index.kept())),
            ]
        });
        stages.into_iter().flatten()
    }

    /// Lines that are neither in the index nor in the books nor held up on the way.
    fn missing(&self) -> u64 {
        let on_the_way = self.waiting() + self.unread();
        (self.absent.len() as u64).saturating_sub(self.left().values().sum::<u64>() + on_the_way)
    }

    /// The last words of books without faults.
    pub fn end(&self) -> String {
        match self.unread() {
            0 => "every line is accounted for: the books balance\n".to_owned(),
            unread => format!(
                "the books of the pipelines balance, but {unread} lines were not read; the config or a plugin was \
                 changed, and whether that left them out or they are lost is not known\n"
            ),
        }
    }

    /// Why the books do not balance; empty if they do.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let missing = self.missing();
        if missing > 0 {
            let names: Vec<&str> = self.absent.iter().take(NAMED).map(|(_, name)| name.as_str()).collect();
            faults.push(format!("{missing} lines are missing, of: {}, …", names.join(", ")));
        }
        let unread = self.unread();
        if unread > 0 && !self.edited {
            faults.push(format!("{unread} lines were not read, and no pipeline told that it had them to read"));
        }
        if !self.twice.is_empty() {
            let names = &self.twice[..self.twice.len().min(NAMED)];
            faults.push(format!("{} lines are in the index more than once: {}", self.twice.len(), names.join(", ")));
        }
        if self.strange > 0 {
            let first = self.stranger.as_deref().unwrap_or("a line that was not printed");
            faults.push(format!("{} documents are of no line that was printed, e.g. {first}", self.strange));
        }
        for (pipeline, balance) in self.books.iter().filter(|(_, balance)| !balance.is_balanced()) {
            faults.push(format!("the books of {pipeline} do not balance: {balance}"));
        }
        if self.undisturbed {
            faults.extend(self.undisturbed_faults());
        }
        faults
    }

    /// What must hold as long as nobody changed anything.
    fn undisturbed_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let (absent, left) = (self.absent.len() as u64, self.left().values().sum::<u64>());
        if left > absent {
            faults.push(format!("the books tell of {left} records that left on the way, and only {absent} lines did"));
        }
        let waiting = self.waiting();
        if waiting > 0 {
            faults.push(format!("{waiting} lines were still on their way when the time was over"));
        }
        let kept = |level: &Option<Level>| level.is_none_or(|level| level >= Level::Info);
        let wanted: Vec<&str> =
            self.absent.iter().filter(|(level, _)| kept(level)).map(|(_, name)| name.as_str()).take(NAMED).collect();
        if !wanted.is_empty() {
            faults.push(format!("lines that no plugin drops are not in the index: {}", wanted.join(", ")));
        }
        let Alerts { posted, repeats, others, summaries } = self.alerts;
        if posted + repeats + others != self.exceptions {
            faults.push(format!(
                "{} lines about exceptions, but {posted} alerts posted + {repeats} repeats + {others} others",
                self.exceptions
            ));
        }
        if posted + summaries != self.taken {
            faults
                .push(format!("{posted} alerts and {summaries} summaries posted, but the webhook took {}", self.taken));
        }
        if self.leaked > 0 {
            faults.push(format!("{} documents hold a secret that redact should have masked", self.leaked));
        }
        faults
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, count: u64| writeln!(f, "  {name:<46} {count:>9}");
        row("lines that the containers printed", self.printed)?;
        row("= lines in the index", self.present)?;
        for (how, count) in self.left() {
            row(&format!("+ {how}"), count)?;
        }
        if self.waiting() > 0 {
            row("+ waiting: read at the next start", self.waiting())?;
        }
        if self.unread() > 0 {
            row("+ not read: left out or lost is not known", self.unread())?;
        }
        row("+ missing", self.missing())?;
        row("lines in the index more than once", self.twice.len() as u64)?;
        row("documents in the index", self.documents)?;
        row("documents sent again, answered with 409", self.repeats)?;
        row("documents with a secret in them", self.leaked)?;
        row("lines about exceptions", self.exceptions)?;
        row("= alerts posted", self.alerts.posted)?;
        row("+ repeats, counted and not posted", self.alerts.repeats)?;
        row("+ too old, refused or given up", self.alerts.others)?;
        row("messages that the webhook took, with summaries", self.taken)?;
        let (kib, rotations) = (self.bytes / 1024, self.rotations);
        writeln!(f, "  ({} containers, {kib} KiB of logs, {rotations} rotations)", self.containers)?;
        for (pipeline, balance) in &self.books {
            writeln!(f, "  {pipeline:<6} {balance}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
