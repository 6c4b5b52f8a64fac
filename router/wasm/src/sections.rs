//! The sections of a WebAssembly file, walked through without knowing what they mean.

/// What every WebAssembly file begins with: magic number, version and layer.
pub(crate) const HEADER: usize = 8;

/// One section of a component or of a core module.
pub(crate) struct Section<'a> {
    pub id: u8,
    /// With what stands before it.
    pub whole: &'a [u8],
    pub payload: &'a [u8],
}

/// The sections of a file, or of what lies within one and begins like one.
///
/// # Errors
/// The file ends within a section, or before the first one.
pub(crate) fn of(file: &[u8]) -> Result<Vec<Section<'_>>, String> {
    let mut rest = file.get(HEADER..).ok_or("the file is too short for a component")?;
    let mut sections = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (payload, after) = sized(after).ok_or("the file ends within a section; build it, or copy it, anew")?;
        let whole = &rest[..rest.len() - after.len()];
        sections.push(Section { id: *id, whole, payload });
        rest = after;
    }
    Ok(sections)
}

/// What a length stands before, and what follows it.
pub(crate) fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = number(bytes)?;
    rest.split_at_checked(size)
}

/// A number of at most 35 bits, and what follows it.
pub(crate) fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (mut number, mut rest) = (0u64, bytes);
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        rest = after;
        if byte & 0x80 == 0 {
            return Some((usize::try_from(number).ok()?, rest));
        }
    }
    None
}

/// A number as WebAssembly writes it: seven bits a byte, the lowest first.
pub(crate) fn encoded(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
