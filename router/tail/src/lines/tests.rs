use proptest::prelude::*;
use sluice_core::{Batch, Generation, Origin, Place, Watermark};

use super::*;

const AT: u64 = 1_700_000_000_000_000_000;

/// Stream, nanoseconds after [`AT`], text, whether cut.
type Expected<'a> = (Stream, u64, &'a str, bool);

const OUT: Stream = Stream::Stdout;
const ERR: Stream = Stream::Stderr;

fn cri(nanoseconds: u64, stream: &str, tag: &str, text: &str) -> String {
    format!("2023-11-14T22:13:20.{nanoseconds:09}Z {stream} {tag} {text}\n")
}

fn docker(nanoseconds: u64, stream: &str, text: &str) -> String {
    let time = format!("2023-11-14T22:13:20.{nanoseconds:09}Z");
    format!("{}\n", serde_json::json!({"log": text, "stream": stream, "time": time}))
}

fn batch(assembly: Assembly) -> Batch {
    let mut watermark = Watermark::new(Generation::new(Default::default()), 0u64);
    let receipt = watermark.open(assembly.len() as u32, 0);
    assembly.into_batch(Place::File { path: "f".into() }.into(), Origin::unknown().into(), receipt)
}

fn settings(max_line: usize, counters: &Counters) -> Settings<'_> {
    Settings {
        max_line,
        long_lines: LongLines::Truncate,
        format: None,
        line_time: None,
        multiline: None,
        join_timeout: Duration::from_secs(5),
        clock: || AT + 999,
        now: Instant::now(),
        counters,
    }
}

fn lines_of(content: &[u8]) -> Lines {
    let first = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Lines::new(Format::of_first_line(first), 7, Position::default())
}

/// Checks the records of a file with this content, which will not grow.
fn check(content: impl AsRef<[u8]>, max_line: usize, expected: &[Expected<'_>]) -> Counters {
    let (content, counters) = (content.as_ref(), Counters::default());
    let (mut lines, mut out) = (lines_of(content), Assembly::default());
    let taken = lines.take(content, settings(max_line, &counters), &mut out);
    lines.take_end(&content[taken..], settings(max_line, &counters), &mut out);
    let batch = batch(out);
    let text = |record| std::str::from_utf8(batch.text(record)).unwrap();
    let seen: Vec<_> = batch
        .records()
        .iter()
        .map(|record| (record.stream, record.time - AT, text(record), record.truncated))
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(lines.read(), content.len() as u64);
    counters
}

#[test]
fn texts_keep_what_their_runtime_keeps() {
    check(
        [cri(1, "stdout", "F", "a"), cri(2, "stderr", "F", ""), cri(3, "stdout", "F", "\0\r")].concat(),
        100,
        &[(OUT, 1, "a", false), (ERR, 2, "", false), (OUT, 3, "\0\r", false)],
    );
    check(
        [docker(1, "stdout", "a\r\n"), docker(2, "stderr", "\n")].concat(),
        100,
        &[(OUT, 1, "a\r\n", false), (ERR, 2, "\n", false)],
    );
    check(
        "a\r\nb\n\nc",
        100,
        &[(OUT, 999, "a", false), (OUT, 999, "b", false), (OUT, 999, "", false), (OUT, 999, "c", false)],
    );
}

#[test]
fn parts_are_joined_by_stream() {
    for line in [
        |n, stream: &str, last: bool, text: &str| cri(n, stream, if last { "F" } else { "P" }, text),
        |n, stream: &str, last: bool, text: &str| docker(n, stream, &[text, if last { "\n" } else { "" }].concat()),
    ] {
        let newline = if line(1, "stdout", true, "").starts_with('{') { "\n" } else { "" };
        let content = [
            line(1, "stdout", false, "a"),
            line(2, "stderr", false, "x"),
            line(3, "stdout", false, "b"),
            line(4, "stderr", true, "y"),
            line(5, "stderr", true, "whole"),
            line(6, "stdout", true, "c"),
            line(7, "stderr", false, "open "),
            line(8, "stderr", false, "at the end"),
        ];
        check(
            content.concat(),
            100,
            &[
                (ERR, 2, &format!("xy{newline}"), false),
                (ERR, 5, &format!("whole{newline}"), false),
                (OUT, 1, &format!("abc{newline}"), false),
                (ERR, 7, "open at the end", false),
            ],
        );
    }
}

#[test]
fn malformed_lines_are_kept_and_disturb_nothing() {
    let content = [cri(1, "stdout", "P", "a"), "garbage\n".into(), "\n".into(), cri(2, "stdout", "F", "b")];
    let counters =
        check(content.concat(), 100, &[(OUT, 1, "garbage", false), (OUT, 1, "", false), (OUT, 1, "ab", false)]);
    assert_eq!(counters.lines_malformed.get(), 2);
    let content = [docker(1, "stderr", "a\n"), "{\"log\":\"torn".into()];
    let counters = check(content.concat(), 100, &[(ERR, 1, "a\n", false), (OUT, 1, "{\"log\":\"torn", false)]);
    assert_eq!(counters.lines_malformed.get(), 1);
}

#[test]
fn a_container_has_the_format_of_its_first_whole_line() {
    let content = ["torn\n", "\n", &cri(1, "stderr", "F", "a"), "garbage\n", &docker(1, "stdout", "b\n")].concat();
    let docker = docker(1, "stdout", "b\n");
    let malformed = docker.trim_end();
    for (is_container, expected) in [
        (true, [(OUT, 999, "torn"), (OUT, 999, ""), (ERR, 1, "a"), (OUT, 1, "garbage"), (OUT, 1, malformed)]),
        (
            false,
            [
                (OUT, 999, "torn"),
                (OUT, 999, ""),
                (OUT, 999, cri(1, "stderr", "F", "a").trim_end()),
                (OUT, 999, "garbage"),
                (OUT, 999, malformed),
            ],
        ),
    ] {
        let counters = Counters::default();
        let (mut lines, mut out) = (lines_of(content.as_bytes()), Assembly::default());
        lines = if is_container { lines.of_container() } else { lines };
        lines.take(content.as_bytes(), settings(100, &counters), &mut out);
        let batch = batch(out);
        let text = |record| std::str::from_utf8(batch.text(record)).unwrap();
        let seen: Vec<_> =
            batch.records().iter().map(|record| (record.stream, record.time - AT, text(record))).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn long_texts_are_cut() {
    let content = [
        cri(1, "stdout", "F", "12345"),
        cri(2, "stdout", "F", "123456"),
        cri(3, "stdout", "P", "123"),
        cri(4, "stderr", "F", "e"),
        cri(5, "stdout", "P", "456"),
        cri(6, "stdout", "P", "789"),
        cri(7, "stdout", "F", "0"),
        cri(8, "stdout", "F", "next"),
    ];
    let counters = check(
        content.concat(),
        5,
        &[
            (OUT, 1, "12345", false),
            (OUT, 2, "12345", true),
            (ERR, 4, "e", false),
            (OUT, 3, "12345", true),
            (OUT, 8, "next", false),
        ],
    );
    assert_eq!(counters.lines_cut.get(), 2);
    check(
        [docker(1, "stdout", "1234\n"), docker(2, "stdout", "12345\n")].concat(),
        5,
        &[(OUT, 1, "1234\n", false), (OUT, 2, "12345", true)],
    );
    check("12345\n123456\n", 5, &[(OUT, 999, "12345", false), (OUT, 999, "12345", true)]);
}

#[test]
fn a_line_too_long_to_be_held_is_cut_and_passed_over() {
    let counters = Counters::default();
    let (mut lines, mut out) = (lines_of(b"long"), Assembly::default());
    let settings = settings(5, &counters);
    lines.take_beginning(b"1234567", settings, &mut out);
    assert_eq!(lines.position(), Position::default());
    assert_eq!(lines.take(b"89", settings, &mut out), 2);
    assert_eq!(lines.position().lowest(), 0);
    assert_eq!(lines.take(b"0\nnext\n", settings, &mut out), 7);
    assert_eq!(lines.position(), Position { stdout: 16, stderr: 16, ..Position::default() });
    let batch = batch(out);
    let seen: Vec<_> =
        batch.records().iter().map(|record| (batch.text(record), record.position, record.truncated)).collect();
    assert_eq!(seen, [(&b"12345"[..], 0, true), (b"next", 11, false)]);
}

#[test]
fn a_file_that_ends_inside_of_a_line_too_long_is_done() {
    let counters = Counters::default();
    let (mut lines, mut out) = (lines_of(b"long"), Assembly::default());
    let settings = settings(5, &counters);
    lines.take_beginning(b"1234567", settings, &mut out);
    assert_eq!(lines.take(b"89", settings, &mut out), 2);
    lines.take_end(b"", settings, &mut out);
    assert_eq!((out.len(), lines.position().lowest()), (1, 9));
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    for (content, raw) in [
        (b"ok\nb\xffd\nok\n".to_vec(), b"b\xffd".to_vec()),
        (
            [
                cri(1, "stdout", "F", "ok").as_bytes(),
                b"2023-11-14T22:13:20Z stdout F b\xffd\n",
                cri(1, "stdout", "F", "ok").as_bytes(),
            ]
            .concat(),
            b"b\xffd".to_vec(),
        ),
        (
            [
                docker(1, "stdout", "ok").replace("ok", "ok\\n").as_bytes(),
                &b"{\"log\":\"b\xffd\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\n"[..],
                docker(1, "stdout", "ok\n").as_bytes(),
            ]
            .concat(),
            b"b\xffd\n".to_vec(),
        ),
    ] {
        let (counters, mut out) = (Counters::default(), Assembly::default());
        lines_of(&content).take(&content, settings(100, &counters), &mut out);
        let batch = batch(out);
        assert_eq!(batch.len(), 3);
        let record = &batch.records()[1];
        assert_eq!(batch.text(record), String::from_utf8_lossy(&raw).as_bytes());
        assert_eq!(batch.raw(record), Some(raw.as_slice()));
        for other in [0, 2] {
            assert!(batch.text(&batch.records()[other]).starts_with(b"ok"));
            assert_eq!(batch.raw(&batch.records()[other]), None);
        }
        assert_eq!(counters.lines_not_utf8.get(), 1);
    }
}

#[test]
fn a_character_may_lie_in_two_parts() {
    let (mut content, euro) = (b"2023-11-14T22:13:20Z stdout P 1".to_vec(), "€".as_bytes());
    content.extend_from_slice(&euro[..1]);
    content.extend_from_slice(b"\n2023-11-14T22:13:20Z stdout F ");
    content.extend_from_slice(&euro[1..]);
    let counters = check(content, 100, &[(OUT, 0, "1€", false)]);
    assert_eq!(counters.lines_not_utf8.get(), 0);
}

#[test]
fn texts_lie_end_to_end() {
    let (counters, mut out) = (Counters::default(), Assembly::default());
    let content = [
        cri(1, "stdout", "P", "a"),
        cri(2, "stderr", "F", "b"),
        cri(3, "stdout", "F", "c"),
        cri(4, "stdout", "F", "d"),
    ]
    .concat();
    lines_of(content.as_bytes()).take(content.as_bytes(), settings(100, &counters), &mut out);
    assert_eq!(batch(out).arena(), b"bacd");
}

mod bounds;
mod model;
mod plain;
