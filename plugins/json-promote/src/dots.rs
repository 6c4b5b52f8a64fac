//! Dots in the keys of objects, which an index takes for nesting.
use std::borrow::Cow;

/// What may stand for a dot: it must not change what is a key and what is not.
pub fn check(de_dot: Option<&str>) -> Result<(), String> {
    let is_plain = |c: char| !c.is_ascii_control() && !matches!(c, '.' | '"' | '\\');
    if de_dot.is_none_or(|text| text.chars().all(is_plain)) {
        return Ok(());
    }
    Err("de_dot: what stands for a dot is without dots, quotes, backslashes and control characters; write \"_\"".into())
}

/// JSON with the dots in its keys replaced.
pub fn replace<'j>(json: &'j str, de_dot: &str) -> Cow<'j, str> {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(open) = json[at..].find('"').map(|found| at + found + 1) {
        let close = open + string_size(&json[open..]);
        let key = &json[open..close];
        at = (close + 1).min(json.len());
        if key.contains('.') && json[at..].trim_ascii_start().starts_with(':') {
            out.push_str(&json[copied..open]);
            out.push_str(&key.replace('.', de_dot));
            copied = close;
        }
    }
    if copied == 0 {
        return json.into();
    }
    out.push_str(&json[copied..]);
    out.into()
}

/// How long a JSON string is up to its closing quote.
fn string_size(inside: &str) -> usize {
    let mut escaped = false;
    let end = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lose_their_dots_and_values_keep_them() {
        for (json, expect) in [
            (r#"{"a.b":"c.d","e":1.5}"#, r#"{"a_b":"c.d","e":1.5}"#),
            (r#"{"a":{"b.c.d" : [{"e.f":"g.h:"}]}}"#, r#"{"a":{"b_c_d" : [{"e_f":"g.h:"}]}}"#),
            (r#"{"a\".b":"\\","c.d":"x.y"}"#, r#"{"a\"_b":"\\","c_d":"x.y"}"#),
            (r#"["a.b","c.d"]"#, r#"["a.b","c.d"]"#),
            ("{}", "{}"),
        ] {
            assert_eq!(replace(json, "_"), expect, "{json}");
        }
    }
}
