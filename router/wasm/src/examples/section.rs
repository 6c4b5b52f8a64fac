//! Where examples lie in a component: in a custom section, which no runtime looks at.

use crate::sections::{self, HEADER, Section, encoded, sized};

/// The section's name.
pub const NAME: &str = "sluice:examples";
const CUSTOM: u8 = 0;

/// The text of the component's examples, if it has any.
///
/// # Errors
/// The file cannot be walked through, or the section is there twice, too long, or not UTF-8.
pub fn section(component: &[u8]) -> Result<Option<&str>, String> {
    let mut found = None;
    for section in &sections::of(component)? {
        if let Some(text) = held(section)
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
    let mut payload = encoded(NAME.len());
    payload.extend_from_slice(NAME.as_bytes());
    payload.extend_from_slice(examples.as_bytes());
    let others = sections::of(component)?.into_iter().filter(|section| held(section).is_none());
    let mut with = component[..HEADER].to_vec();
    others.for_each(|section| with.extend_from_slice(section.whole));
    with.push(CUSTOM);
    with.extend_from_slice(&encoded(payload.len()));
    with.extend_from_slice(&payload);
    Ok(with)
}

/// What the section holds, if it is the one for examples.
fn held<'a>(section: &Section<'a>) -> Option<&'a [u8]> {
    let (name, text) = sized(section.payload).filter(|_| section.id == CUSTOM)?;
    (name == NAME.as_bytes()).then_some(text)
}
