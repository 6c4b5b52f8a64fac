//! One record before and after.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::{BAD, GOOD, block};
use crate::snapshot::Pair;

pub(super) fn draw(frame: &mut Frame, area: Rect, pair: Option<&Pair>) {
    let title = pair.map_or(" Before and after ".to_owned(), |pair| format!(" Before and after: {} ", pair.record));
    let frame_of = block(&title);
    let inner = frame_of.inner(area);
    frame.render_widget(frame_of, area);
    let Some(pair) = pair else { return };
    let [before, after] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(inner);
    for (area, name, text, marks, style) in
        [(before, "file  ", &pair.before, &pair.secrets, BAD), (after, "index ", &pair.after, &pair.masks, GOOD)]
    {
        let mut spans = vec![Span::styled(name, super::QUIET)];
        spans.extend(marked(text, marks, style));
        frame.render_widget(Paragraph::new(Line::from(spans)).wrap(Wrap { trim: false }), area);
    }
}

/// The text, with every occurrence of a mark in `style`.
fn marked<'a>(text: &'a str, marks: &[String], style: Style) -> Vec<Span<'a>> {
    let mut spans = Vec::new();
    let mut rest = text;
    let next = |rest: &str| {
        let found = marks.iter().filter(|mark| !mark.is_empty());
        found
            .filter_map(|mark| Some((rest.find(mark.as_str())?, mark.len())))
            .min_by_key(|(at, len)| (*at, usize::MAX - len))
    };
    while let Some((at, length)) = next(rest) {
        let (plain, others) = rest.split_at(at);
        let (mark, others) = others.split_at(length);
        spans.extend([Span::raw(plain), Span::styled(mark, style)]);
        rest = others;
    }
    spans.push(Span::raw(rest));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found() {
        for (text, marks, expect) in [
            ("a secret, a secreter one", &["secret", "secreter"][..], "a <secret>, a <secreter> one"),
            ("nothing", &["", "x"], "nothing"),
            ("", &["x"], ""),
            ("xx", &["x"], "<x><x>"),
            ("ü4111ü", &["4111"], "ü<4111>ü"),
        ] {
            let marks: Vec<String> = marks.iter().map(|mark| (*mark).to_owned()).collect();
            let show = |span: Span| {
                if span.style == GOOD { format!("<{}>", span.content) } else { span.content.into_owned() }
            };
            let seen: String = marked(text, &marks, GOOD).into_iter().map(show).collect();
            assert_eq!(seen, expect);
        }
    }
}
