//! Names that Kafka knows: brokers, topics, and librdkafka's own properties.

use super::decode::Block;
use super::document::Value;
use super::interpolate::Environment;
use super::kinds::{self, Reading};
use super::plan::{KafkaOptions, Secret};
use super::problem::join;
use super::secrets::{self, Plain};

/// Properties that hold a secret.
const SECRET_PROPERTIES: [&str; 5] =
    ["sasl.password", "sasl.oauthbearer.client.secret", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password"];

/// A librdkafka property that is Sluice's to set, and what to do instead of setting it.
pub(super) type Taken = (&'static str, &'static str);

/// Properties that no Kafka client of ours leaves open.
pub(super) const TAKEN_EVERYWHERE: [Taken; 2] =
    [("bootstrap.servers", "write \"brokers\""), ("metadata.broker.list", "write \"brokers\"")];

/// The required list of `host:port`.
pub(super) fn brokers(block: &Block) -> Option<Vec<String>> {
    block.required_list("brokers", "brokers: [kafka:9092]", broker)
}

fn broker(value: &Value) -> Reading<String> {
    let text = kinds::text(value)?;
    if text.contains('@') {
        // Not quoted: what stands in front of the @ may be a password.
        return Err("a text with \"@\" in it is not host:port; write it like kafka:9092, and user and password as \
                    \"sasl.username\" and \"sasl.password\" in \"options\""
            .to_owned());
    }
    let wrong = |advice: &str| Err(format!("{text:?} is not host:port; write {advice}"));
    if text.contains(',') {
        return wrong("every broker as an item of its own, as in [a:9092, b:9092]");
    }
    if text.contains("://") {
        return wrong("it without a scheme, as in kafka:9092 (\"security.protocol\" is one of the options)");
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return wrong(&format!("{text}:9092"));
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host_is_one = bracketed && host.len() > 2 || !host.is_empty() && host.chars().all(plain);
    if !host_is_one || port.parse::<u16>().is_ok_and(|port| port == 0) || port.parse::<u16>().is_err() {
        return wrong("it like kafka:9092");
    }
    Ok(text)
}

/// A topic's name by Kafka's own rule.
pub(super) fn topic(value: &Value) -> Reading<String> {
    let text = kinds::text(value)?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() <= 249 && text.chars().all(valid) && text != "." && text != ".." {
        return Ok(text);
    }
    Err(format!("{text:?} cannot be a topic; write up to 249 of a-z, A-Z, 0-9, \".\", \"_\" and \"-\""))
}

/// librdkafka properties as they are, but for those that are `taken`.
pub(super) fn options(block: &Block, taken: &[Taken], environment: Environment) -> KafkaOptions {
    let mut options = KafkaOptions::new();
    let Some(listed) = block.child("options") else {
        return options;
    };
    for entry in listed.all() {
        let property = entry.key.as_str();
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
        if !property.chars().all(valid) {
            listed.fail(property, "not a librdkafka property; they are written like \"security.protocol\"");
            continue;
        }
        let theirs = TAKEN_EVERYWHERE.iter().chain(taken).find(|(name, _)| *name == property);
        if let Some((_, instead)) = theirs {
            listed.fail(property, format!("sluice sets this property itself; {instead}"));
            continue;
        }
        let path = join(listed.path(), property);
        let value = match &entry.value.value {
            Value::Boolean(value) => Some(Secret::Value(value.to_string())),
            Value::Integer(value) => Some(Secret::Value(value.to_string())),
            Value::Float(value) => Some(Secret::Value(value.to_string())),
            _ => {
                let plain = if SECRET_PROPERTIES.contains(&property) { Plain::Careless } else { Plain::Open };
                secrets::read(block.findings(), &entry.value, entry.at, &path, plain, environment)
            }
        };
        options.extend(value.map(|value| (property.to_owned(), value)));
    }
    options
}
