//! Pipelines and plugins, a row each.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row, Table};

use super::{BAD, QUIET, STRONG, block};
use crate::figures::{cost, lag, thousands, unless_zero};
use crate::snapshot::{Pipeline, Plugin};

/// A column: its heading, its width, and its rank: where not all fit, those of a low rank stay.
type Column = (&'static str, u16, u8);

const PIPELINES: [Column; 9] = [
    ("pipeline", 8, 0),
    ("", 22, 8),
    ("read/s", 7, 3),
    ("out/s", 7, 2),
    ("lag", 13, 1),
    ("in flight", 9, 5),
    ("delivered", 10, 4),
    ("dropped", 9, 6),
    ("lost", 7, 7),
];

const PLUGINS: [Column; 9] = [
    ("pipeline", 8, 5),
    ("plugin", 18, 0),
    ("ns/record", 9, 1),
    ("records", 10, 7),
    ("drops", 9, 2),
    ("edits", 9, 3),
    ("alerts", 7, 4),
    ("faults", 7, 6),
    ("digest", 9, 8),
];

/// Columns of names; those behind hold numbers, and stand to the right.
const NAMES: usize = 2;

pub(super) fn pipelines(frame: &mut Frame, area: Rect, pipelines: &[Pipeline]) {
    let rows = pipelines.iter().map(|pipeline| {
        [
            Cell::from(pipeline.name.clone()).style(STRONG),
            Cell::from(pipeline.route.clone()).style(QUIET),
            number(thousands(pipeline.read_per_s)),
            number(thousands(pipeline.delivered_per_s)),
            number(lag(pipeline.lag)),
            number(thousands(pipeline.in_flight)),
            number(thousands(pipeline.delivered)),
            number(unless_zero(pipeline.dropped)),
            number(unless_zero(pipeline.dead_lettered + pipeline.expired)).style(BAD),
        ]
    });
    draw(frame, area, " Pipelines ", &PIPELINES, rows);
}

pub(super) fn plugins(frame: &mut Frame, area: Rect, plugins: &[Plugin]) {
    let rows = plugins.iter().map(|plugin| {
        [
            Cell::from(plugin.pipeline.clone()).style(QUIET),
            Cell::from(plugin.name.clone()).style(STRONG),
            number(cost(plugin.ns_per_record)),
            number(thousands(plugin.records)),
            number(unless_zero(plugin.dropped)),
            number(unless_zero(plugin.edits)),
            number(unless_zero(plugin.alerts)),
            number(unless_zero(plugin.faults)).style(BAD),
            number(plugin.digest.clone()).style(QUIET),
        ]
    });
    draw(frame, area, " Plugins ", &PLUGINS, rows);
}

fn number(text: String) -> Cell<'static> {
    Cell::from(Text::from(text).right_aligned())
}

fn draw(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    columns: &[Column; 9],
    rows: impl Iterator<Item = [Cell<'static>; 9]>,
) {
    let block = block(title);
    let fitting = fitting(columns, block.inner(area).width);
    let fit = |cells: [Cell<'static>; 9]| {
        let cells = cells.into_iter().enumerate().filter(|(at, _)| fitting.contains(at));
        Row::new(cells.map(|(_, cell)| cell))
    };
    let heads = columns
        .iter()
        .enumerate()
        .filter(|(at, _)| fitting.contains(at))
        .map(|(at, (name, ..))| if at < NAMES { Cell::from(*name) } else { number((*name).to_owned()) });
    let head = Row::new(heads).style(QUIET);
    let widths = fitting.iter().map(|at| Constraint::Length(columns[*at].1));
    frame.render_widget(Table::new(rows.map(fit), widths).header(head).block(block), area);
}

/// The columns that fit into the width with one space between them, by their places; the one of the lowest rank always.
fn fitting(columns: &[Column], width: u16) -> Vec<usize> {
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|at| columns[*at].2);
    let mut left = width;
    by_rank.retain(|at| {
        let (_, wanted, rank) = columns[*at];
        let fits = wanted <= left || rank == 0;
        if fits {
            left = left.saturating_sub(wanted + 1);
        }
        fits
    });
    by_rank.sort_unstable();
    by_rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_by_rank() {
        let names = |columns: &[Column], width| -> Vec<&str> {
            fitting(columns, width).into_iter().map(|at| columns[at].0).collect()
        };
        for (width, expect) in [
            (0, &["pipeline"][..]),
            (22, &["pipeline", "lag"]),
            (38, &["pipeline", "read/s", "out/s", "lag"]),
            (78, &["pipeline", "read/s", "out/s", "lag", "in flight", "delivered", "dropped", "lost"]),
        ] {
            assert_eq!(names(&PIPELINES, width), expect, "{width}");
        }
        assert_eq!((names(&PIPELINES, 128).len(), names(&PLUGINS, 128).len()), (9, 9));
        assert_eq!(names(&PLUGINS, 78), ["pipeline", "plugin", "ns/record", "drops", "edits", "alerts", "faults"]);
    }
}
