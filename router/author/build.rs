//! Takes the SDK and the interface into the binary, so that `sluice plugin new` needs nothing beside it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Where a file lies in the checkout, and where it is put in a new plugin's `sdk` folder.
const FOLDERS: [(&str, &str, &str); 2] = [("../../plugins/sdk/src", "src", "rs"), ("../../wit", "wit", "wit")];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut rows = Vec::new();
    for (from, to, kind) in FOLDERS {
        let folder = root.join(from);
        println!("cargo:rerun-if-changed={}", folder.display());
        collect(&folder, to, kind, &mut rows)?;
    }
    rows.sort();
    let rows: String = rows.iter().map(|(name, path)| format!("    ({name:?}, include_str!({path:?})),\n")).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sdk.rs");
    fs::write(out, format!("&[\n{rows}]\n"))
}

fn collect(folder: &Path, name: &str, kind: &str, rows: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(last) = path.file_name() else { continue };
        let name = format!("{name}/{}", last.to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, kind, rows)?;
        } else if path.extension().is_some_and(|extension| extension == kind) {
            rows.push((name, path));
        }
    }
    Ok(())
}
