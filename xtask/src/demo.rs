//! `./dev demo`: builds, and becomes `sluice demo`. `./dev demo --real`: container logs → agent → Kafka → indexer → Elasticsearch, killed on the way, and the books at the end.

mod audit;
mod balance;
pub(crate) mod board;
mod chain;
mod fate;
pub(crate) mod interrupt;
pub(crate) mod sluice;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use sluice_node::{Container, Generator, Node, Pace, Retention, Spec, Summary, Voice};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, Kafka, KafkaOptions};

use self::audit::audit;
use self::board::{Board, thousands};
use self::chain::Places;
use self::fate::{Fate, printed};
use self::interrupt::Interrupt;
use self::sluice::{Books, Sluice};
use crate::components;
use crate::duration::duration;
use crate::project::Project;
use crate::step::{step, timed};

const INDEX: &str = "kubernetes-*";
/// A cold Elasticsearch on two cores takes about twice as many lines; every container rotates a few times in a short demo.
const PACE: Pace = Pace {
    rate: 2_000,
    retention: Retention { rotate_at: 1024 * 1024, keep: usize::MAX, compress: false },
    restart_every: None,
};
/// How long the containers print unless somebody says how long.
const USUAL: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_secs(1);
/// How long the rest may take to arrive when nothing is printed any more.
const DRAIN: Duration = Duration::from_secs(180);
/// With nothing on the way and nothing arriving for so long, what is missing will not come.
const QUIET: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// With a real Kafka and a real Elasticsearch, in processes that are killed on the way
    #[arg(long)]
    real: bool,
    /// How long the containers print, e.g. 30s or 2m; at least 10s. Without it 30s with --real, else until q or Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Keeps the config files, the container logs and the logs of the router
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    step("sluice", project.cargo(&["build", "-p", "sluice"]))?;
    timed("components", || components::run(project))?;
    if !options.real {
        return become_demo(project, options);
    }
    let interrupt = Interrupt::listen()?;
    let folder = tempfile::Builder::new().prefix("sluice-demo-").tempdir().context("cannot create a folder")?;
    let result = show(project, options, &interrupt, folder.path());
    let failed = result.is_err() && interrupt.check().is_ok();
    if options.keep || failed {
        println!("\nkept: {}", folder.keep().display());
    }
    result
}

/// Hands over to `sluice demo`, terminal, signals and exit code included; returns only if that fails.
fn become_demo(project: &Project, options: &Options) -> Result<()> {
    let mut command = Command::new(project.cache.join("target/debug/sluice"));
    command.arg("demo").arg("--plugins").arg(project.components());
    if let Some(duration) = options.duration {
        command.arg(format!("--for={}s", duration.as_secs()));
    }
    if options.keep {
        command.arg("--keep");
    }
    Err(anyhow!(command.exec()).context("cannot start sluice demo"))
}

fn show(project: &Project, options: &Options, interrupt: &Interrupt, folder: &Path) -> Result<()> {
    let (kafka, elasticsearch) = timed(
        "Apache Kafka 4.3.1 and Elasticsearch 8.19.21 on loopback (the first time about 160 MB come from Maven Central)",
        servers,
    )?;
    interrupt.check()?;
    let node = Node::new(folder.join("node"))?;
    let places = Places {
        include: node.include(),
        checkpoints: folder.join("checkpoints"),
        level_filter: project.components().join("level-filter.wasm"),
        kafka: kafka.bootstrap(),
        elasticsearch: elasticsearch.url(),
        folder,
    };
    let mut demo = Demo::new(project, &places, elasticsearch)?;
    let result = demo.flow(&node, options.duration.unwrap_or(USUAL), interrupt);
    let stopped = demo.stop();
    let summary = result?;
    stopped?;
    demo.close(&summary)
}

fn containers(node: &Node) -> Result<Vec<(Container, Voice)>> {
    let containers = [
        (Spec::cri("shop", "web-1", "app"), Voice::Json),
        (Spec::cri("shop", "web-2", "app"), Voice::Json),
        (Spec::docker("shop", "cart-1", "app"), Voice::Json),
        (Spec::cri("pay", "ledger-1", "app"), Voice::Traces),
        (Spec::docker("infra", "proxy-1", "nginx"), Voice::Plain),
        (Spec::cri("infra", "batch-1", "worker"), Voice::Long),
    ];
    containers.into_iter().map(|(spec, voice)| Ok((node.container(spec)?, voice))).collect()
}

fn servers() -> Result<(Kafka, Elasticsearch)> {
    let kafka = thread::spawn(|| Kafka::start(KafkaOptions::default()));
    let elasticsearch = Elasticsearch::start(ElasticsearchOptions::default());
    let kafka = kafka.join().map_err(|_| anyhow!("starting kafka panicked"))?;
    Ok((kafka?, elasticsearch?))
}

struct Demo {
    // Dropped in this order: processes before the servers that they talk to.
    agent: Sluice,
    indexer: Sluice,
    elasticsearch: Elasticsearch,
    board: Board,
    start: Instant,
    /// The last books of each life of a process, and which life it was.
    told: Vec<(&'static str, Books)>,
}

impl Demo {
    fn new(project: &Project, places: &Places, elasticsearch: Elasticsearch) -> Result<Self> {
        let (agent, indexer) = chain::write(places)?;
        let program = project.cache.join("target/debug/sluice");
        let process = |config: &Path, log: &str| {
            let log = places.folder.join(log);
            println!("config {}   log {}", config.display(), log.display());
            Sluice::new(program.clone(), config.to_path_buf(), log)
        };
        println!();
        let (agent, indexer) = (process(&agent, "agent.log"), process(&indexer, "indexer.log"));
        println!("containers   {}", places.include);
        println!("kafka        {}   elasticsearch {}", places.kafka, places.elasticsearch);
        Ok(Self { agent, indexer, elasticsearch, board: Board::default(), start: Instant::now(), told: Vec::new() })
    }

    fn flow(&mut self, node: &Node, duration: Duration, interrupt: &Interrupt) -> Result<Summary> {
        self.agent.start()?;
        self.indexer.start()?;
        let summary = self.live(node, duration, interrupt)?;
        self.drain(&summary, interrupt)?;
        Ok(summary)
    }

    /// Containers print for `duration`; half way the agent is killed and started again, a little later the indexer.
    fn live(&mut self, node: &Node, duration: Duration, interrupt: &Interrupt) -> Result<Summary> {
        let generator = Generator::start(containers(node)?, PACE)?;
        self.start = Instant::now();
        let (kill_agent, kill_indexer) = (duration / 2, duration * 2 / 3);
        let (mut agent_killed, mut indexer_killed) = (false, false);
        while self.start.elapsed() < duration {
            thread::sleep(LOOK);
            interrupt.check()?;
            if !agent_killed && self.start.elapsed() >= kill_agent {
                agent_killed = true;
                self.board.event("kill -9 of the agent, and started again: it goes on at its last checkpoint");
                let books = self.agent.kill()?;
                self.told.extend(books.map(|books| ("ship until the kill", books)));
                self.agent.start()?;
            }
            if !indexer_killed && self.start.elapsed() >= kill_indexer {
                indexer_killed = true;
                self.board.event(
                    "kill -9 of the indexer, and started again: Kafka gives it the partitions when the session of the \
                     dead one has ended (6 s)",
                );
                let books = self.indexer.kill()?;
                self.told.extend(books.map(|books| ("index until the kill", books)));
                self.indexer.start()?;
            }
            self.look(generator.count())?;
        }
        let summary = generator.stop()?;
        let text = format!("the containers stop after {} lines; the rest arrives", thousands(printed(&summary)));
        self.board.event(&text);
        Ok(summary)
    }

    /// Shows one row a pipeline, and returns the number of documents in the index.
    fn look(&mut self, printed: u64) -> Result<u64> {
        self.agent.check()?;
        self.indexer.check()?;
        self.elasticsearch.refresh(INDEX)?;
        let documents = self.elasticsearch.count(INDEX)?;
        self.board.show(self.start.elapsed().as_secs(), printed, self.agent.books(), self.indexer.books(), documents);
        Ok(documents)
    }

    /// Waits until nothing is on the way, and the index holds what it must or nothing more comes.
    fn drain(&mut self, summary: &Summary, interrupt: &Interrupt) -> Result<()> {
        let (printed, expect) = (printed(summary), Fate::Indexed.count(summary));
        let deadline = Instant::now() + DRAIN;
        let (mut last, mut changed) = (0, Instant::now());
        loop {
            thread::sleep(LOOK);
            interrupt.check()?;
            let documents = self.look(printed)?;
            if documents != last {
                (last, changed) = (documents, Instant::now());
            }
            let idle = [self.agent.books(), self.indexer.books()].into_iter().all(|books| {
                books.is_some_and(|books| books.in_flight == 0 && books.lag.is_some_and(|lag| lag.is_none()))
            });
            if idle && (documents >= expect || changed.elapsed() > QUIET) {
                return Ok(());
            }
            if Instant::now() > deadline {
                println!("not everything arrived within {} s", DRAIN.as_secs());
                return Ok(());
            }
        }
    }

    fn stop(&mut self) -> Result<()> {
        self.board.event("SIGTERM to both processes");
        let books = self.agent.stop()?;
        self.told.extend(books.map(|books| ("ship to its end", books)));
        let books = self.indexer.stop()?;
        self.told.extend(books.map(|books| ("index to its end", books)));
        Ok(())
    }

    /// Prints the balance and some documents; an error if the books do not balance.
    fn close(&self, summary: &Summary) -> Result<()> {
        self.elasticsearch.refresh(INDEX)?;
        let audit = audit(&self.elasticsearch, INDEX, &summary.written)?;
        self.print_samples()?;
        let lost = self.told.iter().map(|(_, books)| books.dead_lettered + books.expired).sum();
        balance::print(summary, &audit, &self.told);
        let faults = balance::faults(&audit, lost, &self.told);
        if !faults.is_empty() {
            bail!("the books do not balance:\n  {}", faults.join("\n  "));
        }
        println!("\nevery line that had to be indexed is in the index exactly once: the books balance");
        Ok(())
    }

    fn print_samples(&self) -> Result<()> {
        let queries = [
            ("the last line with an error", json!({ "match_phrase": { "log": "payment refused" } })),
            ("the last line of a stack trace", json!({ "match_phrase": { "log": "Caused by" } })),
        ];
        for (title, query) in queries {
            let search = json!({ "query": query, "size": 1, "sort": [{ "@timestamp": "desc" }] });
            println!("\n{title}: POST /{INDEX}/_search {search}");
            for hit in self.elasticsearch.search(INDEX, &search)? {
                let shown = json!({ "_index": hit["_index"], "_id": hit["_id"], "_source": hit["_source"] });
                println!("{}", serde_json::to_string_pretty(&shortened(shown))?);
            }
        }
        Ok(())
    }
}

/// Long texts cut, for the eye.
fn shortened(mut hit: Value) -> Value {
    if let Some(log) = hit["_source"]["log"].as_str().filter(|log| log.chars().count() > 300) {
        let start: String = log.chars().take(300).collect();
        hit["_source"]["log"] = json!(format!("{start}…"));
    }
    hit
}
