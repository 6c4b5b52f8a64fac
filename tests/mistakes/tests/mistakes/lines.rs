//! Lines of a container's log that is then removed; `@` stands for the time 2023-11-14T22:13:20Z, second 1700000000.
//! `max_line` is 16 bytes.

use std::fs;

use sluice_mistakes::{Mistake, differences, mistake};

use crate::{log::Log, node::Node};

pub const TABLE: &[Mistake<&[u8]>] = &[
    mistake("CRI: a line without a time", b"@ stdout F good\nstdout F bad\n", ""),
    mistake("CRI: a time that is none", b"@ stdout F good\n2023-13-14T22:13:20Z stdout F x\n", ""),
    mistake("CRI: a line without a stream", b"@ stdout F good\n@ F text\n", ""),
    mistake("CRI: a stream that does not exist", b"@ stdout F good\n@ stdin F a\n", ""),
    mistake("CRI: a line without a tag", b"@ stdout F good\n@ stdout\n", ""),
    mistake("CRI: a tag that does not exist", b"@ stdout F good\n@ stderr X a\n", ""),
    mistake("CRI: a text whose end never comes", b"@ stdout P half\n", ""),
    mistake("CRI: a last line without its line break", b"@ stdout F good\n@ stderr F torn", ""),
    mistake("CRI: an empty line", b"@ stdout F good\n\n", ""),
    mistake("CRI: a byte order mark at the beginning", b"\xef\xbb\xbf@ stdout F a\n@ stdout F b\n", ""),
    mistake(
        "docker: a line cut in half",
        b"{\"log\":\"good\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n{\"log\":\"tor\n",
        "",
    ),
    mistake(
        "docker: a line without a stream",
        b"{\"log\":\"good\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n{\"log\":\"x\"}\n",
        "",
    ),
    mistake(
        "docker: an escape that does not exist",
        b"{\"log\":\"a\\qb\\ud800\\n\",\"stream\":\"stdout\",\"time\":\"@\"}\n",
        "",
    ),
    mistake("a text longer than `max_line`", b"@ stdout F 0123456789abcdefXYZ\n", ""),
    mistake("parts that are longer than `max_line` together", b"@ stdout P 0123456789\n@ stdout F abcdefXYZ\n", ""),
    mistake("bytes that are not UTF-8", b"@ stdout F caf\xe9\n", ""),
    mistake("NUL bytes, as after a power failure", b"@ stdout F good\n\0\0\0\0\n@ stdout F next\n", ""),
    mistake("a line break of another system", b"@ stdout F text\r\n", ""),
    mistake("a container's log without any format", b"hello\nworld\n", ""),
    mistake("another format from the second line on", b"@ stdout F good\n{\"log\":\"a\"}\n", ""),
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
