//! `slack` as a sink.

use std::time::Duration;

use super::decode::Block;
use super::interpolate::Environment;
use super::kinds;
use super::plan::{Secret, SlackSink};
use super::requests;
use super::secrets::{self, Plain};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads `sink.slack`.
pub(super) fn sink(block: Block, environment: Environment) -> Option<SlackSink> {
    let webhook = secrets::required(&block, "webhook", Plain::Refused, environment);
    if let Some(Secret::Value(address)) = &webhook {
        check_address(&block, address);
    }
    let window = block.get("window", kinds::duration(SECOND, DAY));
    let max_age = block.get("max_age", kinds::duration_or_off(SECOND, MONTH));
    let queue = block.get("queue", kinds::count(1..=10_000));
    let give_up_after = block.get("give_up_after", kinds::duration_or_off(SECOND, MONTH));
    let request_timeout = block.get("request_timeout", kinds::duration(SECOND, HOUR));
    let retry = requests::retry(&block);
    let ca_file = requests::ca_file(&block);
    block.finish();
    Some(SlackSink {
        webhook: webhook?,
        window: window.unwrap_or(5 * SECOND * 60),
        max_age: max_age.unwrap_or(Some(HOUR)),
        queue: queue.unwrap_or(100),
        give_up_after: give_up_after.flatten(),
        request_timeout: request_timeout.unwrap_or(10 * SECOND),
        retry,
        ca_file,
    })
}

/// What came out of the environment; it is not quoted.
fn check_address(block: &Block, address: &str) {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.contains(|c: char| c.is_whitespace() || c.is_control())) {
        let message = "what the environment holds is not an address; set the variable to the webhook's whole URL, \
                       https:// in front and no spaces";
        block.fail("webhook", message);
    }
}
