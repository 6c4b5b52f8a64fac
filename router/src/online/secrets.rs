//! Files that hold secrets and certificates: whether they can be read, never what is in them.

use std::{fs, path::Path};

use sluice_webhook::Url;

use super::{Finding, kafka};
use crate::{
    assemble::secrets::read,
    config::{Auth, Plan, Secret, Sink},
};

/// Reads every file with a secret or a certificate, and tells which webhooks are left alone.
pub(super) fn look(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, options, _) in kafka::uses(plan) {
        for (name, secret) in options {
            add(&mut findings, secret_file(&format!("kafka option {name}"), secret));
        }
    }
    for pipeline in &plan.pipelines {
        match &pipeline.sink {
            Sink::Kafka(_) => {}
            Sink::Elasticsearch(sink) => {
                let component = format!("elasticsearch sink of {}", pipeline.name);
                let secrets = match &sink.auth {
                    None => vec![],
                    Some(Auth::Basic { user, password }) => vec![user, password],
                    Some(Auth::ApiKey(key)) => vec![key],
                };
                for secret in secrets {
                    add(&mut findings, secret_file(&component, secret));
                }
                add(&mut findings, sink.ca_file.as_deref().map(|path| certificates(&component, path)));
            }
            Sink::Slack(sink) => {
                let component = format!("slack sink of {}", pipeline.name);
                findings.push(webhook(&component, &sink.webhook));
                add(&mut findings, sink.ca_file.as_deref().map(|path| certificates(&component, path)));
            }
        }
    }
    findings
}

/// A file that several blocks name is told once.
fn add(findings: &mut Vec<Finding>, finding: Option<Finding>) {
    findings.extend(finding.filter(|finding| !findings.contains(finding)));
}

fn secret_file(component: &str, secret: &Secret) -> Option<Finding> {
    let Secret::File(path) = secret else { return None };
    let place = path.display().to_string();
    Some(match read(secret) {
        Ok(value) if value.is_empty() => {
            Finding::error(component, &place, "the secret is empty; write it into the file")
        }
        Ok(_) => Finding::ok(component, &place, "the secret can be read"),
        Err(error) => Finding::error(component, &place, format!("{error:#}")),
    })
}

fn certificates(component: &str, path: &Path) -> Finding {
    let place = path.display().to_string();
    match fs::read(path) {
        Ok(pem) if pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") => {
            Finding::ok(component, &place, "the certificates can be read")
        }
        Ok(_) => Finding::error(component, &place, "holds no PEM certificate; write the authority's into it"),
        Err(error) => Finding::error(
            component,
            &place,
            format!("cannot read the certificates: {error}; mount them, or correct `tls`"),
        ),
    }
}

fn webhook(component: &str, secret: &Secret) -> Finding {
    let place = match secret {
        Secret::File(path) => path.display().to_string(),
        Secret::Value(_) => "webhook".to_owned(),
    };
    match read(secret) {
        Ok(address) => match Url::parse(&address) {
            Ok(_) => Finding::ok(component, &place, "the webhook's address can be read; it was not called"),
            Err(error) => Finding::error(component, &place, error.to_string()),
        },
        Err(error) => Finding::error(component, &place, format!("{error:#}")),
    }
}
