//! Components taken apart and put together differently: what no compiler would make.

/// A section of a component or a core module.
pub struct Section {
    pub id: u8,
    pub body: Vec<u8>,
}

pub const MODULE: &[u8] = b"\0asm\x01\0\0\0";
pub const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
/// Sections of a component.
pub const CORE_MODULE: u8 = 1;
pub const NESTED: u8 = 4;
const CORE_INSTANCES: u8 = 2;
const COMPONENT_TYPES: u8 = 7;
/// Sections of a core module, in the order in which they stand.
pub const TYPES: u8 = 1;
pub const FUNCTIONS: u8 = 3;
pub const TABLES: u8 = 4;
pub const MEMORIES: u8 = 5;
pub const CODE: u8 = 10;
pub const DATA: u8 = 11;

/// The bytes with each `from` written `to`, which is as long.
pub fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from} and {to}");
    let (mut bytes, from) = (bytes.to_vec(), from.as_bytes());
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, at)| *at == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "there is no {to} to be");
    places.into_iter().for_each(|at| bytes[at..at + from.len()].copy_from_slice(to.as_bytes()));
    bytes
}

/// The component with its first core module, which has the plugin's code, changed.
pub fn with_module(component: &[u8], change: impl FnOnce(&mut Vec<Section>)) -> Vec<u8> {
    let mut sections = split(component);
    let module = sections.iter_mut().find(|section| section.id == CORE_MODULE).expect("a core module");
    let mut inner = split(&module.body);
    change(&mut inner);
    module.body = joined(MODULE, &inner);
    joined(COMPONENT, &sections)
}

/// The component with each `from` in its own types written `to`, which is as long. Its code stays as it is.
pub fn with_types(component: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut sections = split(component);
    for section in sections.iter_mut().filter(|section| section.id == COMPONENT_TYPES || section.id == NESTED) {
        let found = |(at, bytes): (usize, &[u8])| (bytes == from).then_some(at);
        let places: Vec<usize> = section.body.windows(from.len()).enumerate().filter_map(found).collect();
        places.into_iter().for_each(|at| section.body[at..at + to.len()].copy_from_slice(to));
    }
    joined(COMPONENT, &sections)
}

/// The component with `count` instances of an empty core module beside its own.
pub fn with_instances(component: &[u8], count: usize) -> Vec<u8> {
    let mut sections = split(component);
    let modules = sections.iter().filter(|section| section.id == CORE_MODULE).count();
    sections.push(section(CORE_MODULE, MODULE.to_vec()));
    sections.push(section(CORE_INSTANCES, repeated(count, &[0, modules as u8, 0])));
    joined(COMPONENT, &sections)
}

/// Replaces what the module says in the section, which it has.
pub fn replace(sections: &mut [Section], id: u8, body: Vec<u8>) {
    sections.iter_mut().find(|section| section.id == id).expect("the section").body = body;
}

pub fn section(id: u8, body: Vec<u8>) -> Section {
    Section { id, body }
}

/// `count` times the same item, as a section has them.
pub fn repeated(count: usize, item: &[u8]) -> Vec<u8> {
    [number(count), item.repeat(count)].concat()
}

pub fn joined(header: &[u8], sections: &[Section]) -> Vec<u8> {
    let mut bytes = header.to_vec();
    for Section { id, body } in sections {
        bytes.push(*id);
        bytes.extend(number(body.len()));
        bytes.extend(body);
    }
    bytes
}

/// As LEB128.
pub fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn split(bytes: &[u8]) -> Vec<Section> {
    let (mut sections, mut rest) = (Vec::new(), &bytes[8..]);
    while let Some((id, after)) = rest.split_first() {
        let (mut size, mut digits) = (0, 0);
        while digits == 0 || after[digits - 1] >= 0x80 {
            size |= usize::from(after[digits] & 0x7f) << (7 * digits);
            digits += 1;
        }
        let (body, after) = after[digits..].split_at(size);
        sections.push(section(*id, body.to_vec()));
        rest = after;
    }
    sections
}
