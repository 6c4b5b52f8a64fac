//! When a document was written: read from its members, and written as `@timestamp`.
//!
//! Moments are nanoseconds since 1970 UTC, as in [`sluice_core::Record`].

use jiff::{Timestamp, civil, tz::TimeZone};
use sluice_core::Record;

use crate::scan::Members;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
/// 9999-12-31T23:59:59Z: what is later was not meant as seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// The moment that a document's `@timestamp`, `_id` and index date are made from.
///
/// The document's own `@timestamp`; else the record's time where it is the line's own; else the document's `time`;
/// else the record's time, which then is Kafka's timestamp. Never now. A member that cannot be read is passed over.
pub fn of(document: &[u8], members: &Members, record: &Record) -> u64 {
    let member = |range: &Option<std::ops::Range<usize>>| range.clone().map(|range| &document[range]);
    if let Some(moment) = member(&members.timestamp).and_then(of_timestamp) {
        return moment;
    }
    if record.timed {
        return record.time;
    }
    member(&members.time).and_then(of_time).unwrap_or(record.time)
}

/// Reads an `@timestamp` as an index's default mapping does: a date, or milliseconds.
fn of_timestamp(value: &[u8]) -> Option<u64> {
    let text = plain(value)?;
    decimal(&text, 1_000_000).or_else(|| of_date(&text))
}

/// Reads a `time` as Fluentd writes it: seconds as an integer or a float or in a string, or a date.
fn of_time(value: &[u8]) -> Option<u64> {
    let text = plain(value)?;
    decimal(&text, SECOND).or_else(|| of_date(&text))
}

/// The text of a number, or of a string without its quotes.
fn plain(value: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let text = std::str::from_utf8(value).ok()?;
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => serde_json::from_str::<String>(text).ok().map(Into::into),
        Some(inner) => Some(inner.into()),
        None => Some(text.into()),
    }
}

/// A decimal number of units of `unit` nanoseconds. Exact to the nanosecond, which a float of today is not.
fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return exponential(text, unit);
    }
    let mut nanoseconds = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanoseconds = nanoseconds.checked_add(u64::from(digit - b'0') * place)?;
    }
    (nanoseconds / SECOND <= LAST_SECOND).then_some(nanoseconds)
}

/// Such as `1.7e9`; what has no exponent is no number here.
fn exponential(text: &str, unit: u64) -> Option<u64> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) || !text.contains(['e', 'E']) {
        return None;
    }
    let nanoseconds = text.parse::<f64>().ok()? * unit as f64;
    (nanoseconds < u64::MAX as f64).then_some(nanoseconds as u64)
}

/// RFC 3339 and what an index takes beside it: a date or a date and time without a zone are UTC.
fn of_date(text: &str) -> Option<u64> {
    let timestamp = text.parse::<Timestamp>().or_else(|_| {
        let date_time = text.parse::<civil::DateTime>()?;
        date_time.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    u64::try_from(timestamp.ok()?.as_nanosecond()).ok()
}

/// Writes moments as Fluentd does: `2023-11-14T22:13:20.123456789+00:00`.
#[derive(Debug, Default)]
pub struct Clock {
    /// The day of the last moment, and its text: a stream hardly ever changes its day.
    day: Option<u64>,
    date: String,
}

/// Length of what [`Clock::append`] writes for years of four digits.
pub const WRITTEN: usize = "2023-11-14T22:13:20.123456789+00:00".len();

impl Clock {
    pub fn append(&mut self, moment: u64, out: &mut Vec<u8>) {
        let (second, nanosecond) = (moment / SECOND, moment % SECOND);
        let day = second / DAY;
        if self.day != Some(day) {
            self.day = Some(day);
            self.date = date(day * DAY);
        }
        let mut text = *b"T00:00:00.000000000+00:00";
        let of_day = second % DAY;
        write_digits(&mut text[1..3], of_day / 3600);
        write_digits(&mut text[4..6], of_day / 60 % 60);
        write_digits(&mut text[7..9], of_day % 60);
        write_digits(&mut text[10..19], nanosecond);
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(&text);
    }
}

/// `2023-11-14`. A moment in nanoseconds ends in the year 2554, so that jiff knows every one.
fn date(second: u64) -> String {
    let timestamp = Timestamp::from_second(second as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(timestamp).date().to_string()
}

fn write_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_core::{RecordId, Stream};

    use super::*;
    use crate::scan::Scanner;

    const MOMENT: u64 = 1_700_000_000_123_456_789;

    #[test]
    fn a_document_knows_its_moment() {
        let second = 1_700_000_000 * SECOND;
        for (document, timed, expected) in [
            // Nothing in the document: the record's time.
            ("{}", true, 7),
            ("{}", false, 7),
            // The line's own time goes before the seconds of `time`, and after an `@timestamp`.
            (r#"{"time":1700000000}"#, true, 7),
            (r#"{"time":1700000000,"@timestamp":"2023-11-14T22:13:20.123456789Z"}"#, true, MOMENT),
            (r#"{"@timestamp":"2023-11-14T22:13:20.123456789+00:00"}"#, false, MOMENT),
            (r#"{"@timestamp":"2023-11-15T00:13:20.123456789+02:00"}"#, false, MOMENT),
            (r#"{"@timestamp":"2023-11-14T22:13:20"}"#, false, second),
            (r#"{"@timestamp":"2023-11-14"}"#, false, 1_699_920_000 * SECOND),
            (r#"{"@timestamp":1700000000123}"#, false, second + 123_000_000),
            (r#"{"@timestamp":"1700000000123"}"#, false, second + 123_000_000),
            // An unreadable `@timestamp` is passed over.
            (r#"{"@timestamp":"yesterday","time":1700000000}"#, false, second),
            (r#"{"@timestamp":null,"time":1700000000}"#, false, second),
            (r#"{"@timestamp":"1969-12-31T23:59:59Z"}"#, false, 7),
            (r#"{"@timestamp":{}}"#, true, 7),
            // Every form of `time`.
            (r#"{"time":1700000000.123456789}"#, false, MOMENT),
            (r#"{"time":1700000000.1234567899}"#, false, MOMENT),
            (r#"{"time":"1700000000"}"#, false, second),
            (r#"{"time":"1700000000.5"}"#, false, second + SECOND / 2),
            (r#"{"time":1.7e9}"#, false, second),
            (r#"{"time":17E8}"#, false, second),
            (r#"{"time":"2023-11-14T22:13:20.123456789Z"}"#, false, MOMENT),
            (r#"{"time":"2023-11-14T22:13:20.123456789\u005a"}"#, false, MOMENT),
            (r#"{"time":0}"#, false, 0),
            // What cannot be seconds is passed over: milliseconds, negative, another type.
            (r#"{"time":1700000000000}"#, false, 7),
            (r#"{"time":99999999999999999999999}"#, false, 7),
            (r#"{"time":1e300}"#, false, 7),
            (r#"{"time":-5}"#, false, 7),
            (r#"{"time":""}"#, false, 7),
            (r#"{"time":"1700000000."}"#, false, 7),
            (r#"{"time":[1700000000]}"#, false, 7),
            (r#"{"time":true}"#, false, 7),
        ] {
            let members = Scanner::default().scan(document.as_bytes(), None).unwrap();
            assert_eq!(of(document.as_bytes(), &members, &record(7, timed)), expected, "{document}");
        }
    }

    fn record(time: u64, timed: bool) -> Record {
        Record {
            start: 0,
            end: 0,
            raw_end: 0,
            origin: 0,
            time,
            timed,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: 0,
            id: RecordId(0),
        }
    }

    #[test]
    fn moments_are_written_as_fluentd_does() {
        let mut clock = Clock::default();
        for (moment, expected) in [
            (MOMENT, "2023-11-14T22:13:20.123456789+00:00"),
            (1_700_000_000 * SECOND, "2023-11-14T22:13:20.000000000+00:00"),
            (0, "1970-01-01T00:00:00.000000000+00:00"),
            (1_709_251_199_000_000_001, "2024-02-29T23:59:59.000000001+00:00"),
            (u64::MAX, "2554-07-21T23:34:33.709551615+00:00"),
        ] {
            let mut out = Vec::new();
            clock.append(moment, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(expected.len(), WRITTEN);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(moments in prop::collection::vec(any::<u64>(), 1..5)) {
            let mut clock = Clock::default();
            for moment in moments {
                let mut out = Vec::new();
                clock.append(moment, &mut out);
                prop_assert_eq!(of_date(std::str::from_utf8(&out).unwrap()), Some(moment));
            }
        }
    }
}
