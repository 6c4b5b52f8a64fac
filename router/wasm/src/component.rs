//! A component: what it exports is what it may do, what it imports is what it may reach.
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use crate::engine::Calls;
use crate::{Engine, Limits};

/// The line of interfaces that this host speaks; versions of a line understand each other.
const PACKAGE: &str = "sluice:plugin";
const LINE: &str = "0.1";

/// A component that was read, checked and compiled, but not run yet.
#[derive(Clone)]
pub struct Component {
    pub(crate) compiled: wasmtime::component::Component,
    pub(crate) calls: Arc<Calls>,
    pub digest: Digest,
    pub kind: Kind,
    /// Bytes of the file.
    pub size: usize,
    /// Interfaces with their versions, such as `sluice:plugin/filter@0.1.0`.
    pub exports: Vec<String>,
    pub imports: Vec<String>,
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

/// The SHA-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// Why a file is no plugin for this host.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LoadError {
    #[error(
        "is {size} bytes large, more than the {limit} that are allowed; build it optimized and without debug information"
    )]
    Large { size: usize, limit: usize },
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
        "imports {import}, which is not granted: a plugin reaches {PACKAGE}/log@{LINE} and nothing else; \
         for Rust build it for wasm32-unknown-unknown, where nothing else is imported"
    )]
    Import { import: String },
}

impl Component {
    /// Checks and compiles the bytes of a component file.
    pub fn load(engine: &Engine, bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
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
        // From binary only: the text format is not compiled in, and an error would quote the file.
        let compiled = wasmtime::component::Component::from_binary(engine.wasmtime(), bytes)
            .map_err(|error| LoadError::Malformed(crate::fault::one_line(&error.root_cause().to_string())))?;
        let ty = compiled.component_type();
        let (calls, engine) = (engine.calls().clone(), engine.wasmtime());
        let exports: Vec<String> = ty.exports(engine).map(|(name, _)| name.to_string()).collect();
        let kind = kind(&exports)?;
        for (name, import) in ty.imports(engine) {
            check_import(name, &import.ty, engine)?;
        }
        let imports = ty.imports(engine).map(|(name, _)| name.to_string()).collect();
        Ok(Self { digest: Digest(Sha256::digest(bytes).into()), kind, size, exports, imports, compiled, calls })
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
        let found = if exports.is_empty() { "nothing".to_string() } else { exports.join(", ") };
        return Err(LoadError::Kind { found });
    };
    if !in_line(version) {
        return Err(LoadError::Version { export: export.clone() });
    }
    if let Some((_, (other, _))) = kinds.next() {
        return Err(LoadError::Kind { found: format!("{export} and {other}") });
    }
    own("lifecycle").filter(|(_, version)| in_line(version)).map(|_| kind).ok_or(LoadError::Lifecycle)
}

fn check_import(name: &str, item: &ComponentItem, engine: &wasmtime::Engine) -> Result<(), LoadError> {
    let granted = match name.strip_prefix(PACKAGE).and_then(|name| name.strip_prefix("/log@")) {
        Some(version) => in_line(version),
        None => matches!(item, ComponentItem::ComponentInstance(instance) if has_only_types(instance, engine)),
    };
    if granted { Ok(()) } else { Err(LoadError::Import { import: name.to_string() }) }
}

fn has_only_types(instance: &ComponentInstance, engine: &wasmtime::Engine) -> bool {
    instance.exports(engine).all(|(_, export)| matches!(export.ty, ComponentItem::Type(_)))
}

fn in_line(version: &str) -> bool {
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

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self}")
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
