//! What a component imports is what it may reach.
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use crate::component::{LoadError, PACKAGE, in_line};
use crate::fault::one_line;
use crate::grants::Grants;
use crate::wasi;

/// What would have to be granted for everything that the component could call; an error if nothing grants it.
pub(crate) fn check(component: &wasmtime::component::Component) -> Result<Grants, LoadError> {
    let engine = component.engine();
    let imports = component.component_type();
    let mut imports = imports.imports(engine);
    imports.try_fold(Grants::NONE, |wants, (name, import)| Ok(wants.and(one(name, &import.ty, engine)?)))
}

fn one(name: &str, item: &ComponentItem, engine: &wasmtime::Engine) -> Result<Grants, LoadError> {
    if let Some(of_wasi) = wasi::check(name, item, engine) {
        return of_wasi;
    }
    let there = match name.strip_prefix(PACKAGE).and_then(|name| name.strip_prefix("/log@")) {
        Some(version) => in_line(version),
        None => matches!(item, ComponentItem::ComponentInstance(instance) if has_only_types(instance, engine)),
    };
    if there { Ok(Grants::NONE) } else { Err(LoadError::Import { import: one_line(name) }) }
}

fn has_only_types(instance: &ComponentInstance, engine: &wasmtime::Engine) -> bool {
    instance.exports(engine).all(|(_, export)| matches!(export.ty, ComponentItem::Type(_)))
}
