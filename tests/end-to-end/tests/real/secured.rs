use std::fs;

use anyhow::Result;
use sluice_end_to_end::{Chain, Sluice, eventually, fill, kafka};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, User};

/// https with a CA of one's own, basic authentication and gzip; nothing is lost while one of the first is wrong.
#[test]
fn tls_and_a_password_are_required_and_given() -> Result<()> {
    let kafka = kafka()?;
    let user = User { name: "sluice".into(), password: "correct horse".into() };
    let options = ElasticsearchOptions { user: Some(user), tls: true, ..ElasticsearchOptions::default() };
    let elasticsearch = Elasticsearch::start(options)?;
    let mut chain = Chain::new("secured", &kafka.bootstrap(), &elasticsearch.url())?;
    let plain_options = chain.index_options.clone()
        + "        compression: gzip\n        retry: { initial: 100ms, max_interval: 1s }\n";
    fill(&kafka.bootstrap(), "secured", 1_700_000_000_000, &[r#"{"log":"a"}"#, r#"{"log":"b"}"#])?;
    let secret = chain.folder().join("password");
    fs::write(&secret, "wrong\n")?;
    let auth = format!("        auth: {{ user: sluice, password: {{ file: {} }} }}\n", secret.display());

    // An authority that nobody told us of.
    chain.index_options = format!("{plain_options}{auth}");
    let indexer = Sluice::run(chain.folder(), "distrust", &chain.indexer()?)?;
    eventually("a word about the certificate", || Ok(indexer.said("certificate")? || indexer.said("UnknownIssuer")?))?;
    indexer.kill()?;

    // The wrong password.
    let ca = elasticsearch.ca_file().map(|path| path.display().to_string()).unwrap_or_default();
    chain.index_options = format!("{plain_options}{auth}        tls: {{ ca_file: {ca} }}\n");
    let indexer = Sluice::run(chain.folder(), "refused", &chain.indexer()?)?;
    eventually("a word about the password", || indexer.said("401"))?;
    assert!(!indexer.log()?.contains("wrong"), "the log shows a secret");
    indexer.kill()?;

    fs::write(&secret, "correct horse\n")?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("both documents", || {
        elasticsearch.refresh("secured-*")?;
        Ok(elasticsearch.count("secured-*")? == 2)
    })?;
    assert!(!indexer.log()?.contains("correct horse"), "the log shows a secret");
    indexer.stop()?;
    Ok(())
}
