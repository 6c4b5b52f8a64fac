//! Lines about exceptions.

use super::Line;
use crate::Stream;

/// Lines between the starts of two traces of [`line`].
const PERIOD: u64 = 120;
/// What goes wrong often: one after the other.
const USUAL: [(&str, &str); 3] = [
    ("java.lang.IllegalStateException", "ledger {} is locked"),
    ("java.util.concurrent.TimeoutException", "no answer within {} ms"),
    ("java.lang.NullPointerException", "booking {} has no account"),
];
/// What goes wrong rarely: every fifth trace is one of these.
const RARE: [(&str, &str); 4] = [
    ("java.io.UncheckedIOException", "disk of shard {} is full"),
    ("javax.crypto.AEADBadTagException", "tag mismatch in message {}"),
    ("java.time.DateTimeException", "invalid day {}"),
    ("java.lang.ArithmeticException", "rate {} divided by zero"),
];

/// Four lines of a trace at the start of each period; `None` for the others.
pub(super) fn line(seq: u64) -> Option<Line> {
    let (nth, depth) = (seq / PERIOD, seq % PERIOD);
    let (name, message) = match nth % 5 {
        4 => RARE[(nth / 5 % 4) as usize],
        _ => USUAL[(nth % 3) as usize],
    };
    let text = match depth {
        0 => format!("{name}: {} (seq={seq})", message.replace("{}", &(seq * 7 % 977).to_string())),
        1 => format!("\tat com.example.ledger.Booking.commit(Booking.java:88) ~[ledger.jar] seq={seq}"),
        2 => format!("\tat com.example.ledger.Worker.run(Worker.java:41) ~[ledger.jar] seq={seq}"),
        // Without the word that a notifier looks for.
        3 => format!("\t... 11 common frames omitted seq={seq}"),
        _ => return None,
    };
    Some(Line { text, stream: Stream::Stderr, level: None })
}

/// One of the six lines of a longer trace with a cause.
pub(super) fn trace(seq: u64) -> Line {
    let text = match seq % 40 {
        0 => format!("java.lang.IllegalStateException: ledger is locked (seq={seq})"),
        5 => format!("Caused by: java.sql.SQLTransientException: Zeitüberschreitung (seq={seq})"),
        depth => {
            format!("\tat com.example.ledger.Booking.step{depth}(Booking.java:{}) ~[ledger.jar] seq={seq}", 40 + depth)
        }
    };
    Line { text, stream: Stream::Stderr, level: None }
}
