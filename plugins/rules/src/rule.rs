//! A rule that can be asked about records.
use sluice_plugin::{Field, Record};

use crate::check::Check;
use crate::options::Group;

/// What a record must be: all that it names has to hold.
#[derive(Default)]
pub struct Rule {
    /// First, as these are the same for all records of a container, and compared fast.
    pub(crate) names: Vec<(Field, Check)>,
    /// The field, what its value must be, and whether upper and lower case are the same.
    pub(crate) field: Option<(Field, Vec<Check>, bool)>,
    pub(crate) groups: Vec<(Group, Vec<Rule>)>,
}

impl Rule {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.field.is_none() && self.groups.is_empty()
    }

    /// Whether the rule holds for a record.
    pub fn holds(&self, record: &Record) -> bool {
        self.names.iter().all(|(field, check)| check.holds(record.value(*field), false))
            && self.field.as_ref().is_none_or(|(field, checks, ignore_case)| {
                let value = record.value(*field);
                checks.iter().all(|check| check.holds(value, *ignore_case))
            })
            && self.groups.iter().all(|(group, rules)| match group {
                Group::All => rules.iter().all(|rule| rule.holds(record)),
                Group::Any => rules.iter().any(|rule| rule.holds(record)),
                Group::None => !rules.iter().any(|rule| rule.holds(record)),
            })
    }
}
