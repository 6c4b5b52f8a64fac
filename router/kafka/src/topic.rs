//! Which topic a record goes to.

use std::borrow::Cow;

use sluice_core::{Batch, Route, route::named_by};

use crate::ProducerConfig;

/// What a plugin named, else what the record itself does under `topic_key`, else the sink's own topic. `value` is the
/// record as it will be sent. The error says why it may not go where it was named to: it must not go elsewhere instead.
pub(crate) fn of<'a>(
    config: &'a ProducerConfig,
    batch: &Batch,
    index: usize,
    value: &[u8],
) -> Result<Cow<'a, str>, String> {
    let by_plugin = batch.edits().and_then(|edits| edits.route(index, Route::Topic));
    let by_record = || named_by(value, config.topic_key.as_deref()?);
    match by_plugin.or_else(by_record) {
        None => Ok(Cow::Borrowed(&config.topic)),
        Some(name) if name == config.topic => Ok(Cow::Borrowed(&config.topic)),
        Some(name) if !is_topic(&name) => Err(format!("{:?} cannot be a topic", shortened(&name))),
        Some(name) if config.allowed_topics.allows(&name) => Ok(Cow::Owned(name.into_owned())),
        Some(name) => Err(format!("topic {name} is not among allow_topics of the sink")),
    }
}

/// Kafka's own rule.
fn is_topic(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.bytes().all(fits)
}

fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(64)]
}
