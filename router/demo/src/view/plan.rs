//! Which sections fit, and how high each is.

use crate::Snapshot;

/// From the top of the picture to its bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Pipelines,
    Plugins,
    Pair,
    News,
    Try,
}

/// Rows of a border.
const FRAME: u16 = 2;
/// The most important first.
const BY_WORTH: [Section; 5] = [Section::Pipelines, Section::Plugins, Section::News, Section::Pair, Section::Try];

/// Sections with their heights, from top to bottom; together at most `height`. What does not fit with its least height
/// is left out.
pub(super) fn plan(height: u16, snapshot: &Snapshot) -> Vec<(Section, u16)> {
    let mut left = height;
    let mut chosen = Vec::new();
    for section in BY_WORTH {
        let (least, _) = bounds(section, snapshot);
        if least <= left {
            left -= least;
            chosen.push((section, least));
        }
    }
    for (section, rows) in &mut chosen {
        let (_, most) = bounds(*section, snapshot);
        let more = most.saturating_sub(*rows).min(left);
        *rows += more;
        left -= more;
    }
    // What nobody asked for makes the news longer.
    if let Some((_, rows)) = chosen.iter_mut().find(|(section, _)| *section == Section::News) {
        *rows += left;
    }
    chosen.sort_unstable();
    chosen
}

/// The least and the most rows that a section makes use of.
fn bounds(section: Section, snapshot: &Snapshot) -> (u16, u16) {
    let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).saturating_add(FRAME);
    let table = |count: usize| rows(count.saturating_add(1));
    match section {
        Section::Pipelines => (table(snapshot.pipelines.len()), table(snapshot.pipelines.len())),
        Section::Plugins => (table(snapshot.plugins.len()), table(snapshot.plugins.len())),
        Section::Pair => (FRAME + 4, FRAME + 8),
        Section::News => (FRAME + 3, FRAME + 6),
        Section::Try => (rows(snapshot.hints.len().max(1)), rows(snapshot.hints.len() + 5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample;

    #[test]
    fn sections_go_by_their_worth() {
        use Section::{News, Pair, Pipelines, Plugins, Try};
        for (height, expect) in [
            (0, vec![]),
            (3, vec![(Try, 3)]),
            (5, vec![(News, 5)]),
            (6, vec![(Pipelines, 6)]),
            (12, vec![(Pipelines, 6), (Plugins, 6)]),
            (17, vec![(Pipelines, 6), (Plugins, 6), (News, 5)]),
            (23, vec![(Pipelines, 6), (Plugins, 6), (Pair, 6), (News, 5)]),
            (40, vec![(Pipelines, 6), (Plugins, 6), (Pair, 10), (News, 10), (Try, 8)]),
        ] {
            assert_eq!(plan(height, &sample()), expect, "{height}");
        }
    }
}
