//! One Apache Kafka broker.

use anyhow::{Context, Result};

use crate::broker::{Broker, Runtime, Seat, Setup};

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
    broker: Broker,
}

impl Kafka {
    /// Starts a broker with no data and returns when it serves. The first call on a machine fetches the jars.
    pub fn start(options: KafkaOptions) -> Result<Self> {
        let runtime = Runtime::find()?;
        let mut settings = vec![format!("num.partitions={}", options.partitions)];
        settings.extend(options.settings);
        let seats = Seat::reserve(1)?;
        let voters = Seat::voters(&seats);
        let seat = seats.into_iter().next().context("a cluster of one has a seat")?;
        let setup = Setup { heap: options.heap, settings: &settings };
        let mut kafka = Self { broker: Broker::new(&runtime, &setup, seat, &voters)? };
        kafka.restart()?;
        Ok(kafka)
    }

    /// Starts it again on the same data and port after [`Kafka::kill`] or [`Kafka::stop`]; returns when it serves.
    pub fn restart(&mut self) -> Result<()> {
        self.broker.spawn()?;
        self.broker.wait_until_it_serves()
    }

    /// `127.0.0.1:PORT`, the same for as long as the value lives.
    pub fn bootstrap(&self) -> String {
        self.broker.address()
    }

    pub fn port(&self) -> u16 {
        self.broker.port()
    }

    /// The broker's pid; fails while it is down.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.broker.process()?.pid())
    }

    /// SIGKILL, as a node's sudden death. Does nothing if the broker is down.
    pub fn kill(&mut self) -> Result<()> {
        self.broker.kill()
    }

    /// SIGTERM and waits for the end. Does nothing if the broker is down.
    pub fn stop(&mut self) -> Result<()> {
        self.broker.stop()
    }

    /// Holds the broker still: its connections stay open and nothing is answered.
    pub fn pause(&self) -> Result<()> {
        self.broker.process()?.pause()
    }

    pub fn resume(&self) -> Result<()> {
        self.broker.process()?.resume()
    }
}
