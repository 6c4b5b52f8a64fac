//! A folder with logs, config and plugins, a Kafka, and the process between them.

use std::{
    cell::Cell,
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    mocking::MockCluster,
    producer::DefaultProducerContext,
};
use serde_json::Value;
use sluice_servers::{Launch, Process};
use tempfile::TempDir;

/// How long a test waits for what takes a second or two, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// The level of line number n is the one at n modulo 3.
pub const LEVELS: [&str; 3] = ["debug", "info", "warn"];

/// A test's own folder and its own Kafka.
pub struct World {
    folder: TempDir,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl World {
    /// With these topics, of one partition each.
    pub fn new(topics: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sluice-").tempdir().unwrap();
        let cluster = MockCluster::new(1).unwrap();
        for topic in topics {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        Self { folder, cluster }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// A pipeline from the files of [`World::write_lines`] to `topic`; `plugins` is YAML.
    pub fn pipeline(&self, name: &str, plugins: &str, topic: &str) -> String {
        let (folder, brokers) = (self.folder.path().display(), self.brokers());
        format!(
            "  {name}:
    source: {{ files: {{ include: [{folder}/logs/{name}_*.log], checkpoints: {folder}/checkpoints/{name} }} }}
    plugins: [{plugins}]
    sink: {{ kafka: {{ brokers: [{brokers}], topic: {topic} }} }}
"
        )
    }

    /// What follows the pipelines.
    pub fn dead_letter(&self) -> String {
        format!("dead_letter: {{ kafka: {{ brokers: [{}], topic: dead }} }}\n", self.brokers())
    }

    pub fn write(&self, name: &str, text: &str) {
        // By a rename, as an editor does: a config that is half written is another test's.
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// Writes numbered lines of a container that pipeline `pipeline` reads, until it is told to end.
    pub fn write_lines(&self, pipeline: &str) -> Writer {
        fs::create_dir_all(self.path("logs")).unwrap();
        let path = self.path(&format!("logs/{pipeline}_default_app-{}.log", "0123456789abcdef".repeat(4)));
        let mut file = File::create(path).unwrap();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) || number % 3 != 0 {
                let level = LEVELS[number as usize % 3];
                let text = format!(r#"{{"level":"{level}","n":{number}}}"#);
                writeln!(file, "2026-01-01T00:00:00.000000000Z stdout F {text}").unwrap();
                number += 1;
                thread::sleep(Duration::from_millis(1));
            }
            number
        });
        Writer { is_done, thread }
    }

    pub fn topic(&self, topic: &str) -> Topic {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).set("group.id", "test").create().unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(topic, 0, rdkafka::Offset::Beginning).unwrap();
        consumer.assign(&partitions).unwrap();
        Topic { consumer, seen: Vec::new() }
    }

    /// `sluice run` with the config file `config`.
    pub fn run(&self, config: &str) -> Sluice {
        let log = self.path("log");
        let launch = Launch {
            program: env!("CARGO_BIN_EXE_sluice").into(),
            arguments: ["run", "--log-format", "json", "--report-every", "0", "--config", config]
                .map(Into::into)
                .into(),
            environment: vec![("RUST_LOG", "info,rdkafka=off".into())],
            folder: self.folder.path().to_path_buf(),
            log: log.clone(),
            as_nobody: false,
        };
        Sluice { process: Some(Process::spawn(&launch).unwrap()), log, heard: Cell::new(0) }
    }
}

/// A volume as the kubelet mounts a ConfigMap: files are links into `..data`, which is a link that is swapped.
pub struct Mount {
    folder: PathBuf,
    versions: u32,
}

impl Mount {
    pub fn new(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        Self { folder, versions: 0 }
    }

    /// All of them at once, as the kubelet does. The version before goes a moment later.
    pub fn publish(&mut self, files: &[(&str, &[u8])]) {
        let old = self.folder.join(format!("..version_{}", self.versions));
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        fs::create_dir(self.folder.join(&version)).unwrap();
        for (name, bytes) in files {
            fs::write(self.folder.join(&version).join(name), bytes).unwrap();
            if self.versions == 1 {
                symlink(format!("..data/{name}"), self.folder.join(name)).unwrap();
            }
        }
        symlink(&version, self.folder.join("..data_tmp")).unwrap();
        fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
        let _ = fs::remove_dir_all(old);
    }
}

/// Writes lines from a thread.
pub struct Writer {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Writer {
    /// How many lines there are now, after a few more; a multiple of three.
    pub fn finish(self) -> u64 {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A topic as a consumer sees it.
pub struct Topic {
    consumer: BaseConsumer,
    /// The lines' numbers, in order.
    pub seen: Vec<u64>,
}

impl Topic {
    fn read(&mut self) {
        while let Some(message) = self.consumer.poll(Duration::from_millis(50)) {
            let message = message.unwrap();
            let record: Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
            let line: Value = serde_json::from_str(record["log"].as_str().unwrap()).unwrap();
            self.seen.push(line["n"].as_u64().unwrap());
        }
    }

    /// Waits until the line with this number has arrived.
    #[track_caller]
    pub fn wait_for(&mut self, number: u64) {
        eventually(&format!("line {number}"), || {
            self.read();
            self.seen.contains(&number)
        });
    }

    /// Waits until so many lines more have arrived.
    #[track_caller]
    pub fn wait_for_more(&mut self, count: usize) {
        self.read();
        let wanted = self.seen.len() + count;
        eventually(&format!("{count} lines more"), || {
            self.read();
            self.seen.len() >= wanted
        });
    }

    /// The numbers that arrived and have this remainder modulo 3; each must be there once, and in order.
    #[track_caller]
    pub fn of_level(&self, level: &str) -> Vec<u64> {
        let of_level: Vec<u64> =
            self.seen.iter().copied().filter(|number| LEVELS[*number as usize % 3] == level).collect();
        assert!(of_level.is_sorted_by(|a, b| a < b), "out of order, or twice: {of_level:?}");
        of_level
    }
}

/// The numbers of this level below `end`.
pub fn written(level: &str, end: u64) -> Vec<u64> {
    (0..end).filter(|number| LEVELS[*number as usize % 3] == level).collect()
}

/// The process; dropping it kills it, and shows the end of its log: the test has failed half way.
pub struct Sluice {
    process: Option<Process>,
    log: PathBuf,
    /// Lines of the log up to the last one that was waited for.
    heard: Cell<usize>,
}

impl Sluice {
    pub fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Lines of the log with this message and all of `fields`.
    pub fn said(&self, message: &str, fields: &[(&str, &str)]) -> Vec<Value> {
        self.log().into_iter().filter(|line| is_about(line, message, fields)).collect()
    }

    /// Waits for such a line behind the one that was waited for last.
    #[track_caller]
    pub fn wait_for(&self, message: &str, fields: &[(&str, &str)]) {
        eventually(&format!("{message:?} with {fields:?} in the log"), || {
            let heard = self.heard.get();
            let next = self.log().iter().skip(heard).position(|line| is_about(line, message, fields));
            next.inspect(|next| self.heard.set(heard + next + 1)).is_some()
        });
    }

    /// SIGTERM; returns the books of these pipelines, which must balance with nothing left.
    #[track_caller]
    pub fn stop(mut self, pipelines: &[&str]) -> Vec<Value> {
        self.process.take().unwrap().stop(Duration::from_secs(60)).unwrap();
        let closed = |name: &&str| {
            let books = self.said("books closed", &[("pipeline", name)]);
            assert_eq!(books.len(), 1, "{name}: {books:?}");
            assert_eq!((&books[0]["balanced"], &books[0]["left"]), (&true.into(), &0.into()), "{}", books[0]);
            books[0].clone()
        };
        pipelines.iter().map(closed).collect()
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        if self.process.take().is_some() {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            println!("the end of the log:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

fn is_about(line: &Value, message: &str, fields: &[(&str, &str)]) -> bool {
    let has = |key: &str, value: &str| line[key].as_str().is_some_and(|text| text.contains(value));
    has("message", message) && fields.iter().all(|(key, value)| has(key, value))
}

/// Waits until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A component that `./dev components` built.
pub fn component(name: &str) -> PathBuf {
    let path = sluice_servers::cache_folder().unwrap().join(format!("components/{name}.wasm"));
    assert!(path.exists(), "{} is missing: run ./dev components", path.display());
    path
}

/// The component in `path` as another one that does the same: a custom section at its end.
pub fn another(path: &Path, section: &str) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    bytes.extend([0, section.len() as u8 + 1, section.len() as u8]);
    bytes.extend(section.as_bytes());
    bytes
}

/// None twice, none lost: these are all numbers below `end`.
#[track_caller]
pub fn check_once(topics: &[&Topic], end: u64) {
    let all: Vec<u64> = topics.iter().flat_map(|topic| topic.seen.iter().copied()).collect();
    let distinct: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "lines arrived twice");
    let missing: Vec<u64> = (0..end).filter(|number| !distinct.contains(number)).collect();
    assert_eq!(missing, Vec::<u64>::new(), "lines are lost");
}
