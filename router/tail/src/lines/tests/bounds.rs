//! What is open for too long, has too many lines, or is too long.

use super::*;
use crate::multiline::Language;

/// Text, number of the piece, whether it goes on.
type Part<'a> = (&'a str, u32, bool);

fn parts(out: Assembly) -> Vec<(String, u32, bool)> {
    let batch = batch(out);
    let part = |record: &sluice_core::Record| {
        let text = std::str::from_utf8(batch.text(record)).unwrap();
        (text.to_owned(), record.part.number, record.part.goes_on)
    };
    batch.records().iter().map(part).collect()
}

fn owned(parts: &[Part<'_>]) -> Vec<(String, u32, bool)> {
    parts.iter().map(|(text, number, goes_on)| ((*text).to_owned(), *number, *goes_on)).collect()
}

fn check_parts(content: &[u8], settings: Settings<'_>, expected: &[Part<'_>]) {
    let (mut lines, mut out) = (lines_of(content), Assembly::default());
    let taken = lines.take(content, settings, &mut out);
    lines.take_end(&content[taken..], settings, &mut out);
    assert_eq!(parts(out), owned(expected));
    assert_eq!(lines.position().lowest(), content.len() as u64);
}

fn at(seconds: u64, stream: &str, tag: &str, text: &str) -> String {
    format!("2023-11-14T22:{:02}:{:02}Z {stream} {tag} {text}\n", 13 + seconds / 60, seconds % 60)
}

#[test]
fn a_part_that_has_no_end_is_marked() {
    let counters = Counters::default();
    let content = [at(0, "stdout", "P", "a"), at(1, "stderr", "F", "e"), at(2, "stdout", "P", "b")].concat();
    check_parts(content.as_bytes(), settings(100, &counters), &[("e", 0, false), ("ab", 0, true)]);
    assert_eq!(counters.joins_ended_early.get(), 1);
}

#[test]
fn times_part_what_silence_parted() {
    let counters = Counters::default();
    // Six seconds, and more than fifty in all.
    let content = [at(0, "stdout", "P", "a"), at(5, "stdout", "P", "b"), at(11, "stdout", "F", "c")].concat();
    check_parts(content.as_bytes(), settings(100, &counters), &[("ab", 0, true), ("c", 0, false)]);
    let content: String = (0..14).map(|n| at(5 * n, "stdout", "P", &n.to_string())).collect();
    check_parts(content.as_bytes(), settings(100, &counters), &[("012345678910", 0, true), ("111213", 0, true)]);
}

#[test]
fn silence_lets_go_what_is_open() {
    let counters = Counters::default();
    let multiline = Multiline::new(vec![Language::Java], Vec::new(), 100);
    let mut settings = Settings { multiline: Some(&multiline), ..settings(100, &counters) };
    let content = [
        at(0, "stdout", "P", "a"),
        at(0, "stderr", "F", "java.lang.Error: e"),
        at(0, "stderr", "F", "\tat f.G.h(G.java:1)"),
    ]
    .concat();
    let (mut lines, mut out) = (lines_of(content.as_bytes()), Assembly::default());
    let start = settings.now;
    lines.take(content.as_bytes(), settings, &mut out);
    let due = lines.due(settings).unwrap();
    assert_eq!((out.len(), lines.position().lowest(), due > start + Duration::from_secs(5)), (0, 0, true));
    let held = lines.position();
    assert_eq!((held.stdout, held.stderr), (0, at(0, "stdout", "P", "a").len() as u64));
    settings.now = due - Duration::from_millis(1);
    lines.take_silent(settings, &mut out);
    assert_eq!(out.len(), 0);
    settings.now = due;
    lines.take_silent(settings, &mut out);
    assert_eq!(parts(out), owned(&[("a", 0, true), ("java.lang.Error: e\n\tat f.G.h(G.java:1)", 0, false)]));
    assert_eq!((lines.due(settings), lines.position().lowest()), (None, content.len() as u64));
}

#[test]
fn one_stream_does_not_keep_the_other_open() {
    let counters = Counters::default();
    let mut settings = settings(100, &counters);
    let (content, more) = (at(0, "stdout", "P", "a"), at(9, "stderr", "F", "e"));
    let (mut lines, mut out) = (lines_of(content.as_bytes()), Assembly::default());
    lines.take(content.as_bytes(), settings, &mut out);
    settings.now += Duration::from_secs(9);
    lines.take(more.as_bytes(), settings, &mut out);
    lines.take_silent(settings, &mut out);
    assert_eq!(parts(out), owned(&[("e", 0, false), ("a", 0, true)]));
}

#[test]
fn traces_are_bounded_in_lines_and_bytes() {
    let counters = Counters::default();
    let multiline = Multiline::new(vec![Language::Java], Vec::new(), 3);
    let settings = |max_line| Settings { multiline: Some(&multiline), ..settings(max_line, &counters) };
    let frame = "\tat f.G.h(G.java:1)";
    let content: String = ["java.lang.Error: e", frame, frame, frame, frame, "next"]
        .iter()
        .map(|text| at(0, "stdout", "F", text))
        .collect();
    let (first, rest) = (format!("java.lang.Error: e\n{frame}\n{frame}"), format!("{frame}\n{frame}"));
    check_parts(content.as_bytes(), settings(1000), &[(&first, 0, true), (&rest, 0, false), ("next", 0, false)]);
    let first = format!("java.lang.Error: e\n{frame}");
    check_parts(
        content.as_bytes(),
        settings(45),
        &[(&first, 0, true), (&rest, 0, true), (frame, 0, false), ("next", 0, false)],
    );
}

#[test]
fn traces_of_docker_keep_their_line_breaks() {
    let counters = Counters::default();
    let multiline = Multiline::new(Language::ALL.to_vec(), Vec::new(), 100);
    let content = [
        docker(0, "stdout", "before\n"),
        docker(1, "stdout", "panic: x\r\n"),
        docker(2, "stdout", "\n"),
        docker(3, "stdout", "goroutine 1 [run"),
        docker(3, "stdout", "ning]:\n"),
        docker(4, "stdout", "main.main()\n"),
        docker(5, "stdout", "after\n"),
    ]
    .concat();
    check_parts(
        content.as_bytes(),
        Settings { multiline: Some(&multiline), ..settings(100, &counters) },
        &[
            ("before\n", 0, false),
            ("panic: x\r\n\ngoroutine 1 [running]:\nmain.main()\n", 0, false),
            ("after\n", 0, false),
        ],
    );
}

#[test]
fn long_texts_are_split() {
    let counters = Counters::default();
    let settings = Settings { long_lines: LongLines::Split, ..settings(5, &counters) };
    for (content, expected) in [
        (cri(1, "stdout", "F", "12345"), &[("12345", 0, false)][..]),
        (cri(1, "stdout", "F", "123456"), &[("12345", 1, true), ("6", 2, false)]),
        (
            [cri(1, "stdout", "P", "123"), cri(2, "stdout", "P", "4567890"), cri(3, "stdout", "F", "ab")].concat(),
            &[("12345", 1, true), ("67890", 2, true), ("ab", 3, false)],
        ),
        (cri(1, "stdout", "P", "1234567890"), &[("12345", 1, true), ("67890", 2, true)]),
        (cri(1, "stdout", "F", "1234€56"), &[("1234", 1, true), ("€56", 2, false)]),
        (docker(1, "stdout", "1234\n"), &[("1234\n", 0, false)]),
        (docker(1, "stdout", "12345\n"), &[("12345", 1, true), ("\n", 2, false)]),
        ("123456\r\n12345\r\n".to_owned(), &[("12345", 1, true), ("6", 2, false), ("12345", 0, false)]),
        (
            [cri(1, "stdout", "F", "a"), "garbage\n".into()].concat(),
            &[("a", 0, false), ("garba", 1, true), ("ge", 2, false)],
        ),
    ] {
        check_parts(content.as_bytes(), settings, expected);
    }
}

#[test]
fn pieces_of_the_same_text_have_identities_of_their_own() {
    let counters = Counters::default();
    let settings = Settings { long_lines: LongLines::Split, ..settings(5, &counters) };
    let (content, mut out) = (cri(1, "stdout", "F", &"x".repeat(50)), Assembly::default());
    lines_of(content.as_bytes()).take(content.as_bytes(), settings, &mut out);
    let mut ids: Vec<_> = batch(out).records().iter().map(|record| record.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), counters.lines_split.get()), (10, 1));
}

#[test]
fn a_line_too_long_to_be_held_is_split_and_nothing_of_it_is_lost() {
    for (line, expected) in [
        (cri(1, "stdout", "F", "123456789"), &[("12345", 1, true), ("6789", 2, false)][..]),
        (
            [cri(1, "stdout", "P", "123456789"), cri(2, "stdout", "F", "0")].concat(),
            &[("12345", 1, true), ("67890", 2, false)],
        ),
        ("123456789\r\n".into(), &[("12345", 1, true), ("6789", 2, false)]),
    ] {
        for first in line.len() - 4..line.len() - 1 {
            let counters = Counters::default();
            let settings = Settings { long_lines: LongLines::Split, ..settings(5, &counters) };
            let (mut lines, mut out) = (lines_of(line.as_bytes()), Assembly::default());
            let newline = line.find('\n').unwrap();
            let first = first.min(newline);
            lines.take_beginning(&line.as_bytes()[..first], settings, &mut out);
            assert_eq!(lines.position().lowest(), 0);
            let then = (first + 1).min(newline);
            assert_eq!(lines.take(&line.as_bytes()[first..then], settings, &mut out), then - first);
            lines.take(&line.as_bytes()[then..], settings, &mut out);
            assert_eq!(parts(out), owned(expected), "{first}");
            assert_eq!(lines.position().lowest(), line.len() as u64);
        }
    }
}

#[test]
fn a_long_line_ends_the_trace_before_it() {
    let counters = Counters::default();
    let multiline = Multiline::new(vec![Language::Java], Vec::new(), 100);
    let settings = Settings { multiline: Some(&multiline), long_lines: LongLines::Split, ..settings(20, &counters) };
    let content =
        [cri(1, "stdout", "F", "java.lang.Error: e"), cri(2, "stdout", "F", "\tat f.G.h(Generated.java:1)")].concat();
    check_parts(
        content.as_bytes(),
        settings,
        &[("java.lang.Error: e", 0, true), ("\tat f.G.h(Generated.", 1, true), ("java:1)", 2, false)],
    );
}

/// Else thousands of quiet files would cost the busy ones their traces, and nothing would be free for it.
#[test]
fn what_is_kept_for_the_next_text_is_not_open() {
    let counters = Counters::default();
    let (first, last) = (at(0, "stdout", "P", "a"), at(0, "stdout", "F", "b"));
    let (mut lines, mut out) = (lines_of(first.as_bytes()), Assembly::default());
    lines.take(first.as_bytes(), settings(1000, &counters), &mut out);
    assert_ne!(lines.memory(), 0);
    lines.take(last.as_bytes(), settings(1000, &counters), &mut out);
    assert_eq!((lines.memory(), parts(out)), (0, owned(&[("ab", 0, false)])));
}

#[test]
fn what_makes_room_is_marked() {
    let multiline = Multiline::new(vec![Language::Java], Vec::new(), 100);
    let trace = || [at(0, "stdout", "F", "java.lang.Error: e"), at(0, "stdout", "F", "\tat f.G.h(G.java:1)")].concat();
    for (content, rest, expected, early) in [
        (at(0, "stderr", "P", "a"), at(1, "stderr", "F", "b"), &[("a", 0, true), ("b", 0, false)][..], 1),
        (
            trace(),
            at(1, "stdout", "F", "\tat i.J.k(J.java:2)"),
            &[("java.lang.Error: e\n\tat f.G.h(G.java:1)", 0, true), ("\tat i.J.k(J.java:2)", 0, false)],
            1,
        ),
        (
            trace() + &at(0, "stdout", "P", "\tat i"),
            at(1, "stdout", "F", ".J.k(J.java:2)"),
            &[("java.lang.Error: e\n\tat f.G.h(G.java:1)\n\tat i", 0, true), (".J.k(J.java:2)", 0, false)],
            1,
        ),
        // Nothing is open.
        (at(0, "stdout", "F", "a"), at(1, "stdout", "F", "b"), &[("a", 0, false), ("b", 0, false)], 0),
    ] {
        let counters = Counters::default();
        let settings = Settings { multiline: Some(&multiline), ..settings(1000, &counters) };
        let (mut lines, mut out) = (lines_of(content.as_bytes()), Assembly::default());
        lines.take(content.as_bytes(), settings, &mut out);
        lines.make_room(settings, &mut out);
        assert_eq!((lines.memory(), lines.position().lowest()), (0, content.len() as u64));
        lines.take(rest.as_bytes(), settings, &mut out);
        lines.take_end(b"", settings, &mut out);
        assert_eq!((parts(out), counters.joins_ended_early.get()), (owned(expected), early));
    }
}

#[test]
fn of_a_line_that_is_not_whole_a_piece_makes_room() {
    let (line, counters) = (at(0, "stdout", "F", "123456789€bcdefghij"), Counters::default());
    let settings = Settings { long_lines: LongLines::Split, ..settings(1000, &counters) };
    let (mut lines, mut out) = (lines_of(line.as_bytes()), Assembly::default());
    let (beginning, rest) = line.as_bytes().split_at(line.find('b').unwrap());
    lines.take_beginning(beginning, settings, &mut out);
    lines.make_room(settings, &mut out);
    assert_eq!(lines.position().lowest(), 0);
    lines.take(rest, settings, &mut out);
    assert_eq!(parts(out), owned(&[("123456789", 1, true), ("€bcdefghij", 2, false)]));
    assert_eq!((lines.position().lowest(), counters.lines_split.get()), (line.len() as u64, 1));
}
