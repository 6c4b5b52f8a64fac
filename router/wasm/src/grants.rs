//! What an operator may grant a plugin.
use std::fmt;

/// What a plugin may reach beyond records, its options and the log. With any of it, the same records need not get the
/// same answer: a call cannot be repeated exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// The time of day, and a clock that only goes forward.
    pub clock: bool,
    /// Numbers that nobody can foretell.
    pub random: bool,
}

impl Grants {
    pub const NONE: Self = Self { clock: false, random: false };
    pub(crate) const CLOCK: Self = Self { clock: true, ..Self::NONE };
    pub(crate) const RANDOM: Self = Self { random: true, ..Self::NONE };

    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// What either of them has.
    pub fn and(self, other: Self) -> Self {
        Self { clock: self.clock || other.clock, random: self.random || other.random }
    }

    /// What `other` does not have.
    pub fn without(self, other: Self) -> Self {
        Self { clock: self.clock && !other.clock, random: self.random && !other.random }
    }

    /// The words for it in a config.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        [(self.clock, "clock"), (self.random, "random")].into_iter().filter_map(|(has, name)| has.then_some(name))
    }
}

impl fmt::Display for Grants {
    /// As a config says it: `grant: [clock, random]`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "grant: [{}]", self.names().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_written_as_a_config_has_them() {
        let both = Grants::CLOCK.and(Grants::RANDOM);
        for (grants, text) in [
            (Grants::NONE, "grant: []"),
            (Grants::CLOCK, "grant: [clock]"),
            (Grants::RANDOM, "grant: [random]"),
            (both, "grant: [clock, random]"),
            (both.without(Grants::CLOCK), "grant: [random]"),
            (Grants::CLOCK.without(both), "grant: []"),
        ] {
            assert_eq!(grants.to_string(), text);
            assert_eq!(grants.is_none(), text == "grant: []");
        }
    }
}
