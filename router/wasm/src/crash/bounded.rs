//! Writes the batch of a bundle: piece by piece, so that one that is too large is noticed before it is in memory twice.
use std::io::{self, Write};
use std::str::from_utf8;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use super::batch::Kept;

/// Takes bytes up to a number, and ends in an error beyond it.
pub(super) struct Bounded {
    pub bytes: Vec<u8>,
    most: usize,
}

impl Bounded {
    pub fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most - self.bytes.len() {
            return Err(io::Error::other(format!("it would have more than {} bytes", self.most)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The batch as JSON; text that is not UTF-8 is in base64.
pub(super) fn batch(file: &mut impl Write, batch: &Kept) -> io::Result<()> {
    write!(file, r#"{{"len":{},"now":{},"times":"#, batch.len, batch.now)?;
    serde_json::to_writer(&mut *file, &batch.times)?;
    file.write_all(br#","columns":["#)?;
    for (index, column) in batch.columns.iter().enumerate() {
        file.write_all(if index == 0 { br#"{"text":"# } else { br#",{"text":"# })?;
        match from_utf8(&column.text) {
            Ok(text) => serde_json::to_writer(&mut *file, text)?,
            Err(_) => write!(file, r#"{{"base64":"{}"}}"#, Base64Display::new(&column.text, &STANDARD))?,
        }
        file.write_all(br#","ends":"#)?;
        serde_json::to_writer(&mut *file, &column.ends)?;
        file.write_all(br#","kinds":"#)?;
        serde_json::to_writer(&mut *file, &column.kinds)?;
        file.write_all(br#","runs":"#)?;
        serde_json::to_writer(&mut *file, &column.runs)?;
        file.write_all(b"}")?;
    }
    file.write_all(b"]}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::batch::tests::three;

    #[test]
    fn no_more_bytes_are_held_than_are_allowed() {
        let mut whole = Vec::new();
        batch(&mut whole, &three()).unwrap();
        for most in 0..=whole.len() {
            let mut file = Bounded::new(most);
            assert_eq!(batch(&mut file, &three()).is_ok(), most == whole.len(), "{most}");
            assert!(whole.starts_with(&file.bytes) && file.bytes.len() <= most);
        }
    }
}
