//! A thousand swaps while records flow at full speed, half of them bad.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#[path = "plugins/components.rs"]
#[allow(dead_code)]
mod components;
#[path = "swaps/flow.rs"]
mod flow;

use std::fs;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use sluice_wasm::trial::{Bounds, Reason, Trial};
use sluice_wasm::{Component, Limits, Lineup, Plugin, examples};

use components::{ENGINE, bytes};
use flow::Flow;

static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);

const SWAPS: usize = 1000;
/// What may be in use more after all swaps than after the first tenth of them.
const GROWTH: usize = 24 << 20;

/// What is done to the plugins; every other swap is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// Another config of both plugins.
    Config,
    /// Another component of both, compiled anew.
    Component,
    Truncated,
    OtherWorld,
    FailingConfig,
    FailingExamples,
    /// Is taken over and fails on the first record.
    Trapping,
}

impl Change {
    fn number(number: usize) -> Self {
        const BAD: [Change; 5] =
            [Change::Truncated, Change::OtherWorld, Change::FailingConfig, Change::FailingExamples, Change::Trapping];
        match number % 2 {
            0 if number.is_multiple_of(20) => Self::Component,
            0 => Self::Config,
            _ => BAD[number / 2 % BAD.len()],
        }
    }
}

/// Both plugins of the pipeline write the version into each record, and the sink sees whether they agree.
#[test]
fn a_thousand_swaps_in_full_flow_lose_double_and_mix_nothing() {
    let good = bytes("json-promote");
    let promote = Component::load(&ENGINE, &good, &LIMITS).unwrap();
    let pair = |component: &Component, version: usize| {
        ["first", "second"].map(|name| {
            let config = format!(r#"{{"fields":["n"],"prefix":"{name}-{version}"}}"#);
            Arc::new(Plugin::new(name, component.clone(), &config, None, LIMITS.clone()).unwrap())
        })
    };
    let lineup = Lineup::new(pair(&promote, 0).to_vec(), true).unwrap();
    let flow = Flow::start(lineup.clone());
    flow.wait_for_more(20);

    let (mut taken, mut refused, mut memory) = (0, 0, 0);
    for number in 1..=SWAPS {
        let change = Change::number(number);
        match change {
            Change::Config => {
                swap(&lineup, &pair(&promote, number));
                taken += 1;
            }
            Change::Component => {
                let bytes = examples::embed(&good, &" ".repeat(number)).unwrap();
                swap(&lineup, &pair(&Component::load(&ENGINE, &bytes, &LIMITS).unwrap(), number));
                taken += 1;
            }
            Change::Trapping => {
                let [first, _] = pair_of(&lineup);
                let bad = load(&bytes("misbehaves-enricher"), r#"{"do":"always-trap"}"#).unwrap();
                swap(&lineup, &[bad, pair_of(&lineup)[1].clone()]);
                flow.wait_until(|| Arc::ptr_eq(&pair_of(&lineup)[0], &first));
                let rollback = lineup.rollbacks().pop().unwrap();
                assert_eq!((rollback.reason, rollback.to.name()), (Reason::Fault, "first"), "{}", rollback.why);
            }
            bad => {
                let error = match bad {
                    Change::Truncated => load(&good[..good.len() / 2], "{}"),
                    Change::OtherWorld => load(&bytes("no-plugin"), "{}"),
                    Change::FailingConfig => load(&good, r#"{"fields":7}"#),
                    _ => load(&with_failing_example(&bytes("misbehaves-enricher")), "{}"),
                };
                assert!(error.is_err(), "{bad:?} was taken");
                refused += 1;
            }
        }
        // The next one may be on its way already, past the plugins.
        flow.wait_for_more(2);
        if number == SWAPS / 10 {
            memory = resident();
        }
    }
    let grown = resident().saturating_sub(memory);
    let report = flow.stop();

    assert_eq!((taken, refused), (500, 400));
    assert_eq!(lineup.rollback_counts().values().sum::<u64>(), 100);
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(report.versions, 501, "each good version wrote records");
    assert!(grown < GROWTH, "{grown} bytes more are in use");
    // How long a swap holds the pipeline up is for a benchmark to judge: `swap` in benches/crossing.rs.
    println!("{report}\nmemory grew by {} KiB in {} swaps", grown >> 10, SWAPS * 9 / 10);
}

fn pair_of(lineup: &Lineup) -> [Arc<Plugin>; 2] {
    let plugins = lineup.current();
    [plugins[0].clone(), plugins[1].clone()]
}

/// Puts both in place on trial.
fn swap(lineup: &Lineup, plugins: &[Arc<Plugin>; 2]) {
    let before = lineup.current();
    let until = Instant::now() + Duration::from_secs(300);
    let replaced = plugins.iter().zip(before.iter()).filter(|(plugin, before)| !Arc::ptr_eq(plugin, before));
    let trials = replaced.map(|(plugin, before)| Trial {
        plugin: plugin.clone(),
        before: before.clone(),
        until,
        bounds: Bounds::default(),
    });
    assert!(lineup.try_out(&before, plugins.to_vec(), trials.collect()).unwrap());
}

/// From bytes to a plugin that may take over, by the steps of the router.
fn load(bytes: &[u8], config: &str) -> Result<Arc<Plugin>, String> {
    let component = Component::load(&ENGINE, bytes, &LIMITS).map_err(|error| error.to_string())?;
    examples::verify(bytes, &component, &LIMITS)?;
    let plugin = Plugin::new("first", component, config, None, LIMITS.clone());
    plugin.map(Arc::new).map_err(|failure| failure.to_string())
}

fn with_failing_example(component: &[u8]) -> Vec<u8> {
    let example = r#"{"name":"sets another field","records":[{}],"expect":{"records":[{"other":"yes"}]}}"#;
    examples::embed(component, example).unwrap()
}

/// Bytes of the process that are in RAM.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
