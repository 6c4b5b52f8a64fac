//! The webhook's URL: a secret, since who knows it can post.

use std::{fmt, net::IpAddr};

/// Pieces of a URL's path that are longer than this may be a token.
const LONGEST_PUBLIC: usize = 8;

/// A webhook's address. `Debug` never shows it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(reqwest::Url);

/// Why a text is no webhook's address; none of the texts quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("the webhook's URL is empty; write the URL that Slack showed into the file or variable of `webhook`")]
    Empty,
    #[error("the webhook's URL cannot be read: {0}; write all of it, such as https://hooks.slack.com/services/…")]
    Unreadable(String),
    #[error("the webhook's URL must begin with https://; http:// is for a receiver on this machine alone (127.0.0.1)")]
    NotEncrypted,
}

impl Url {
    /// Reads what a file or a variable holds; white space around it does not matter.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadUrl::Empty);
        }
        // The parser's errors are fixed texts that quote nothing.
        let url = reqwest::Url::parse(text).map_err(|error| BadUrl::Unreadable(error.to_string()))?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(BadUrl::NotEncrypted),
        }
    }

    pub(crate) fn address(&self) -> reqwest::Url {
        self.0.clone()
    }

    /// `text` without what a server may have echoed of the address: the path, its longer pieces, the query.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (path, query) = (self.0.path(), self.0.query());
        let pieces = path.split('/').filter(|piece| piece.len() > LONGEST_PUBLIC);
        let whole = (path.len() > 1).then_some(path);
        let secrets = query.into_iter().chain(whole).chain(pieces).filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url(…)")
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        let unreadable = |text: &str| Err(BadUrl::Unreadable(text.into()));
        for (text, expected) in [
            ("https://hooks.slack.com/services/T0/B0/secret", Ok(())),
            (" https://hooks.slack.com/services/T0/B0/secret\n", Ok(())),
            ("https://chat.example:8443/hooks/secret?token=secret", Ok(())),
            ("http://127.0.0.1:8080/secret", Ok(())),
            ("http://[::1]:8080/secret", Ok(())),
            ("http://localhost/secret", Ok(())),
            ("", Err(BadUrl::Empty)),
            (" \n", Err(BadUrl::Empty)),
            ("http://hooks.slack.com/secret", Err(BadUrl::NotEncrypted)),
            ("http://127.0.0.1.secret.example/", Err(BadUrl::NotEncrypted)),
            ("ftp://localhost/secret", Err(BadUrl::NotEncrypted)),
            ("hooks.slack.com/secret", unreadable("relative URL without a base")),
            ("https://h:secret/", unreadable("invalid port number")),
            ("https://", unreadable("empty host")),
        ] {
            let parsed = Url::parse(text);
            assert!(!format!("{parsed:?}").contains("secret"), "{text}");
            if let Err(error) = &parsed {
                assert!(!error.to_string().contains("secret"), "{text}: {error}");
            }
            assert_eq!(parsed.map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn what_a_server_echoes_is_redacted() {
        let url = Url::parse("https://hooks.slack.com/services/T0/B0/SECRETSECRET?token=abc").unwrap();
        for (text, expected) in [
            ("Cannot POST /services/T0/B0/SECRETSECRET", "Cannot POST …"),
            ("no hook SECRETSECRET", "no hook …"),
            ("POST /services/T0/B0/SECRETSECRET?token=abc", "POST …?…"),
            ("invalid_payload", "invalid_payload"),
        ] {
            assert_eq!(url.redact(text), expected);
        }
        let bare = Url::parse("https://h/").unwrap();
        assert_eq!(bare.redact("a/b"), "a/b");
    }
}
