//! Stack traces and other texts of several lines: which lines belong together.
//!
//! A trace is found by its first line, and goes on as long as each next line can be one of it: nothing is looked ahead,
//! so that no line waits that is not a part of a trace itself.

mod dotnet;
mod go;
mod java;
mod javascript;
mod line;
mod php;
mod python;
mod ruby;
mod rule;

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

pub use line::without_line_break;
pub use rule::{Rule, RuleError};

/// A language whose stack traces are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Java,
    Python,
    Go,
    JavaScript,
    DotNet,
    Ruby,
    Php,
}

/// Where a trace of one language is; 0 where it is none of this language. The others are each language's own.
type State = u8;
const NONE: State = 0;

/// A trace that is open: what it can be a trace of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    rule: Option<usize>,
    states: [State; Language::ALL.len()],
}

/// Which lines of a stream are one record.
#[derive(Clone, Debug)]
pub struct Multiline {
    languages: Vec<Language>,
    rules: Vec<Rule>,
    /// Finds where a trace may begin in a line.
    anchors: Option<AhoCorasick>,
    /// Lines after which a record is ended.
    pub max_lines: usize,
}

impl Language {
    pub const ALL: [Self; 7] =
        [Self::Java, Self::Python, Self::Go, Self::JavaScript, Self::DotNet, Self::Ruby, Self::Php];

    /// What stands in each line that a trace may begin with, but for those of [`Language::begins_bare`].
    fn anchors(self) -> &'static [&'static str] {
        match self {
            Self::Java => java::ANCHORS,
            Self::Python => python::ANCHORS,
            Self::Go => go::ANCHORS,
            Self::JavaScript => javascript::ANCHORS,
            Self::DotNet => dotnet::ANCHORS,
            Self::Ruby => ruby::ANCHORS,
            Self::Php => php::ANCHORS,
        }
    }

    /// Whether a trace begins with this line, which has an anchor from `at` to `end`.
    fn begins(self, line: &[u8], at: usize, end: usize) -> State {
        match self {
            Self::Java => java::begins(line, at, end),
            Self::Python => python::begins(line, at),
            Self::Go => go::begins(line, at),
            Self::JavaScript => javascript::begins(line, at, end),
            Self::DotNet => dotnet::begins(line, at, end),
            Self::Ruby => ruby::begins(line, at),
            Self::Php => php::begins(line, at),
        }
    }

    /// Whether a trace, or the rest of one, begins with this line by its own first bytes.
    fn begins_bare(self, line: &[u8]) -> State {
        match self {
            Self::Java => java::begins_bare(line),
            Self::Python => python::begins_bare(line),
            Self::Go => NONE,
            Self::JavaScript => javascript::begins_bare(line),
            Self::DotNet => dotnet::begins_bare(line),
            Self::Ruby => ruby::begins_bare(line),
            Self::Php => php::begins_bare(line),
        }
    }

    /// Where a trace is after this line.
    fn next(self, state: State, line: &[u8]) -> State {
        match self {
            Self::Java => java::next(state, line),
            Self::Python => python::next(state, line),
            Self::Go => go::next(state, line),
            Self::JavaScript => javascript::next(state, line),
            Self::DotNet => dotnet::next(state, line),
            Self::Ruby => ruby::next(state, line),
            Self::Php => php::next(state, line),
        }
    }
}

impl Multiline {
    /// `max_lines` is 2 at least.
    pub fn new(languages: Vec<Language>, rules: Vec<Rule>, max_lines: usize) -> Self {
        let anchors: BTreeSet<&str> = languages.iter().flat_map(|language| language.anchors()).copied().collect();
        // This kind of match is the one that is searched for with vectors. A few short texts always become a searcher;
        // without one traces are found by their frames alone.
        let searcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(anchors);
        let anchors = searcher.ok().filter(|_| !languages.is_empty());
        Self { languages, rules, anchors, max_lines }
    }

    /// Whether a record of several lines may begin with this line, which has no line break.
    pub fn first(&self, line: &[u8]) -> Option<Trace> {
        if let Some(rule) = self.rules.iter().position(|rule| rule.starts(line)) {
            return Some(Trace { rule: Some(rule), ..Trace::default() });
        }
        match line.first()? {
            // Lines of JSON are the most of all, and are whole.
            b'{' => None,
            b' ' | b'\t' | b'#' | b'/' | b'f' | b'n' | b'i' | b'w' | b'c' | b'd' | b't' => {
                self.all(|language| language.begins_bare(line)).or_else(|| self.anchored(line))
            }
            _ => self.anchored(line),
        }
    }

    fn anchored(&self, line: &[u8]) -> Option<Trace> {
        let mut found = self.anchors.as_ref()?.find_iter(line);
        found.find_map(|found| self.all(|language| language.begins(line, found.start(), found.end())))
    }

    /// Where the trace is with this line, which has no line break; `None` where it does not belong to it.
    pub fn next(&self, trace: Trace, line: &[u8]) -> Option<Trace> {
        if let Some(rule) = trace.rule {
            let begins_anew = self.rules.iter().any(|rule| rule.starts(line));
            return (!begins_anew && self.rules[rule].goes_on(line)).then_some(trace);
        }
        self.all(|language| match trace.states[language as usize] {
            NONE => NONE,
            state => language.next(state, line),
        })
    }

    /// What the languages say of a line; `None` if it is nothing to all of them.
    fn all(&self, judge: impl Fn(Language) -> State) -> Option<Trace> {
        let mut trace = Trace::default();
        for language in &self.languages {
            trace.states[*language as usize] = judge(*language);
        }
        (trace != Trace::default()).then_some(trace)
    }
}

#[cfg(test)]
mod tests;
