//! What a plugin sees of one record.
use crate::batch::Batch;

/// A field that the plugin reads, from [`Config::read`](crate::Config::read).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(pub(crate) usize);

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The record has no such field.
    Absent,
    Null,
    /// Characters with JSON's escapes resolved.
    Text(&'a str),
    /// A JSON literal such as `-1.5e3`.
    Number(&'a str),
    Boolean(bool),
    /// JSON as it stands in the record.
    Object(&'a str),
    /// JSON as it stands in the record.
    Array(&'a str),
}

/// One record: the fields that the plugin asked for, and nothing else.
pub struct Record<'a> {
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) index: usize,
}

impl<'a> Record<'a> {
    /// Whatever the field holds.
    #[inline]
    pub fn value(&self, field: Field) -> Value<'a> {
        self.batch.column(field).map_or(Value::Absent, |column| column.value(self.index))
    }

    /// The field's characters, if it is a text.
    #[inline]
    pub fn text(&self, field: Field) -> Option<&'a str> {
        match self.value(field) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The field's number, if it is one. Integers above 2^53 lose digits: [`Record::value`] has them all.
    pub fn number(&self, field: Field) -> Option<f64> {
        match self.value(field) {
            Value::Number(literal) => literal.parse().ok(),
            _ => None,
        }
    }

    /// The field's boolean, if it is one.
    pub fn boolean(&self, field: Field) -> Option<bool> {
        match self.value(field) {
            Value::Boolean(boolean) => Some(boolean),
            _ => None,
        }
    }

    /// The record's time in nanoseconds since 1970; `None` unless `configure` called
    /// [`Config::read_times`](crate::Config::read_times).
    pub fn time(&self) -> Option<u64> {
        self.batch.times.get(self.index).copied()
    }

    /// When the batch was handed over, in nanoseconds since 1970. The only clock there is.
    pub fn now(&self) -> u64 {
        self.batch.now
    }
}
