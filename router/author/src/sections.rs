//! What takes the space in a component.

/// A part of a component: of its core module the sections, of everything else what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Such as `code`, `data` and `custom name`.
    pub name: String,
    /// Bytes, the header included.
    pub size: usize,
}

/// The kind of section that holds a core module inside a component.
const CORE_MODULE: u8 = 1;
const HEADER: usize = 8;

/// The sections of a component and, in place of its core modules, theirs: sizes of a name are added up, the largest
/// first. `None` if the bytes are no WebAssembly.
pub fn sections(component: &[u8]) -> Option<Vec<Section>> {
    let mut found: Vec<Section> = Vec::new();
    let mut add = |name: String, size: usize| match found.iter_mut().find(|section| section.name == name) {
        Some(known) => known.size += size,
        None => found.push(Section { name, size }),
    };
    for part in split(component)? {
        let module = if part.kind == CORE_MODULE { split(part.content) } else { None };
        match module {
            Some(module) => {
                let inside: usize = module.iter().map(|inner| inner.size).sum();
                module.iter().for_each(|inner| add(inner.name(MODULE), inner.size));
                add("component".to_owned(), part.size - inside);
            }
            None if part.kind == 0 => add(part.name(&[]), part.size),
            None => add("component".to_owned(), part.size),
        }
    }
    found.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    Some(found)
}

/// The component without the custom sections of a name. `None` if the bytes are no WebAssembly.
pub(crate) fn without(component: &[u8], name: &str) -> Option<Vec<u8>> {
    let (mut kept, mut rest) = (component.get(..HEADER)?.to_vec(), component.get(HEADER..)?);
    for part in split(component)? {
        let (section, behind) = rest.split_at_checked(part.size)?;
        if part.kind != 0 || part.name(&[]) != format!("custom {name}") {
            kept.extend_from_slice(section);
        }
        rest = behind;
    }
    Some(kept)
}

/// Names of a core module's sections by their kinds.
const MODULE: &[&str] = &[
    "custom",
    "types",
    "imports",
    "functions",
    "tables",
    "memories",
    "globals",
    "exports",
    "start",
    "elements",
    "code",
    "data",
    "data count",
    "tags",
];

struct Part<'a> {
    kind: u8,
    content: &'a [u8],
    size: usize,
}

impl Part<'_> {
    fn name(&self, names: &[&str]) -> String {
        if self.kind != 0 {
            return names.get(self.kind as usize).map_or_else(|| format!("section {}", self.kind), ToString::to_string);
        }
        let name = number(self.content).and_then(|(size, rest)| rest.get(..size));
        format!("custom {}", String::from_utf8_lossy(name.unwrap_or_default()))
    }
}

/// The sections of one layer.
fn split(bytes: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut rest = bytes.strip_prefix(b"\0asm")?.get(HEADER - 4..)?;
    let mut parts = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        let (size, content) = number(after)?;
        let content = content.get(..size)?;
        let end = after.len() - number(after)?.1.len() + size;
        parts.push(Part { kind: *kind, content, size: 1 + end });
        rest = &after[end..];
    }
    Some(parts)
}

/// A number in LEB128, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, (1 + name.len() + content.len()) as u8, name.len() as u8];
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn a_module_inside_shows_its_own_sections() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend([10, 4, 1, 2, 0, 11]);
        module.extend(custom("name", b"0123456789"));
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        component.extend([1, module.len() as u8]);
        component.extend(&module);
        component.extend([7, 1, 0]);
        component.extend(custom("sluice:examples", b"{}"));
        let found: Vec<_> =
            sections(&component).unwrap().into_iter().map(|section| (section.name, section.size)).collect();
        // The module's section has a header of two bytes and the module one of eight.
        let expect = [("custom sluice:examples", 20), ("custom name", 17), ("component", 13), ("code", 6)];
        assert_eq!(found, expect.map(|(name, size)| (name.to_owned(), size)));
        let total: usize = found.iter().map(|(_, size)| size).sum();
        assert_eq!(total + HEADER, component.len());
    }

    #[test]
    fn custom_sections_are_taken_out_by_their_name() {
        let parts = [custom("version", b"1"), vec![7, 1, 0], custom("names", b"abc"), custom("sluice:examples", b"{}")];
        let whole = |kept: &[usize]| {
            let kept: Vec<u8> = kept.iter().flat_map(|index| parts[*index].clone()).collect();
            [b"\0asm\x0d\0\x01\0".to_vec(), kept].concat()
        };
        let component = whole(&[0, 1, 2, 3]);
        for (name, expect) in
            [("names", whole(&[0, 1, 3])), ("version", whole(&[1, 2, 3])), ("name", component.clone())]
        {
            assert_eq!(without(&component, name).unwrap(), expect, "{name}");
        }
        assert_eq!(without(b"no component", "names"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_or_refused(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [b"\0asm\x0d\0\x01\0".to_vec(), tail].concat();
            if let Some(found) = sections(&bytes) {
                let total: usize = found.iter().map(|section| section.size).sum();
                prop_assert_eq!(total + HEADER, bytes.len());
            }
            prop_assert_eq!(sections(&bytes[4..]), None);
        }
    }
}
