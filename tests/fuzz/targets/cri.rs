//! Lines of CRI runtimes: what is read is what stands there, and a line written from it reads the same.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sluice_core::Stream;
use sluice_tail::{
    cri,
    fragment::{Appended, Body},
};

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(fragment) = cri::parse(line) else { return };
    let Body::Plain { text, partial } = fragment.body else { panic!("a CRI line is no JSON") };
    assert!(line.ends_with(text), "a text is the end of its line");

    let time = Timestamp::from_nanosecond(i128::from(fragment.time)).expect("a time that jiff knows");
    let stream = if fragment.stream == Stream::Stdout { "stdout" } else { "stderr" };
    let mut again = format!("{time:.9} {stream} {} ", if partial { 'P' } else { 'F' }).into_bytes();
    again.extend_from_slice(text);
    let read = cri::parse(&again).expect("a line that was written from what was read");
    assert_eq!((read.time, read.stream), (fragment.time, fragment.stream));
    let Body::Plain { text: same, partial: goes_on } = read.body else { panic!("a CRI line is no JSON") };
    assert_eq!((same, goes_on), (text, partial));

    let limit = usize::from(line[0]) % 40;
    let mut out = b"before".to_vec();
    let Appended { partial: goes_on, cut } = fragment.body.append(&mut out, limit);
    let appended = out.strip_prefix(b"before").expect("what was there stays");
    assert!(text.starts_with(appended) && appended.len() <= limit);
    assert_eq!((goes_on, cut), (partial, text.len() > limit));
    if let Ok(text) = std::str::from_utf8(text) {
        assert!(text.is_char_boundary(appended.len()), "half a character of {text:?} at {limit}");
        assert!(appended.len() + 4 > text.len().min(limit), "more was cut than a character");
    }
});
