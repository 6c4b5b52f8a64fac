//! What the containers of the demo print. Every line carries its number, by which it is found again in the index.

use sluice_node::Stream;

/// Where a line has to end up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Dropped on the node by the agent's filter.
    Trace,
    /// Kept in Kafka, dropped by the indexer's filter.
    Debug,
    Indexed,
}

/// A container's manner of logging.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Voice {
    /// JSON lines with a level.
    Json,
    /// Text without a level that a filter could read.
    Plain,
    /// JSON lines, and every now and then a stack trace.
    Traces,
    /// JSON lines, some so long that the runtime splits them.
    Long,
}

pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) stream: Stream,
    pub(crate) fate: Fate,
}

/// The number in the text of a line, if it is one of ours.
pub(crate) fn number(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("seq")?;
    let digits = rest.trim_start_matches(['"', ':', '=']);
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

impl Voice {
    /// Line number `seq` of a container that speaks so.
    pub(crate) fn line(self, seq: u64) -> Line {
        match self {
            Self::Json => json(seq, String::new()),
            Self::Plain => plain(seq),
            Self::Traces if seq % 40 < 6 => trace(seq),
            Self::Traces => json(seq, String::new()),
            // 17 to 62 KiB: two to four parts.
            Self::Long if seq % 100 == 99 => {
                json(seq, "0123456789abcdef".repeat(1100 + (seq / 100 % 30) as usize * 100))
            }
            Self::Long => json(seq, String::new()),
        }
    }
}

fn json(seq: u64, payload: String) -> Line {
    let (level, fate) = match seq % 10 {
        0 => ("trace", Fate::Trace),
        1..=3 => ("debug", Fate::Debug),
        4..=7 => ("info", Fate::Indexed),
        8 => ("warn", Fate::Indexed),
        _ => ("error", Fate::Indexed),
    };
    let message = match level {
        "trace" | "debug" => "cache looked up for the price list",
        "info" => "order taken",
        "warn" => "payment slower than usual, trying the second provider",
        _ => "payment refused: card expired",
    };
    let (user, took) = (seq * 7919 % 10_000, seq * 31 % 900);
    let mut text = format!(
        r#"{{"level":"{level}","seq":{seq},"msg":"{message}","user":"u-{user}","path":"/cart/{user}/pay","took_ms":{took},"agent":"Mozilla/5.0 (X11; Linux x86_64)""#
    );
    if !payload.is_empty() {
        text.push_str(&format!(r#","payload":"{payload}""#));
    }
    text.push('}');
    let stream = if level == "error" { Stream::Stderr } else { Stream::Stdout };
    Line { text, stream, fate }
}

fn plain(seq: u64) -> Line {
    let text = format!(
        r#"10.1.{}.{} - - "GET /items/{}?page=<{}> HTTP/1.1" {} {} "-" "curl/8.5" seq={seq}"#,
        seq % 250,
        seq * 13 % 250,
        seq * 17 % 5000,
        seq % 9,
        if seq.is_multiple_of(50) { 502 } else { 200 },
        seq * 97 % 40_000,
    );
    Line { text, stream: Stream::Stdout, fate: Fate::Indexed }
}

fn trace(seq: u64) -> Line {
    let text = match seq % 40 {
        0 => format!("java.lang.IllegalStateException: ledger is locked (seq={seq})"),
        5 => format!("Caused by: java.sql.SQLTransientException: Zeitüberschreitung (seq={seq})"),
        depth => {
            format!("\tat com.example.ledger.Booking.step{depth}(Booking.java:{}) ~[ledger.jar] seq={seq}", 40 + depth)
        }
    };
    Line { text, stream: Stream::Stderr, fate: Fate::Indexed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_carries_its_number() {
        for voice in [Voice::Json, Voice::Plain, Voice::Traces, Voice::Long] {
            for seq in 0..4000 {
                let line = voice.line(seq);
                assert_eq!(number(&line.text), Some(seq), "{}", &line.text[..100]);
                assert!(!line.text.contains('\n'));
            }
        }
        for text in ["", "no number", "seq=", "sequel"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn some_lines_are_longer_than_a_runtime_writes_at_once() {
        let parts = |seq: u64| Voice::Long.line(seq).text.len().div_ceil(sluice_node::LONGEST_PART);
        let seen: std::collections::BTreeSet<usize> = (0..4000).map(parts).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
