//! The time that stands in the lines of plain files: node logs of the kubelet, of etcd, of syslog.

use std::fmt;

use jiff::{
    Timestamp,
    civil::DateTime,
    fmt::strtime::BrokenDownTime,
    tz::{Offset, TimeZone},
};
use regex::bytes::Regex;

use crate::timestamp;

/// A line may say a time that is this much later than now, in nanoseconds: clocks differ. One that is later than that,
/// and names no year, is of a year before.
const AHEAD: i128 = 24 * 3600 * 1_000_000_000;

/// Years that are tried for a day without one. A 29th of February may lie eight years back.
const YEARS: i16 = 9;

/// Where lines have their time, and how it is written.
#[derive(Clone, Debug)]
pub struct LineTime {
    pattern: Regex,
    /// For jiff's `strtime`; RFC 3339 without one.
    format: Option<String>,
    /// Of times that name none.
    zone: TimeZone,
}

impl LineTime {
    /// `pattern` has one group, which holds the time. `format` is written as for `strptime`, with `%.f` for a fraction;
    /// without one the time is as in RFC 3339. `zone` is `UTC`, an offset like `+01:00`, or a name that this system
    /// knows; it holds for times that name none.
    ///
    /// # Errors
    /// What is wrong with one of them, and what to write.
    pub fn new(pattern: &str, format: Option<&str>, zone: &str) -> Result<Self, LineTimeError> {
        let compiled = Regex::new(pattern).map_err(|error| LineTimeError::Pattern(last_line(&error.to_string())))?;
        if compiled.captures_len() != 2 {
            return Err(LineTimeError::Pattern(format!(
                "{pattern:?} has {} groups; put one around the time, and write others as (?:…)",
                compiled.captures_len() - 1
            )));
        }
        if let Some(format) = format {
            check_format(format).map_err(LineTimeError::Format)?;
        }
        let unknown = || LineTimeError::Zone(format!("{zone:?} is no time zone of this system; write UTC or +01:00"));
        Ok(Self { pattern: compiled, format: format.map(str::to_owned), zone: zone_of(zone).ok_or_else(unknown)? })
    }

    /// Nanoseconds since 1970 UTC; `None` where the line says no time. `clock` completes a time without a year.
    pub fn of_line(&self, line: &[u8], clock: fn() -> u64) -> Option<u64> {
        let text = self.pattern.captures(line)?.get(1)?.as_bytes();
        let Some(format) = &self.format else { return timestamp::parse(text) };
        let mut time = BrokenDownTime::parse(format, text).ok()?;
        let nanoseconds = match time.timestamp() {
            Some(seconds) => seconds.as_nanosecond() + i128::from(time.subsec_nanosecond().unwrap_or_default()),
            None if time.year().is_some() => self.moment(&time)?,
            None => self.nearest_past(&mut time, clock())?,
        };
        u64::try_from(nanoseconds).ok()
    }

    fn moment(&self, time: &BrokenDownTime) -> Option<i128> {
        let at: DateTime = time.to_datetime().ok()?;
        let moment = match time.offset() {
            Some(offset) => offset.to_timestamp(at).ok()?,
            None => self.zone.to_timestamp(at).ok()?,
        };
        Some(moment.as_nanosecond())
    }

    /// The last time before `now` that had this day and hour.
    fn nearest_past(&self, time: &mut BrokenDownTime, now: u64) -> Option<i128> {
        let now = i128::from(now);
        let latest = now + AHEAD;
        let this_year = Timestamp::from_nanosecond(latest).ok()?.to_zoned(self.zone.clone()).year();
        (0..YEARS).find_map(|back| {
            time.set_year(Some(this_year - back)).ok()?;
            self.moment(time).filter(|moment| *moment <= latest)
        })
    }
}

/// Why a [`LineTime`] cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineTimeError {
    Pattern(String),
    Format(String),
    Zone(String),
}

impl fmt::Display for LineTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(message) => write!(f, "source.files.time.pattern: {message}"),
            Self::Format(message) => write!(f, "source.files.time.format: {message}"),
            Self::Zone(message) => write!(f, "source.files.time.zone: {message}"),
        }
    }
}

impl std::error::Error for LineTimeError {}

/// A format is tried on what it makes of a time: one that does not say day and hour cannot be read back.
fn check_format(format: &str) -> Result<(), String> {
    let advice = "write it as for strptime, such as %m%d %H:%M:%S%.f";
    let now = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let text = jiff::fmt::strtime::format(format, &now).map_err(|error| format!("{error}; {advice}"))?;
    let mut time = BrokenDownTime::parse(format, &text)
        .map_err(|error| format!("{format:?} cannot be read: {error}; {advice}"))?;
    if time.timestamp().is_some() {
        return Ok(());
    }
    if time.year().is_none() {
        time.set_year(Some(1970)).map_err(|error| error.to_string())?;
    }
    // A time without minutes reads as one on the hour, and would be wrong by most of it.
    if time.to_datetime().is_err() || time.minute().is_none() {
        return Err(format!("{format:?} does not say day, hour and minute; {advice}"));
    }
    Ok(())
}

fn zone_of(zone: &str) -> Option<TimeZone> {
    if zone == "UTC" {
        return Some(TimeZone::UTC);
    }
    let Some(sign @ (b'+' | b'-')) = zone.as_bytes().first() else { return TimeZone::get(zone).ok() };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<i32>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes).filter(|minutes| *minutes < 60)?);
    let seconds = (hours * 60 + minutes) * 60;
    let offset = Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()?;
    Some(TimeZone::fixed(offset))
}

/// What a regular expression's error says below the drawing of where it is.
pub fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z
    const NOW: u64 = 1_700_000_000;
    const SECOND: u64 = 1_000_000_000;

    fn of_line(line: &str, pattern: &str, format: Option<&str>, zone: &str) -> Option<u64> {
        LineTime::new(pattern, format, zone).unwrap().of_line(line.as_bytes(), || NOW * SECOND)
    }

    #[test]
    fn times_of_node_logs() {
        let klog = (r"^[IWEF](\d{4} \d\d:\d\d:\d\d\.\d+)", Some("%m%d %H:%M:%S%.f"));
        let syslog = (r"^(\w{3} +\d+ \d\d:\d\d:\d\d) ", Some("%b %e %H:%M:%S"));
        let etcd = (r#""ts":"([^"]+)""#, None);
        let unix = (r#""ts":(\d+\.\d+)"#, Some("%s%.f"));
        for (line, (pattern, format), zone, expected) in [
            ("I1114 22:13:20.123456    1 server.go:1] x", klog, "UTC", Some(NOW * SECOND + 123_456_000)),
            ("E1114 22:13:20.123456    1 server.go:1] x", klog, "+01:00", Some((NOW - 3600) * SECOND + 123_456_000)),
            // Later than today, so of last year.
            ("I1231 22:13:20.5 1 x", klog, "UTC", Some(1_672_524_800 * SECOND + SECOND / 2)),
            // Within what clocks differ.
            ("I1115 22:13:20.0 1 x", klog, "UTC", Some((NOW + 86_400) * SECOND)),
            // The last year that had the day.
            ("I0229 00:00:00.0 1 x", klog, "UTC", Some(1_582_934_400 * SECOND)),
            ("I1399 22:13:20.0 1 x", klog, "UTC", None),
            ("    goroutine 1", klog, "UTC", None),
            ("Nov 14 22:13:20 node-1 kernel: x", syslog, "UTC", Some(NOW * SECOND)),
            ("Nov  4 22:13:20 node-1 kernel: x", syslog, "-05:30", Some((NOW - 864_000 + 19_800) * SECOND)),
            (
                r#"{"level":"info","ts":"2023-11-14T23:13:20.5+01:00","msg":"x"}"#,
                etcd,
                "UTC",
                Some(NOW * SECOND + SECOND / 2),
            ),
            (r#"{"level":"info","ts":"yesterday"}"#, etcd, "UTC", None),
            (r#"{"ts":1700000000.25}"#, unix, "UTC", Some(NOW * SECOND + SECOND / 4)),
        ] {
            assert_eq!(of_line(line, pattern, format, zone), expected, "{line}");
        }
        // Bytes that are not UTF-8 beside the time do no harm.
        let time = LineTime::new(klog.0, klog.1, "UTC").unwrap();
        assert!(time.of_line(b"I1114 22:13:20.1 \xff", || NOW * SECOND).is_some());
    }

    #[test]
    fn a_year_is_the_same_whenever_the_line_is_read() {
        let time = LineTime::new(r"^I(\d{4} \d\d:\d\d:\d\d)", Some("%m%d %H:%M:%S"), "UTC").unwrap();
        let line = b"I1231 23:59:59";
        // Written in the last second of 2023; read then, a second later, and in summer.
        let seen = [
            time.of_line(line, || 1_704_067_199 * SECOND),
            time.of_line(line, || 1_704_067_200 * SECOND),
            time.of_line(line, || 1_720_000_000 * SECOND),
        ];
        assert_eq!(seen, [Some(1_704_067_199 * SECOND); 3]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        use LineTimeError::{Format, Pattern, Zone};
        let error = |pattern, format, zone| LineTime::new(pattern, format, zone).unwrap_err();
        assert_eq!(error("(", None, "UTC"), Pattern("unclosed group".into()));
        assert!(matches!(error("a", None, "UTC"), Pattern(message) if message.contains("has 0 groups")));
        assert!(matches!(error("(a)(b)", None, "UTC"), Pattern(message) if message.contains("has 2 groups")));
        assert!(matches!(error("(a)", Some("%H:%M"), "UTC"), Format(message) if message.contains("does not say day")));
        assert!(matches!(error("(a)", Some("%m%d %H"), "UTC"), Format(message) if message.contains("minute")));
        assert!(matches!(error("(a)", Some("%!"), "UTC"), Format(_)));
        for zone in ["", "+1", "+01:99", "+99:00", "Nowhere/Land"] {
            assert!(matches!(error("(a)", None, zone), Zone(message) if message.contains("no time zone")), "{zone}");
        }
    }
}
