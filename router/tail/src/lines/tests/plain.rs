//! Plain files: the time in their lines, and bytes that are odd.

use super::*;
use crate::{LineTime, multiline::Language};

const MINUTE: u64 = 60_000_000_000;

fn klog() -> LineTime {
    LineTime::new(r"^[IWEF](\d{4} \d\d:\d\d:\d\d\.\d+)", Some("%m%d %H:%M:%S%.f"), "UTC").unwrap()
}

fn times(content: &str, lines: &mut Lines, settings: Settings<'_>) -> Vec<(String, u64)> {
    let mut out = Assembly::default();
    let from = lines.read() as usize;
    lines.take(&content.as_bytes()[from..], settings, &mut out);
    let batch = batch(out);
    let text = |record| String::from_utf8(batch.text(record).to_vec()).unwrap();
    batch.records().iter().map(|record| (text(record), record.time - AT)).collect()
}

#[test]
fn the_time_of_a_line_is_in_it_or_that_of_the_line_before() {
    let (counters, klog) = (Counters::default(), klog());
    let settings = Settings { line_time: Some(&klog), ..settings(100, &counters) };
    let content = "no time yet\nI1114 22:14:20.0 a\n  more\nE1114 22:15:20.0 b\n";
    let expected = [
        ("no time yet".to_owned(), 999),
        ("I1114 22:14:20.0 a".to_owned(), MINUTE),
        ("  more".to_owned(), MINUTE),
        ("E1114 22:15:20.0 b".to_owned(), 2 * MINUTE),
    ];
    assert_eq!(times(content, &mut lines_of(content.as_bytes()), settings), expected);
    // A restart between the lines gives the second the same time.
    let cut = content.find("  more").unwrap();
    let mut first = lines_of(content.as_bytes());
    times(&content[..cut], &mut first, settings);
    let mut second = Lines::new(Format::Plain, 7, first.position());
    assert_eq!(times(content, &mut second, settings), expected[2..]);
    assert_eq!(counters.lines_malformed.get(), 0);
}

#[test]
fn a_trace_in_a_plain_file_is_of_the_time_of_its_first_line() {
    let (counters, klog) = (Counters::default(), klog());
    let multiline = Multiline::new(vec![Language::Go], Vec::new(), 100);
    let settings = Settings { line_time: Some(&klog), multiline: Some(&multiline), ..settings(200, &counters) };
    let content = "I1114 22:14:20.0 http: panic serving 10.0.0.1:5: x\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1\nI1114 22:15:20.0 b\n";
    let seen = times(content, &mut lines_of(content.as_bytes()), settings);
    assert_eq!((seen.len(), seen[0].1, seen[1].1), (2, MINUTE, 2 * MINUTE));
    assert!(seen[0].0.ends_with("/a.go:1"));
}

#[test]
fn a_pattern_does_not_touch_the_logs_of_containers() {
    let (counters, klog) = (Counters::default(), klog());
    let settings = Settings { line_time: Some(&klog), ..settings(100, &counters) };
    let content = cri(5, "stdout", "F", "I1114 22:14:20.0 a");
    assert_eq!(times(&content, &mut lines_of(content.as_bytes()).of_container(), settings)[0].1, 5);
}

#[test]
fn a_format_may_be_set() {
    let counters = Counters::default();
    let (cri, docker) = (cri(5, "stdout", "F", "a"), docker(5, "stdout", "a\n"));
    for (format, content, expected) in [
        (Format::Plain, &cri, (cri.trim_end(), 999)),
        (Format::Plain, &docker, (docker.trim_end(), 999)),
        (Format::Cri, &cri, ("a", 5)),
        (Format::Docker, &docker, ("a\n", 5)),
        // Malformed there, and of no time that is known.
        (Format::Docker, &cri, (cri.trim_end(), 999)),
    ] {
        let settings = Settings { format: Some(format), ..settings(200, &counters) };
        let seen = times(content, &mut lines_of(content.as_bytes()).of_container(), settings);
        assert_eq!(seen, [(expected.0.to_owned(), expected.1)], "{format:?}");
    }
    assert_eq!(counters.lines_malformed.get(), 1);
}

#[test]
fn a_container_that_is_read_as_plain_may_have_its_time_by_a_pattern() {
    let (counters, klog) = (Counters::default(), klog());
    let settings = Settings { line_time: Some(&klog), format: Some(Format::Plain), ..settings(100, &counters) };
    let content = "I1114 22:14:20.0 a\n";
    // An earlier life, with another config, knew a time.
    let from = Position { time: AT + 1, ..Position::default() };
    let mut lines = Lines::new(Format::Cri, 7, from).of_container();
    assert_eq!(times(content, &mut lines, settings)[0].1, MINUTE);
    assert_eq!(counters.lines_malformed.get(), 0);
}

#[test]
fn a_byte_order_mark_is_no_text() {
    for (content, expected) in [
        ("\u{feff}a\n\u{feff}b\n".to_owned(), [(OUT, 999, "a", false), (OUT, 999, "\u{feff}b", false)]),
        (
            ["\u{feff}", &cri(1, "stderr", "F", "a"), &cri(2, "stdout", "F", "\u{feff}b")].concat(),
            [(ERR, 1, "a", false), (OUT, 2, "\u{feff}b", false)],
        ),
        (
            ["\u{feff}", &docker(1, "stderr", "a\n"), &docker(2, "stdout", "b\n")].concat(),
            [(ERR, 1, "a\n", false), (OUT, 2, "b\n", false)],
        ),
    ] {
        let counters = check(content, 100, &expected);
        assert_eq!(counters.lines_malformed.get(), 0);
    }
}

#[test]
fn nul_bytes_and_carriage_returns_are_text() {
    check(
        "\0\0\na\0b\r\r\n\r\nc\rd\n",
        100,
        &[(OUT, 999, "\0\0", false), (OUT, 999, "a\0b\r", false), (OUT, 999, "", false), (OUT, 999, "c\rd", false)],
    );
}
