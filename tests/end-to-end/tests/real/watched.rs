use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Figures, Sluice, elasticsearch, eventually, fill, kafka};
use sluice_node::Node;

use crate::lines::Writers;

const ADMIN: &str = "admin: { listen: \"127.0.0.1:0\" }\n";

/// What is scraped from a running agent and indexer is what their books say, and what was written.
#[test]
fn figures_are_those_of_the_books() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("watched", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut writers = Writers::new(&node, 3)?;
    writers.write(1_000)?;
    let exists = json!({ "mappings": { "properties": { "n": { "type": "integer" } } } });
    elasticsearch.put("/watched-2023.11.14", &exists)?.success()?;
    fill(&kafka.bootstrap(), "watched", 1_700_000_000_000, &[r#"{"n":"refused"}"#, "not json"])?;
    let agent = Sluice::run(chain.folder(), "agent", &(chain.agent()? + ADMIN))?;
    let indexer = Sluice::run(chain.folder(), "indexer", &(chain.indexer()? + ADMIN))?;
    writers.wait_for_all(elasticsearch, "watched-*")?;
    eventually("positions that are saved", || {
        let lag = |process: &Sluice, name: &str| -> Result<f64> { Ok(process.ask("/metrics")?.figures()?[name]) };
        Ok(lag(&agent, r#"sluice_source_lag_bytes{pipeline="ship"}"#)? == 0.0
            && lag(&indexer, r#"sluice_source_lag_records{pipeline="index"}"#)? == 0.0
            && lag(&indexer, r#"sluice_records_in_flight{pipeline="index"}"#)? == 0.0)
    })?;
    for process in [&agent, &indexer] {
        assert_eq!(process.ask("/healthz")?.status, 200);
        let ready = process.ask("/readyz")?;
        assert_eq!((ready.status, &serde_json::from_str::<Value>(&ready.body)?["ready"]), (200, &json!(true)));
        assert_eq!(process.ask("/")?.status, 404);
    }
    status_is_that_of_the_books(&agent, &indexer, writers.expected())?;
    let (of_agent, of_indexer) = (agent.ask("/metrics")?.figures()?, indexer.ask("/metrics")?.figures()?);
    let books_of_agent = agent.stop()?.remove(0);
    let books_of_indexer = indexer.stop()?.remove(0);

    let (read, kept) = (1_000.0, writers.expected() as f64);
    check(&of_agent, "ship", &books_of_agent, [read, kept, read - kept, 0.0]);
    check(&of_indexer, "index", &books_of_indexer, [kept + 2.0, kept, 0.0, 2.0]);
    assert_eq!(of_agent[r#"sluice_records_dropped_total{pipeline="ship",by="drop-debug"}"#], read - kept);
    for reason in ["document_parsing_exception", "not_a_json_object"] {
        let name = format!(r#"sluice_records_dead_lettered_total{{pipeline="index",reason="{reason}"}}"#);
        assert_eq!(of_indexer[&name], 1.0, "{reason}");
    }
    let plugin = |figures: &Figures, name: &str| sum(figures, &format!("sluice_plugin_{name}{{"));
    assert_eq!((plugin(&of_agent, "records_total"), plugin(&of_agent, "dropped_total")), (read, read - kept));
    assert_eq!((plugin(&of_agent, "faults_total"), plugin(&of_indexer, "dropped_total")), (0.0, 0.0));
    assert!(plugin(&of_agent, "call_seconds_total") > 0.0);
    assert_eq!(of_agent[r#"sluice_files_open{pipeline="ship"}"#], 3.0);
    assert_eq!(sum(&of_agent, "sluice_files_read_bytes_total{"), bytes_written(&chain)? as f64);
    Ok(())
}

/// What `sluice status` prints, for people and for machines.
fn status_is_that_of_the_books(agent: &Sluice, indexer: &Sluice, kept: u64) -> Result<()> {
    let address = |process: &Sluice| -> Result<String> { Ok(process.address()?.to_string()) };
    let text = Sluice::status(&["--admin", &address(agent)?])?;
    let text = (text.status.code(), String::from_utf8(text.stdout)?);
    assert_eq!(text.0, Some(0), "{}", text.1);
    let line = |name: &str, count: u64| format!("  {name:<15}{count:>12}\n");
    for expected in
        [": ready\n", "\nship: running for ", &line("read", 1_000), &line("= delivered", kept), "drop-debug (filter)"]
    {
        assert!(text.1.contains(expected), "{expected:?} in\n{}", text.1);
    }
    let mut report = Value::Null;
    // What the client tells of partitions is a second old.
    eventually("the committed offsets", || {
        let json = Sluice::status(&["--admin", &address(indexer)?, "--json"])?;
        report = serde_json::from_slice(&json.stdout)?;
        assert_eq!(json.status.code(), Some(0), "{report}");
        let partitions = report["pipelines"][0]["source"]["partitions"].as_array().cloned().unwrap_or_default();
        let committed: u64 = partitions.iter().filter_map(|partition| partition["committed"].as_u64()).sum();
        Ok((partitions.len(), committed) == (4, kept + 2))
    })
    .with_context(|| report.to_string())?;
    let (pipeline, total) = (&report["pipelines"][0], &report["total"]);
    assert_eq!(
        (&pipeline["name"], &pipeline["state"], &pipeline["books"]),
        (&json!("index"), &json!("running"), total)
    );
    assert_eq!((&total["read"], &total["delivered"], &total["in_flight"]), (&json!(kept + 2), &json!(kept), &json!(0)));
    Ok(())
}

/// `expected` is read, delivered, dropped, dead-lettered.
fn check(figures: &Figures, pipeline: &str, books: &Value, expected: [f64; 4]) {
    let of = |name: &str| sum(figures, &format!("sluice_records_{name}_total{{pipeline=\"{pipeline}\""));
    let scraped = [of("read") - of("returned"), of("delivered"), of("dropped"), of("dead_lettered")];
    assert_eq!(scraped, expected, "{pipeline}: figures");
    let closed = ["read", "delivered", "dropped", "dead_lettered"].map(|key| books[key].as_f64().unwrap_or(-1.0));
    assert_eq!(closed, expected, "{pipeline}: books");
    assert_eq!(figures[&format!("sluice_records_in_flight{{pipeline=\"{pipeline}\"}}")], 0.0);
    assert_eq!(figures[&format!("sluice_pipeline_up{{pipeline=\"{pipeline}\"}}")], 1.0);
    assert_eq!(figures[&format!("sluice_pipeline_halted{{pipeline=\"{pipeline}\"}}")], 0.0);
}

/// Of all figures that begin so.
fn sum(figures: &Figures, begin: &str) -> f64 {
    figures.iter().filter(|(name, _)| name.starts_with(begin)).map(|(_, value)| value).sum()
}

/// Of all log files of the node.
fn bytes_written(chain: &Chain) -> Result<u64> {
    let mut bytes = 0;
    for link in fs::read_dir(chain.folder().join("node/var/log/containers"))? {
        bytes += fs::metadata(link?.path())?.len();
    }
    Ok(bytes)
}
