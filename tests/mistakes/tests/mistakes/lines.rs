//! Lines of a container's log that is then removed; `@` stands for the time 2023-11-14T22:13:20Z, second 1700000000.
//! `max_line` is 40 bytes.

use std::fs;

use sluice_mistakes::{Mistake, differences, mistake};

use crate::{log::Log, node::Node};

pub const TABLE: &[Mistake<&[u8]>] = &[
    mistake(
        "CRI: a line without a time",
        b"@ stdout F good\nstdout F bad\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"stdout F bad\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a time that is none",
        b"@ stdout F good\n2023-13-14T22:13:20Z stdout F x\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"2023-13-14T22:13:20Z stdout F x\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a line without a stream",
        b"@ stdout F good\n@ F text\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"2023-11-14T22:13:20Z F text\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a stream that does not exist",
        b"@ stdout F good\n@ stdin F a\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"2023-11-14T22:13:20Z stdin F a\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a line without a tag",
        b"@ stdout F good\n@ stdout\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"2023-11-14T22:13:20Z stdout\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a tag that does not exist",
        b"@ stdout F good\n@ stderr X a\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"2023-11-14T22:13:20Z stderr X a\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake("CRI: a text whose end never comes", b"@ stdout P half\n", "record \"half\" of stdout at 1700000000 s"),
    mistake(
        "CRI: a last line without its line break",
        b"@ stdout F good\n@ stderr F torn",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"torn\" of stderr at 1700000000 s",
    ),
    mistake(
        "CRI: an empty line",
        b"@ stdout F good\n\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "CRI: a byte order mark at the beginning",
        b"\xef\xbb\xbf@ stdout F a\n@ stdout F b\n",
        "record \"a\" of stdout at 1700000000 s\n\
         record \"b\" of stdout at 1700000000 s",
    ),
    mistake(
        "docker: a line cut in half",
        b"{\"log\":\"good\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n{\"log\":\"tor\n",
        "record \"good\\n\" of stdout at 1700000000 s\n\
         record \"{\\\"log\\\":\\\"tor\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "docker: a line without a stream",
        b"{\"log\":\"good\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n{\"log\":\"x\"}\n",
        "record \"good\\n\" of stdout at 1700000000 s\n\
         record \"{\\\"log\\\":\\\"x\\\"}\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake(
        "docker: an escape that does not exist",
        b"{\"log\":\"a\\qb\\ud800\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n",
        "record \"a�b�\\n\" of stdout at 1700000000 s",
    ),
    mistake(
        "a text longer than `max_line`",
        b"@ stdout F 0123456789012345678901234567890123456789, and more\n",
        "record \"0123456789012345678901234567890123456789\" of stdout at 1700000000 s, cut\n\
         counted: lines_cut 1",
    ),
    mistake(
        "parts that are longer than `max_line` together",
        b"@ stdout P 01234567890123456789\n@ stdout F 01234567890123456789, and more\n",
        "record \"0123456789012345678901234567890123456789\" of stdout at 1700000000 s, cut\n\
         counted: lines_cut 1",
    ),
    mistake(
        "bytes that are not UTF-8",
        b"@ stdout F caf\xe9\n",
        "record \"caf�\" of stdout at 1700000000 s, with its bytes [63, 61, 66, e9]\n\
         counted: lines_not_utf8 1",
    ),
    mistake(
        "NUL bytes, as after a power failure",
        b"@ stdout F good\n\0\0\0\0\n@ stdout F next\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"\\0\\0\\0\\0\" of stdout at 1700000000 s\n\
         record \"next\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
    mistake("a line break of another system", b"@ stdout F text\r\n", "record \"text\\r\" of stdout at 1700000000 s"),
    mistake(
        "a container's log without any format",
        b"hello\nworld\n",
        "record \"hello\" of stdout at 42 s\n\
         record \"world\" of stdout at 42 s",
    ),
    mistake(
        "another format from the second line on",
        b"@ stdout F good\n{\"log\":\"a\"}\n",
        "record \"good\" of stdout at 1700000000 s\n\
         record \"{\\\"log\\\":\\\"a\\\"}\" of stdout at 1700000000 s\n\
         counted: lines_malformed 1",
    ),
];

async fn say(given: &[u8]) -> String {
    let node = Node::new();
    let (log, _guard) = Log::start();
    let content: Vec<u8> = given
        .iter()
        .flat_map(|byte| match byte {
            b'@' => b"2023-11-14T22:13:20Z".to_vec(),
            byte => vec![*byte],
        })
        .collect();
    fs::write(node.log(), content).unwrap();
    let mut tail = node.open().unwrap();
    let mut seen = node.read(&mut tail).await;
    fs::remove_file(node.log()).unwrap();
    seen.extend(node.read(&mut tail).await);
    node.outcome(&seen, &log)
}

#[tokio::test(start_paused = true)]
async fn lines() {
    let mut found = Vec::new();
    for mistake in TABLE {
        found.push(say(mistake.given).await);
    }
    assert_eq!(differences(TABLE, &found), "");
}
