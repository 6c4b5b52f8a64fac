//! Tables of mistakes: what is wrong, what is handed to Sluice, and exactly what Sluice says or does.
//!
//! `tests/mistakes/` holds a table for each group; `docs/mistakes.md` shows them to people and is held against them.

use std::fmt::Write;

/// One mistake, and what comes of it.
#[derive(Debug)]
pub struct Mistake<Given: 'static> {
    /// In words for people, as Markdown.
    pub wrong: &'static str,
    /// What the code gets.
    pub given: Given,
    /// The whole text, or the whole outcome in a fixed form.
    pub says: &'static str,
}

/// `wrong`, `given` and `says` in their order.
pub const fn mistake<Given>(wrong: &'static str, given: Given, says: &'static str) -> Mistake<Given> {
    Mistake { wrong, given, says }
}

/// What differs from the table; empty if nothing does. `found` are the outcomes in the table's order.
pub fn differences<Given>(table: &[Mistake<Given>], found: &[String]) -> String {
    assert_eq!(table.len(), found.len(), "one outcome a mistake");
    let mut text = String::new();
    for (mistake, found) in table.iter().zip(found).filter(|(mistake, found)| mistake.says != *found) {
        let _ = writeln!(text, "\n== {}\nexpected: {}\nfound:    {found}", mistake.wrong, mistake.says);
    }
    text
}

/// A group as a table in Markdown, without a heading.
pub fn markdown<Given>(table: &[Mistake<Given>]) -> String {
    let mut text = "| what is wrong | what Sluice says or does |\n|---|---|\n".to_owned();
    for Mistake { wrong, says, .. } in table {
        let _ = writeln!(text, "| {wrong} | {} |", cell(says));
    }
    text
}

/// Nothing of a text ends a cell or is taken for markup.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in text.chars() {
        match character {
            '\n' => cell.push_str("<br>"),
            '|' | '\\' | '*' | '_' | '`' | '[' | ']' | '~' | '#' => cell.extend(['\\', character]),
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            _ => cell.push(character),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_in_their_cells() {
        let table = [mistake("a `b`", (), "one | 1\n<two> `three` four_five")];
        let row = r"| a `b` | one \| 1<br>&lt;two&gt; \`three\` four\_five |";
        assert_eq!(markdown(&table).lines().nth(2), Some(row));
    }

    #[test]
    fn only_differences_are_told() {
        let table = [mistake("a", (), "1"), mistake("b", (), "2")];
        assert_eq!(differences(&table, &["1".into(), "2".into()]), "");
        assert_eq!(differences(&table, &["1".into(), "3".into()]), "\n== b\nexpected: 2\nfound:    3\n");
    }
}
