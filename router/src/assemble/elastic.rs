//! The plan's `elasticsearch` sink as the bulk sink wants it.

use std::sync::Arc;

use anyhow::Result;
use sluice_core::AllowList;
use sluice_core::encode::Encoding;
use sluice_elastic::{Auth, Config, Index};

use super::secrets;
use crate::config::{self, BulkCompression, ElasticsearchSink, IndexName};

pub(crate) fn sink(plan: &ElasticsearchSink) -> Result<Config> {
    let auth = match &plan.auth {
        None => None,
        Some(config::Auth::Basic { user, password }) => {
            Some(Auth::Basic { user: secrets::read(user)?, password: secrets::read(password)? })
        }
        Some(config::Auth::ApiKey(key)) => Some(Auth::ApiKey(secrets::read(key)?)),
    };
    let index = match &plan.index {
        IndexName::Fixed(name) => Index::Name(name.clone()),
        IndexName::Logstash { prefix, separator, date_format } => {
            Index::Logstash { prefix: prefix.clone(), separator: separator.clone(), date_format: date_format.clone() }
        }
    };
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Ok(Config {
        hosts: plan.hosts.clone(),
        index,
        allowed_indices: AllowList::new(plan.allowed_indices.clone()),
        include_tag_key: plan.tag_key.is_some(),
        tag_key: plan.tag_key.clone().unwrap_or_default(),
        auth,
        ca: plan.ca_file.as_deref().map(secrets::read_certificates).transpose()?,
        gzip: plan.compression == BulkCompression::Gzip,
        interval: plan.flush.interval,
        bytes: size(plan.flush.bytes),
        concurrency: plan.flush.concurrency,
        max_in_flight: size(plan.max_in_flight),
        request_timeout: plan.request_timeout,
        retry_initial: plan.retry.initial,
        retry_max: plan.retry.max_interval,
        encoding: Encoding::default(),
        counters: Arc::default(),
    })
}
