//! Which fault happens when: decided by a seed before anything starts, so that a run can be repeated.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

pub const INDEXERS: usize = 2;
pub const BROKERS: usize = 3;
/// Everything works so long at first.
const WARM_UP: Duration = Duration::from_secs(5);
/// So many faults at a time.
const AT_ONCE: usize = 3;

/// What a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Agent,
    Indexer(usize),
    Broker(usize),
    /// All but this one.
    BrokersBut(usize),
    Index,
    /// Between the indexers and the index.
    Proxy,
    /// The agent's config and component, as a mounted ConfigMap.
    AgentFiles,
    IndexerFiles,
    /// Where the agent's checkpoints lie.
    Disk,
}

/// What is done to a part, and undone when the fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// SIGKILL, then started again.
    Kill,
    /// SIGTERM, then started again.
    Terminate,
    /// SIGSTOP, then SIGCONT.
    Pause,
    /// Bulk requests are refused whole with 429.
    TooMany,
    /// A part of each bulk's documents is refused with 429.
    SomeTooMany,
    /// The index has the documents, and its answer ends in the middle or never begins.
    CutAnswers,
    /// Requests get no answer.
    Silence,
    /// A config of the plugin that decides the same about what reaches the index.
    OtherConfig,
    /// A config that the plugin refuses.
    BadConfig,
    /// Another component that does the same.
    OtherComponent,
    /// Half a component.
    BrokenComponent,
    /// No room for a byte.
    Full,
}

/// Faults of one lane come one after another; those of several lanes may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Agent,
    Indexer(usize),
    Brokers,
    Index,
    Proxy,
    AgentFiles,
    IndexerFiles,
    Disk,
}

/// A fault of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Since the start.
    pub at: Duration,
    pub lasts: Duration,
    pub part: Part,
    pub harm: Harm,
}

impl Part {
    pub fn lane(self) -> Lane {
        match self {
            Self::Agent => Lane::Agent,
            Self::Indexer(number) => Lane::Indexer(number),
            Self::Broker(_) | Self::BrokersBut(_) => Lane::Brokers,
            Self::Index => Lane::Index,
            Self::Proxy => Lane::Proxy,
            Self::AgentFiles => Lane::AgentFiles,
            Self::IndexerFiles => Lane::IndexerFiles,
            Self::Disk => Lane::Disk,
        }
    }
}

impl Harm {
    /// Whether lines may be held up by it.
    pub fn holds_up(self) -> bool {
        !matches!(self, Self::OtherConfig | Self::OtherComponent | Self::Full)
    }

    /// Shortest and longest, in ms.
    fn lasts(self, part: Part) -> (u64, u64) {
        match (self, part) {
            (Self::Kill | Self::Terminate, Part::Agent | Part::Indexer(_)) => (0, 8_000),
            (Self::Kill | Self::Terminate, _) => (500, 8_000),
            // Longer than the session of an indexer and than a silent broker counts as alive, or shorter.
            (Self::Pause, _) => (1_000, 12_000),
            (Self::Full, _) => (3_000, 15_000),
            _ => (2_000, 9_000),
        }
    }
}

impl Lane {
    /// So long after a fault everything is left to come back, before the next one of the lane.
    fn rest(self) -> Duration {
        Duration::from_secs(match self {
            Self::Index => 25,
            Self::Brokers => 15,
            Self::Agent | Self::Indexer(_) => 6,
            _ => 4,
        })
    }
}

/// Every kind of fault once, with any of the parts that it can happen to.
fn deck(random: &mut Rng) -> Vec<(Part, Harm)> {
    let mut deck = Vec::new();
    let signals = [Harm::Kill, Harm::Terminate, Harm::Pause];
    for harm in signals {
        deck.push((Part::Agent, harm));
        deck.push((Part::Indexer(random.usize(..INDEXERS)), harm));
        deck.push((Part::Broker(random.usize(..BROKERS)), harm));
        deck.push((Part::Index, harm));
    }
    deck.push((Part::BrokersBut(random.usize(..BROKERS)), signals[random.usize(..signals.len())]));
    for harm in [Harm::TooMany, Harm::SomeTooMany, Harm::CutAnswers, Harm::Silence] {
        deck.push((Part::Proxy, harm));
    }
    for harm in [Harm::OtherConfig, Harm::BadConfig, Harm::OtherComponent, Harm::BrokenComponent] {
        deck.push((if random.bool() { Part::AgentFiles } else { Part::IndexerFiles }, harm));
    }
    deck.push((Part::Disk, Harm::Full));
    random.shuffle(&mut deck);
    deck
}

/// The faults of a run that prints lines for `duration`, in order of their time. All have ended by then.
pub fn plan(seed: u64, duration: Duration) -> Vec<Planned> {
    let mut random = Rng::with_seed(seed);
    let mut plan: Vec<Planned> = Vec::new();
    let (mut at, mut cards) = (WARM_UP, Vec::new());
    while at < duration {
        if cards.is_empty() {
            cards = deck(&mut random);
        }
        let playable = cards.iter().position(|(part, _)| is_free(&plan, *part, at));
        if let Some(card) = playable {
            let (part, harm) = cards.remove(card);
            let (shortest, longest) = harm.lasts(part);
            let lasts = Duration::from_millis(random.u64(shortest..=longest));
            if at + lasts <= duration {
                plan.push(Planned { at, lasts, part, harm });
            }
        }
        at += Duration::from_millis(random.u64(1_500..=5_500));
    }
    plan
}

fn is_free(plan: &[Planned], part: Part, at: Duration) -> bool {
    let end = |fault: &Planned| fault.at + fault.lasts;
    let lane = part.lane();
    // Behind an index that is down nobody sees what the proxy does.
    let excludes = |other: Lane| other == lane || matches!((other, lane), (Lane::Index, Lane::Proxy));
    let rested = |fault: &Planned| !excludes(fault.part.lane()) || end(fault) + fault.part.lane().rest() <= at;
    plan.iter().filter(|fault| end(fault) > at).count() < AT_ONCE && plan.iter().all(rested)
}

/// The longest time for which lines can wait on the node, if a part needs `back` to work again after its fault.
pub fn longest_outage(plan: &[Planned], back: Duration) -> Duration {
    let mut longest = Duration::ZERO;
    let mut current: Option<(Duration, Duration)> = None;
    for fault in plan.iter().filter(|fault| holds_files(fault)) {
        let end = fault.at + fault.lasts + back;
        current = match current {
            Some((begin, until)) if fault.at <= until => Some((begin, until.max(end))),
            _ => Some((fault.at, end)),
        };
        longest = longest.max(current.map_or(Duration::ZERO, |(begin, until)| until - begin));
    }
    longest
}

/// Whether the agent cannot read or deliver meanwhile.
fn holds_files(fault: &Planned) -> bool {
    matches!(fault.part.lane(), Lane::Agent | Lane::AgentFiles | Lane::Brokers) && fault.harm.holds_up()
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent => out.write_str("agent"),
            Self::Indexer(number) => write!(out, "indexer {number}"),
            Self::Broker(number) => write!(out, "broker {number}"),
            Self::BrokersBut(number) => write!(out, "all brokers but {number}"),
            Self::Index => out.write_str("index"),
            Self::Proxy => out.write_str("bulk requests"),
            Self::AgentFiles => out.write_str("agent's files"),
            Self::IndexerFiles => out.write_str("indexers' files"),
            Self::Disk => out.write_str("checkpoints' disk"),
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Kill => "SIGKILL",
            Self::Terminate => "SIGTERM",
            Self::Pause => "SIGSTOP",
            Self::TooMany => "refused with 429",
            Self::SomeTooMany => "a third of the documents refused with 429",
            Self::CutAnswers => "answers cut",
            Self::Silence => "no answer",
            Self::OtherConfig => "another config",
            Self::BadConfig => "a config that the plugin refuses",
            Self::OtherComponent => "another component",
            Self::BrokenComponent => "half a component",
            Self::Full => "full",
        })
    }
}

impl Planned {
    /// The kind of fault, without numbers: `broker: SIGKILL`.
    pub fn kind(part: Part, harm: Harm) -> String {
        match part {
            Part::Indexer(_) => format!("indexer: {harm}"),
            Part::Broker(_) => format!("broker: {harm}"),
            Part::BrokersBut(_) => format!("two brokers: {harm}"),
            Part::AgentFiles | Part::IndexerFiles => format!("plugin's files: {harm}"),
            part => format!("{part}: {harm}"),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, lasts) = (self.at.as_secs_f64(), self.lasts.as_secs_f64());
        write!(out, "{at:>6.1} s  {}: {}, for {lasts:.1} s", self.part, self.harm)
    }
}
