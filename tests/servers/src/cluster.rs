//! Several Apache Kafka brokers that hold copies of each other's partitions.

use anyhow::{Context, Result, ensure};

use crate::broker::{Broker, Runtime, Seat, Setup};

pub struct ClusterOptions {
    /// 3 or more: each partition has three copies, and two must have a message before `acks=all` acknowledges it.
    pub brokers: usize,
    /// Partitions of a topic that comes into being by its first use.
    pub partitions: u32,
    /// The largest Java heap of each broker, as `-Xmx` takes it.
    pub heap: &'static str,
    /// Further lines of each `server.properties`; of two lines with one key the later counts.
    pub settings: Vec<String>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { brokers: 3, partitions: 6, heap: "256m", settings: Vec::new() }
    }
}

/// A broker that does not answer is taken for dead after 4 s, and another leads its partitions a moment later: seconds,
/// but not so few that a machine busy with tests loses one by accident.
const SETTINGS: [&str; 9] = [
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "offsets.topic.replication.factor=3",
    "transaction.state.log.replication.factor=3",
    "transaction.state.log.min.isr=2",
    "broker.session.timeout.ms=4000",
    "controller.quorum.fetch.timeout.ms=3000",
    "controller.quorum.election.timeout.ms=1500",
    "replica.lag.time.max.ms=5000",
];

/// Brokers on loopback, numbered from 0, each a controller as well: while more than half of them run, partitions whose
/// leader is gone get another one.
pub struct Cluster {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Starts brokers with no data and returns when all serve. The first call on a machine fetches the jars.
    pub fn start(options: ClusterOptions) -> Result<Self> {
        ensure!(options.brokers >= 3, "three copies of a partition need three brokers, not {}", options.brokers);
        let runtime = Runtime::find()?;
        let mut settings: Vec<String> = SETTINGS.iter().map(ToString::to_string).collect();
        settings.push(format!("num.partitions={}", options.partitions));
        settings.extend(options.settings);
        let seats = Seat::reserve(options.brokers)?;
        let voters = Seat::voters(&seats);
        let setup = Setup { heap: options.heap, settings: &settings };
        let brokers = seats.into_iter().map(|seat| Broker::new(&runtime, &setup, seat, &voters));
        let mut cluster = Self { brokers: brokers.collect::<Result<_>>()? };
        cluster.start_again(&(0..cluster.size()).collect::<Vec<_>>())?;
        Ok(cluster)
    }

    /// How many brokers it has, up or down.
    pub fn size(&self) -> usize {
        self.brokers.len()
    }

    /// The addresses of all brokers, up or down, as `bootstrap.servers` takes them; the same for as long as the value
    /// lives.
    pub fn bootstrap(&self) -> String {
        self.brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
    }

    /// The id under which the cluster itself knows the broker, as in a topic's metadata.
    pub fn id(broker: usize) -> i32 {
        broker as i32 + 1
    }

    /// The broker that has this id in a topic's metadata.
    pub fn of_id(id: i32) -> usize {
        (id - 1).max(0) as usize
    }

    /// The broker's pid; fails while it is down.
    pub fn pid(&self, broker: usize) -> Result<u32> {
        Ok(self.broker(broker)?.process()?.pid())
    }

    /// True from its start until it is killed or stopped, also while it is paused.
    pub fn is_up(&self, broker: usize) -> bool {
        self.brokers.get(broker).is_some_and(Broker::is_up)
    }

    /// SIGKILL, as a node's sudden death. Does nothing if the broker is down.
    pub fn kill(&mut self, broker: usize) -> Result<()> {
        self.broker_mut(broker)?.kill()
    }

    /// SIGTERM and waits for the end: its partitions get other leaders before it goes. Does nothing if it is down.
    pub fn stop(&mut self, broker: usize) -> Result<()> {
        self.broker_mut(broker)?.stop()
    }

    /// SIGSTOP: its connections stay open and nothing is answered. The others take it for dead after 4 s.
    pub fn pause(&self, broker: usize) -> Result<()> {
        self.broker(broker)?.process()?.pause()
    }

    /// SIGCONT.
    pub fn resume(&self, broker: usize) -> Result<()> {
        self.broker(broker)?.process()?.resume()
    }

    /// Starts brokers that are down on the data and ports that they had; returns when they serve. More than half of
    /// all must run then: name all that are to come back in one call.
    pub fn start_again(&mut self, brokers: &[usize]) -> Result<()> {
        brokers.iter().try_for_each(|broker| self.broker_mut(*broker)?.spawn())?;
        brokers.iter().try_for_each(|broker| self.broker_mut(*broker)?.wait_until_it_serves())
    }

    fn broker(&self, broker: usize) -> Result<&Broker> {
        self.brokers.get(broker).with_context(|| format!("there is no broker {broker}"))
    }

    fn broker_mut(&mut self, broker: usize) -> Result<&mut Broker> {
        self.brokers.get_mut(broker).with_context(|| format!("there is no broker {broker}"))
    }
}
