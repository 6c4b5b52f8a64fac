//! Alerts as they came, and what happened.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{BAD, GOOD, QUIET, STRONG, block};
use crate::Snapshot;
use crate::figures::{clock, thousands};
use crate::plain::{brief, one_line};
use crate::snapshot::Kind;

/// From so many columns on both stand beside each other.
const WIDE: u16 = 100;

pub(super) fn draw(frame: &mut Frame, area: Rect, snapshot: &Snapshot) {
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    let [alerts, events] = if area.width >= WIDE || area.height < 8 {
        Layout::horizontal(halves).areas(area)
    } else {
        Layout::vertical(halves).areas(area)
    };
    draw_alerts(frame, alerts, snapshot);
    draw_events(frame, events, snapshot);
}

fn draw_alerts(frame: &mut Frame, area: Rect, snapshot: &Snapshot) {
    let alerts = &snapshot.alerts;
    let title = format!(
        " Alerts: {} posted, {} repeats, {} told to wait ",
        thousands(alerts.posted),
        thousands(alerts.repeats),
        thousands(alerts.refused)
    );
    let lines = alerts
        .latest
        .iter()
        .map(|alert| Line::from(vec![Span::styled(format!("{} ", clock(alert.at)), QUIET), brief(&alert.text).into()]));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block(&title)), area);
}

fn draw_events(frame: &mut Frame, area: Rect, snapshot: &Snapshot) {
    let lines = snapshot.events.iter().map(|event| {
        let style = match event.kind {
            Kind::Note => QUIET,
            Kind::Change => GOOD,
            Kind::Fault => BAD,
        };
        let sign = if event.kind == Kind::Fault { "! " } else { "> " };
        Line::from(vec![
            Span::styled(format!("{} ", clock(event.at)), QUIET),
            Span::styled(sign, STRONG),
            Span::styled(one_line(&event.text), style),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block(" Events ")), area);
}
