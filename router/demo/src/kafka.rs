//! librdkafka's own mock cluster: brokers in this process that speak Kafka's protocol.
//!
//! It keeps 5 MiB a partition and discards what is older, whether or not it was consumed; a consumer that lags behind
//! that sees its offset out of range, which the books show as expired. Members of a group never leave by themselves,
//! they time out: consumers of it do well with a short session.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::Error;

/// A running cluster; ends when it is dropped, which has to happen after its clients have ended.
pub struct Kafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Kafka {
    /// One broker with these topics: name and number of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, Error> {
        let cluster = MockCluster::new(1).map_err(Error::Kafka)?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, *partitions, 1).map_err(Error::Kafka)?;
        }
        Ok(Self { cluster })
    }

    /// `host:port`
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
