//! Answers to bulk requests: no document counts as delivered without a word about itself in a whole answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[path = "../../../router/elastic/src/reasons.rs"]
#[allow(dead_code)]
mod reasons;
#[path = "../../../router/elastic/src/response.rs"]
#[allow(dead_code)]
mod response;

use response::{Answer, Outcome, Refusal};

const STATUSES: [u16; 14] = [200, 200, 200, 200, 201, 299, 300, 400, 401, 404, 413, 429, 500, 503];

fuzz_target!(|bytes: &[u8]| {
    let [status, count, cut, body @ ..] = bytes else { return };
    let (status, count) = (STATUSES[usize::from(*status) % STATUSES.len()], usize::from(*count) % 8);
    match response::read(status, body, count) {
        Answer::Items(outcomes) => {
            assert!((200..300).contains(&status));
            judge(&outcomes, body, count);
            // The same answer, of which the end did not come.
            let body = body.trim_ascii_end();
            let whole = body.len().saturating_sub(1 + usize::from(*cut));
            assert!(!matches!(response::read(status, &body[..whole], count), Answer::Items(_)), "a part of an answer");
            for other in [count + 1, count.wrapping_sub(1)] {
                assert!(!matches!(response::read(status, body, other), Answer::Items(_)), "an answer to {count}");
            }
        }
        Answer::TooLarge => assert_eq!(status, 413),
        Answer::Refused(refusal) => {
            assert_eq!((status, refusal.status), (400, 400));
            check_refusal(&refusal);
            check_text(&refusal.describe_whole());
        }
        Answer::Again(text) => check_text(&text),
    }
});

/// One outcome a document, each by its own status.
fn judge(outcomes: &[Outcome], body: &[u8], count: usize) {
    assert_eq!(outcomes.len(), count);
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Delivered { repeated } => {
                let Some(answer) = &answer else { continue };
                let status = answer["items"][index]["create"]["status"].as_u64();
                let expected = if *repeated { 409..410 } else { 200..300 };
                assert!(status.is_some_and(|status| expected.contains(&status)), "{status:?} is no delivery");
            }
            Outcome::Again(refusal) => check_text(&refusal.describe()),
            Outcome::Rejected(refusal) => {
                assert!((400..500).contains(&refusal.status), "{refusal:?}");
                check_refusal(refusal);
            }
        }
    }
}

fn check_refusal(refusal: &Refusal) {
    assert!(
        refusal.detail.len() <= 4096 && (refusal.kind == "other" || reasons::is_plain(&refusal.kind)),
        "{refusal:?}"
    );
}

/// A text for a log line: short, and one line.
fn check_text(text: &str) {
    assert!(text.len() < 400 && !text.contains(|character: char| character.is_control()), "{text:?}");
}
