//! Where the demo is seen: the view on a terminal, plain lines everywhere else.

use std::{
    io::{self, IsTerminal as _, Write as _},
    thread,
    time::{Duration, Instant},
};

use sluice_demo::{
    Error, Snapshot, plain,
    snapshot::Places,
    terminal::{Key, Screen},
};

use super::document::HINTS;

/// Between two pictures, at most.
const PICTURE: Duration = Duration::from_millis(200);
/// Between two looks where nobody looks.
const LOOK: Duration = Duration::from_millis(100);
/// Between two blocks of lines.
const BLOCK: Duration = Duration::from_secs(2);
/// Between two blocks that show a record before and after.
const PAIR: Duration = Duration::from_secs(6);

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    GoOn,
    Leave,
}

pub(super) enum Stage {
    Screen { screen: Screen, held: bool },
    Lines { next: Instant, next_pair: Instant, told: Duration },
}

impl Stage {
    /// Takes the terminal if standard output is one; else tells where everything is.
    pub fn open(places: &Places) -> Result<Self, Error> {
        if io::stdout().is_terminal() {
            return Ok(Self::Screen { screen: Screen::open()?, held: false });
        }
        tell(&format!(
            "sluice demo: three pipelines in this process; nothing is installed\n{}",
            places_and_hints(places)
        ))?;
        let now = Instant::now();
        Ok(Self::Lines { next: now + BLOCK / 2, next_pair: now, told: Duration::ZERO })
    }

    /// Shows the snapshot, if it is time to, and waits a moment.
    pub fn show(&mut self, snapshot: &Snapshot) -> Result<Turn, Error> {
        match self {
            Self::Screen { screen, held } => {
                screen.draw(snapshot, *held)?;
                match screen.key(PICTURE)? {
                    Some(Key::Leave) => return Ok(Turn::Leave),
                    Some(Key::Hold) => *held = !*held,
                    None => {}
                }
            }
            Self::Lines { next, next_pair, told } => {
                let now = Instant::now();
                if now >= *next {
                    *next += BLOCK;
                    let pair = now >= *next_pair && snapshot.pair.is_some();
                    if pair {
                        *next_pair = now + PAIR;
                    }
                    if !tell(&plain::block(snapshot, *told, pair))? {
                        return Ok(Turn::Leave);
                    }
                    let events = snapshot.events.iter().map(|event| event.at);
                    let alerts = snapshot.alerts.latest.iter().map(|alert| alert.at);
                    *told = events.chain(alerts).max().unwrap_or_default().max(*told);
                }
                thread::sleep(LOOK);
            }
        }
        Ok(Turn::GoOn)
    }

    /// Whether the record before and after stays.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Screen { held: true, .. })
    }
}

fn places_and_hints(places: &Places) -> String {
    plain::places(places, &HINTS.map(str::to_owned))
}

/// False if nobody reads any more.
pub(super) fn tell(text: &str) -> Result<bool, Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Terminal(error)),
    }
}
