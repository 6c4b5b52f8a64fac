//! The plugin as the host meets it.
use std::time::{Duration, Instant};

use super::*;
use sluice_plugin::testing::configure_enricher;

fn check(options: &str, record: &str, expect: &str) {
    let plugin = configure_enricher::<Redact>(options).unwrap();
    // Among others, so that the sieve is asked about a text that goes on.
    let records =
        [r#"{"log":"clean"}"#, record, record, r#"{"log":"clean as well, of some length, so that windows end"}"#];
    let enriched = plugin.enriched(&records);
    let parsed = configure_enricher::<Redact>(r#"{"fields":["none"]}"#).unwrap().enriched(&[expect]);
    assert_eq!(enriched[1], parsed[0], "{options} {record}");
    assert_eq!((&enriched[2], enriched[0].to_string()), (&enriched[1], records[0].to_string()), "{options} {record}");
}

#[test]
fn every_rule_hides_what_it_finds() {
    for (log, expect) in [
        ("mail to bob@example.com.", "mail to [REDACTED:email]."),
        ("card 4111 1111 1111 1111 declined", "card [REDACTED:credit-card] declined"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [REDACTED:bearer]"),
        ("Bearer abc123def456", "Bearer [REDACTED:bearer]"),
        ("login password=hunter2 ok", "login password=[REDACTED:api-token] ok"),
        ("DB_PWD=x", "DB_PWD=[REDACTED:api-token]"),
        ("passphrase: x y", "passphrase: [REDACTED:api-token] y"),
        ("clientSecret=abcdef", "clientSecret=[REDACTED:api-token]"),
        ("key AKIAABCDEFGH23456789 used", "key [REDACTED:api-token] used"),
        ("key ASIAABCDEFGH23456789 used", "key [REDACTED:api-token] used"),
        ("postgres://bob:hunter2@db/shop", "postgres://bob:[REDACTED:api-token]@db/shop"),
        // Several rules in one place: nothing of any is left.
        ("password=bob@example.com!", "password=[REDACTED:api-token]"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "Bearer [REDACTED:bearer]"),
        ("a@example.com b@example.com", "[REDACTED:email] [REDACTED:email]"),
        // Alone among clean records.
        ("pass_phrase=hunter2", "pass_phrase=[REDACTED:api-token]"),
        ("pass-word: hunter2", "pass-word: [REDACTED:api-token]"),
        ("user[password]=hunter2", "user[password]=[REDACTED:api-token]"),
        ("card 4111 1111 1111 1111 123 charged", "card [REDACTED:credit-card] 123 charged"),
        // Addresses of machines only on request.
        ("from 10.0.0.1", "from 10.0.0.1"),
        ("nothing to hide: 12 tokens, id 1234567890123456", "nothing to hide: 12 tokens, id 1234567890123456"),
        ("größe ü bob@example.com é", "größe ü [REDACTED:email] é"),
    ] {
        check("{}", &format!(r#"{{"log":"{log}"}}"#), &format!(r#"{{"log":"{expect}"}}"#));
    }
}

/// Each thing that a rule finds passes the sieve, wherever in a window it is.
#[test]
fn the_sieve_lets_through_what_rules_find() {
    let secret = "a1B2c3D4e5F6g7H8".repeat(3);
    let tokens = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-", "xoxr-"];
    let more = ["xoxs-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk-", "AIza", "hooks.slack.com/services/"];
    let named = ["password", "PASSWD", "pwd", "passPhrase", "secret", "token", "api_key", "X-Api-Key", "ACCESSKEY"];
    let names = named.iter().map(|name| format!("{name}={secret}"));
    let cards = ["4111111111111111", "4111-1111-1111-1111", "3714 496353 98431", "4222222222222", "4222 2222 2222 2"];
    let others = ["bob@example.com", "Bearer abc123def456", "authorization: abc123def456", "10.0.0.1", "::1", "1::2:3"];
    let full =
        ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", "2001:0db8:0000:0000:0000:ff00:0042:8329", "AKIAABCDEFGH23456789"];
    let key = "-----BEGIN PRIVATE KEY-----\\nMIIE";
    let all = tokens.iter().chain(&more).map(|prefix| format!("{prefix}{secret}")).chain(names);
    let all = all.chain(cards.iter().chain(&others).chain(&full).chain([&key]).map(|text| text.to_string()));
    let rules = r#"{"rules":["email","credit-card","bearer","api-token","ip"]}"#;
    let plugin = configure_enricher::<Redact>(rules).unwrap();
    for text in all {
        for before in (0..70).step_by(3) {
            let record = format!(r#"{{"log":"{} {text}"}}"#, ".".repeat(before));
            let redacted = plugin.enriched(&[&record, r#"{"log":"x"}"#]).remove(0).to_string();
            assert!(redacted.contains("[REDACTED:"), "{record}");
        }
    }
}

/// What it takes to look through a text grows with its size, whatever the text: eight times as much may take some eight
/// times as long, where a search that starts again at every mark would take 64 times as long.
#[test]
fn no_text_is_dear() {
    for piece in HOSTILE {
        let is_dear = || {
            let time = |size: usize| time_of(&piece.repeat(size / piece.len()));
            // The floor is for what a busy machine adds to a few milliseconds.
            time(256 << 10) > (time(32 << 10) * 20).max(Duration::from_millis(300))
        };
        // A machine that is busy with something else makes it look so once, and not each time.
        assert!(!(0..5).all(|_| is_dear()), "{piece}: 256 KiB take more than 20 times as long as 32 KiB");
    }
    // Many matches behind many blanks.
    let text = format!("{}{}", " ".repeat(128 << 10), "a@b.cc ".repeat(18_000));
    assert!(!(0..5).all(|_| time_of(&text) > Duration::from_secs(2)), "many matches behind many blanks");
}

fn time_of(text: &str) -> Duration {
    let started = Instant::now();
    redacted(text);
    started.elapsed()
}

fn redacted(text: &str) -> String {
    let mut matches = Vec::new();
    for rule in Rule::ALL {
        rule.find(text, &mut |range| matches.push(Match { range, with: "[REDACTED]".into() }));
    }
    cover::settle(&mut matches);
    cover::cover(text, &matches)
}

/// JSON stays JSON, and so does JSON in its strings, whatever stands in there.
#[test]
fn json_stays_json() {
    let pieces = [
        "password=",
        "token: ",
        "pwd",
        "=",
        ":",
        "'",
        "\"",
        "\\",
        "\\\"",
        "\n",
        " ",
        ",",
        "a1b2c3d4e5",
        "[",
        "]",
        "{",
        "}",
        "`",
        "/",
        "\\/",
        "Authorization: ",
        "Digest ",
        "Basic ",
        "Bearer ",
        "postgres://a:b@c/",
        "bob@example.com",
        "4111111111111111",
        "-----BEGIN PRIVATE KEY-----",
        "-----END",
        "sk-a1B2c3D4e5F6g7H8i9J0kk",
        "10.0.0.1",
        "::1",
        "hooks.slack.com/services/",
        "eyJhbGciOiJIUzI1NiJ9.eyJ",
    ];
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for case in 0..20_000 {
        let mut text: String = (0..random(12)).map(|_| pieces[random(pieces.len())]).collect();
        let key = ["m", "password", "Authorization", "token"][random(4)];
        let depth = 1 + case % 3;
        for level in 0..depth {
            text = format!(r#"{{"{}":"{}","x":1}}"#, if level == 0 { key } else { "m" }, escaped(&text));
        }
        let mut inner = redacted(&text);
        for level in (0..depth).rev() {
            assert!(is_json(&inner), "level {level} of {text}\n{inner}");
            let value = inner.strip_suffix("\",\"x\":1}").and_then(|json| json.split_once("\":\"")).unwrap().1;
            inner = unescaped(value);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    std::iter::from_fn(|| match characters.next()? {
        '\\' => characters.next().map(|c| if c == 'n' { '\n' } else { c }),
        c => Some(c),
    })
    .collect()
}

const HOSTILE: [&str; 45] = [
    "password=",
    "password:",
    "token: ",
    "token=",
    "pwd='",
    "pwd='${",
    "pwd=\"${",
    "pwd=`${pwd='${pwd=\\\"${",
    "pwd=[",
    "pwd=xx",
    "pwd=\\\\\\\"${",
    "pwd=$",
    "secret:a;",
    "bearer",
    "bearer ",
    "bearer $",
    "authorization=",
    "authorization=$",
    "authorization: ",
    "authorization: digest ",
    "authorization: digest a=\"",
    "authorization=[",
    "sk-",
    "sk-1-",
    "sk-a ",
    "eyJ-",
    "eyJ.",
    "eyJ-eyJ.",
    "eyJaaaaaaaaaa ",
    "ghp_",
    "xoxb-",
    "AKIA",
    "hooks.slack.com/services/",
    "-----BEGIN PRIVATE KEY-----",
    "PRIVATE KEY-----",
    "@",
    "a@b.",
    "é@",
    "1",
    "1.",
    ":",
    "1:",
    "4111 ",
    "\\",
    "://a:b@",
];

#[test]
fn values_that_are_no_texts() {
    for (log, expect) in [
        (r#"{"user":"bob@example.com","n":1.50}"#, r#"{"user":"[REDACTED:email]","n":1.50}"#),
        (
            r#"{"password":"a\"b","card":4111111111111111}"#,
            r#"{"password":"[REDACTED:api-token]","card":"[REDACTED:credit-card]"}"#,
        ),
        (r#"["bob@example.com",[4111111111111111]]"#, r#"["[REDACTED:email]",["[REDACTED:credit-card]"]]"#),
        ("4111111111111111", r#""[REDACTED:credit-card]""#),
        ("5", "5"),
        ("true", "true"),
        ("null", "null"),
        (r#"{"a":1}"#, r#"{"a":1}"#),
        // A text that is JSON stays JSON.
        (
            r#""{\"card\":4111111111111111,\"m\":\"a\\nbob@example.com\",\"pwd\":\"x\\\"y\"}""#,
            r#""{\"card\":\"[REDACTED:credit-card]\",\"m\":\"a\\n[REDACTED:email]\",\"pwd\":\"[REDACTED:api-token]\"}""#,
        ),
        (
            r#"{"m":"{\"m2\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}","pin":{"password":[12345]}}"#,
            r#"{"m":"{\"m2\":\"{\\\"password\\\":\\\"[REDACTED:api-token]\\\"}\"}","pin":{"password":["[REDACTED:api-token]"]}}"#,
        ),
    ] {
        check("{}", &format!(r#"{{"log":{log}}}"#), &format!(r#"{{"log":{expect}}}"#));
    }
}

#[test]
fn options() {
    for (options, record, expect) in [
        (r#"{"rules":["ip"]}"#, r#"{"log":"10.0.0.1 a@b.com"}"#, r#"{"log":"[REDACTED:ip] a@b.com"}"#),
        (r#"{"replacement":"***"}"#, r#"{"log":"a@b.com"}"#, r#"{"log":"***"}"#),
        (r#"{"replacement":"<{rule}>"}"#, r#"{"log":"a@b.com"}"#, r#"{"log":"<email>"}"#),
        (
            r#"{"fields":["message","user.mail"]}"#,
            r#"{"log":"a@b.com","message":"a@b.com","user":{"mail":"a@b.com","x":1}}"#,
            r#"{"log":"a@b.com","message":"[REDACTED:email]","user":{"mail":"[REDACTED:email]","x":1}}"#,
        ),
        // The bytes of the text go with it, and stay with a text that stays.
        ("{}", r#"{"log":"a@b.com","log_raw":"AAA="}"#, r#"{"log":"[REDACTED:email]"}"#),
        ("{}", r#"{"log":"x","log_raw":"AAA="}"#, r#"{"log":"x","log_raw":"AAA="}"#),
        // Patterns of one's own, before the rules.
        (
            r#"{"patterns":[{"name":"customer","regex":"C-[0-9]{6}"}]}"#,
            r#"{"log":"C-123456 C-1 a@b.com"}"#,
            r#"{"log":"[REDACTED:customer] C-1 [REDACTED:email]"}"#,
        ),
        (
            r#"{"rules":[],"patterns":[{"name":"iban","regex":"\\b(DE)[0-9]{4}([0-9]{4})\\b","replace":"$1…${2}"}]}"#,
            r#"{"log":"DE12345678 a@b.com"}"#,
            r#"{"log":"DE…5678 a@b.com"}"#,
        ),
        (
            r#"{"patterns":[{"name":"user","regex":"(?i)user=\\S+","replace":"user=?"}]}"#,
            r#"{"log":"USER=Jürgen x"}"#,
            r#"{"log":"user=? x"}"#,
        ),
        // One that would make JSON of something else takes all of it.
        (
            r#"{"patterns":[{"name":"greedy","regex":"x.*"}]}"#,
            r#"{"log":{"a":"x","b":1}}"#,
            r#"{"log":"[REDACTED:greedy]"}"#,
        ),
    ] {
        check(options, record, expect);
    }
}

#[test]
fn errors_say_what_to_write() {
    for (options, expect) in [
        (r#"{"rules":[]}"#, "rules: nothing to redact; name a rule, or give patterns"),
        (r#"{"fields":[]}"#, "fields: name at least one field to look through"),
        (
            r#"{"rules":["mail"]}"#,
            "rules[0]: unknown variant `mail`, expected one of `email`, `credit-card`, `bearer`, `api-token`, `ip`",
        ),
        (
            r#"{"replacement":"\"x\""}"#,
            "replacement: write it without quotes, backslashes and control characters, so that JSON stays JSON",
        ),
        (r#"{"patterns":[{"name":"x"}]}"#, "patterns[0]: missing field `regex`"),
        (
            r#"{"patterns":[{"name":"","regex":"x"}]}"#,
            "patterns[0].name: is empty; it is shown where something was redacted",
        ),
        (
            r#"{"patterns":[{"name":"x","regex":"x*"}]}"#,
            "patterns[0].regex: matches the empty text; write one that needs at least a character",
        ),
        (
            r#"{"patterns":[{"name":"x","regex":"("}]}"#,
            "patterns[0].regex: a ( is not closed; write \\( for the character",
        ),
        (
            r#"{"patterns":[{"name":"x","regex":"((a{100}){100}){100}"}]}"#,
            "patterns[0].regex: is too large; what is repeated must not come to more than 4000 characters",
        ),
    ] {
        let error = configure_enricher::<Redact>(options).err();
        assert_eq!(error.as_deref(), Some(expect), "{options}");
    }
}
