//! Splicing against a model that keeps every byte of a document in a tree, and changes that.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::encode::append_string;

#[derive(Clone, Debug)]
enum Json {
    /// As it stands.
    Raw(String),
    Object(Object),
}

/// The white space belongs to the bytes that must stay.
#[derive(Clone, Debug)]
struct Object {
    /// Behind the opening brace; empty for an object without members.
    lead: &'static str,
    members: Vec<Member>,
    /// Before the closing brace.
    tail: &'static str,
}

#[derive(Clone, Debug)]
struct Member {
    /// The comma to the member before, with the white space around it.
    gap: String,
    key: String,
    written: String,
    colon: String,
    value: Json,
}

impl Json {
    fn tight(self) -> Self {
        match self {
            Json::Raw(raw) => Json::Raw(raw),
            Json::Object(object) => Json::Object(object.tight()),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Raw(raw) => out.push_str(raw),
            Json::Object(object) => object.write(out),
        }
    }
}

impl Object {
    fn write(&self, out: &mut String) {
        out.push('{');
        out.push_str(self.lead);
        for (index, member) in self.members.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { &member.gap });
            out.push_str(&member.written);
            out.push_str(&member.colon);
            member.value.write(out);
        }
        out.push_str(self.tail);
        out.push('}');
    }

    fn written(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn get(&mut self, key: &str) -> Option<&mut Json> {
        self.members.iter_mut().find(|member| member.key == key).map(|member| &mut member.value)
    }

    /// Without the white space inside of braces: where all members of an object are removed, it is not told what of it
    /// was before and what behind them.
    fn tight(mut self) -> Self {
        (self.lead, self.tail) = ("", "");
        for member in &mut self.members {
            let value = std::mem::replace(&mut member.value, Json::Raw(String::new()));
            member.value = value.tight();
        }
        self
    }

    /// Forgets all members with this key but the first.
    fn dedupe(&mut self, key: &str) {
        let mut is_first = true;
        self.members.retain(|member| member.key != key || std::mem::take(&mut is_first));
    }

    /// The object under these keys, each literal, with the repeats on the way forgotten.
    fn descend(&mut self, keys: &[String]) -> Option<&mut Object> {
        let Some((first, rest)) = keys.split_first() else { return Some(self) };
        self.dedupe(first);
        match self.get(first)? {
            Json::Object(object) => object.descend(rest),
            Json::Raw(_) => None,
        }
    }

    fn push(&mut self, key: &str, value: Json) {
        let mut written = Vec::new();
        append_string(key, &mut written);
        let (key, written) = (key.to_owned(), String::from_utf8(written).unwrap());
        self.members.push(Member { gap: ",".into(), key, written, colon: ":".into(), value });
    }

    /// False if it is blocked.
    fn edit(&mut self, keys: &[String], new: Option<Json>) -> bool {
        for names in joinings(keys) {
            let (last, way) = names.split_last().unwrap();
            let mut copy = self.clone();
            if let Some(object) = copy.descend(way)
                && object.get(last).is_some()
            {
                object.dedupe(last);
                match new {
                    Some(new) => *object.get(last).unwrap() = new,
                    None => object.members.retain(|member| member.key != *last),
                }
                *self = copy;
                return true;
            }
        }
        self.add(keys, new)
    }

    /// Of a field that is not there.
    fn add(&mut self, keys: &[String], new: Option<Json>) -> bool {
        let joined = |count: usize| keys[..count].join(".");
        let there: Vec<usize> = (1..keys.len()).rev().filter(|count| self.get(&joined(*count)).is_some()).collect();
        for &count in &there {
            if let Some(Json::Object(object)) = self.get(&joined(count)) {
                let is_done = object.add(&keys[count..], new);
                if is_done {
                    self.dedupe(&joined(count));
                }
                return is_done;
            }
        }
        if let Some(new) = new.filter(|_| there.is_empty()) {
            let value = keys[1..].iter().rev().fold(new, |value, key| {
                let mut object = Object { lead: "", members: Vec::new(), tail: "" };
                object.push(key, value);
                Json::Object(object)
            });
            self.push(&keys[0], value);
        }
        there.is_empty()
    }
}

/// All ways to join keys that follow each other, those that join most of the first ones first.
fn joinings(keys: &[String]) -> Vec<Vec<String>> {
    if keys.is_empty() {
        return vec![Vec::new()];
    }
    let behind = |count: usize| {
        joinings(&keys[count..]).into_iter().map(move |rest| [vec![keys[..count].join(".")], rest].concat())
    };
    (1..=keys.len()).rev().flat_map(behind).collect()
}

fn space() -> impl Strategy<Value = &'static str> + Clone {
    select(vec!["", "", " ", "\n\t ", "\r\n"])
}

const KEYS: [&str; 9] = ["a", "b", "a.b", "b.a", "a.b.a", "é", "log", "\"", ""];

fn key() -> impl Strategy<Value = (String, String)> {
    (select(&KEYS[..]), any::<bool>()).prop_map(|(key, is_escaped)| {
        let mut plain = Vec::new();
        append_string(key, &mut plain);
        let escaped = || key.chars().map(|c| format!("\\u{:04X}", c as u32)).collect::<String>();
        let written = if is_escaped { format!("\"{}\"", escaped()) } else { String::from_utf8(plain).unwrap() };
        (key.to_owned(), written)
    })
}

fn raw() -> impl Strategy<Value = String> {
    select(vec![
        "1",
        "-0.5e+7",
        "true",
        "false",
        "null",
        "[]",
        "[{\"a\":[1, \"]\"]}]",
        "\"\"",
        "\"}\\\"{,ü\\\\\"",
        "\"long enough for more than one word\"",
    ])
    .prop_map(str::to_owned)
}

fn object(depth: u32) -> BoxedStrategy<Object> {
    let value = if depth == 0 {
        raw().prop_map(Json::Raw).boxed()
    } else {
        prop_oneof![1 => raw().prop_map(Json::Raw), 2 => object(depth - 1).prop_map(Json::Object)].boxed()
    };
    let around = (space(), space());
    let member = (around.clone(), key(), around.clone(), value).prop_map(|(gap, (key, written), colon, value)| {
        Member { gap: format!("{},{}", gap.0, gap.1), key, written, colon: format!("{}:{}", colon.0, colon.1), value }
    });
    let object = (around, vec(member, 0..5));
    let object = object.prop_map(|((lead, tail), members)| {
        let lead = if members.is_empty() { "" } else { lead };
        Object { lead, members, tail }
    });
    object.boxed()
}

/// The paths of edits with their values; `None` for removed.
fn changes() -> impl Strategy<Value = Vec<(Vec<String>, Option<Json>)>> {
    let keys = vec(select(&["a", "b", "a", "b", "é", "log", "a.b", "\""][..]).prop_map(str::to_owned), 1..5);
    let value = prop_oneof![raw().prop_map(Json::Raw), object(1).prop_map(Json::Object)];
    vec((keys, prop_oneof![2 => value.prop_map(Some), 1 => Just(None)]), 1..8)
}

/// The value as an edit carries it.
fn carried(new: &Option<Json>) -> Option<(ValueKind, String)> {
    new.as_ref().map(|json| {
        let mut written = String::new();
        json.write(&mut written);
        match written.strip_prefix('"') {
            Some(_) => (ValueKind::Text, serde_json::from_str(&written).unwrap()),
            None => super::value(&written),
        }
    })
}

fn carried_all(changes: &[(Vec<String>, Option<Json>)]) -> Vec<Change> {
    changes.iter().map(|(keys, new)| (keys.clone(), carried(new))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn edits_do_what_the_model_does(
        model in object(3),
        around in (space(), select(vec!["", "\n", " ]"])),
        changes in changes(),
    ) {
        let surrounded = |object: &Object| format!("{}{}{}", around.0, object.written(), around.1);
        let document = surrounded(&model);
        let mut edited = model;
        let blocked = changes.iter().filter(|(keys, new)| !edited.edit(keys, new.clone())).count() as u64;
        let (out, counted) = spliced(document.as_bytes(), &carried_all(&changes));
        let out = String::from_utf8(out).unwrap();
        prop_assert_eq!(&out, &surrounded(&edited));
        prop_assert_eq!(counted, blocked);
        let object = &out[..out.len() - around.1.len()];
        prop_assert!(serde_json::from_str::<serde_json::Value>(object).is_ok());
    }

    /// Whatever an edit leaves is a document that the next one finds.
    #[test]
    fn all_edits_at_once_are_one_after_the_other(model in object(3), changes in changes()) {
        let changes: Vec<_> = changes.into_iter().map(|(keys, new)| (keys, new.map(Json::tight))).collect();
        let (document, changes) = (model.tight().written(), carried_all(&changes));
        let at_once = spliced(document.as_bytes(), &changes);
        let one_by_one = changes.iter().fold((document.into_bytes(), 0), |(document, blocked), change| {
            let (document, more) = spliced(&document, std::slice::from_ref(change));
            (document, blocked + more)
        });
        prop_assert_eq!(String::from_utf8(at_once.0), String::from_utf8(one_by_one.0));
        prop_assert_eq!(at_once.1, one_by_one.1);
    }

    /// What is broken is not made worse, and nothing panics.
    #[test]
    fn broken_documents_stay_what_they_are(
        model in object(2),
        hits in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
        changes in changes(),
    ) {
        let mut document = model.written().into_bytes();
        for (index, byte) in &hits {
            *index.get_mut(&mut document) = *byte;
        }
        document.truncate(cut.index(document.len() + 1));
        let changes = carried_all(&changes);
        let (out, blocked) = spliced(&document, &changes);
        if blocked as usize == changes.len() {
            prop_assert_eq!(&out, &document);
        }
        let none = spliced(&document, &[(vec!["not there".into(), "at all".into()], None)]);
        prop_assert_eq!(none.0, document);
    }
}
