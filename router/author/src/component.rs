//! A core module becomes a component that carries its examples.

use std::{fs, path::Path};

use wit_component::ComponentEncoder;

use crate::{Error, sections::without};

/// The custom section that holds the examples, one JSON object a line.
pub const EXAMPLES: &str = "sluice:examples";
/// The custom section that holds the version of the package, as other tools know it.
pub const VERSION: &str = "version";

/// What the parts of a component are called, for those who look into it: a kilobyte that a ConfigMap does not need.
const NAMES: &str = "component-name";

/// The component of a core module that cargo left at `module`, with the `version` of its package and `examples`, the text of
/// [`crate::examples`].
pub fn wrap(module: &Path, version: &str, examples: &str) -> Result<Vec<u8>, Error> {
    let code = fs::read(module).map_err(Error::file("read", module))?;
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).debug_names(false).module(&code).and_then(|encoder| encoder.encode());
    let encoded = encoded.map_err(|error| Error::Component {
        path: module.to_owned(),
        why: format!(
            "{error:#}; a plugin is a crate of type cdylib that ends with sluice_plugin::filter!(…), enricher!(…) or \
             notifier!(…)"
        ),
    })?;
    let mut bytes = without(&encoded, NAMES).unwrap_or(encoded);
    append_section(&mut bytes, VERSION, version.as_bytes());
    if !examples.is_empty() {
        append_section(&mut bytes, EXAMPLES, examples.as_bytes());
    }
    Ok(bytes)
}

/// Writes the component unless it is there already, byte for byte; says whether it was.
pub fn write(component: &Path, bytes: &[u8]) -> Result<bool, Error> {
    if fs::read(component).is_ok_and(|old| old == bytes) {
        return Ok(true);
    }
    // Renamed into place: whoever reads beside us reads the old one or the new one, never half of it.
    let part = component.with_extension("wasm.part");
    fs::write(&part, bytes).map_err(Error::file("write", &part))?;
    fs::rename(&part, component).map_err(Error::file("write", component))?;
    Ok(false)
}

fn append_section(component: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut body = Vec::new();
    append_number(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    // 0: a custom section, which engines pass over.
    component.push(0);
    append_number(component, body.len());
    component.extend_from_slice(&body);
}

/// As LEB128.
fn append_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::sections;

    #[test]
    fn a_section_is_appended_whatever_its_size() {
        for size in [0, 1, 127, 128, 20_000] {
            let mut component = b"\0asm\x0d\0\x01\0".to_vec();
            append_section(&mut component, EXAMPLES, &vec![b'x'; size]);
            let found = sections(&component).unwrap();
            assert_eq!(found.len(), 1, "{size}");
            assert_eq!(found[0].name, "custom sluice:examples");
            assert!(found[0].size > size && found[0].size <= size + 24, "{size}: {found:?}");
        }
    }

    #[test]
    fn what_is_there_already_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        for (bytes, unchanged) in [(b"one", false), (b"one", true), (b"two", false)] {
            assert_eq!(write(&file, bytes).unwrap(), unchanged);
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
    }
}
