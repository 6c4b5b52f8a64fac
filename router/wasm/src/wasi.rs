//! WASI for toolchains that insist on it: there, and empty (ADR 14).
//!
//! A component for `wasm32-wasip2`, or from a language with a runtime, imports interfaces that it may never call. They
//! are linked under the names that it imports, and only what it imports: no arguments, no variables, no files, an input
//! at its end. The clock and randomness are there if they are granted. Everything else ends the call.
mod functions;
mod streams;

use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime::component::types::ComponentItem;

use crate::component::LoadError;
use crate::fault::one_line;
use crate::grants::Grants;
use crate::instance::State;
use streams::Printed;

/// Packages that are there. What else is called `wasi:…` is refused when the component is loaded.
const THERE: [&str; 5] = ["cli", "clocks", "filesystem", "io", "random"];
const NETWORK: [&str; 3] = ["http", "sockets", "tls"];
/// Versions of a line understand each other.
const LINE: &str = "0.2.";

/// What WASI's functions work on in one instance.
#[derive(Debug, Default)]
pub(crate) struct Wasi {
    granted: Grants,
    printed: Printed,
    /// Where the fixed sequence stands that is there instead of randomness.
    sequence: u64,
}

/// One imported interface.
struct Interface<'a> {
    package: &'a str,
    name: &'a str,
}

impl Wasi {
    pub fn new(granted: Grants) -> Self {
        Self { granted, ..Self::default() }
    }
}

impl<'a> Interface<'a> {
    /// Its parts, and its version; `None` if it is not of WASI.
    fn of(import: &'a str) -> Option<(Self, &'a str)> {
        let (interface, version) = import.strip_prefix("wasi:")?.split_once('@')?;
        let (package, name) = interface.split_once('/')?;
        Some((Self { package, name }, version))
    }

    /// What it takes to call `function`.
    fn wants(&self, function: &str) -> Grants {
        match (self.package, self.name, function) {
            ("clocks", "wall-clock" | "monotonic-clock", "now" | "resolution") => Grants::CLOCK,
            ("random", "random", _) => Grants::RANDOM,
            _ => Grants::NONE,
        }
    }
}

/// What would have to be granted for everything that is imported under this name; an error if no grant helps. `None` if
/// it is not of WASI.
pub(crate) fn check(
    import: &str,
    item: &ComponentItem,
    engine: &wasmtime::Engine,
) -> Option<Result<Grants, LoadError>> {
    let (interface, version) = Interface::of(import)?;
    let import = || one_line(import);
    if NETWORK.contains(&interface.package) {
        return Some(Err(LoadError::Network { import: import() }));
    }
    let ComponentItem::ComponentInstance(instance) = item else { return None };
    if !THERE.contains(&interface.package) {
        return None;
    }
    if !version.starts_with(LINE) {
        return Some(Err(LoadError::Wasi { import: import() }));
    }
    let mut wants = Grants::NONE;
    for (name, export) in instance.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => wants = wants.and(interface.wants(name)),
            ComponentItem::Type(_) | ComponentItem::Resource(_) => {}
            _ => return Some(Err(LoadError::Import { import: import() })),
        }
    }
    Some(Ok(wants))
}

/// Defines what `component` imports of WASI, and nothing for one that imports none of it.
pub(crate) fn link(component: &wasmtime::component::Component, linker: &mut Linker<State>) -> Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let (Some((interface, _)), ComponentItem::ComponentInstance(instance)) = (Interface::of(import), item.ty)
        else {
            continue;
        };
        let mut linked = linker.instance(import)?;
        for (name, export) in instance.exports(engine) {
            match export.ty {
                ComponentItem::Resource(_) => linked.resource(name, streams::resource(name), |_, _| Ok(()))?,
                ComponentItem::ComponentFunc(_) => functions::define(&interface, name, &mut linked)?,
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_known_by_their_names() {
        let parts = |import| Interface::of(import).map(|(of, version)| (of.package, of.name, version));
        assert_eq!(parts("wasi:cli/exit@0.2.6"), Some(("cli", "exit", "0.2.6")));
        for other in ["sluice:plugin/log@0.1.0", "wasi:cli/exit", "wasi:cli@0.2.0", "wasi-cli", ""] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn clocks_and_randomness_want_a_grant() {
        for (package, name, function, wants) in [
            ("clocks", "wall-clock", "now", Grants::CLOCK),
            ("clocks", "monotonic-clock", "resolution", Grants::CLOCK),
            ("clocks", "monotonic-clock", "subscribe-duration", Grants::NONE),
            ("random", "random", "get-random-bytes", Grants::RANDOM),
            ("random", "insecure", "get-insecure-random-u64", Grants::NONE),
            ("random", "insecure-seed", "insecure-seed", Grants::NONE),
            ("cli", "environment", "get-environment", Grants::NONE),
        ] {
            assert_eq!(Interface { package, name }.wants(function), wants, "{package}/{name}#{function}");
        }
    }
}
