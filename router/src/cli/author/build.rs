//! `sluice plugin build`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow};
use sluice_author::{Package, Toolchain, component, config_map, sections::sections};
use sluice_wasm::examples;

/// What a plugin should have at most, so that several fit into a ConfigMap.
const GOAL: usize = 150 << 10;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Build {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where the component is put. Default: NAME.wasm in the folder
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Build {
    pub fn run(&self) -> ExitCode {
        super::exit(self.build().map(|()| true))
    }

    fn build(&self) -> Result<()> {
        let (out, examples) = build(&self.folder, self.out.as_deref())?;
        let bytes = std::fs::read(&out).with_context(|| format!("cannot read {}", out.display()))?;
        print!("{}", report(&out, &bytes, examples));
        Ok(())
    }
}

/// Builds the component of a folder; returns its file and how many examples it carries.
pub(super) fn build(folder: &Path, out: Option<&Path>) -> Result<(PathBuf, usize)> {
    let package = Package::find(folder)?;
    let text = package.examples()?;
    let examples = examples::parse(&text).map_err(|error| anyhow!("{}: {error}", folder.join("examples").display()))?;
    let bytes = package.build(Toolchain::find(&package.folder)?, &text)?;
    let out = out.map_or_else(|| package.component(), Path::to_owned);
    component::write(&out, &bytes)?;
    Ok((out, examples.len()))
}

/// What takes the space, against what there is.
fn report(out: &Path, bytes: &[u8], examples: usize) -> String {
    let size = bytes.len();
    let found = sections(bytes).unwrap_or_default();
    let mut text = format!("{}: {size} bytes, {}\n", out.display(), super::count(examples as u64, "example"));
    for section in &found {
        text.push_str(&format!(
            "  {:<24}{:>9}  {:>3} %\n",
            section.name,
            section.size,
            100 * section.size / size.max(1)
        ));
    }
    let verdict = if size <= GOAL { "within" } else { "above" };
    let rest = config_map::LIMIT / size.max(1);
    text.push_str(&format!("  {verdict} {GOAL} bytes (150 KiB); a ConfigMap (1 MiB) holds {rest} of this size\n"));
    if found.iter().any(|section| section.name == "custom name") {
        text.push_str("  the name section is for debuggers; strip = \"symbols\" in [profile.release] leaves it out\n");
    }
    if size > GOAL {
        let hint = "opt-level = \"s\", lto = true, codegen-units = 1 and panic = \"abort\" in [profile.release]";
        text.push_str(&format!("  smaller: {hint}; regex, formatting of floats and large tables take the most\n"));
    }
    if examples == 0 {
        text.push_str("  no examples: files in examples/*.json would be tried before each swap\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_what_takes_the_space_and_what_helps() {
        let mut module = b"\0asm\x0d\0\x01\0".to_vec();
        module.extend(b"\0\x05\x04name");
        let text = report(Path::new("a.wasm"), &module, 0);
        for expect in ["a.wasm: 15 bytes, 0 examples", "custom name", "within 153600 bytes", "strip = ", "no examples"]
        {
            assert!(text.contains(expect), "{expect} in\n{text}");
        }
        let text = report(Path::new("a.wasm"), &vec![0; GOAL + 1], 1);
        assert!(text.contains("above 153600") && text.contains("smaller: ") && !text.contains("no examples"), "{text}");
    }
}
