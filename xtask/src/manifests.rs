//! `./dev manifests`: what comes from the chart is written anew. `./dev test` fails where it was not.

use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    let written = sluice_deploy::generated::write()?;
    if written.is_empty() {
        eprintln!("everything is as the chart says");
    }
    for path in written {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}
