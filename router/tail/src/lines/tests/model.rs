//! Whatever comes in whichever order, wherever the reads fall and restarts begin.

use super::*;
use crate::{cri, multiline::Language};

#[derive(Clone, Debug)]
struct Written {
    stream: Stream,
    partial: bool,
    text: String,
}

fn written() -> impl Strategy<Value = Vec<Written>> {
    let one = (any::<bool>(), prop::bool::weighted(0.4), "[a-zé€\\\\\"]{0,6}")
        .prop_map(|(err, partial, text)| Written { stream: if err { ERR } else { OUT }, partial, text });
    prop::collection::vec(one, 1..30)
}

fn file_of(written: &[Written], is_docker: bool) -> Vec<u8> {
    let line = |(n, line): (usize, &Written)| match (is_docker, line.partial) {
        (true, true) => docker(n as u64, line.stream.name(), &line.text),
        (true, false) => docker(n as u64, line.stream.name(), &format!("{}\n", line.text)),
        (false, true) => cri(n as u64, line.stream.name(), "P", &line.text),
        (false, false) => cri(n as u64, line.stream.name(), "F", &line.text),
    };
    written.iter().enumerate().map(line).collect::<String>().into_bytes()
}

/// The whole texts that were written, as the model has them: stream, time of the first part, text.
fn whole_texts(written: &[Written], end: &str) -> Vec<(Stream, u64, String)> {
    let mut open: [Option<(u64, String)>; 2] = [None, None];
    let mut texts = Vec::new();
    for (n, line) in written.iter().enumerate() {
        let join = &mut open[line.stream as usize];
        join.get_or_insert((n as u64, String::new())).1.push_str(&line.text);
        if !line.partial
            && let Some((time, text)) = join.take()
        {
            texts.push((line.stream, time, text + end));
        }
    }
    texts
}

proptest! {
    /// However a file grows while it is read, its records are the same, with the same identity.
    #[test]
    fn turns_do_not_matter(written in written(), is_docker: bool, cuts in prop::collection::vec(0usize..2000, 0..8)) {
        let (content, counters) = (file_of(&written, is_docker), Counters::default());
        let settings = settings(1000, &counters);
        let mut at_once = Assembly::default();
        lines_of(&content).take(&content, settings, &mut at_once);
        let (mut lines, mut seen) = (lines_of(&content), Vec::new());
        let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut.min(content.len())).chain([content.len()]).collect();
        ends.sort();
        for end in ends {
            let mut out = Assembly::default();
            lines.take(&content[lines.read() as usize..end], settings, &mut out);
            let batch = batch(out);
            seen.extend(batch.records().iter().map(|record| (record.id, record.time, batch.text(record).to_vec())));
        }
        let batch = batch(at_once);
        let expected: Vec<_> = batch.records().iter().map(|record| (record.id, record.time, batch.text(record).to_vec())).collect();
        prop_assert_eq!(seen, expected);
        let texts: Vec<_> = batch.records().iter().map(|record| {
            (record.stream, record.time - AT, String::from_utf8(batch.text(record).to_vec()).unwrap())
        }).collect();
        prop_assert_eq!(texts, whole_texts(&written, if is_docker { "\n" } else { "" }));
    }

    /// From any position on, a restart gives exactly the records that the position leaves out.
    #[test]
    fn a_restart_at_any_position_goes_on(written in written(), is_docker: bool, cut in 0usize..2000) {
        let (content, counters) = (file_of(&written, is_docker), Counters::default());
        let settings = settings(1000, &counters);
        let ids = |out: Assembly| batch(out).records().iter().map(|record| record.id).collect::<Vec<_>>();
        let (mut all, mut before, mut after) = (Assembly::default(), Assembly::default(), Assembly::default());
        lines_of(&content).take(&content, settings, &mut all);
        let mut first = lines_of(&content);
        first.take(&content[..cut.min(content.len())], settings, &mut before);
        let position = first.position();
        prop_assert!(position.lowest() <= first.read() && first.read() <= cut as u64);
        let mut second = Lines::new(Format::of_first_line(content.split(|&b| b == b'\n').next().unwrap()), 7, position);
        second.take(&content[position.lowest() as usize..], settings, &mut after);
        let (mut seen, mut all) = ([ids(before), ids(after)].concat(), ids(all));
        seen.sort();
        all.sort();
        prop_assert_eq!(seen, all);
        prop_assert_eq!(second.read(), content.len() as u64);
    }
}

/// Lines of traces and others, of both streams, whole and in parts, with silence in between; some are malformed.
fn mixed() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        Just("java.lang.Error: e"),
        Just("\tat f.G.h(G.java:1)"),
        Just("Caused by: java.lang.Error: f"),
        Just("\t... 3 more"),
        Just("Traceback (most recent call last):"),
        Just("  File \"a.py\", line 1, in f"),
        Just("ValueError: v"),
        Just(""),
        Just("ordinary"),
        Just("a long line, longer than a record may be, with some € in it: €€€€€€€€€€€€€€€€€€€€"),
    ];
    let line = (text, prop::sample::select(vec!["stdout", "stdout", "stderr"]), prop::bool::weighted(0.2), 0u64..8)
        .prop_map(|(text, stream, partial, pause)| (text, stream, partial, pause / 7 * 6));
    let malformed = prop::bool::weighted(0.05);
    prop::collection::vec((line, malformed), 1..40).prop_map(|lines| {
        let mut second = 0;
        let one = |((text, stream, partial, pause), malformed): ((&str, &str, bool, u64), bool)| {
            second += pause;
            let (minute, rest) = (second / 60, second % 60);
            let tag = if partial { "P" } else { "F" };
            if malformed {
                "torn\n".into()
            } else {
                format!("2023-11-14T22:{minute:02}:{rest:02}Z {stream} {tag} {text}\n")
            }
        };
        let mut content: Vec<String> = lines.into_iter().map(one).collect();
        // The first line decides the format.
        content.insert(0, "2023-11-14T22:00:00Z stdout F first\n".into());
        content
    })
}

/// Id, time, stream, text, place.
type Whole = (sluice_core::RecordId, u64, Stream, Vec<u8>, u64);

fn take_out(out: Assembly) -> Vec<Whole> {
    let batch = batch(out);
    let whole = |record: &sluice_core::Record| {
        (record.id, record.time, record.stream, batch.text(record).to_vec(), record.position)
    };
    batch.records().iter().map(whole).collect()
}

/// All texts of a stream in their order, without what holds them together.
fn bytes_of(records: &[Whole], stream: Stream) -> Vec<u8> {
    let mut records: Vec<_> = records.iter().filter(|record| record.2 == stream).collect();
    records.sort_by_key(|record| record.4);
    records.iter().flat_map(|record| record.3.iter().copied()).filter(|byte| *byte != b'\n').collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Wherever reads fall and restarts begin, the same records come, no byte is lost where lines are split, and no
    /// position passes what is open: what silence lets go while a file is followed is what the times part when it is
    /// read again.
    #[test]
    fn traces_and_parts_are_the_same_each_time(
        lines in mixed(),
        restarts in prop::collection::vec(0usize..41, 0..4),
        max_lines in 2usize..6,
        is_split: bool,
    ) {
        let counters = Counters::default();
        let multiline = Multiline::new(vec![Language::Java, Language::Python], Vec::new(), max_lines);
        let long_lines = if is_split { LongLines::Split } else { LongLines::Truncate };
        let mut settings = Settings { multiline: Some(&multiline), long_lines, ..settings(60, &counters) };
        let content = lines.concat().into_bytes();
        let (mut reader, mut out) = (lines_of(&content), Assembly::default());
        reader.take(&content, settings, &mut out);
        reader.take_end(b"", settings, &mut out);
        let mut expected = take_out(out);
        expected.sort();
        if is_split {
            check_bytes(&lines, &expected)?;
        }

        // The same file, line by line as it is written, with restarts at the position of that moment.
        let (mut reader, mut seen, mut delivered) = (lines_of(&content), Vec::new(), Vec::new());
        let mut end = 0;
        for (number, line) in lines.iter().enumerate() {
            let written = written_at(line);
            let before = lines[..number].iter().rev().find_map(|line| written_at(line));
            if let (Some(written), Some(before)) = (written, before) && written > before {
                settings.now += Duration::from_nanos(written - before);
                let mut out = Assembly::default();
                reader.take_silent(settings, &mut out);
                delivered.extend(take_out(out));
            }
            end += line.len();
            let mut out = Assembly::default();
            let from = reader.read() as usize;
            reader.take(&content[from..end], settings, &mut out);
            delivered.extend(take_out(out));
            if restarts.contains(&number) {
                let position = reader.position();
                for record in &delivered {
                    prop_assert!(record.4 < [position.stdout, position.stderr][record.2 as usize]
                        || expected.contains(record), "delivered and read again, it is the same: {record:?}");
                }
                seen.append(&mut delivered);
                reader = Lines::new(Format::Cri, 7, position);
                let mut out = Assembly::default();
                let from = reader.read() as usize;
                reader.take(&content[from..end], settings, &mut out);
                delivered.extend(take_out(out));
            }
        }
        let mut out = Assembly::default();
        reader.take_end(b"", settings, &mut out);
        delivered.extend(take_out(out));
        seen.append(&mut delivered);
        seen.sort();
        seen.dedup();
        prop_assert_eq!(seen, expected);
    }
}

proptest! {
    /// Whatever has to make room whenever, nothing of it is missing or comes twice, and hardly any memory is left.
    #[test]
    fn what_makes_room_is_read_once(
        lines in mixed(),
        turns in prop::collection::vec((70usize..300, any::<bool>(), any::<bool>()), 1..20),
        max_lines in 2usize..6,
    ) {
        let counters = Counters::default();
        let multiline = Multiline::new(vec![Language::Java, Language::Python], Vec::new(), max_lines);
        let settings =
            Settings { multiline: Some(&multiline), long_lines: LongLines::Split, ..settings(60, &counters) };
        let content = lines.concat().into_bytes();
        let (mut reader, mut seen) = (lines_of(&content), Vec::new());
        for (length, makes_room, restarts) in turns.iter().cycle() {
            let (mut out, from) = (Assembly::default(), reader.read() as usize);
            let chunk = &content[from..content.len().min(from + length)];
            let is_last = from + chunk.len() == content.len();
            // As a follower does with a line that is longer than what it holds.
            if reader.take(chunk, settings, &mut out) == 0 && !is_last {
                reader.take_beginning(chunk, settings, &mut out);
            }
            if *makes_room {
                reader.make_room(settings, &mut out);
                prop_assert!(reader.memory() <= 3 * 8, "{}", reader.memory());
                // Of a line that is not whole the first pieces would come again.
                if *restarts && reader.position().lowest() == reader.read() {
                    reader = Lines::new(Format::Cri, 7, reader.position());
                }
            }
            if is_last {
                reader.take_end(b"", settings, &mut out);
            }
            seen.extend(take_out(out));
            if is_last {
                break;
            }
        }
        check_bytes(&lines, &seen)?;
    }
}

/// Each stream has the bytes that were written to it.
fn check_bytes(lines: &[String], seen: &[Whole]) -> Result<(), TestCaseError> {
    for stream in Stream::ALL {
        let written = lines.iter().filter_map(|line| match cri::parse(line.trim_end_matches('\n').as_bytes()) {
            Some(Fragment { stream: of, body: Body::Plain { text, .. }, .. }) if of == stream => Some(text),
            None if stream == OUT => Some(&b"torn"[..]),
            _ => None,
        });
        let mut written = written.collect::<Vec<_>>().concat();
        let mut seen = bytes_of(seen, stream);
        // Malformed lines have their place among the parts that they leave alone.
        written.sort();
        seen.sort();
        prop_assert_eq!(seen, written);
    }
    Ok(())
}

fn written_at(line: &str) -> Option<u64> {
    cri::parse(line.trim_end().as_bytes()).map(|fragment| fragment.time)
}
