//! Levels, in the spellings that programs use.

/// How much a record matters, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// A level's name in upper or lower case, short or long, or its number; `None` if it is neither.
    pub fn parse(word: &str) -> Option<Self> {
        Self::named(word).or_else(|| {
            let trimmed = word.trim_ascii();
            if trimmed.len() < word.len() { Self::parse(trimmed) } else { Self::from_number(word.parse().ok()?) }
        })
    }

    fn named(word: &str) -> Option<Self> {
        let Some(packed) = pack(word.as_bytes()) else {
            return LONG_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level);
        };
        NAMES.iter().find(|(name, _)| *name == packed).map(|(_, level)| *level)
    }

    /// Numbers from 10 on are those of bunyan and pino (10 trace … 60 fatal), 0 to 7 are syslog's severities
    /// (0 emergency … 7 debug), in which less is worse. The others mean nothing.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            7 => Self::Debug,
            10..20 => Self::Trace,
            20..30 => Self::Debug,
            30..40 => Self::Info,
            40..50 => Self::Warn,
            50..60 => Self::Error,
            60..70 => Self::Fatal,
            _ => return None,
        })
    }
}

/// A word in lower case as one number, so that it is compared at once; `None` if it is too long for that.
const fn pack(word: &[u8]) -> Option<u64> {
    if word.len() > 8 {
        return None;
    }
    let (mut packed, mut index) = (0, 0);
    while index < word.len() {
        packed = packed << 8 | word[index].to_ascii_lowercase() as u64;
        index += 1;
    }
    Some(packed)
}

const fn name(word: &str, level: Level) -> (u64, Level) {
    match pack(word.as_bytes()) {
        Some(packed) => (packed, level),
        None => (0, level),
    }
}

/// syslog, log4j, slf4j, zap, logrus, glog, Python, .NET, java.util.logging; the most usual first.
const NAMES: &[(u64, Level)] = &[
    name("info", Level::Info),
    name("debug", Level::Debug),
    name("warn", Level::Warn),
    name("error", Level::Error),
    name("trace", Level::Trace),
    name("fatal", Level::Fatal),
    name("warning", Level::Warn),
    name("notice", Level::Info),
    name("err", Level::Error),
    name("severe", Level::Error),
    name("critical", Level::Fatal),
    name("crit", Level::Fatal),
    name("alert", Level::Fatal),
    name("emerg", Level::Fatal),
    name("panic", Level::Fatal),
    name("dpanic", Level::Fatal),
    name("verbose", Level::Trace),
    name("fine", Level::Debug),
    name("finer", Level::Trace),
    name("finest", Level::Trace),
    name("trc", Level::Trace),
    name("dbg", Level::Debug),
    name("inf", Level::Info),
    name("wrn", Level::Warn),
    name("ftl", Level::Fatal),
    name("t", Level::Trace),
    name("d", Level::Debug),
    name("i", Level::Info),
    name("w", Level::Warn),
    name("e", Level::Error),
    name("f", Level::Fatal),
];

const LONG_NAMES: &[(&str, Level)] =
    &[("information", Level::Info), ("informational", Level::Info), ("emergency", Level::Fatal)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings() {
        for (word, level) in [
            ("info", Some(Level::Info)),
            ("INFO", Some(Level::Info)),
            ("Warning", Some(Level::Warn)),
            ("WARN ", Some(Level::Warn)),
            ("err", Some(Level::Error)),
            ("CRITICAL", Some(Level::Fatal)),
            ("E", Some(Level::Error)),
            ("30", Some(Level::Info)),
            ("60", Some(Level::Fatal)),
            ("35", Some(Level::Info)),
            ("3", Some(Level::Error)),
            ("7", Some(Level::Debug)),
            ("8", None),
            ("70", None),
            ("-1", None),
            ("", None),
            ("Informational", Some(Level::Info)),
            ("informations", None),
            ("infos", None),
        ] {
            assert_eq!(Level::parse(word), level, "{word}");
        }
    }
}
