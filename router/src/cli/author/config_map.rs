//! `sluice plugin configmap`

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow};
use sluice_author::config_map::{ConfigMap, LIMIT, Packing};
use sluice_wasm::{Component, Engine, Limits};

use crate::author::spec::read;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WriteConfigMap {
    /// The ConfigMap's name
    name: String,
    /// Component files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The ConfigMap's namespace; without it kubectl's own
    #[arg(long, short)]
    namespace: Option<String>,
    /// Whether the files are compressed, which gives them the ending .gz; default: where they do not fit otherwise
    #[arg(long, value_enum, default_value = "auto")]
    compress: Compress,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Compress {
    Auto,
    Always,
    Never,
}

impl WriteConfigMap {
    pub fn run(&self) -> ExitCode {
        super::exit(self.write().map(|()| true))
    }

    /// The manifest goes to standard output, and what is to be said about it to standard error.
    fn write(&self) -> Result<()> {
        let (engine, limits) = (Engine::new()?, Limits::default());
        let mut files = Vec::new();
        for file in &self.files {
            let bytes = read(file, limits.component)?;
            Component::load(&engine, &bytes, &limits).map_err(|error| anyhow!("{} {error}", file.display()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            // What came compressed was unpacked, and is compressed again where that is wanted.
            let plain = [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
            files.push((plain.to_owned(), bytes));
        }
        let packing = match self.compress {
            Compress::Auto => Packing::WhereNeeded,
            Compress::Always => Packing::Always,
            Compress::Never => Packing::Never,
        };
        let made = ConfigMap::new(&self.name, self.namespace.as_deref(), &files, packing)?;
        print!("{}", made.manifest);
        for entry in &made.entries {
            let unpacked = match entry.size == entry.unpacked {
                true => String::new(),
                false => format!(" ({} before it was compressed)", entry.unpacked),
            };
            eprintln!("{}: {} bytes{unpacked}", entry.key, entry.size);
        }
        if let Some(entry) = made.entries.iter().find(|entry| entry.size != entry.unpacked) {
            eprintln!("`component` in the config file has to end in .gz as well: /etc/sluice/plugins/{}", entry.key);
        }
        eprintln!("{} bytes of the {LIMIT} that a ConfigMap holds", made.size());
        // `kubectl apply` alone would write the whole manifest into an annotation, which holds no more than 256 KiB.
        eprintln!("apply it by piping it into: kubectl apply --server-side -f -");
        Ok(())
    }
}
