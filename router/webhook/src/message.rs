//! The message of an alert, as the article's notifier posted it.

use std::time::Duration;

use serde::Serialize;
use sluice_core::{Alert, Severity};

/// How often a group's alert came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    pub count: u64,
    /// From the first alert to the end of counting.
    pub within: Duration,
}

/// `{"attachments":[{"text":"…","color":"#00FF00"}]}`; `fields` follow where the alert has details.
#[derive(Serialize)]
struct Message<'a> {
    attachments: [Attachment<'a>; 1],
}

#[derive(Serialize)]
struct Attachment<'a> {
    text: String,
    color: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    title: String,
    value: String,
    short: bool,
}

/// The JSON to post: title and text, and a last line that tells the repeats if there are any.
pub fn body(alert: &Alert, repeats: Option<Repeats>) -> Vec<u8> {
    let mut text = String::with_capacity(alert.title.len() + alert.text.len() + 64);
    if !alert.title.is_empty() {
        text.push_str(&escape(&alert.title));
        text.push('\n');
    }
    text.push_str(&escape(&alert.text));
    if let Some(Repeats { count, within }) = repeats {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let times = if count == 1 { "time" } else { "times" };
        text.push_str(&format!("Repeated {count} {times} in the last {}", span(within)));
    }
    let fields = alert.details.iter();
    let fields =
        fields.map(|(title, value)| Field { title: escape(title), value: escape(value), short: true }).collect();
    let color = if alert.color.is_empty() { color(alert.severity) } else { &alert.color };
    let message = Message { attachments: [Attachment { text, color, fields }] };
    // Strings always become JSON.
    serde_json::to_vec(&message).unwrap_or_default()
}

/// The article's script posts texts as they are. Here they are made harmless: these three characters are Slack's
/// markup, and a log text with `<!channel>` in it must not call everyone. Slack shows `&lt;` as `<` again.
fn escape(text: &str) -> String {
    if !text.contains(['&', '<', '>']) {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "#439FE0",
        Severity::Warning => "#DAA038",
        Severity::Error => "#D9534F",
        Severity::Critical => "#A30200",
    }
}

/// `5m`, `1h30m`, `45s`; never less than `1s`.
fn span(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000).max(1);
    let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alert;

    fn check(alert: Alert, repeats: Option<Repeats>, expected: &str) {
        assert_eq!(String::from_utf8(body(&alert, repeats)).unwrap(), expected);
    }

    #[test]
    fn bodies() {
        let plain = || Alert { color: "#00FF00".into(), ..alert(None, "f") };
        let repeats = |count, seconds| Some(Repeats { count, within: Duration::from_secs(seconds) });
        // The article's message, its spaces before two of the line breaks included.
        let text = "Found problem in log\nContainer: web\nNamespace: shop \nPod: web-1 \nHost: node-1";
        check(
            Alert { text: text.into(), ..plain() },
            None,
            r##"{"attachments":[{"text":"Found problem in log\nContainer: web\nNamespace: shop \nPod: web-1 \nHost: node-1","color":"#00FF00"}]}"##,
        );
        check(
            Alert { title: "Boom".into(), text: "in web".into(), ..plain() },
            None,
            r##"{"attachments":[{"text":"Boom\nin web","color":"#00FF00"}]}"##,
        );
        check(
            Alert { text: "in web".into(), ..plain() },
            repeats(7, 300),
            r##"{"attachments":[{"text":"in web\nRepeated 7 times in the last 5m","color":"#00FF00"}]}"##,
        );
        check(
            Alert { text: "in web\n".into(), ..plain() },
            repeats(1, 5400),
            r##"{"attachments":[{"text":"in web\nRepeated 1 time in the last 1h30m","color":"#00FF00"}]}"##,
        );
        check(
            Alert {
                title: "<!channel> a&b".into(),
                text: "\"quoted\" \\ é\u{1}\u{2028} <http://evil|click> &lt;".into(),
                details: vec![("Pod".into(), "web-1".into()), ("<b>".into(), "<@U1>".into())],
                ..plain()
            },
            None,
            concat!(
                r##"{"attachments":[{"text":"&lt;!channel&gt; a&amp;b\n\"quoted\" \\ é\u0001"##,
                "\u{2028}",
                r##" &lt;http://evil|click&gt; &amp;lt;","color":"#00FF00","fields":"##,
                r##"[{"title":"Pod","value":"web-1","short":true},{"title":"&lt;b&gt;","value":"&lt;@U1&gt;","short":true}]}]}"##
            ),
        );
        for (severity, color) in [
            (Severity::Info, "#439FE0"),
            (Severity::Warning, "#DAA038"),
            (Severity::Error, "#D9534F"),
            (Severity::Critical, "#A30200"),
        ] {
            let alert = Alert { severity, color: String::new(), text: String::new(), ..plain() };
            check(alert, None, &format!(r#"{{"attachments":[{{"text":"","color":"{color}"}}]}}"#));
        }
    }

    #[test]
    fn spans() {
        for (milliseconds, expected) in
            [(0, "1s"), (1, "1s"), (1000, "1s"), (1001, "2s"), (60_000, "1m"), (90_000, "1m30s"), (86_400_000, "24h")]
        {
            assert_eq!(span(Duration::from_millis(milliseconds)), expected);
        }
    }
}
