//! `sluice plugin new`

use std::{path::PathBuf, process::ExitCode};

use sluice_author::{Kind, Sdk, Template};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Create {
    /// What the plugin is called: the folder, the package and the component have this name
    name: String,
    /// What it may do with records: drop them, change them, or raise alerts about them
    #[arg(long, value_enum)]
    kind: Which,
    /// The folder in which its folder is made
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Where the SDK comes from: `embedded` writes its sources into the folder; else a folder (plugins/sdk of a
    /// checkout), the address of a repository, or a version of the package sluice-plugin
    #[arg(long, value_name = "embedded|DIR|URL|VERSION", default_value = "embedded")]
    sdk: Sdk,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Which {
    Filter,
    Enricher,
    Notifier,
}

impl Create {
    pub fn run(self) -> ExitCode {
        let kind = match self.kind {
            Which::Filter => Kind::Filter,
            Which::Enricher => Kind::Enricher,
            Which::Notifier => Kind::Notifier,
        };
        let template = Template { name: self.name, kind, sdk: self.sdk };
        super::exit(template.write(&self.dir).map_err(Into::into).map(|folder| {
            let folder = folder.strip_prefix(".").unwrap_or(&folder);
            println!("{}: a {kind} that passes its tests; its code is src/lib.rs\n", folder.display());
            println!("  cd {}", folder.display());
            println!("  cargo test             # natively");
            println!("  sluice plugin build    # {}.wasm", template.name);
            println!("  sluice plugin test     # its examples, on the component");
            true
        }))
    }
}
