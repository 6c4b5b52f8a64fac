//! The demo's picture: drawn from a snapshot, whatever the size of the terminal.

mod news;
mod pair;
mod plan;
mod tables;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use self::plan::{Section, plan};
use crate::Snapshot;
use crate::figures::{clock, thousands};
use crate::plain::named;

const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Draws all of it. `frozen` tells that the record before and after stands still.
pub(crate) fn draw(frame: &mut Frame, snapshot: &Snapshot, frozen: bool) {
    let [header, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(head(snapshot), header);
    frame.render_widget(keys(frozen), footer);
    let sections = plan(body.height, snapshot);
    let rows: Vec<Constraint> = sections.iter().map(|(_, height)| Constraint::Length(*height)).collect();
    let areas = Layout::vertical(rows).split(body);
    for ((section, _), area) in sections.iter().zip(areas.iter()) {
        section_of(frame, *section, *area, snapshot);
    }
}

fn section_of(frame: &mut Frame, section: Section, area: Rect, snapshot: &Snapshot) {
    match section {
        Section::Pipelines => tables::pipelines(frame, area, &snapshot.pipelines),
        Section::Plugins => tables::plugins(frame, area, &snapshot.plugins),
        Section::Pair => pair::draw(frame, area, snapshot.pair.as_ref()),
        Section::News => news::draw(frame, area, snapshot),
        Section::Try => hints(frame, area, snapshot),
    }
}

fn head(snapshot: &Snapshot) -> Line<'static> {
    let left = snapshot.left.map(|left| format!(" ({} left)", clock(left))).unwrap_or_default();
    let mut spans = vec![
        Span::styled(" sluice demo ", STRONG.bg(Color::Blue).fg(Color::White)),
        Span::raw(format!(" {}{left}  ", clock(snapshot.elapsed))),
    ];
    for (number, name) in
        [(snapshot.printed, "lines printed"), (snapshot.printed_per_s, "a second"), (snapshot.documents, "documents")]
    {
        spans.push(Span::styled(thousands(number), STRONG));
        spans.push(Span::raw(format!(" {name}  ")));
    }
    Line::from(spans)
}

fn keys(frozen: bool) -> Line<'static> {
    let freeze = if frozen { "goes on with other records" } else { "holds the record before and after" };
    Line::from(vec![
        Span::styled(" q ", STRONG),
        Span::styled("or Ctrl-C leaves and closes the books   ", QUIET),
        Span::styled("space ", STRONG),
        Span::styled(freeze, QUIET),
    ])
}

fn hints(frame: &mut Frame, area: Rect, snapshot: &Snapshot) {
    let mut lines: Vec<Line> =
        snapshot.hints.iter().map(|hint| Line::from(vec![Span::styled("try ", GOOD), Span::raw(hint)])).collect();
    let places = named(&snapshot.places).into_iter();
    lines
        .extend(places.map(|(name, place)| Line::from(vec![Span::styled(format!("{name:<11}"), QUIET), place.into()])));
    frame.render_widget(Paragraph::new(lines).block(block(" While it runs ")), area);
}

fn block(title: &str) -> Block<'_> {
    Block::bordered().border_style(QUIET).title(title).title_style(STRONG)
}

/// A snapshot with something in every place.
#[cfg(test)]
pub(crate) fn sample() -> Snapshot {
    use std::time::Duration;

    use crate::snapshot::{Alert, Alerts, Event, Kind, Lag, Pair, Pipeline, Places, Plugin};

    let at = Duration::from_secs;
    let pipeline = |name: &str, route: &str, lag| Pipeline {
        name: name.into(),
        route: route.into(),
        read_per_s: 300,
        delivered_per_s: 210,
        lag: Some(lag),
        in_flight: 12,
        delivered: 13_000,
        dropped: 5_850,
        dead_lettered: 0,
        expired: 3,
    };
    let plugin = |pipeline: &str, name: &str| Plugin {
        pipeline: pipeline.into(),
        name: name.into(),
        digest: "sha2:ab12".into(),
        records: 19_000,
        dropped: 5_850,
        edits: 7,
        alerts: 0,
        faults: 1,
        ns_per_record: Some(220.4),
    };
    Snapshot {
        elapsed: at(65),
        left: Some(at(30)),
        printed: 19_500,
        printed_per_s: 300,
        rotations: 4,
        documents: 12_000,
        pipelines: vec![
            pipeline("ship", "files → kafka", Lag::Bytes(12_000)),
            pipeline("index", "kafka → elasticsearch", Lag::Records(40)),
            pipeline("alert", "kafka → slack", Lag::Records(0)),
        ],
        plugins: vec![plugin("ship", "drop-debug"), plugin("ship", "redact"), plugin("alert", "exceptions")],
        alerts: Alerts {
            posted: 9,
            repeats: 40,
            refused: 1,
            latest: vec![Alert {
                at: at(61),
                text: "Found problem in log\nContainer: app\nPod: web-1\na.BException: boom\n".into(),
            }],
        },
        pair: Some(Pair {
            record: "cart-1 line 812".into(),
            before: r#"{"card":"4111 1111"}"#.into(),
            after: r#"{"card":"[card]"}"#.into(),
            secrets: vec!["4111 1111".into()],
            masks: vec!["[card]".into()],
        }),
        events: vec![
            Event { at: at(64), kind: Kind::Fault, text: "the second plugin failed".into() },
            Event { at: at(60), kind: Kind::Change, text: "sluice.yaml was taken".into() },
        ],
        places: Places {
            config: "/tmp/demo/sluice.yaml".into(),
            plugins: "/tmp/demo/plugins".into(),
            containers: "/tmp/demo/node/var/log/containers".into(),
            log: "/tmp/demo/sluice.log".into(),
            index: "http://127.0.0.1:9200".into(),
        },
        hints: vec!["edit sluice.yaml: at_least: info → error".into()],
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn picture(width: u16, height: u16, snapshot: &Snapshot) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, snapshot, false)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(row).collect()
    }

    fn shows(width: u16, height: u16, parts: &[&str]) {
        let picture = picture(width, height, &sample()).join("\n");
        for part in parts {
            assert!(picture.contains(part), "{width}x{height}: {part} is missing in\n{picture}");
        }
    }

    #[test]
    fn a_large_terminal_shows_everything() {
        shows(
            120,
            50,
            &[
                "sluice demo",
                "19,500 lines printed",
                "files → kafka",
                "12 KiB",
                "drop-debug",
                "sha2:ab12",
                "220",
                "cart-1 line 812",
                r#"{"card":"4111 1111"}"#,
                r#"{"card":"[card]"}"#,
                "a.BException: boom · app · web-1",
                "9 posted",
                "sluice.yaml was taken",
                "the second plugin failed",
                "try edit sluice.yaml",
                "/tmp/demo/plugins",
                "space holds the record",
            ],
        );
    }

    #[test]
    fn a_usual_terminal_shows_what_matters() {
        shows(80, 24, &["sluice demo", "ship", "index", "alert", "redact", "a.BException", "leaves"]);
    }

    #[test]
    fn no_size_and_no_content_panics() {
        let mut odd = sample();
        odd.hints = vec!["x".repeat(500); 30];
        odd.events.iter_mut().for_each(|event| event.text = "ü→\t\u{7}".repeat(200));
        odd.pipelines = vec![odd.pipelines[0].clone(); 40];
        for snapshot in [Snapshot::default(), sample(), odd] {
            for (width, height) in
                [(0, 0), (1, 1), (2, 3), (5, 40), (10, 7), (39, 12), (80, 5), (80, 24), (99, 31), (100, 31), (300, 120)]
            {
                picture(width, height, &snapshot);
            }
        }
    }

    #[test]
    fn a_terminal_may_change_its_size() {
        let mut terminal = Terminal::new(TestBackend::new(120, 50)).unwrap();
        for (width, height) in [(120, 50), (20, 5), (80, 24), (0, 0), (200, 60)] {
            terminal.backend_mut().resize(width, height);
            terminal.draw(|frame| draw(frame, &sample(), true)).unwrap();
        }
    }

    #[test]
    fn secrets_and_their_masks_are_marked() {
        let mut terminal = Terminal::new(TestBackend::new(120, 50)).unwrap();
        terminal.draw(|frame| draw(frame, &sample(), false)).unwrap();
        let buffer = terminal.backend().buffer();
        let coloured = |color: Color| -> String {
            let cells = buffer.content().iter().filter(|cell| cell.fg == color);
            cells.map(ratatui::buffer::Cell::symbol).collect()
        };
        assert!(coloured(Color::Red).contains("4111 1111"), "{}", coloured(Color::Red));
        assert!(coloured(Color::Green).contains("[card]"), "{}", coloured(Color::Green));
    }
}
