//! What became of records, to be read.

use std::io::{self, Write};

use sluice_core::{Alert, Severity};

use crate::author::{
    difference::changes,
    paint::{Colour, Paint},
    play::{Fate, Played},
};

/// How many records had which fate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub records: u64,
    pub changed: u64,
    pub failed: u64,
    pub alerts: u64,
    /// By plugin, in the order in which they first dropped a record.
    pub dropped: Vec<(String, u64)>,
}

impl Counts {
    pub fn add(&mut self, played: &Played) {
        self.records += 1;
        self.alerts += played.alerts.len() as u64;
        match &played.fate {
            Fate::Kept => {}
            Fate::Changed(_) => self.changed += 1,
            Fate::Failed(_) => self.failed += 1,
            Fate::Dropped(by) => match self.dropped.iter_mut().find(|(plugin, _)| plugin == by) {
                Some((_, count)) => *count += 1,
                None => self.dropped.push((by.clone(), 1)),
            },
        }
    }

    /// One line.
    pub fn summary(&self) -> String {
        let dropped: u64 = self.dropped.iter().map(|(_, count)| count).sum();
        let by: Vec<String> = self.dropped.iter().map(|(plugin, count)| format!("{count} by {plugin}")).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let left = self.records - dropped - self.failed;
        let mut text = format!(
            "{}: {left} left, {} of them changed; {dropped} dropped{by}",
            super::count(self.records, "record"),
            self.changed
        );
        if self.failed > 0 {
            text.push_str(&format!("; {} failed", self.failed));
        }
        if self.alerts > 0 {
            text.push_str(&format!("; {}", super::count(self.alerts, "alert")));
        }
        text
    }
}

/// Whether there is anything to say about the record.
pub(super) fn is_worth_showing(played: &Played) -> bool {
    played.fate != Fate::Kept || !played.alerts.is_empty()
}

/// The record with what was done to it.
pub(super) fn write_played(out: &mut impl Write, played: &Played, paint: Paint) -> io::Result<()> {
    let Played { input, fate, alerts } = played;
    let record = String::from_utf8_lossy(&input.document);
    let line = input.line;
    match fate {
        Fate::Kept if alerts.is_empty() => {}
        Fate::Kept => writeln!(out, "line {line}: {}", paint.paint(Colour::Faint, &record))?,
        Fate::Dropped(by) => {
            writeln!(out, "line {line}: dropped by {by}")?;
            writeln!(out, "  {}", paint.paint(Colour::Red, &format!("- {record}")))?;
        }
        Fate::Failed(why) => {
            writeln!(out, "line {line}: {}", paint.paint(Colour::Red, &format!("failed: {why}")))?;
            writeln!(out, "  {record}")?;
        }
        Fate::Changed(after) => {
            writeln!(out, "line {line}: changed")?;
            for change in changes(&input.document, after) {
                let shown = |sign, value: &Option<String>| Some(format!("{sign} {}: {}", change.path, value.as_ref()?));
                if let Some(before) = shown("-", &change.before) {
                    writeln!(out, "  {}", paint.paint(Colour::Red, &before))?;
                }
                if let Some(after) = shown("+", &change.after) {
                    writeln!(out, "  {}", paint.paint(Colour::Green, &after))?;
                }
            }
        }
    }
    alerts.iter().try_for_each(|alert| write_alert(out, alert, paint))
}

pub(super) fn write_alert(out: &mut impl Write, alert: &Alert, paint: Paint) -> io::Result<()> {
    let severity = match alert.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    };
    let colon = if alert.title.is_empty() { "" } else { ": " };
    let head = format!("! {severity} from {}{colon}{}", alert.plugin, alert.title);
    writeln!(out, "  {}", paint.paint(Colour::Yellow, &head))?;
    for line in alert.text.lines() {
        writeln!(out, "    {line}")?;
    }
    for (name, value) in &alert.details {
        writeln!(out, "    {}", paint.paint(Colour::Faint, &format!("{name}: {value}")))?;
    }
    Ok(())
}

/// A closed pipe, as behind `| head`, ends the output and is no failure.
pub(super) fn unless_closed(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::input::Input;

    fn played(document: &str, fate: Fate, alerts: Vec<Alert>) -> Played {
        Played { input: Input { line: 7, time: 0, document: document.into() }, fate, alerts }
    }

    fn alert() -> Alert {
        Alert {
            item: None,
            plugin: "words".into(),
            fingerprint: "f".into(),
            severity: Severity::Warning,
            title: "title".into(),
            text: "one\ntwo".into(),
            details: vec![("pod".into(), "web".into())],
            color: String::new(),
        }
    }

    #[test]
    fn each_fate_is_readable() {
        for (played, expect) in [
            (played(r#"{"a":1}"#, Fate::Kept, vec![]), ""),
            (played(r#"{"a":1}"#, Fate::Dropped("f".into()), vec![]), "line 7: dropped by f\n  - {\"a\":1}\n"),
            (
                played(r#"{"a":1,"b":2}"#, Fate::Changed(br#"{"b":3,"c":"x"}"#.to_vec()), vec![]),
                "line 7: changed\n  - a: 1\n  - b: 2\n  + b: 3\n  + c: \"x\"\n",
            ),
            (played("{}", Fate::Failed("trap".into()), vec![]), "line 7: failed: trap\n  {}\n"),
            (
                played("{}", Fate::Kept, vec![alert()]),
                "line 7: {}\n  ! warning from words: title\n    one\n    two\n    pod: web\n",
            ),
            (
                played("{}", Fate::Kept, vec![Alert { title: String::new(), details: Vec::new(), ..alert() }]),
                "line 7: {}\n  ! warning from words\n    one\n    two\n",
            ),
        ] {
            let mut out = Vec::new();
            write_played(&mut out, &played, Paint::plain()).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expect);
            assert_eq!(is_worth_showing(&played), !expect.is_empty());
        }
    }

    #[test]
    fn counts_add_up() {
        let mut counts = Counts::default();
        for fate in [Fate::Kept, Fate::Dropped("a".into()), Fate::Dropped("b".into()), Fate::Dropped("a".into())] {
            counts.add(&played("{}", fate, vec![]));
        }
        assert_eq!(counts.summary(), "4 records: 1 left, 0 of them changed; 3 dropped (2 by a, 1 by b)");
        counts.add(&played("{}", Fate::Changed(vec![]), vec![alert()]));
        counts.add(&played("{}", Fate::Failed(String::new()), vec![]));
        let expect = "6 records: 2 left, 1 of them changed; 3 dropped (2 by a, 1 by b); 1 failed; 1 alert";
        assert_eq!(counts.summary(), expect);
    }
}
