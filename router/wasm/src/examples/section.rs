//! Where examples lie in a component: in a custom section, which no runtime looks at.

/// The section's name.
pub const NAME: &str = "sluice:examples";
/// What every WebAssembly file begins with: magic number, version and layer.
const HEADER: usize = 8;
const CUSTOM: u8 = 0;

/// The text of the component's examples, if it has any.
///
/// # Errors
/// The file cannot be walked through, or the section is there twice, too long, or not UTF-8.
pub fn section(component: &[u8]) -> Result<Option<&str>, String> {
    let mut found = None;
    for section in sections(component)? {
        if let Some(text) = section.examples
            && found.replace(text).is_some()
        {
            return Err(format!("there are two sections {NAME}; embed the examples once"));
        }
    }
    let Some(text) = found else { return Ok(None) };
    if text.len() > super::MOST_BYTES {
        return Err(format!("they have {} bytes, more than {}; make them fewer", text.len(), super::MOST_BYTES));
    }
    std::str::from_utf8(text).map(Some).map_err(|_| "they are not UTF-8; embed them anew".to_string())
}

/// The component with `examples` in it, a text as [`super::parse`] reads it, in place of those that it has.
///
/// # Errors
/// The text cannot be read or is too long, or the file cannot be walked through.
pub fn embed(component: &[u8], examples: &str) -> Result<Vec<u8>, String> {
    super::parse(examples)?;
    let mut payload = size(NAME.len());
    payload.extend_from_slice(NAME.as_bytes());
    payload.extend_from_slice(examples.as_bytes());
    let others = sections(component)?.into_iter().filter(|section| section.examples.is_none());
    let mut with = component[..HEADER].to_vec();
    others.for_each(|section| with.extend_from_slice(section.whole));
    with.push(CUSTOM);
    with.extend_from_slice(&size(payload.len()));
    with.extend_from_slice(&payload);
    Ok(with)
}

/// A section of a component file.
struct Section<'a> {
    /// With what stands before it.
    whole: &'a [u8],
    /// What it holds, if it is the one for examples.
    examples: Option<&'a [u8]>,
}

fn sections(component: &[u8]) -> Result<Vec<Section<'_>>, String> {
    let mut rest = component.get(HEADER..).ok_or("the file is too short for a component")?;
    let mut sections = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (payload, after) = sized(after).ok_or("the file ends within a section; build it, or copy it, anew")?;
        let named = sized(payload).filter(|(name, _)| *id == CUSTOM && *name == NAME.as_bytes());
        let whole = &rest[..rest.len() - after.len()];
        sections.push(Section { whole, examples: named.map(|(_, text)| text) });
        rest = after;
    }
    Ok(sections)
}

/// What a length stands before, and what follows it.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut size, mut rest) = (0u64, bytes);
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        size |= u64::from(byte & 0x7f) << shift;
        rest = after;
        if byte & 0x80 == 0 {
            return rest.split_at_checked(usize::try_from(size).ok()?);
        }
    }
    None
}

/// A length as WebAssembly writes it: seven bits a byte, the lowest first.
fn size(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
