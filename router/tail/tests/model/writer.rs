//! What a runtime writes, what becomes of its files, and what must come of it.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use sluice_core::Stream;

use crate::{
    fixture::{Container, append, compress},
    sink::Sink,
};

pub struct Writer {
    container: Container,
    docker: bool,
    /// The contents that the container's file had, one after the other; the last is the one that is written to.
    contents: Vec<Content>,
    /// What is written next begins a new content.
    is_left: bool,
    /// The rotated files, oldest first, and which content each has, if any.
    rotated: Vec<(PathBuf, Option<usize>)>,
    parts: Vec<Part>,
    /// The whole texts, each as the numbers of its parts.
    pub texts: Vec<Vec<usize>>,
    open: [Vec<usize>; 2],
    /// The end of a line whose beginning is written.
    torn: Option<String>,
}

/// One physical line.
struct Part {
    number: usize,
    stream: Stream,
    content: usize,
    bytes: u64,
}

#[derive(Default)]
struct Content {
    bytes: u64,
    /// Only the agent that has it open can read it.
    is_deleted: bool,
    /// What was not delivered of it is gone.
    is_destroyed: bool,
}

impl Writer {
    pub fn new(container: Container, docker: bool) -> Self {
        Self {
            container,
            docker,
            contents: Vec::new(),
            is_left: true,
            rotated: Vec::new(),
            parts: Vec::new(),
            texts: Vec::new(),
            open: Default::default(),
            torn: None,
        }
    }

    pub fn write(&mut self, number: usize, stream: Stream, partial: bool, torn: bool) {
        self.finish_line();
        if std::mem::take(&mut self.is_left) {
            self.contents.push(Content::default());
        }
        let line = self.line(number, stream, partial);
        let content = self.contents.last_mut().unwrap();
        content.bytes += line.len() as u64;
        let content = self.contents.len() - 1;
        self.parts.push(Part { number, stream, content, bytes: line.len() as u64 });
        let (beginning, end) = line.split_at(if torn { line.len() / 2 } else { line.len() });
        self.container.append(beginning);
        self.torn = (!end.is_empty()).then(|| end.to_owned());
        let open = &mut self.open[stream as usize];
        open.push(number);
        if !partial {
            self.texts.push(std::mem::take(open));
        }
    }

    fn line(&self, number: usize, stream: Stream, partial: bool) -> String {
        let time = format!("2023-11-14T22:13:{:02}.{number:09}Z", number % 60);
        // Of many lengths: contents of the same length, written within one tick of the file system's clock, are one to
        // everybody who looks.
        let (name, text) = (stream.name(), format!("<{number:0width$}>", width = number * 7 % 61));
        match (self.docker, partial) {
            (true, true) => format!(r#"{{"log":"{text}","stream":"{name}","time":"{time}"}}"#) + "\n",
            (true, false) => format!(r#"{{"log":"{text}\n","stream":"{name}","time":"{time}"}}"#) + "\n",
            (false, true) => format!("{time} {name} P {text}\n"),
            (false, false) => format!("{time} {name} F {text}\n"),
        }
    }

    pub fn finish_line(&mut self) {
        if let Some(end) = self.torn.take() {
            self.container.append(end);
        }
    }

    /// After a rotation the file is there again, and all texts have their ends.
    pub fn end(&mut self, number: usize) {
        self.write(number, Stream::Stdout, false, false);
        self.write(number + 1, Stream::Stderr, false, false);
    }

    /// The writer finishes its line where it began it: in the file that has another name now.
    pub fn rotate(&mut self) {
        if self.container.log.exists() {
            let rotated = self.container.rotate();
            if let Some(end) = self.torn.take() {
                append(&rotated, end);
            }
            self.rotated.push((rotated, self.current()));
            self.is_left = true;
        }
    }

    pub fn copy_truncate(&mut self) {
        self.finish_line();
        if self.container.log.exists() {
            let copy = self.container.copy_truncate();
            self.rotated.push((copy, self.current()));
            self.is_left = true;
        }
    }

    pub fn compress(&mut self) {
        let count = self.rotated.len().saturating_sub(1);
        for (path, _) in &mut self.rotated[..count] {
            if path.extension().unwrap() == "gz" {
                continue;
            }
            *path = compress(path);
        }
    }

    /// `known`: the agent has it open, or has read it.
    pub fn expire(&mut self, known: bool) {
        if !self.rotated.is_empty() {
            let (path, content) = self.rotated.remove(0);
            fs::remove_file(path).unwrap();
            if let Some(content) = content {
                let content = &mut self.contents[content];
                content.is_deleted = true;
                content.is_destroyed |= !known;
            }
        }
    }

    pub fn truncate(&mut self) {
        self.finish_line();
        if self.container.log.exists() {
            fs::write(&self.container.log, "").unwrap();
            if let Some(content) = self.current() {
                self.contents[content].is_destroyed = true;
            }
            self.is_left = true;
        }
    }

    /// `known`: the agent has it open.
    pub fn delete(&mut self, known: bool) {
        self.finish_line();
        if self.container.log.exists() {
            fs::remove_file(&self.container.log).unwrap();
            if let Some(content) = self.current() {
                let content = &mut self.contents[content];
                content.is_deleted = true;
                content.is_destroyed |= !known;
            }
            self.is_left = true;
        }
    }

    /// The content that is written to; none where the file is empty.
    fn current(&self) -> Option<usize> {
        (!self.is_left).then(|| self.contents.len() - 1)
    }

    /// The agent's descriptors are closed.
    pub fn agent_ended(&mut self) {
        self.contents.iter_mut().for_each(|content| content.is_destroyed |= content.is_deleted);
    }

    /// Whether this is one of the texts, or a piece of one that several contents have: it may be parted where one of
    /// them ends, or is destroyed. Where a content in between is destroyed, nothing tells that a text ended there.
    pub fn wrote(&self, text: &[usize]) -> bool {
        let is_destroyed = |a: usize, b: usize| self.contents[a..=b].iter().any(|content| content.is_destroyed);
        let is_next = |a: usize, b: usize| self.texts.iter().any(|whole| whole.windows(2).any(|pair| pair == [a, b]));
        let is_written = |number: &usize| self.parts.iter().any(|part| part.number == *number);
        if !text.iter().all(is_written) {
            return false;
        }
        let joins = text
            .windows(2)
            .all(|pair| is_next(pair[0], pair[1]) || is_destroyed(self.content_of(pair[0]), self.content_of(pair[1])));
        let whole = |number: usize| self.texts.iter().find(|whole| whole.contains(&number)).unwrap();
        let may_part = |a: usize, b: usize| {
            let (a, b) = (self.content_of(a), self.content_of(b));
            a != b || is_destroyed(a, b)
        };
        let (first, last) = (text[0], text[text.len() - 1]);
        let before = whole(first).iter().take_while(|part| **part != first).last();
        let after = whole(last).iter().skip_while(|part| **part != last).nth(1);
        joins
            && before.is_none_or(|before| may_part(*before, first))
            && after.is_none_or(|after| may_part(last, *after))
    }

    fn content_of(&self, number: usize) -> usize {
        self.parts.iter().find(|part| part.number == number).unwrap().content
    }

    pub fn destroyed_bytes(&self) -> u64 {
        self.contents.iter().filter(|content| content.is_destroyed).map(|content| content.bytes).sum()
    }

    /// Holds what arrived against what was written; returns the bytes that did not arrive.
    pub fn check(&self, sink: &Sink) -> Result<u64, TestCaseError> {
        let mut lost = 0;
        for part in &self.parts {
            if !sink.arrived.contains_key(&part.number) {
                prop_assert!(self.contents[part.content].is_destroyed, "{} is lost", part.number);
                lost += part.bytes;
            }
        }
        for piece in self.texts.iter().flat_map(|text| text.chunk_by(|a, b| self.content_of(*a) == self.content_of(*b)))
        {
            let is_whole = sink.ids.keys().any(|text| text.windows(piece.len()).any(|parts| parts == piece));
            let is_destroyed = self.contents[self.content_of(piece[0])].is_destroyed;
            prop_assert!(is_whole || is_destroyed, "{piece:?} is not there in one piece");
        }
        for stream in Stream::ALL {
            let is_of =
                |number: &&usize| self.parts.iter().any(|part| part.number == **number && part.stream == stream);
            let order: Vec<_> = sink.order.iter().filter(is_of).collect();
            prop_assert!(order.is_sorted(), "{order:?} is not the order in which they were written");
        }
        Ok(lost)
    }
}
