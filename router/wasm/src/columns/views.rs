//! Columns as they cross, without an allocation where they are few.
use std::ops::Deref;

use crate::bindings::Column;

const FEW: usize = 4;

/// The columns that a plugin reads, in its order.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack for one call, so that the few need no allocation")]
pub(crate) enum Views<'a> {
    Few([Column<'a>; FEW], usize),
    Many(Vec<Column<'a>>),
}

impl<'a> Views<'a> {
    /// `columns` has about `count`.
    pub fn new(count: usize, columns: impl Iterator<Item = Column<'a>>) -> Self {
        if count > FEW {
            return Self::Many(columns.collect());
        }
        let (mut few, mut len) = ([const { Column { text: &[], ends: &[], kinds: &[], runs: &[] } }; FEW], 0);
        for (place, column) in few.iter_mut().zip(columns) {
            *place = column;
            len += 1;
        }
        Self::Few(few, len)
    }
}

impl<'a> Deref for Views<'a> {
    type Target = [Column<'a>];

    fn deref(&self) -> &[Column<'a>] {
        match self {
            Self::Few(few, len) => &few[..*len],
            Self::Many(many) => many,
        }
    }
}
