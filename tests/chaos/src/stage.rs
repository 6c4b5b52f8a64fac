//! What a run is made of, and its course.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sluice_node::{Generator, Node as Host, Summary, Tally};
use sluice_servers::{Cluster, ClusterOptions, Elasticsearch, ElasticsearchOptions, FaultProxy};
use tempfile::TempDir;

use crate::config::{Files, Places};
use crate::containers::{self, Fate};
use crate::diary::Diary;
use crate::disk::Disk;
use crate::flow::flow;
use crate::lane::{Crew, Node, Order};
use crate::member::Member;
use crate::recovery::Look;
use crate::report::Report;
use crate::run::Options;
use crate::schedule::{INDEXERS, Lane, Planned};
use crate::{index, topic};

/// All that a run is made of.
pub struct Stage {
    // Dropped in this order: processes before the servers that they talk to.
    agent: Member,
    indexers: Vec<Member>,
    agent_files: Files,
    indexer_files: Files,
    proxy: FaultProxy,
    index: RwLock<Elasticsearch>,
    cluster: Cluster,
    disk: Option<Disk>,
    host: Host,
}

/// What was seen while it ran.
struct Seen {
    summary: Summary,
    looks: Vec<Look>,
}

impl Stage {
    /// Starts the servers; nothing of ours runs yet.
    pub fn set(options: &Options, folder: &TempDir) -> Result<Self> {
        let folder = folder.path();
        println!("starting three brokers and the index");
        let (cluster, index) = servers()?;
        index::prepare(&index)?;
        let proxy = FaultProxy::start(index.port(), options.seed)?;
        let disk = match Disk::mount(folder) {
            Ok(disk) => Some(disk),
            Err(error) => {
                println!("no disk is filled, as this system mounts none for us: {error:#}");
                None
            }
        };
        let host = Host::new(folder.join("node"))?;
        let places = Places {
            include: host.include(),
            checkpoints: disk.as_ref().map_or(folder, Disk::folder).join("checkpoints"),
            brokers: cluster.bootstrap(),
            index: proxy.url(),
        };
        let agent_files = Files::agent(folder, &options.filter, &places)?;
        let indexer_files = Files::indexer(folder, &options.filter, &places)?;
        let member = |lane, name: &str, config: &Path| Member::new(lane, name, &options.program, config, folder);
        let agent = member(Lane::Agent, "agent", &agent_files.config_file());
        let indexer =
            |number| member(Lane::Indexer(number), &format!("indexer-{number}"), &indexer_files.config_file());
        let indexers = (0..INDEXERS).map(indexer).collect();
        let index = RwLock::new(index);
        Ok(Self { agent, indexers, agent_files, indexer_files, proxy, index, cluster, disk, host })
    }

    /// Runs the processes, does what the plan says, and counts.
    pub fn play(mut self, options: &Options, plan: &[Planned], kept: Duration) -> Result<Report> {
        let diary = Diary::begin();
        self.agent.start()?;
        self.indexers.iter_mut().try_for_each(Member::start)?;
        let seen = self.live(options, plan, kept, &diary)?;
        diary.say("SIGTERM to all processes");
        self.agent.terminate(&diary)?;
        self.indexers.iter_mut().try_for_each(|indexer| indexer.terminate(&diary))?;
        self.count(options, &diary, seen)
    }

    /// Everything that happens while lines flow, until they have all arrived or no more come.
    fn live(&mut self, options: &Options, plan: &[Planned], kept: Duration, diary: &Diary) -> Result<Seen> {
        let (order, end, looks) = (Order::default(), AtomicBool::new(false), Mutex::default());
        let containers = containers::start(&self.host, options.containers)?;
        let generator = Generator::start(containers, containers::pace(options.rate, options.containers, kept))?;
        let (index, mut node) = (&self.index, Node(&self.index));
        let summary = thread::scope(|scope| {
            let mut crew = Crew { scope, plan, diary, order: &order, threads: Vec::new() };
            crew.send(Lane::Agent, &mut self.agent);
            for (number, indexer) in self.indexers.iter_mut().enumerate() {
                crew.send(Lane::Indexer(number), indexer);
            }
            crew.send(Lane::Brokers, &mut self.cluster);
            crew.send(Lane::Index, &mut node);
            crew.send(Lane::Proxy, &mut self.proxy);
            crew.send(Lane::AgentFiles, &mut self.agent_files);
            crew.send(Lane::IndexerFiles, &mut self.indexer_files);
            crew.send(Lane::Disk, &mut self.disk);
            let watcher = scope.spawn(|| index::watch(index, diary, &looks, &end));
            let summary = flow(options, generator, diary, &order, &looks);
            order.end();
            let threads = crew.threads.into_iter();
            let results: Vec<_> = threads.map(|lane| lane.join().map_err(|_| anyhow!("a lane panicked"))).collect();
            end.store(true, Ordering::Relaxed);
            watcher.join().map_err(|_| anyhow!("the watcher of the index panicked"))?;
            for result in results {
                result??;
            }
            summary
        })?;
        Ok(Seen { summary, looks: looks.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Everything is read and held against what was printed.
    fn count(self, options: &Options, diary: &Diary, seen: Seen) -> Result<Report> {
        let written = &seen.summary.written;
        let (mut in_index, mut on_kafka) = (Tally::new(written), Tally::new(written));
        let node = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let documents = index::count(&node, &mut in_index).context("cannot read the index")?;
        let brokers = self.cluster.bootstrap();
        let messages = topic::count(&brokers, &mut on_kafka).context("cannot read the topic")?;
        let dead_letters = topic::dead_letters(&brokers).context("cannot read the dead letters")?;
        let fate = |(pod, line): &(String, u64)| {
            let level = written.get(pod).and_then(|lines| lines.get(usize::try_from(*line).ok()?));
            level.map(|level| Fate::of(*level))
        };
        let wanted = |level| Fate::of(level) == Fate::Indexed;
        let (verdict, kafka) = (in_index.judge(written, wanted), on_kafka.judge(written, wanted));
        let trace = kafka.unexpected.iter().filter(|line| fate(line) == Some(Fate::Trace)).count() as u64;
        // A debug line may come late: one that the agent's other config dropped before it was read again.
        let late = on_kafka.late().into_iter().filter(|line| fate(line) != Some(Fate::Debug)).collect();
        drop(node);
        let mut members = vec![(self.agent.name().to_owned(), self.agent.record)];
        members.extend(self.indexers.into_iter().map(|indexer| (indexer.name().to_owned(), indexer.record)));
        Ok(Report {
            seed: options.seed,
            duration: options.duration,
            rate: options.rate,
            entries: diary.entries(),
            looks: seen.looks,
            summary: seen.summary,
            documents,
            messages,
            strangers: in_index.strangers + on_kafka.strangers,
            verdict,
            late,
            scattered: on_kafka.scattered(),
            repeats: on_kafka.repeats(),
            trace,
            dead_letters,
            members,
            proxy: self.proxy.tally(),
            disk: self.disk.is_some(),
        })
    }
}

fn servers() -> Result<(Cluster, Elasticsearch)> {
    let cluster = thread::spawn(|| Cluster::start(ClusterOptions::default()));
    let index = Elasticsearch::start(ElasticsearchOptions::default());
    let cluster = cluster.join().map_err(|_| anyhow!("starting the brokers panicked"))?;
    Ok((cluster?, index?))
}
