//! Pipelines and plugins, a row each.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row, Table};

use super::{BAD, QUIET, STRONG, block};
use crate::figures::{cost, lag, thousands, unless_zero};
use crate::snapshot::{Pipeline, Plugin};

pub(super) fn pipelines(frame: &mut Frame, area: Rect, pipelines: &[Pipeline]) {
    let head = ["pipeline", "", "read/s", "out/s", "lag", "in flight", "delivered", "dropped", "lost"];
    let widths = [8, 22, 7, 7, 13, 9, 10, 9, 7];
    let rows = pipelines.iter().map(|pipeline| {
        let lost = pipeline.dead_lettered + pipeline.expired;
        Row::new([
            Cell::from(pipeline.name.clone()).style(STRONG),
            Cell::from(pipeline.route.clone()).style(QUIET),
            number(thousands(pipeline.read_per_s)),
            number(thousands(pipeline.delivered_per_s)),
            number(lag(pipeline.lag)),
            number(thousands(pipeline.in_flight)),
            number(thousands(pipeline.delivered)),
            number(unless_zero(pipeline.dropped)),
            number(unless_zero(lost)).style(BAD),
        ])
    });
    draw(frame, area, " Pipelines ", &head, &widths, 2, rows.collect());
}

pub(super) fn plugins(frame: &mut Frame, area: Rect, plugins: &[Plugin]) {
    let head = ["pipeline", "plugin", "ns/record", "records", "drops", "edits", "alerts", "faults", "digest"];
    let widths = [8, 20, 9, 10, 9, 9, 7, 7, 12];
    let rows = plugins.iter().map(|plugin| {
        Row::new([
            Cell::from(plugin.pipeline.clone()).style(QUIET),
            Cell::from(plugin.name.clone()).style(STRONG),
            number(cost(plugin.ns_per_record)),
            number(thousands(plugin.records)),
            number(unless_zero(plugin.dropped)),
            number(unless_zero(plugin.edits)),
            number(unless_zero(plugin.alerts)),
            number(unless_zero(plugin.faults)).style(BAD),
            number(plugin.digest.clone()).style(QUIET),
        ])
    });
    draw(frame, area, " Plugins ", &head, &widths, 2, rows.collect());
}

fn number(text: String) -> Cell<'static> {
    Cell::from(Text::from(text).right_aligned())
}

/// The first `names` columns hold names, the others numbers.
fn draw(frame: &mut Frame, area: Rect, title: &str, head: &[&str], widths: &[u16], names: usize, rows: Vec<Row>) {
    let head = head
        .iter()
        .enumerate()
        .map(|(at, name)| if at < names { Cell::from((*name).to_owned()) } else { number((*name).to_owned()) });
    let widths = widths.iter().map(|width| Constraint::Max(*width));
    let table = Table::new(rows, widths).header(Row::new(head).style(Style::from(QUIET))).block(block(title));
    frame.render_widget(table, area);
}
