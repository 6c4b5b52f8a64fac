//! A component: what it exports is what it may do, what it imports is what it may reach.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::effort::{self, Late};
use crate::engine::Calls;
use crate::fault::one_line;
use crate::grants::Grants;
use crate::{Cache, Engine, Limits, imports, sections};

pub use crate::digest::Digest;

/// The line of interfaces that this host speaks; versions of a line understand each other.
pub(crate) const PACKAGE: &str = "sluice:plugin";
const LINE: &str = "0.1";

/// A component that was read, checked and compiled, but not run yet.
#[derive(Clone)]
pub struct Component {
    pub(crate) compiled: wasmtime::component::Component,
    pub(crate) calls: Arc<Calls>,
    pub digest: Digest,
    pub kind: Kind,
    /// Of the package that it was built from, if it says so.
    pub version: Option<Arc<String>>,
    /// Bytes of the file.
    pub size: usize,
    /// Interfaces with their versions, such as `sluice:plugin/filter@0.1.0`.
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    /// What it could call only if it were granted.
    pub wants: Grants,
}

/// What a plugin may do with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Drop them.
    Filter,
    /// Set and remove fields.
    Enricher,
    /// Raise alerts about them.
    Notifier,
}

/// Why a file is no plugin for this host.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    #[error(
        "is {size} bytes large, more than the {limit} that are allowed; build it optimized and without debug information"
    )]
    Large { size: usize, limit: usize },
    #[error("has more than {limit} functions; build it optimized, or make several plugins of it")]
    Functions { limit: usize },
    #[error(
        "has a function of {size} bytes, more than the {limit} that are allowed; build it optimized, or take the function apart"
    )]
    Function { size: usize, limit: usize },
    #[error("took longer than {time:?} to compile, and was given up; make it smaller, or give the process more CPU")]
    Late { time: Duration },
    #[error(
        "was not compiled: another component that takes longer than {time:?} still is; it is tried again when a file changes"
    )]
    Busy { time: Duration },
    #[error("was not compiled: the system has no thread for it; give the process more, or less to do")]
    NoThread,
    #[error("is precompiled native code, which is never loaded; name the .wasm file that it was made from")]
    Precompiled,
    #[error(
        "is a core module, not a component; `./dev components` makes components, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    #[error("is not a valid component: {0}; build it, or copy it, anew")]
    Malformed(String),
    #[error(
        "exports {found}, and a plugin exports one of {PACKAGE}/filter@{LINE}, …/enricher@{LINE} and …/notifier@{LINE}; build it against the interface in wit/"
    )]
    Kind { found: String },
    #[error("exports {export}, and this version speaks {LINE}; build it against the interface in wit/")]
    Version { export: String },
    #[error(
        "does not export {PACKAGE}/lifecycle@{LINE}, which every plugin does; build it against the interface in wit/"
    )]
    Lifecycle,
    #[error(
        "imports {import}, which nothing grants: a plugin reaches {PACKAGE}/log@{LINE}, and a WASI that is empty; \
         for Rust build it for wasm32-unknown-unknown, where nothing else is imported"
    )]
    Import { import: String },
    #[error(
        "imports {import}, and nothing grants a plugin the network; build it without: for Rust for \
         wasm32-unknown-unknown, for JavaScript with `--disable http`"
    )]
    Network { import: String },
    #[error("imports {import}, and this version knows WASI 0.2; build it with a toolchain for wasm32-wasip2")]
    Wasi { import: String },
}

impl Component {
    /// Checks and compiles the bytes of a component file.
    pub fn load(engine: &Engine, bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        Self::load_with(engine, bytes, limits, None)
    }

    /// The same, with what was compiled before in place of compiling it again.
    pub fn load_with(engine: &Engine, bytes: &[u8], limits: &Limits, cache: Option<&Cache>) -> Result<Self, LoadError> {
        let (size, limit) = (bytes.len(), limits.component);
        if size > limit {
            return Err(LoadError::Large { size, limit });
        }
        if wasmtime::Engine::detect_precompiled(bytes).is_some() {
            return Err(LoadError::Precompiled);
        }
        // The header's layer: 1 is a core module, which would be refused in words that help nobody.
        if bytes.starts_with(b"\0asm\x01\0\0\0") {
            return Err(LoadError::CoreModule);
        }
        let digest = Digest::of(bytes);
        let compiled = match cache.and_then(|cache| cache.restore(engine, digest)) {
            Some(compiled) => compiled,
            None => {
                let compiled = compile(engine, bytes, limits)?;
                cache.inspect(|cache| cache.keep(digest, &compiled));
                compiled
            }
        };
        let ty = compiled.component_type();
        let (calls, engine) = (engine.calls().clone(), engine.wasmtime());
        let exports: Vec<String> = ty.exports(engine).map(|(name, _)| name.to_string()).collect();
        let kind = kind(&exports)?;
        let wants = imports::check(&compiled)?;
        let imports = ty.imports(engine).map(|(name, _)| name.to_string()).collect();
        let version = version(bytes).map(Arc::new);
        Ok(Self { digest, kind, version, size, exports, imports, wants, compiled, calls })
    }
}

/// What the custom section `version` says, which other tools write as well.
fn version(bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 40;
    let sections = sections::of(bytes).ok()?;
    let mut custom =
        sections.iter().filter(|section| section.id == 0).filter_map(|section| sections::sized(section.payload));
    let (_, version) = custom.find(|(name, _)| *name == b"version")?;
    let version = std::str::from_utf8(version).ok()?;
    let is_fit = !version.is_empty() && version.len() <= LONGEST && version.chars().all(|c| c.is_ascii_graphic());
    is_fit.then(|| version.to_string())
}

/// Within bounds of memory and time. It takes the machine's processors and no thread of a pipeline.
fn compile(engine: &Engine, bytes: &[u8], limits: &Limits) -> Result<wasmtime::component::Component, LoadError> {
    effort::check(bytes)?;
    let (own, wasmtime, time) = (bytes.to_vec(), engine.wasmtime().clone(), limits.compile);
    // From binary only: the text format is not compiled in, and an error would quote the file.
    let compiled = engine.gate().within(time, move || wasmtime::component::Component::from_binary(&wasmtime, &own));
    match compiled {
        Ok(Ok(compiled)) => Ok(compiled),
        Ok(Err(error)) => Err(LoadError::Malformed(one_line(&error.root_cause().to_string()))),
        Err(Late::Working) => Err(LoadError::Late { time }),
        Err(Late::Waiting) => Err(LoadError::Busy { time }),
        Err(Late::NoThread) => Err(LoadError::NoThread),
        // The message may quote the file; where it was is in the process's own output.
        Err(Late::Panicked) => Err(LoadError::Malformed("the compiler gave up on it with a panic".into())),
    }
}

fn kind(exports: &[String]) -> Result<Kind, LoadError> {
    let own = |interface: &str| {
        exports.iter().find_map(|export| {
            let (name, version) = export.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
            (name == interface).then_some((export, version))
        })
    };
    let mut kinds = Kind::ALL.into_iter().filter_map(|kind| own(kind.name()).map(|export| (kind, export)));
    let Some((kind, (export, version))) = kinds.next() else {
        let found = if exports.is_empty() { "nothing".to_string() } else { one_line(&exports.join(", ")) };
        return Err(LoadError::Kind { found });
    };
    if !in_line(version) {
        return Err(LoadError::Version { export: one_line(export) });
    }
    if let Some((_, (other, _))) = kinds.next() {
        return Err(LoadError::Kind { found: one_line(&format!("{export} and {other}")) });
    }
    own("lifecycle").filter(|(_, version)| in_line(version)).map(|_| kind).ok_or(LoadError::Lifecycle)
}

pub(crate) fn in_line(version: &str) -> bool {
    version.strip_prefix(LINE).is_some_and(|rest| rest.starts_with('.'))
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Filter, Kind::Enricher, Kind::Notifier];

    /// The name of the interface that it exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Enricher => "enricher",
            Self::Notifier => "notifier",
        }
    }
}

impl Kind {
    /// The function that it is asked about records by.
    pub(crate) fn call(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Enricher => "enrich",
            Self::Notifier => "notify",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Component").field("digest", &self.digest).field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_if_it_is_fit_to_be_shown() {
        let long = "1".repeat(41);
        for (name, content, expect) in [
            ("version", "1.2.3-rc.1+x", Some("1.2.3-rc.1+x")),
            ("versions", "1.2.3", None),
            ("version", "", None),
            ("version", "1.2.3\n", None),
            ("version", "é", None),
            ("version", long.as_str(), None),
        ] {
            let body = [&[name.len() as u8], name.as_bytes(), content.as_bytes()].concat();
            let bytes = [b"\0asm\x0d\0\x01\0\0", &[body.len() as u8][..], &body].concat();
            assert_eq!(version(&bytes).as_deref(), expect, "{name} {content}");
        }
        assert_eq!(version(b"\0asm"), None);
    }

    #[test]
    fn exports_say_what_a_component_is() {
        let (filter, lifecycle) = ("sluice:plugin/filter@0.1.0", "sluice:plugin/lifecycle@0.1.3");
        for (exports, expect) in [
            (vec![filter, lifecycle], Ok(Kind::Filter)),
            (vec!["sluice:plugin/filter@0.1.9", lifecycle, "sluice:plugin/state@0.1.0"], Ok(Kind::Filter)),
            (vec!["sluice:plugin/enricher@0.1.0", lifecycle], Ok(Kind::Enricher)),
            (vec!["sluice:plugin/notifier@0.1.0", lifecycle], Ok(Kind::Notifier)),
            (vec![filter], Err(LoadError::Lifecycle)),
            (vec![filter, "sluice:plugin/lifecycle@0.2.0"], Err(LoadError::Lifecycle)),
            (
                vec!["sluice:plugin/filter@0.2.0", lifecycle],
                Err(LoadError::Version { export: "sluice:plugin/filter@0.2.0".into() }),
            ),
            (
                vec!["sluice:plugin/filter@0.10.0", lifecycle],
                Err(LoadError::Version { export: "sluice:plugin/filter@0.10.0".into() }),
            ),
            (vec![], Err(LoadError::Kind { found: "nothing".into() })),
            (vec!["other:plugin/filter@0.1.0"], Err(LoadError::Kind { found: "other:plugin/filter@0.1.0".into() })),
            (
                vec![filter, lifecycle, "sluice:plugin/enricher@0.1.0"],
                Err(LoadError::Kind { found: "sluice:plugin/filter@0.1.0 and sluice:plugin/enricher@0.1.0".into() }),
            ),
        ] {
            let exports: Vec<String> = exports.into_iter().map(String::from).collect();
            assert_eq!(kind(&exports), expect, "{exports:?}");
        }
    }
}
