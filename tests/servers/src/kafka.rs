//! One Apache Kafka broker in KRaft mode, controller and broker in one process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::cache::servers_folder;
use crate::download::{Artefact, Download, Form, lock};
use crate::java::Java;
use crate::port::Port;
use crate::process::{Launch, Process, tail, wait_until};

const DOWNLOAD: Download<'static> = Download {
    name: "kafka-4.3.1",
    artefacts: &[
        Artefact { group: "org.apache.kafka", name: "kafka_2.13", version: "4.3.1" },
        Artefact { group: "org.apache.logging.log4j", name: "log4j-slf4j-impl", version: "2.25.5" },
    ],
    form: Form::Jars,
};
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(60);
/// With the first compiler only and the simple collector a broker starts with two thirds of the CPU time.
const JAVA_OPTIONS: [&str; 5] =
    ["-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"];

pub struct KafkaOptions {
    /// Partitions of a topic that comes into being by its first use.
    pub partitions: u32,
    /// The largest Java heap, as `-Xmx` takes it.
    pub heap: &'static str,
    /// Further lines of `server.properties`; of two lines with one key the later counts.
    pub settings: Vec<String>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { partitions: 4, heap: "512m", settings: Vec::new() }
    }
}

/// A broker on loopback; topics come into being when they are first used.
pub struct Kafka {
    // Ended before its folder is removed: fields are dropped in this order.
    process: Option<Process>,
    launch: Launch,
    port: Port,
    _controller: Port,
    _folder: TempDir,
}

impl Kafka {
    /// Starts a broker with no data and returns when it serves. The first call on a machine fetches the jars.
    pub fn start(options: KafkaOptions) -> Result<Self> {
        let java = Java::find()?;
        let jars = DOWNLOAD.fetch(&servers_folder()?)?;
        let archive = class_archive(&java, &jars)?;
        Self::start_with(&options, &java, &jars, &format!("-XX:SharedArchiveFile={}", archive.display()))
    }

    fn start_with(options: &KafkaOptions, java: &Java, jars: &Path, archive_option: &str) -> Result<Self> {
        let (port, controller) = (Port::reserve()?, Port::reserve()?);
        let folder =
            tempfile::Builder::new().prefix("sluice-kafka-").tempdir().context("cannot create a data folder")?;
        configure(folder.path(), options, port.number(), controller.number())?;
        let launch = Launch {
            program: java.program(),
            arguments: arguments(folder.path(), jars, options.heap, archive_option)?,
            environment: Vec::new(),
            folder: folder.path().to_path_buf(),
            log: folder.path().join("kafka.log"),
            as_nobody: false,
        };
        let mut kafka = Self { process: None, launch, port, _controller: controller, _folder: folder };
        kafka.restart()?;
        Ok(kafka)
    }

    /// Starts it again on the same data and port after [`Kafka::kill`] or [`Kafka::stop`]; returns when it serves.
    pub fn restart(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("kafka on {} runs: kill or stop it before starting it again", self.bootstrap());
        }
        let mut process = Process::spawn(&self.launch)?;
        wait_until(START, || {
            if let Some(status) = process.ended()? {
                bail!("kafka ended while starting ({status}):\n{}", tail(&self.launch.log));
            }
            let log = fs::read(&self.launch.log).context("cannot read kafka's log")?;
            Ok(String::from_utf8_lossy(&log).contains("Kafka Server started"))
        })
        .with_context(|| format!("kafka did not start; the end of its log:\n{}", tail(&self.launch.log)))?;
        self.process = Some(process);
        Ok(())
    }

    /// `127.0.0.1:PORT`, the same for as long as the value lives.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The broker's pid; fails while it is down.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running()?.pid())
    }

    /// SIGKILL, as a node's sudden death. Does nothing if the broker is down.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// SIGTERM and waits for the end. Does nothing if the broker is down.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.stop(STOP))
    }

    /// Holds the broker still: its connections stay open and nothing is answered.
    pub fn pause(&self) -> Result<()> {
        self.running()?.pause()
    }

    pub fn resume(&self) -> Result<()> {
        self.running()?.resume()
    }

    fn running(&self) -> Result<&Process> {
        self.process.as_ref().with_context(|| format!("kafka on {} is down", self.bootstrap()))
    }
}

/// Loaded and checked classes of a whole start, kept by the JVM: halves the time and the CPU of every later start. Made
/// once for each Java version by a broker that is started and stopped for it.
fn class_archive(java: &Java, jars: &Path) -> Result<PathBuf> {
    let parent = servers_folder()?;
    let archive = parent.join(format!("{}-java-{}.jsa", DOWNLOAD.name, java.version));
    let _lock = lock(&archive.with_extension("jsa.lock"))?;
    if !archive.exists() {
        let part = archive.with_extension("jsa.part");
        let option = format!("-XX:ArchiveClassesAtExit={}", part.display());
        Kafka::start_with(&KafkaOptions::default(), java, jars, &option)?.stop()?;
        fs::rename(&part, &archive).with_context(|| format!("kafka left no class archive at {}", part.display()))?;
    }
    Ok(archive)
}

fn arguments(folder: &Path, jars: &Path, heap: &str, archive_option: &str) -> Result<Vec<OsString>> {
    let mut names: Vec<PathBuf> = fs::read_dir(jars)
        .with_context(|| format!("cannot list {}", jars.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    // The class archive holds for one order of the class path only.
    names.sort();
    let class_path = std::env::join_paths(names).context("the cache folder's path must not contain ':'")?;
    let mut arguments: Vec<OsString> = JAVA_OPTIONS.iter().map(OsString::from).collect();
    arguments.push(format!("-Xmx{heap}").into());
    arguments.push(archive_option.into());
    arguments.push("-Xlog:cds=off".into());
    arguments.push("-Xlog:cds+dynamic=off".into());
    arguments.push(format!("-Dlog4j2.configurationFile={}", folder.join("log4j2.properties").display()).into());
    arguments.push("-cp".into());
    arguments.push(class_path);
    arguments.push("kafka.Kafka".into());
    arguments.push(folder.join("server.properties").into());
    Ok(arguments)
}

/// Writes what a broker reads at its start. `meta.properties` is all that formatting would leave behind that matters,
/// so no second JVM is needed for it: without a bootstrap file the broker takes the latest metadata version. A broker
/// that comes back after SIGKILL has to wait until the session of its former self has timed out (9 s if not set).
fn configure(folder: &Path, options: &KafkaOptions, port: u16, controller: u16) -> Result<()> {
    let data = folder.join("data");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let write = |path: PathBuf, text: String| {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(data.join("meta.properties"), "version=1\ncluster.id=c2x1aWNlLXRlc3RzLTAwMQ\nnode.id=1\n".to_owned())?;
    write(
        folder.join("log4j2.properties"),
        "status=error\n\
         appender.out.type=Console\nappender.out.name=out\n\
         appender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %c{1} %m%n\n\
         rootLogger.level=info\nrootLogger.appenderRef.out.ref=out\n"
            .to_owned(),
    )?;
    let mut properties = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
         num.partitions={}\n\
         auto.create.topics.enable=true\n\
         default.replication.factor=1\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=2\n\
         group.initial.rebalance.delay.ms=0\n\
         broker.heartbeat.interval.ms=500\n\
         broker.session.timeout.ms=3000\n\
         num.network.threads=2\n\
         num.io.threads=4\n\
         log.segment.bytes=67108864\n\
         log.cleaner.dedupe.buffer.size=16777216\n",
        data.display(),
        options.partitions,
    );
    for line in &options.settings {
        properties.push_str(line);
        properties.push('\n');
    }
    write(folder.join("server.properties"), properties)
}
