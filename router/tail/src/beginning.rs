//! Where a file is begun that was there before the pipeline was.

use std::{fs::File, io};

use tracing::info;

use crate::{
    config::ReadFrom, files::Files, fingerprint::read_full, follower::READ, format::Format, position::Position,
};

impl Files {
    /// Has a file that nothing is remembered of begin behind its last whole line, where the config says so and this is
    /// the first scan of a first start. What cannot be looked through is read from its beginning.
    pub(crate) fn skip_history(&mut self, index: usize) {
        let is_history = !self.knows_all && self.config.read_from == ReadFrom::End;
        let follower = &mut self.followers[index];
        let (Some(format), Some(file)) = (follower.format(), follower.file()) else { return };
        if !is_history {
            return;
        }
        match end_of_lines(file, format) {
            Ok(position) => {
                info!(path = %follower.path.display(), bytes = position.lowest(), "a log file is followed from its end");
                follower.begin_at(position, self.generation.clone());
            }
            Err(error) => self.complaints.about(&follower.path, &error),
        }
    }
}

/// The position behind the last whole line.
fn end_of_lines(file: &File, format: Format) -> io::Result<Position> {
    let mut block = vec![0; READ];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(READ as u64);
        let length = read_full(file, &mut block[..(end - start) as usize], start)?;
        if let Some(newline) = memchr::memrchr(b'\n', &block[..length]) {
            let line = memchr::memrchr(b'\n', &block[..newline]).map_or(0, |before| before + 1);
            let time = format.parse(&block[line..newline]).map_or(0, |fragment| fragment.time);
            let at = start + newline as u64 + 1;
            return Ok(Position { stdout: at, stderr: at, memory: 0, time });
        }
        end = start;
    }
    Ok(Position::default())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_end_is_behind_the_last_newline() {
        let line = "2023-11-14T22:13:20Z stdout F a\n";
        let long = "x".repeat(READ * 2);
        for (content, at, time) in [
            (String::new(), 0, 0),
            ("incomplete".into(), 0, 0),
            (line.into(), line.len(), 1_700_000_000_000_000_000),
            (format!("{line}incompl"), line.len(), 1_700_000_000_000_000_000),
            (format!("{line}{line}{long}"), line.len() * 2, 1_700_000_000_000_000_000),
            (format!("{line}{long}\nincompl"), line.len() + long.len() + 1, 0),
            (long.clone(), 0, 0),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let position = end_of_lines(&file, Format::Cri).unwrap();
            assert_eq!((position.lowest(), position.time), (at as u64, time), "{}", content.len());
        }
    }
}
