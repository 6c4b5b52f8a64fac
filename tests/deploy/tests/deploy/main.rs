//! What `deploy/` holds, held against the chart, the binary, the documents, and the tools that it is for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by `cfg(test)`, which helpers do not have")]

mod chart;
mod image;
mod kustomize;
mod monitoring;
mod pods;
mod refusals;
mod systemd;
mod values;

use sluice_deploy::{chart as the_chart, root};

/// Every values file whose render is kept, with its objects.
fn renders() -> Vec<(&'static str, Vec<the_chart::Object>)> {
    let render = |(name, values)| {
        let text = the_chart::render(&root().join(values), [""; 0]).unwrap();
        (name, the_chart::Object::of(&text).unwrap())
    };
    the_chart::CASES.map(render).into()
}

/// A file of the checkout.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
