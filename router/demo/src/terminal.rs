//! The terminal while the view is on it: taken on opening, given back on every way out.

use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use crate::{Error, Snapshot, view};

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Leave,
    /// Hold the record before and after, or go on.
    Hold,
}

/// The screen, taken. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

/// Whether a screen is open: a panic then gives the terminal back before it is told.
static OPEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

impl Screen {
    /// Call it on the thread that draws.
    pub fn open() -> Result<Self, Error> {
        let owner = thread::current().id();
        HOOK.call_once(|| restore_on_panic(owner));
        enable_raw_mode().map_err(Error::Terminal)?;
        OPEN.store(true, Ordering::SeqCst);
        // From here on whatever fails gives it back.
        let opened = execute!(stdout(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())))
            .map(|terminal| Self { terminal });
        opened.map_err(|error| {
            restore();
            Error::Terminal(error)
        })
    }

    pub fn draw(&mut self, snapshot: &Snapshot, frozen: bool) -> Result<(), Error> {
        self.terminal.draw(|frame| view::draw(frame, snapshot, frozen)).map(drop).map_err(Error::Terminal)
    }

    /// The next key that means something, within `patience`. Returns early, with none, when the size has changed.
    pub fn key(&mut self, patience: Duration) -> Result<Option<Key>, Error> {
        if !event::poll(patience).map_err(Error::Terminal)? {
            return Ok(None);
        }
        match event::read().map_err(Error::Terminal)? {
            Event::Key(key) => Ok(meaning(key)),
            _ => Ok(None),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn meaning(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
        (KeyCode::Char('q' | 'Q') | KeyCode::Esc, false) | (KeyCode::Char('c' | 'd'), true) => Some(Key::Leave),
        (KeyCode::Char(' '), _) => Some(Key::Hold),
        _ => None,
    }
}

/// Gives the terminal back, for who ends the process without dropping the screen. Does nothing if none is open. What fails has no better place to be told than the terminal that is left.
pub fn restore() {
    if OPEN.swap(false, Ordering::SeqCst) {
        let _: io::Result<()> = disable_raw_mode();
        let _: io::Result<()> = execute!(stdout(), LeaveAlternateScreen, Show);
    }
}

/// A panic of the drawing thread is told on a terminal that people can read. Those of other threads are caught by the
/// router and told in its log; for them the view stays.
fn restore_on_panic(owner: ThreadId) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == owner {
            restore();
            before(panic);
        } else if !OPEN.load(Ordering::SeqCst) {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_meanings() {
        let (none, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (code, modifiers, expect) in [
            (KeyCode::Char('q'), none, Some(Key::Leave)),
            (KeyCode::Esc, none, Some(Key::Leave)),
            (KeyCode::Char('c'), control, Some(Key::Leave)),
            (KeyCode::Char('c'), none, None),
            (KeyCode::Char('q'), control, None),
            (KeyCode::Char(' '), none, Some(Key::Hold)),
            (KeyCode::Up, none, None),
        ] {
            assert_eq!(meaning(KeyEvent::new(code, modifiers)), expect, "{code:?}");
            let release = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(code, modifiers) };
            assert_eq!(meaning(release), None);
        }
    }
}
