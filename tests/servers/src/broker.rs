//! One broker process in KRaft mode that is a controller as well: its files, its JVM, its signals.

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

/// What a broker is made of, but for its place among the others.
pub(crate) struct Setup<'a> {
    /// The largest Java heap, as `-Xmx` takes it.
    pub heap: &'a str,
    /// Lines of `server.properties`; of two lines with one key the later counts.
    pub settings: &'a [String],
}

/// A broker on loopback with its own data, ports and JVM; dropping it ends it and removes its data.
pub(crate) struct Broker {
    // Ended before its folder is removed: fields are dropped in this order.
    process: Option<Process>,
    launch: Launch,
    seat: Seat,
    _folder: TempDir,
}

/// A broker's number among those of its cluster, and its ports.
pub(crate) struct Seat {
    id: usize,
    port: Port,
    controller: Port,
}

impl Seat {
    /// Seats for a cluster of `count` brokers, numbered from 1.
    pub(crate) fn reserve(count: usize) -> Result<Vec<Self>> {
        (1..=count).map(|id| Ok(Self { id, port: Port::reserve()?, controller: Port::reserve()? })).collect()
    }

    /// As `controller.quorum.voters` lists them.
    pub(crate) fn voters(seats: &[Self]) -> String {
        let voters = seats.iter().map(|seat| format!("{}@127.0.0.1:{}", seat.id, seat.controller.number()));
        voters.collect::<Vec<_>>().join(",")
    }
}

/// What every broker of a machine starts from: the JVM, the jars, and the archive of their classes.
pub(crate) struct Runtime {
    java: Java,
    jars: PathBuf,
    archive_option: String,
}

impl Runtime {
    /// The first call on a machine fetches the jars and starts a broker once to make the archive.
    pub(crate) fn find() -> Result<Self> {
        let java = Java::find()?;
        let jars = DOWNLOAD.fetch(&servers_folder()?)?;
        let archive = class_archive(&java, &jars)?;
        Ok(Self { java, jars, archive_option: format!("-XX:SharedArchiveFile={}", archive.display()) })
    }
}

impl Broker {
    /// Writes the files of a broker with no data; nothing is started yet.
    pub(crate) fn new(runtime: &Runtime, setup: &Setup<'_>, seat: Seat, voters: &str) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("sluice-kafka-").tempdir().context("cannot create a data folder")?;
        configure(folder.path(), setup, &seat, voters)?;
        let launch = Launch {
            program: runtime.java.program(),
            arguments: arguments(folder.path(), &runtime.jars, setup.heap, &runtime.archive_option)?,
            environment: Vec::new(),
            folder: folder.path().to_path_buf(),
            log: folder.path().join("kafka.log"),
            as_nobody: false,
        };
        Ok(Self { process: None, launch, seat, _folder: folder })
    }

    /// Starts its process on the data that is there, and returns at once.
    pub(crate) fn spawn(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("kafka on {} runs: kill or stop it before starting it again", self.address());
        }
        self.process = Some(Process::spawn(&self.launch)?);
        Ok(())
    }

    /// Returns when it serves; it does not before a majority of its cluster's controllers runs. One that does not in
    /// time is ended.
    pub(crate) fn wait_until_it_serves(&mut self) -> Result<()> {
        let process =
            self.process.as_mut().with_context(|| format!("kafka on 127.0.0.1:{} is down", self.seat.port.number()))?;
        let log = &self.launch.log;
        let waited = wait_until(START, || {
            if let Some(status) = process.ended()? {
                bail!("kafka ended while starting ({status}):\n{}", tail(log));
            }
            let log = fs::read(log).context("cannot read kafka's log")?;
            Ok(String::from_utf8_lossy(&log).contains("Kafka Server started"))
        });
        if waited.is_err() {
            self.process = None;
        }
        waited.with_context(|| format!("kafka did not start; the end of its log:\n{}", tail(&self.launch.log)))
    }

    /// `127.0.0.1:PORT`, the same for as long as the value lives.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.seat.port.number()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// The broker's process; fails while it is down.
    pub(crate) fn process(&self) -> Result<&Process> {
        self.process.as_ref().with_context(|| format!("kafka on {} is down", self.address()))
    }

    /// SIGKILL. Does nothing if the broker is down.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// SIGTERM and waits for the end. Does nothing if the broker is down.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.stop(STOP))
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
        let archive_option = format!("-XX:ArchiveClassesAtExit={}", part.display());
        let runtime = Runtime { java: java.clone(), jars: jars.to_path_buf(), archive_option };
        let seats = Seat::reserve(1)?;
        let voters = Seat::voters(&seats);
        for seat in seats {
            let mut broker = Broker::new(&runtime, &Setup { heap: "512m", settings: &[] }, seat, &voters)?;
            broker.spawn()?;
            broker.wait_until_it_serves()?;
            broker.stop()?;
        }
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
fn configure(folder: &Path, setup: &Setup<'_>, seat: &Seat, voters: &str) -> Result<()> {
    let (id, port, controller) = (seat.id, seat.port.number(), seat.controller.number());
    let data = folder.join("data");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let write = |path: PathBuf, text: String| {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(data.join("meta.properties"), format!("version=1\ncluster.id=c2x1aWNlLXRlc3RzLTAwMQ\nnode.id={id}\n"))?;
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
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={}\n\
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
    );
    for line in setup.settings {
        properties.push_str(line);
        properties.push('\n');
    }
    write(folder.join("server.properties"), properties)
}
