//! Reads the members of a JSON object; an error names the one that is wrong.
use serde_json::{Map, Value};

/// An object and where it stands.
pub(super) struct Members<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub fn new(members: &'a Map<String, Value>) -> Self {
        Self { path: String::new(), members }
    }

    pub fn text(&self, key: &str) -> Result<&'a str, String> {
        self.read(key, "a text", Value::as_str)
    }

    pub fn number(&self, key: &str) -> Result<u64, String> {
        self.read(key, "a whole number", Value::as_u64)
    }

    pub fn number_up_to(&self, key: &str, most: u64) -> Result<u64, String> {
        let number = self.number(key)?;
        if number <= most { Ok(number) } else { Err(self.wrong(key, &format!("{number} is more than {most}"))) }
    }

    /// `None` for null.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, String> {
        self.read(key, "true, false or null", |value| value.as_bool().map(Some).or(value.is_null().then_some(None)))
    }

    pub fn items(&self, key: &str) -> Result<&'a [Value], String> {
        self.read(key, "a list", Value::as_array).map(Vec::as_slice)
    }

    pub fn numbers<N: TryFrom<u64>>(&self, key: &str) -> Result<Vec<N>, String> {
        let number = |item: &Value| item.as_u64().and_then(|number| N::try_from(number).ok());
        let numbers: Option<_> = self.items(key)?.iter().map(number).collect();
        numbers.ok_or_else(|| self.wrong(key, "is no list of numbers that fit"))
    }

    /// The object below this key.
    pub fn below(&self, key: &str) -> Result<Members<'a>, String> {
        let members = self.read(key, "an object", Value::as_object)?;
        Ok(Members { path: self.place(key), members })
    }

    /// The same where it may be missing.
    pub fn optional(&self, key: &str) -> Result<Option<Members<'a>>, String> {
        self.members.contains_key(key).then(|| self.below(key)).transpose()
    }

    /// What `read` makes of each object of a list.
    pub fn each<T>(&self, key: &str, read: impl Fn(&Members) -> Result<T, String>) -> Result<Vec<T>, String> {
        let each = self.items(key)?.iter().enumerate().map(|(index, item)| {
            let path = format!("{}[{index}]", self.place(key));
            let members = item.as_object().ok_or_else(|| format!("{path}: is no object"))?;
            read(&Members { path, members })
        });
        each.collect()
    }

    /// An error about this key.
    pub fn wrong(&self, key: &str, why: &str) -> String {
        format!("{}: {why}", self.place(key))
    }

    fn read<T>(&self, key: &str, expected: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<T, String> {
        let value = self.members.get(key).ok_or_else(|| self.wrong(key, "is missing"))?;
        read(value).ok_or_else(|| self.wrong(key, &format!("is not {expected}")))
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
