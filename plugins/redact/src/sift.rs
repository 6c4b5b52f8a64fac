//! Tells at once for many records which of them no rule can find anything in.
//!
//! What rules find is known by three characters somewhere in it, a mark: passwords by `ssw`, Stripe's keys by `k_l`.
use redact_sieve::Sieve;

use crate::rules::Rule;

/// Marks; a letter stands for both cases, `*` for any character. A group also fits what is mixed of its marks, and those
/// that are together here give no words when they are mixed. Eight groups
/// are one pass over a text, and the usual rules need two: so `riz` of the bearer stands with the tokens as well.
const GROUPS: [(Rule, &[&str]); 18] = [
    (Rule::Email, &["@**"]),
    // Passwords in addresses.
    (Rule::ApiToken, &["@**"]),
    // passwd, password, passphrase, pwd and glpat-, pass_word, github_pat_, pass-phrase
    (Rule::ApiToken, &["ssw", "sph"]),
    (Rule::ApiToken, &["pwd", "glp"]),
    (Rule::ApiToken, &["s_w", "s_p", "ub_"]),
    (Rule::ApiToken, &["s-w", "s-p", "s.w", "s.p"]),
    // secret, token, key (also that of a private key), eyJ
    (Rule::ApiToken, &["ecr"]),
    (Rule::ApiToken, &["tok"]),
    (Rule::ApiToken, &["key", "eyj"]),
    // AKIA, ASIA, AIza and xoxb-
    (Rule::ApiToken, &["kia"]),
    (Rule::ApiToken, &["sia"]),
    (Rule::ApiToken, &["aiz", "xox", "riz"]),
    // ghp_
    (Rule::ApiToken, &["h*_"]),
    // sk_live_, rk_test_, sk-, hooks.slack.com
    (Rule::ApiToken, &["k_l", "k_t"]),
    (Rule::ApiToken, &["sk-"]),
    (Rule::ApiToken, &["k.c"]),
    // Bearer, Authorization
    (Rule::Bearer, &["bea"]),
    (Rule::Bearer, &["riz"]),
];

/// What the rules of a configuration are known by.
pub fn sieve(rules: &[Rule]) -> Sieve {
    let mut groups: Vec<&[&str]> = Vec::new();
    for (_, marks) in GROUPS.iter().filter(|(rule, _)| rules.contains(rule)) {
        if !groups.iter().any(|group| marks.iter().all(|mark| group.contains(mark))) {
            groups.push(marks);
        }
    }
    Sieve::new(&groups, rules.contains(&Rule::CreditCard), rules.contains(&Rule::Ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rules: &[Rule], text: &str) -> bool {
        let mut window = [0; 80];
        window[..text.len()].copy_from_slice(text.as_bytes());
        sieve(rules).may_begin(&window)
    }

    #[test]
    fn usual_words_pass_no_sieve() {
        let all = [Rule::Email, Rule::CreditCard, Rule::Bearer, Rule::ApiToken];
        for text in [
            "2026-01-02 03:04:05,678 INFO [http-nio-8080-exec-5] request",
            "2026-01-02T03:04:05.678901Z level=info msg=\"order accepted\"",
            "c.s.OrderService - took 57ms status=200 bytes=5123 region=eu",
            "the number of special characters is required by their public",
            "because variable names are being built from the section title",
            "java.lang.IllegalStateException: no route to host 10.0.0.1:80",
            "1700000000, 17000000, 1234-567, 0x7fff 4111",
            "orders-service: always group so that weights/people show up",
            "task done, requests_total=5 bytes_sent=7 class=gateway/pages",
        ] {
            assert!(!fits(&all, text), "{text}");
        }
    }

    #[test]
    fn names_with_marks_between_their_words_pass() {
        for name in ["pass_word", "Pass-Word", "pass.word", "PASS_PHRASE", "pass-phrase", "pass.phrase", "pass_wd"] {
            assert!(fits(&[Rule::ApiToken], name), "{name}");
        }
        for name in ["api_key", "API-KEY", "access.key", "github_pat_", "glpat-", "hooks.slack.com", "xoxb-"] {
            assert!(fits(&[Rule::ApiToken], name), "{name}");
        }
    }

    /// More than two passes over a text would make clean records half as dear again.
    #[test]
    fn the_usual_rules_need_two_passes() {
        assert_eq!(sieve(&crate::rules::USUAL).passes(), 2);
    }

    #[test]
    fn marks_pass_in_either_case_at_every_place() {
        for (rule, marks) in GROUPS {
            for mark in marks {
                for at in 0..64 {
                    let text = format!("{}{}", " ".repeat(at), mark.replace('*', "x"));
                    assert!(fits(&[rule], &text) && fits(&[rule], &text.to_ascii_uppercase()), "{mark} at {at}");
                    assert!(!fits(&[Rule::CreditCard], &text), "{mark}");
                }
            }
        }
        for at in 0..64 {
            let text = format!("{}4111-1111-1111-1", " ".repeat(at));
            assert!(fits(&[Rule::CreditCard], &text), "{at}");
        }
    }
}
