//! The digest by which a component is known.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// 64 lower-case hexadecimal digits.
    pub fn hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Of what [`Digest::hex`] or its `Display` wrote; capitals are taken as well.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text).as_bytes();
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let mut digest = [0; 32];
        for (place, pair) in digest.iter_mut().zip(hex.chunks(2)) {
            let [high, low] = pair else { return None };
            *place = (digit(high)? * 16 + digit(low)?) as u8;
        }
        (hex.len() == 64).then_some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_written() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        for text in [digest.to_string(), digest.hex(), digest.hex().to_uppercase()] {
            assert_eq!(Digest::parse(&text), Some(digest), "{text}");
        }
        let hex = digest.hex();
        for text in ["", "sha256:", &hex[1..], &format!("{hex}0"), &format!("{hex}00"), &hex.replace('b', "g")] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }
}
