//! A plugin that was made and built once for all tests, and the binary.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// A plugin of our own making.
pub struct Plugin {
    pub folder: PathBuf,
    pub component: String,
}

impl Plugin {
    pub fn built() -> &'static Self {
        static BUILT: OnceLock<Plugin> = OnceLock::new();
        BUILT.get_or_init(|| {
            let parent = fresh("author");
            sluice(&["plugin", "new", "drop-paths", "--kind", "filter"], &parent, "").expect(0, &["  cd drop-paths"]);
            let folder = parent.join("drop-paths");
            sluice(&["plugin", "build"], &folder, "").expect(0, &[]);
            let component = folder.join("drop-paths.wasm").to_str().unwrap().to_owned();
            Plugin { folder, component }
        })
    }
}

/// An empty folder that has the same name each time: cargo's cache would grow with every new one.
pub fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a process said.
pub struct Told {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Told {
    #[track_caller]
    pub fn expect(&self, code: i32, texts: &[&str]) {
        let Self { out, err, .. } = self;
        assert_eq!(self.code, Some(code), "{out}\n{err}");
        for text in texts {
            assert!(out.contains(text) || err.contains(text), "{text:?} in\n{out}\n{err}");
        }
    }
}

/// Cargo for plugins, as `./dev test` has it: nothing is fetched, and what a new plugin needs is compiled already.
pub fn environment(command: &mut Command) {
    let cache = env::var_os("SLUICE_CACHE").filter(|cache| !cache.is_empty()).map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".cache/sluice"));
    command.env("CARGO_TARGET_DIR", cache.join("plugins")).env("CARGO_NET_OFFLINE", "true").env_remove("RUSTFLAGS");
}

pub fn sluice(arguments: &[&str], folder: &Path, input: &str) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    environment(&mut command);
    let mut child = command.spawn().unwrap();
    // Who reads no input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Told { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
