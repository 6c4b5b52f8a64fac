//! The plan's `files` source as the tail wants it.

use anyhow::Result;
use sluice_tail::{Format, LineTime, LongLines, multiline};

use crate::config::{self, FilesSource, ReadFrom, Texts};

pub(super) fn source(plan: &FilesSource) -> Result<sluice_tail::Config> {
    let texts = &plan.texts;
    Ok(sluice_tail::Config {
        include: plan.include.clone(),
        exclude: plan.exclude.clone(),
        host: plan.host.clone(),
        checkpoints: plan.checkpoints.clone(),
        exclude_own: plan.exclude_own,
        max_line: usize::try_from(plan.max_line).unwrap_or(usize::MAX),
        long_lines: match texts.long_lines {
            config::LongLines::Truncate => LongLines::Truncate,
            config::LongLines::Split => LongLines::Split,
        },
        format: texts.format.map(|format| match format {
            config::LogFormat::Cri => Format::Cri,
            config::LogFormat::Docker => Format::Docker,
            config::LogFormat::Plain => Format::Plain,
        }),
        line_time: texts.time.as_ref().map(line_time).transpose()?,
        multiline: multiline(texts)?,
        join_timeout: texts.join_timeout,
        read_from: match plan.read_from {
            ReadFrom::Beginning => sluice_tail::ReadFrom::Beginning,
            ReadFrom::End => sluice_tail::ReadFrom::End,
        },
        rate_limit: plan.rate_limit,
        scan_interval: plan.scan_interval,
        ..sluice_tail::Config::default()
    })
}

fn line_time(plan: &config::LineTime) -> Result<LineTime> {
    Ok(LineTime::new(&plan.pattern, plan.format.as_deref(), &plan.zone)?)
}

fn multiline(plan: &Texts) -> Result<Option<multiline::Multiline>> {
    let (mut languages, mut rules) = (Vec::new(), Vec::new());
    for item in &plan.multiline {
        match item {
            config::Multiline::Language(language) => languages.push(match language {
                config::Language::Java => multiline::Language::Java,
                config::Language::Python => multiline::Language::Python,
                config::Language::Go => multiline::Language::Go,
                config::Language::JavaScript => multiline::Language::JavaScript,
                config::Language::DotNet => multiline::Language::DotNet,
                config::Language::Ruby => multiline::Language::Ruby,
                config::Language::Php => multiline::Language::Php,
            }),
            config::Multiline::Rule { start, go_on } => rules.push(multiline::Rule::new(start, go_on.as_deref())?),
        }
    }
    let has_any = !plan.multiline.is_empty();
    Ok(has_any.then(|| multiline::Multiline::new(languages, rules, plan.max_join_lines)))
}
