//! How the lines of `source.files` become records.

use std::time::Duration;

use sluice_tail::multiline::{Rule, RuleError};
use sluice_tail::{LineTime as Pattern, LineTimeError};

use super::decode::Block;
use super::document::{Node, Value};
use super::kinds;
use super::plan::{Language, LineTime, LogFormat, LongLines, Multiline, Texts};
use super::problem::join;

const LONG_LINES: [(&str, LongLines); 2] = [("truncate", LongLines::Truncate), ("split", LongLines::Split)];

const FORMATS: [(&str, Option<LogFormat>); 4] = [
    ("auto", None),
    ("cri", Some(LogFormat::Cri)),
    ("docker", Some(LogFormat::Docker)),
    ("plain", Some(LogFormat::Plain)),
];

const LANGUAGES: [(&str, Language); 7] = [
    ("java", Language::Java),
    ("python", Language::Python),
    ("go", Language::Go),
    ("javascript", Language::JavaScript),
    ("dotnet", Language::DotNet),
    ("ruby", Language::Ruby),
    ("php", Language::Php),
];

/// Reads the keys that say how lines are put together and cut.
pub(super) fn texts(files: &Block) -> Texts {
    let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(3600));
    let long_lines = files.get("long_lines", kinds::choice(&LONG_LINES));
    let format = files.get("format", kinds::choice(&FORMATS)).flatten();
    let time = files.child("time").and_then(time);
    if time.is_some() && matches!(format, Some(LogFormat::Cri | LogFormat::Docker)) {
        files.fail("time", "lines of this format carry their time; take \"time\" out, or write \"format: plain\"");
    }
    let items = files.items("multiline").unwrap_or_default();
    let multiline = items.iter().enumerate();
    let multiline = multiline
        .filter_map(|(index, node)| item(files, node, &format!("{}[{index}]", join(files.path(), "multiline"))));
    Texts {
        long_lines: long_lines.unwrap_or(LongLines::Truncate),
        format,
        time,
        multiline: multiline.collect(),
        max_join_lines: files.get("max_join_lines", kinds::count(2..=100_000)).unwrap_or(1000),
        join_timeout: files.get("join_timeout", kinds::duration(shortest, longest)).unwrap_or(Duration::from_secs(5)),
    }
}

fn time(block: Block) -> Option<LineTime> {
    let pattern = block.required("pattern", "pattern: '\"ts\":\"([^\"]+)\"'", kinds::text);
    let format = block.get("format", kinds::text);
    let zone = block.get("zone", kinds::text).unwrap_or_else(|| "UTC".to_owned());
    let problem = pattern.as_ref().and_then(|pattern| Pattern::new(pattern, format.as_deref(), &zone).err());
    match &problem {
        Some(LineTimeError::Pattern(message)) => block.fail("pattern", not_a_pattern(message)),
        Some(LineTimeError::Format(message)) => block.fail("format", message.as_str()),
        Some(LineTimeError::Zone(message)) => block.fail("zone", message.as_str()),
        None => {}
    }
    block.finish();
    pattern.map(|pattern| LineTime { pattern, format, zone })
}

/// A language, or patterns of one's own.
fn item(files: &Block, node: &Node, path: &str) -> Option<Multiline> {
    if let Value::Map(_) = &node.value {
        return rule(Block::open(files.findings(), node, node.at, path)?);
    }
    let language = kinds::choice(&LANGUAGES)(&node.value);
    let language = language.map_err(|message| {
        files.findings().error(node.at, path, format!("{message}, or patterns such as {{ start: '^\\d{{4}}-' }}"));
    });
    language.ok().map(Multiline::Language)
}

fn rule(block: Block) -> Option<Multiline> {
    let start = block.required("start", "start: '^\\d{4}-'", kinds::text);
    let go_on = block.get("continue", kinds::text);
    match start.as_ref().and_then(|start| Rule::new(start, go_on.as_deref()).err()) {
        Some(RuleError::Start(message)) => block.fail("start", not_a_pattern(&message)),
        Some(RuleError::Continue(message)) => block.fail("continue", not_a_pattern(&message)),
        None => {}
    }
    block.finish();
    start.map(|start| Multiline::Rule { start, go_on })
}

fn not_a_pattern(message: &str) -> String {
    format!("not a pattern that can be used: {message}")
}
