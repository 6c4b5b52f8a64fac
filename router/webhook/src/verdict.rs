//! What an answer of the webhook means for a message.

use std::time::Duration;

use jiff::fmt::rfc2822;

use crate::{share::Cause, webhook::Reply};

/// How long the webhook may make us wait before it is asked again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Longer words are not shown.
const LONGEST_WORD: usize = 64;

/// Errors with status 400 that no other message would escape: they are about the webhook.
const WEBHOOK_WORDS: [&str; 6] =
    ["invalid_token", "no_active_hooks", "no_service_id", "no_team", "team_disabled", "user_not_found"];

/// What to do with a message. `why` has no text of a record and no part of the URL in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// Away, busy or in trouble: again after `pause`, if the webhook asked for one.
    Later {
        why: String,
        cause: Cause,
        pause: Option<Duration>,
    },
    /// Nothing can be posted until somebody acts; `why` says what to do.
    Closed {
        why: String,
    },
    /// This message will never be taken.
    Refused {
        why: String,
        cause: Cause,
    },
}

/// `now` in nanoseconds since 1970 UTC.
pub fn judge(reply: Reply, now: u64) -> Verdict {
    let (status, retry_after, text) = match reply {
        Reply::Answered { status, retry_after, text } => (status, retry_after, text),
        Reply::Unreachable(why) => {
            let cause = Cause { status: None, detail: why.clone() };
            return Verdict::Later { why: format!("the webhook {why}"), cause, pause: None };
        }
    };
    let said = word(&text).map_or_else(|| status.to_string(), |word| format!("{status} {word}"));
    let cause = || Cause { status: Some(status), detail: text.clone() };
    match status {
        200..300 => Verdict::Taken,
        300..400 => Verdict::Closed {
            why: format!(
                "the webhook answers {said}, a redirect, which is not followed; put the webhook's own URL in its place"
            ),
        },
        408 | 429 | 500.. => {
            let pause = retry_after.as_deref().and_then(|text| pause(text, now));
            let why = if status == 429 { "asks for a pause" } else { "cannot take messages now" };
            Verdict::Later { why: format!("the webhook {why} ({said})"), cause: cause(), pause }
        }
        400 if WEBHOOK_WORDS.contains(&text.as_str()) => closed(&said),
        400 | 413 | 422 => Verdict::Refused { why: format!("the webhook refused a message ({said})"), cause: cause() },
        _ => closed(&said),
    }
}

fn closed(said: &str) -> Verdict {
    let why = format!(
        "the webhook is gone or forbidden ({said}); create a new one, put its URL in the place that the \
         config names, and restart the process"
    );
    Verdict::Closed { why }
}

/// Slack answers with one word (`no_service`). Anything else may quote the message, and is not for the log.
fn word(text: &str) -> Option<&str> {
    let is_word =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (!text.is_empty() && text.len() <= LONGEST_WORD && is_word(text)).then_some(text)
}

/// The value of `Retry-After`: seconds, or an HTTP date.
fn pause(text: &str, now: u64) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are more than the longest pause.
        text.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        let left = date.as_nanosecond().saturating_sub(i128::from(now)).max(0);
        Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    };
    Some(asked.clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<&str>, text: &str) -> Reply {
        Reply::Answered { status, retry_after: retry_after.map(Into::into), text: text.into() }
    }

    /// One word for each verdict, with what it says.
    fn check(status: u16, text: &str, expected: &str) {
        let found = match judge(answered(status, None, text), 0) {
            Verdict::Taken => "taken".into(),
            Verdict::Later { why, cause, pause: None } => {
                assert_eq!(cause, Cause { status: Some(status), detail: text.into() });
                format!("later: {why}")
            }
            Verdict::Closed { why } => format!("closed: {why}"),
            Verdict::Refused { why, cause } => {
                assert_eq!(cause, Cause { status: Some(status), detail: text.into() });
                format!("refused: {why}")
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "{status} {text}");
    }

    #[test]
    fn answers() {
        let gone = |said| {
            format!(
                "closed: the webhook is gone or forbidden ({said}); create a new one, put its URL in the place that the \
         config names, and restart the process"
            )
        };
        check(200, "ok", "taken");
        check(204, "", "taken");
        check(
            302,
            "",
            "closed: the webhook answers 302, a redirect, which is not followed; put the webhook's own URL in its place",
        );
        check(400, "invalid_payload", "refused: the webhook refused a message (400 invalid_payload)");
        check(400, "bad text: <record>", "refused: the webhook refused a message (400)");
        check(400, "no_team", &gone("400 no_team"));
        check(401, "", &gone("401"));
        check(403, "action_prohibited", &gone("403 action_prohibited"));
        check(404, "no_service", &gone("404 no_service"));
        check(405, "", &gone("405"));
        check(408, "", "later: the webhook cannot take messages now (408)");
        check(410, "channel_is_archived", &gone("410 channel_is_archived"));
        check(413, "", "refused: the webhook refused a message (413)");
        check(429, "rate_limited", "later: the webhook asks for a pause (429 rate_limited)");
        check(500, "rollup_error", "later: the webhook cannot take messages now (500 rollup_error)");
        check(503, "<html>", "later: the webhook cannot take messages now (503)");
    }

    #[test]
    fn pauses() {
        // Wed, 21 Oct 2015 07:28:00 GMT
        const NOW: u64 = 1_445_412_480_000_000_000;
        for (text, expected) in [
            ("30", Some(30)),
            (" 7 ", Some(7)),
            ("0", Some(1)),
            ("301", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("Wed, 21 Oct 2015 07:28:42 GMT", Some(42)),
            ("Wed, 21 Oct 2015 07:20:00 GMT", Some(1)),
            ("Wed, 21 Oct 2115 07:20:00 GMT", None),
            ("Mon, 21 Oct 2115 07:20:00 GMT", Some(300)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(pause(text, NOW), expected.map(Duration::from_secs), "{text}");
        }
        for status in [408, 429, 503] {
            let verdict = judge(answered(status, Some("30"), ""), 0);
            assert!(matches!(verdict, Verdict::Later { pause: Some(pause), .. } if pause.as_secs() == 30));
        }
    }
}
