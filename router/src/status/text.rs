//! A report for people.

use std::{collections::BTreeMap, fmt::Write};

use super::report::{Books, Pipeline, Report, Source};

/// The report as lines, without colours: it is also read in a pager and in a ticket.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let up = report.up_s.map(|up| format!(", up {}", span(up))).unwrap_or_default();
    let ready = if report.ready { "ready" } else { "NOT READY" };
    let _ = writeln!(out, "sluice {} ({}), pid {}{up}: {ready}", report.version, report.commit, report.pid);
    for (word, reasons) in [("not ready", &report.reasons), ("note", &report.notes)] {
        for reason in reasons {
            let pipeline = reason.pipeline.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let _ = writeln!(out, "  {word}: {pipeline}{}: {}", reason.component, reason.text);
        }
    }
    for pipeline in &report.pipelines {
        write_pipeline(&mut out, pipeline);
    }
    let _ = writeln!(out, "\nall pipelines");
    write_books(&mut out, &report.total);
    out
}

fn write_pipeline(out: &mut String, pipeline: &Pipeline) {
    let Pipeline { name, state, since_s, halted, restarts, last_failure, books, source, sink, plugins } = pipeline;
    let since = since_s.map(|since| format!(" for {}", span(since))).unwrap_or_default();
    let restarts = if *restarts == 0 { String::new() } else { format!(", restarted {}", times(*restarts)) };
    let _ = writeln!(out, "\n{name}: {state}{since}{restarts}");
    if let Some(why) = halted {
        let _ = writeln!(out, "  halted         {why}");
    }
    if let Some(failure) = last_failure {
        let _ = writeln!(out, "  last failure   {} ago: {}: {}", span(failure.ago_s), failure.component, failure.text);
    }
    write_books(out, books);
    let _ = writeln!(out, "  source         {}: {}", source.kind, of_source(source));
    for partition in &source.partitions {
        let number = |number: Option<u64>| number.map_or_else(|| "not known".to_owned(), |number| number.to_string());
        let _ = writeln!(
            out,
            "    {}/{}: committed {}, end {}, behind {}",
            partition.topic,
            partition.partition,
            number(partition.committed),
            number(partition.end),
            number(partition.lag)
        );
    }
    let waits = match (sink.in_flight_bytes, sink.queued) {
        (Some(bytes), _) => format!("{} in flight", size(bytes)),
        (None, Some(messages)) => format!("{messages} messages wait"),
        (None, None) => "nothing is known".to_owned(),
    };
    let _ = writeln!(out, "  sink           {}: {waits}", sink.kind);
    // It stays when the trouble is over, and would then only worry.
    if let Some(error) = sink.last_error.as_ref().filter(|_| state == "stalled") {
        let _ = writeln!(out, "    last error: {error}");
    }
    for plugin in plugins {
        let faults = if plugin.faults == 0 { String::new() } else { format!(", {} faults", plugin.faults) };
        let _ = writeln!(
            out,
            "  plugin         {} ({}): {} records in {} calls{faults}\n    {} {}",
            plugin.name,
            plugin.kind,
            plugin.records,
            plugin.calls,
            plugin.digest,
            plugin.exports.join(" ")
        );
        if let Some(taken_back) = &plugin.taken_back {
            let (digest, ago, why) = (&taken_back.digest, span(taken_back.ago_s), &taken_back.why);
            let _ = writeln!(out, "    in place of {digest}, taken back {ago} ago: {why}");
        }
    }
}

fn of_source(source: &Source) -> String {
    let lag = match (source.lag.bytes, source.lag.records) {
        (Some(bytes), _) => size(bytes),
        (None, Some(records)) => format!("{records} messages"),
        (None, None) => "an unknown amount".to_owned(),
    };
    let mut text = format!("{lag} behind");
    if let Some(files) = &source.files {
        let _ = write!(text, "; {} open", count(files.open, "file"));
        if files.held > 0 {
            let _ = write!(text, ", of these {} deleted with {} unread", files.held, size(files.held_unread_bytes));
        }
        if files.unreadable > 0 {
            let _ = write!(text, "; {} cannot be read", count(files.unreadable, "file"));
        }
    } else {
        let _ = write!(text, " in {}", count(source.partitions.len() as u64, "partition"));
    }
    text
}

fn write_books(out: &mut String, books: &Books) {
    let mut line = |name: &str, count: u64, parts: String| {
        let _ = writeln!(out, "  {name:<15}{count:>12}{parts}");
    };
    line("read", books.read, String::new());
    line("= delivered", books.delivered, String::new());
    line("+ dropped", books.dropped(), parts(&books.dropped));
    line("+ dead letters", books.dead_lettered(), parts(&books.dead_lettered));
    line("+ in flight", books.in_flight, String::new());
    if books.returned > 0 {
        line("given back", books.returned, "  to be read again; in no sum".to_owned());
    }
    let lost = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    if lost(&books.expired) > 0 {
        line("LOST messages", lost(&books.expired), parts(&books.expired));
    }
    if lost(&books.expired_bytes) > 0 {
        line("LOST bytes", lost(&books.expired_bytes), parts(&books.expired_bytes));
    }
}

/// `  drop-debug 7, redact 2`, without those of 0.
fn parts(counts: &BTreeMap<String, u64>) -> String {
    let named = counts.iter().filter(|(_, count)| **count > 0).map(|(name, count)| format!("{name} {count}"));
    let named = named.collect::<Vec<_>>().join(", ");
    if named.is_empty() { named } else { format!("  {named}") }
}

fn count(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The two largest units that matter: `3 d 4 h`, `12 min 5 s`, `0 s`.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `512 bytes`, `1.5 KiB`, `12.0 GiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1 << 10 {
        return count(bytes, "byte");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
