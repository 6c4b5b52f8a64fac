//! Loads YAML in which a key may be written twice.
//!
//! saphyr stops at the first such key and says where the later of the two is. To name both places, and everything else
//! that is wrong with the document, the later key is given a name that nobody writes, of the same width so that all
//! positions stay, and the document is loaded again.

use saphyr::{LoadableYamlNode, MarkedYamlOwned, Marker, ScanError};

use super::problem::Place;

/// A text with more double keys than this is not a document that someone edited.
const MOST: usize = 100;

/// Beyond the planes in which characters are assigned.
const FIRST_STAND_IN: u32 = 0xF_0000;

const DUPLICATE: &str = "duplicated key in mapping";

/// What was loaded, and the keys that were written a second time.
pub(super) struct Loaded {
    pub documents: Vec<MarkedYamlOwned>,
    pub repeated: Vec<Repeated>,
}

/// A key that its block already has.
pub(super) struct Repeated {
    pub at: Place,
    /// As it stands in the document, without quotes.
    pub key: String,
}

/// Loads all documents in `text`.
///
/// # Errors
/// The first place where `text` is no YAML, or the first double key that is not a plain or quoted text on one line.
pub(super) fn load(text: &str) -> Result<Loaded, ScanError> {
    let mut text = text.to_owned();
    let mut repeated: Vec<Repeated> = Vec::new();
    let mut unresolved: Option<ScanError> = None;
    loop {
        let error = match MarkedYamlOwned::load_from_str(&text) {
            Ok(documents) => return Ok(Loaded { documents, repeated }),
            Err(error) => error,
        };
        if error.info() != DUPLICATE {
            // Standing in for a key must not make a new mistake: what was found first is what is wrong.
            return Err(unresolved.unwrap_or(error));
        }
        let at = place(error.marker());
        if repeated.len() == MOST || repeated.iter().any(|earlier| earlier.at == at) {
            return Err(error);
        }
        let Some((replaced, key)) = stand_in(&text, *error.marker(), repeated.len()) else {
            return Err(error);
        };
        text = replaced;
        repeated.push(Repeated { at, key });
        unresolved.get_or_insert(error);
    }
}

/// A marker's column counts from 0.
pub(super) fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

/// The text with the key at `marker` replaced, and the key. `None` if it is not a text on one line.
fn stand_in(text: &str, marker: Marker, count: usize) -> Option<(String, String)> {
    let start = text.char_indices().nth(marker.index())?.0;
    let rest = text.get(start..)?;
    let line = rest.split(['\n', '\r']).next()?;
    let (quotes, key) = match line.chars().next()? {
        quote @ ('"' | '\'') => (1, line.get(1..)?.split(quote).next()?),
        '&' | '*' | '!' | '?' | '[' | '{' | ':' | '|' | '>' => return None,
        _ => (0, plain_key(line)),
    };
    let letter = char::from_u32(FIRST_STAND_IN + u32::try_from(count).ok()?)?;
    let width = key.chars().count();
    if width == 0 {
        return None;
    }
    let (from, to) = (start + quotes, start + quotes + key.len());
    let name: String = std::iter::repeat_n(letter, width).collect();
    let replaced = [text.get(..from)?, &name, text.get(to..)?].concat();
    Some((replaced, key.to_owned()))
}

/// The unquoted key at the start of a line: up to a colon that is followed by a space, the end or a bracket.
fn plain_key(line: &str) -> &str {
    let ends = |at: usize| {
        line.get(at + 1..).is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', ',', ']', '}']))
    };
    let end = line
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| ends(*at))
        .or_else(|| line.find([',', '}', ']']))
        .unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_end()
}
