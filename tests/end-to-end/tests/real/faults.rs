use std::fs;

use anyhow::Result;
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, ConfigMap, Sluice, component, elasticsearch, eventually, fill, kafka, messages};

const TIME: i64 = 1_700_000_000_000;

/// 300 records, of which these are poison.
const POISON: [usize; 3] = [0, 117, 299];

fn values() -> Vec<String> {
    let text = |number| if POISON.contains(&number) { "poison" } else { "good" };
    (0..300).map(|number| format!(r#"{{ "n":{number}, "log":"{} {number}"}}"#, text(number))).collect()
}

fn brittle(on_fault: &str) -> Result<String> {
    let component = component("misbehaves")?.display().to_string();
    Ok(format!("{{ name: brittle, component: {component}, config: {{ do: trap-on-poison }}, on_fault: {on_fault} }}"))
}

/// Only the records that the plugin traps on go to the dead letters, as they were; all others are indexed once.
#[test]
fn records_that_a_plugin_traps_on_are_dead_lettered_and_the_rest_is_indexed() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("poisoned", &kafka.bootstrap(), &elasticsearch.url())?;
    let values = values();
    fill(&kafka.bootstrap(), "poisoned", TIME, &values.iter().map(String::as_str).collect::<Vec<_>>())?;
    let config = chain.indexer_with(&brittle("dead_letter")?) + "admin: { listen: \"127.0.0.1:0\" }\n";
    let indexer = Sluice::run(chain.folder(), "indexer", &config)?;
    let letters = messages(&kafka.bootstrap(), &chain.dead_letter_topic(), POISON.len())?;
    eventually("the rest", || {
        elasticsearch.refresh("poisoned-*")?;
        Ok(elasticsearch.count("poisoned-*")? == 297)
    })?;
    assert_eq!(indexer.ask("/readyz")?.status, 200, "three faults are no reason to halt");
    assert!(!indexer.log()?.contains("poison "), "the log quotes a record");
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(297), &json!(3)));

    assert_eq!(letters.len(), POISON.len());
    for number in POISON {
        let letter = letters.iter().find(|letter| letter.value == values[number].as_bytes());
        let letter = letter.unwrap_or_else(|| panic!("no dead letter with the bytes of record {number}"));
        assert_eq!(letter.headers["sluice-reason"], "fault of brittle");
        for word in ["`filter` of sha256:", "unreachable"] {
            assert!(letter.headers["sluice-detail"].contains(word), "no {word}: {:?}", letter.headers);
        }
        assert!(letter.headers["sluice-place"].starts_with("poisoned/"), "{:?}", letter.headers);
        assert!(letter.headers["sluice-position"].parse::<i64>().is_ok(), "{:?}", letter.headers);
    }
    let hits = elasticsearch.search("poisoned-*", &json!({ "size": 1000 }))?;
    let mut numbers: Vec<u64> = hits.iter().filter_map(|hit| hit["_source"]["n"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).filter(|number| !POISON.contains(&(*number as usize))).collect::<Vec<_>>());
    Ok(())
}

/// A halted plugin holds its stream, and says so, until another config or another component comes; then every record
/// arrives, those that waited too.
#[test]
fn a_halted_stream_goes_on_when_the_plugin_is_replaced() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    for way_out in ["config", "component"] {
        let name = format!("halted-{way_out}");
        let chain = Chain::new(&name, &kafka.bootstrap(), &elasticsearch.url())?;
        let mut mount = ConfigMap::new(chain.folder().join("etc"))?;
        let wasm = mount.path("plugin.wasm").display().to_string();
        let config = |options: &str| {
            let plugin = format!("{{ name: brittle, component: {wasm}, config: {options}, on_fault: halt }}");
            chain.indexer_with(&plugin) + "admin: { listen: \"127.0.0.1:0\" }\n"
        };
        let misbehaves = fs::read(component("misbehaves")?)?;
        let before = config("{ do: trap-on-poison }");
        mount.publish(&[("sluice.yaml", before.as_bytes()), ("plugin.wasm", &misbehaves)])?;
        let values = values();
        fill(&kafka.bootstrap(), &name, TIME, &values.iter().map(String::as_str).collect::<Vec<_>>())?;
        let indexer = Sluice::run_file(chain.folder(), "indexer", &mount.path("sluice.yaml"))?;
        eventually("a halt", || {
            Ok(indexer.ask("/readyz")?.status == 503 && indexer.ask("/readyz")?.body.contains("halted: "))
        })?;
        let ready = indexer.ask("/readyz")?.body;
        for word in ["index", "brittle", "sha256:"] {
            assert!(ready.contains(word), "no {word} in {ready}");
        }
        assert!(!ready.contains("poison "), "readiness quotes a record: {ready}");
        assert_eq!(indexer.ask("/healthz")?.status, 200);
        let figures = indexer.ask("/metrics")?.figures()?;
        assert_eq!(figures[r#"sluice_pipeline_halted{pipeline="index"}"#], 1.0);
        let (after, bytes) = match way_out {
            "config" => (config("{ do: nothing }"), misbehaves),
            _ => (config("{ at_least: trace }"), fs::read(component("level-filter")?)?),
        };
        mount.publish(&[("sluice.yaml", after.as_bytes()), ("plugin.wasm", &bytes)])?;
        eventually("every document", || {
            elasticsearch.refresh(&format!("{name}-*"))?;
            Ok(elasticsearch.count(&format!("{name}-*"))? == 300)
        })?;
        eventually("readiness", || Ok(indexer.ask("/readyz")?.status == 200))?;
        let books = indexer.stop()?;
        assert_eq!((&books[0]["read"], &books[0]["delivered"]), (&json!(300), &json!(300)), "{way_out}");
    }
    Ok(())
}

/// More faults than a plugin may have: it is halted before the stream has become dead letters. Each record ends in one
/// place, once.
#[test]
fn a_stream_of_poison_is_halted_and_not_emptied_into_the_dead_letters() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("flooded", &kafka.bootstrap(), &elasticsearch.url())?;
    let values: Vec<String> = (0..300)
        .map(|number| format!(r#"{{"n":{number},"log":"{}"}}"#, if number % 2 == 0 { "poison" } else { "good" }))
        .collect();
    fill(&kafka.bootstrap(), "flooded", TIME, &values.iter().map(String::as_str).collect::<Vec<_>>())?;
    let config = |plugin: &str| chain.indexer_with(plugin) + "admin: { listen: \"127.0.0.1:0\" }\n";
    let poisoned = config(&brittle("dead_letter")?);
    let indexer = Sluice::run(chain.folder(), "indexer", &poisoned)?;
    eventually("a halt", || Ok(indexer.ask("/readyz")?.body.contains("halted: ")))?;
    let ready = indexer.ask("/readyz")?;
    assert!(ready.status == 503 && ready.body.contains("brittle"), "{ready:?}");
    fs::write(chain.folder().join("indexer.yaml"), poisoned.replace("do: trap-on-poison", "do: nothing"))?;
    eventually("readiness", || Ok(indexer.ask("/readyz")?.status == 200))?;
    let dead = r#"sluice_records_dead_lettered_total{pipeline="index",reason="fault of brittle"}"#;
    let dead = indexer.ask("/metrics")?.figures()?.get(dead).map_or(0, |count| *count as u64);
    eventually("the rest", || {
        elasticsearch.refresh("flooded-*")?;
        Ok(elasticsearch.count("flooded-*")? == 300 - dead)
    })?;
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(300 - dead), &json!(dead)));
    assert!(dead <= 20, "{dead} of 150 were dead-lettered");

    let mut numbers = Vec::new();
    if dead > 0 {
        for letter in messages(&kafka.bootstrap(), &chain.dead_letter_topic(), dead as usize)? {
            numbers.push(serde_json::from_slice::<Value>(&letter.value)?["n"].as_u64());
        }
    }
    let hits = elasticsearch.search("flooded-*", &json!({ "size": 1000 }))?;
    numbers.extend(hits.iter().map(|hit| hit["_source"]["n"].as_u64()));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).map(Some).collect::<Vec<_>>());
    Ok(())
}
